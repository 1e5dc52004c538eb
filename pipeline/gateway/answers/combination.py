"""The quotes of combinations, made from those of their legs."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.gateway.answers import entitlement
from pipeline.gateway.answers.area import House
from pipeline.gateway.asks.market_data import MktData
from pipeline.gateway.asks.request import BadRequest
from pipeline.gateway.asks.terms import Leg
from pipeline.gateway.broker import combos
from pipeline.gateway.broker.matching import Sight
from pipeline.gateway.market.tape import ASK, AUTO_EXECUTE, BID, Half, Quote
from pipeline.gateway.market.universe import Instrument
from pipeline.gateway.session import Session
from pipeline.gateway.tells import ticks
from pipeline.gateway.tells.frames import prefixed

Told = tuple[float, int] | None  # price and size of a side


def read(house: House, asked: MktData) -> tuple[Instrument, tuple[tuple[Leg, Instrument], ...]]:
    """The face of a combination and its legs with their contracts; BadRequest as TWS refuses it."""
    if not asked.contract.exchange:
        raise BadRequest(asked.req_id, 321, "Error validating request.-'bQ' : cause - Please enter exchange")
    if not combos.FEWEST_LEGS <= len(asked.legs) <= combos.MOST_LEGS:
        raise BadRequest(asked.req_id, 321, "Error validating request.-'bQ' : cause - Invalid number of combo legs")
    legs = []
    for leg in asked.legs:
        x = house.brokerage.universe.by_con_id.get(leg.con_id)
        if x is None or leg.ratio <= 0 or leg.action not in ("BUY", "SELL", "SSHORT"):
            raise BadRequest(asked.req_id, 200, "No security definition has been found for the request")
        if not entitlement.is_live(house, x):
            raise BadRequest(asked.req_id, *entitlement.refusal(x))
        legs.append((leg, x))
    if {x.sec_type for _, x in legs} == {"STK", "FUT"}:
        cause = "Exchanges for physicals are not supported"
        raise BadRequest(asked.req_id, 321, f"Error validating request.-'bQ' : cause - {cause}")
    return combos.face(asked.contract.symbol, asked.contract.exchange), tuple(legs)


@dataclass(eq=False)
class Combination:
    """One subscription to a combination, and its sides as last told."""

    session: Session
    req_id: int
    legs: tuple[tuple[Leg, Instrument], ...]
    told: dict[int, Told]


class Combinations:
    """All of them; one whose legs moved in a turn is told once, at its end."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._all: dict[tuple[Session, int], Combination] = {}
        self._by_leg: dict[int, list[Combination]] = {}
        self._moved: dict[Combination, None] = {}

    def __len__(self) -> int:
        return len(self._all)

    def begin(self, session: Session, req_id: int, legs: tuple[tuple[Leg, Instrument], ...]) -> None:
        if not self._all:
            self._house.brokerage.tape.quotes_changed.append(self._quoted)
        one = self._all[session, req_id] = Combination(session, req_id, legs, {})
        for _, x in legs:
            self._by_leg.setdefault(x.con_id, []).append(one)
            self._house.lines.hold(x)
        self._tell(one)

    def end(self, session: Session, req_id: int) -> None:
        one = self._all.pop((session, req_id))
        self._moved.pop(one, None)
        for _, x in one.legs:
            self._by_leg[x.con_id].remove(one)
            if not self._by_leg[x.con_id]:
                del self._by_leg[x.con_id]
            self._house.lines.release(x)
        if not self._all:
            self._house.brokerage.tape.quotes_changed.remove(self._quoted)

    def cycle(self) -> None:
        for one in self._moved:
            self._tell(one)
        self._moved.clear()

    def picture(self, session: Session, req_id: int, legs: tuple[tuple[Leg, Instrument], ...]) -> None:
        """Tell both sides once."""
        self._tell(Combination(session, req_id, legs, {}))

    def _quoted(self, x: Instrument, _quote: Quote, _time_ns: int) -> None:
        for one in self._by_leg.get(x.con_id, ()):
            self._moved[one] = None

    def _tell(self, one: Combination) -> None:
        found = combos.sight([leg for leg, _ in one.legs], self._look)
        heads = ticks.heads(one.req_id)
        for kind, price, size in ((BID, found.bid, found.bid_size), (ASK, found.ask, found.ask_size)):
            told = (price, size)
            before = one.told.get(kind)
            if told == before:
                continue
            one.told[kind] = told
            place, tail = self._half(kind, price, size, before is not None and before[0] == price)
            one.session.send_tick(prefixed(heads[place], tail))

    @staticmethod
    def _half(kind: int, price: float, size: int, same_price: bool) -> Half:
        """A side of which only the size changed is told by its size alone; net prices may be 0 or below."""
        if same_price:
            return ticks.SIZE, ticks.tick_size({BID: 0, ASK: 3}[kind], size)
        return ticks.PRICE, ticks.tick_price(kind, price, size, AUTO_EXECUTE if size else 0)

    def _look(self, con_id: int) -> Sight:
        quote = self._house.brokerage.tape.quote(self._house.brokerage.universe.by_con_id[con_id])
        return Sight(quote.bid, quote.ask, quote.bid_size, quote.ask_size)
