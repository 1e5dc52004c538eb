"""Answers about level-1 market data: streams and snapshots, live, frozen or delayed, with generic ticks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pipeline.gateway.answers import combination, entitlement
from pipeline.gateway.answers.area import Answer, Area, House, PlainAnswer
from pipeline.gateway.answers.combination import Combinations
from pipeline.gateway.answers.entitlement import DELAYED, DELAYED_FROZEN, FROZEN, LIVE
from pipeline.gateway.answers.trade_ticks import TradeTicks
from pipeline.gateway.asks import generic
from pipeline.gateway.asks.generic import Wanted
from pipeline.gateway.asks.market_data import MarketDataType, MktData
from pipeline.gateway.asks.request import BadRequest, Request
from pipeline.gateway.asks.terms import Leg
from pipeline.gateway.late import Late, relabelled
from pipeline.gateway.lines import Lines, NewsLine
from pipeline.gateway.market.listing import BBO_CODES
from pipeline.gateway.market.sessions import Phase
from pipeline.gateway.market.statistics import SUMMED, Statistics
from pipeline.gateway.market.tape import ASK, BID, HALTED, Half
from pipeline.gateway.market.universe import Instrument
from pipeline.gateway.session import Session
from pipeline.gateway.tells import ticks
from pipeline.gateway.tells.frames import prefixed

SNAPSHOT_PERMISSIONS = 3
SAME_LINE = 10  # so many subscriptions for each line that there may be
LOOK_EVERY_S = 1.0  # at figures that change slowly, at openings and closes
NO_QUOTE: list[Half] = [(ticks.PRICE, ticks.tick_price(kind, -1.0, 0, 0)) for kind in (BID, ASK)]
Legs = tuple[tuple[Leg, Instrument], ...]


@dataclass(eq=False)
class Subscription:
    """One stream; `shown` is the market data type that its client was told, `told` the slow ticks as last sent."""

    session: Session
    req_id: int
    x: Instrument
    wanted: Wanted
    late: bool
    legs: Legs
    shown: int = LIVE
    closed: bool = False
    told: dict[tuple[int, bytes], bytes] = field(default_factory=dict)  # message and tick type → the rest


class MarketData(Area):
    """Streams and snapshots of quotes."""

    market_data = True

    def __init__(self, house: House) -> None:
        super().__init__(house)
        self.statistics = Statistics(house.brokerage.tape)
        self.combinations = Combinations(house)
        self.trade_ticks = TradeTicks(house, self.statistics)
        self.late = None
        if house.settings.without_live_data and house.charts is not None:
            self.late = Late(house.brokerage.market, house.charts.past, house.lines)
        self._types: dict[Session, int] = {}
        self._all: dict[Session, dict[int, Subscription]] = {}
        self._looked = self._flowed = 0.0

    def answers(self) -> Mapping[type[Request], Answer]:
        return {MktData: self._market_data, MarketDataType: self._type}

    def plain(self) -> Mapping[str, PlainAnswer]:
        return {"cancelMktData": self._cancel}

    def forget(self, session: Session) -> None:
        for req_id in list(self._all.get(session, ())):
            self._end(session, req_id)
        self._all.pop(session, None)
        self._types.pop(session, None)

    def cycle(self, now_s: float) -> None:
        self.combinations.cycle()
        if self.late is not None:
            self.late.flow(now_s - self._flowed if self._flowed else 0.0)
        self._flowed = now_s
        if now_s - self._looked >= LOOK_EVERY_S:
            self._looked = now_s
            self.house.lines.refresh()
            if self.late is not None:
                self.late.refresh()
            for mine in self._all.values():
                for one in mine.values():
                    self._look(one)

    # Questions.

    def _type(self, session: Session, asked: MarketDataType) -> None:
        if asked.kind not in (LIVE, FROZEN, DELAYED, DELAYED_FROZEN):
            text = f"Error validating request.-'bN' : cause - Incorrect market data type {asked.kind}. Must be 1 to 4"
            raise BadRequest(-1, 321, text)
        self._types[session] = asked.kind

    def _market_data(self, session: Session, asked: MktData) -> None:
        if asked.req_id in self._all.get(session, ()):
            raise BadRequest(asked.req_id, 322, "Error processing request.-'bQ' : cause - Duplicate ticker id")
        legs: Legs = ()
        if asked.contract.sec_type == "BAG":
            x, legs = combination.read(self.house, asked)
        else:
            x = self.house.one(asked.req_id, asked.contract)
        snapshot = asked.snapshot or asked.regulatory
        if snapshot and asked.generic_ticks.strip():
            cause = "Snapshot market data subscription is not applicable to generic ticks"
            raise BadRequest(asked.req_id, 321, f"Error validating request.-'bQ' : cause - {cause}")
        wanted = generic.read(asked.req_id, asked.generic_ticks, x.sec_type)
        if not snapshot and not self._room_for(x, bool(legs)):
            raise BadRequest(asked.req_id, 101, "Max number of tickers has been reached")
        kind = self._types.get(session, LIVE)
        late = entitlement.check(self.house, session, asked.req_id, x, kind, wanted.numbers)
        one = Subscription(session, asked.req_id, x, wanted, late, legs)
        self._picture(one)
        if snapshot:
            session.send(ticks.snapshot_end(asked.req_id))
        else:
            self._begin(one)

    def _cancel(self, session: Session, req_id: int) -> None:
        if not self._end(session, req_id):
            raise BadRequest(req_id, 300, f"Can't find EId with tickerId:{req_id}")

    # Subscriptions.

    def _room_for(self, x: Instrument, combined: bool) -> bool:
        """A contract is one line, however often it is asked for; within reason."""
        limit = self.house.limits.lines
        asked = [one for mine in self._all.values() for one in mine.values()]
        if len(asked) >= SAME_LINE * limit:
            return False
        taken = {one.x.con_id for one in asked if not one.legs}
        return (not combined and x.con_id in taken) or len(taken) + len(self.combinations) < limit

    def _begin(self, one: Subscription) -> None:
        self._all.setdefault(one.session, {})[one.req_id] = one
        if one.legs:
            self.combinations.begin(one.session, one.req_id, one.legs)
            return
        lines = self._lines(one)
        if one.wanted.quiet:
            lines.hold(one.x)
        else:
            lines.add(one.session, one.req_id, one.x)
        if one.wanted.numbers & SUMMED and not one.late:
            self.trade_ticks.begin(one.session, one.req_id, one.x, one.wanted.numbers)
        if generic.NEWS in one.wanted.numbers:
            self.house.lines.news.append(NewsLine(one.session, one.req_id, one.x, one.wanted.news))

    def _end(self, session: Session, req_id: int) -> bool:
        """Forget one; False if there is none."""
        one = self._all.get(session, {}).pop(req_id, None)
        if one is None:
            return False
        if one.legs:
            self.combinations.end(session, req_id)
            return True
        if one.wanted.quiet:
            self._lines(one).release(one.x)
        else:
            self._lines(one).remove(session, req_id)
        self.trade_ticks.end(session, req_id)
        news = self.house.lines.news
        news[:] = [line for line in news if (line.session, line.req_id) != (session, req_id)]
        return True

    # What is told.

    def _picture(self, one: Subscription) -> None:
        """All that is known, once: the type of the data, its steps, prices, slow ticks."""
        market = self.house.brokerage.market
        one.closed = self._is_closed(one)
        one.shown = self._kind(one)
        one.session.send(ticks.market_data_type(one.req_id, one.shown))
        code = BBO_CODES.get(one.x.sec_type, "")
        one.session.send(ticks.tick_req_params(one.req_id, one.x.min_tick, code, SNAPSHOT_PERMISSIONS))
        if one.legs:
            self.combinations.picture(one.session, one.req_id, one.legs)
        elif not one.wanted.quiet:
            self._lines(one).picture(one.session, one.req_id, one.x)
            if one.closed and one.shown in (LIVE, DELAYED):
                self._tell(one, NO_QUOTE)
            halted = ticks.tick_generic(HALTED, float(market.halted(one.x)))
            one.told[ticks.GENERIC, b"%d" % HALTED] = halted.partition(b"\0")[2]
        self._slow(one)

    def _kind(self, one: Subscription) -> int:
        """The market data type as it is now."""
        asked = self._types.get(one.session, LIVE)
        frozen = one.closed and asked in (FROZEN, DELAYED_FROZEN)
        return (DELAYED_FROZEN if frozen else DELAYED) if one.late else FROZEN if frozen else LIVE

    def _is_closed(self, one: Subscription) -> bool:
        """Its exchange is; a combination's never, nor that of a recording, whose rows say what there was."""
        if one.legs or self.house.charts is None:
            return False
        return self.house.brokerage.market.phase(one.x) is Phase.CLOSED

    def _look(self, one: Subscription) -> None:
        """Tell what has changed since the last look: opened, closed, slow ticks."""
        closed = self._is_closed(one)
        if closed != one.closed:
            one.closed = closed
            kind = self._kind(one)
            if kind != one.shown:
                one.shown = kind
                one.session.send(ticks.market_data_type(one.req_id, kind))
            elif not one.wanted.quiet:
                picture = self.house.brokerage.tape.picture(one.x)
                self._tell(one, NO_QUOTE if closed else [half for half in picture if half[0] == ticks.PRICE])
        self._slow(one)

    def _slow(self, one: Subscription) -> None:
        if one.legs:
            return
        numbers = one.wanted.numbers & entitlement.INDEPENDENT if one.late else one.wanted.numbers
        halves = self.statistics.of(one.x, numbers) if numbers else []
        if not (one.wanted.quiet or one.late) and self.house.charts is not None:
            halves += self.statistics.unasked(one.x)
        fresh = []
        for place, tail in halves:
            kind, _, rest = tail.partition(b"\0")
            if one.told.get((place, kind)) != rest:
                one.told[place, kind] = rest
                fresh.append((place, tail))
        heads = ticks.heads(one.req_id) if fresh else ()
        for place, tail in fresh:
            one.session.send_tick(prefixed(heads[place], tail))

    def _tell(self, one: Subscription, halves: list[Half]) -> None:
        Lines.tell(one.session, ticks.heads(one.req_id), relabelled(halves) if one.late else halves)

    def _lines(self, one: Subscription) -> Lines:
        return self.late if one.late and self.late is not None else self.house.lines
