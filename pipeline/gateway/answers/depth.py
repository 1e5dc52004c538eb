"""Answers about market depth: the book of one exchange, or of all of SMART's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from pipeline.gateway.answers import entitlement
from pipeline.gateway.answers.area import Answer, Area, House, PlainAnswer
from pipeline.gateway.answers.feeds import Feeds
from pipeline.gateway.asks.request import BadRequest, Request
from pipeline.gateway.asks.streams import MktDepth
from pipeline.gateway.market import ladder
from pipeline.gateway.market.listing import DEPTH_EXCHANGES
from pipeline.gateway.market.sessions import Phase
from pipeline.gateway.market.tape import Quote
from pipeline.gateway.market.universe import Instrument
from pipeline.gateway.session import Session
from pipeline.gateway.tells import streams as tell

BOOKS = {(exchange, sec_type): data for exchange, sec_type, data, _ in DEPTH_EXCHANGES}
NAMED = "Deep2"  # such a book names its market makers
TOP_ONLY = "BEX; BYX; AMEX; CHX; NYSENAT; PSX; EDGEA; ISE; DRCTEDGE; MEMX; LTSE; PEARL; "
UNSUPPORTED = "Deep market data is not supported for this combination of security type/exchange"
RESET = "Market depth data has been RESET. Please empty deep book contents before applying any new entries."
LOOK_EVERY_S = 1.0  # at halts and at the end of a day


@dataclass(eq=False)
class Book:
    """One subscription, and the rows of each side as its client has them."""

    session: Session
    req_id: int
    x: Instrument
    rows: int
    smart: bool
    makers: tuple[str, ...]
    told: list[list[ladder.Row]] = field(default_factory=lambda: [[], []])
    stands: tuple[date, bool] = (date.min, False)  # the day, and whether its market trades


class Depth(Area):
    """Books; what happened in a turn is told at its end, one frame for each row that changed."""

    market_data = True

    def __init__(self, house: House) -> None:
        super().__init__(house)
        self._feeds: Feeds[Book] = Feeds(house, quoted=self._quoted)
        self._moved: dict[int, Quote] = {}
        self._looked = 0.0

    def answers(self) -> Mapping[type[Request], Answer]:
        return {MktDepth: self._subscribe}

    def plain(self) -> Mapping[str, PlainAnswer]:
        return {"cancelMktDepth": self._cancel}

    def forget(self, session: Session) -> None:
        self._feeds.forget(session)

    def cycle(self, now_s: float) -> None:
        if not self._feeds:
            return
        for con_id, quote in self._moved.items():
            for book in self._feeds.on(con_id):
                self._tell(book, quote)
        self._moved.clear()
        if now_s - self._looked >= LOOK_EVERY_S:
            self._looked = now_s
            for book in self._feeds:
                self._look(book)

    def _look(self, book: Book) -> None:
        """Begin the book again on a new day, empty it while nothing trades; the client is told to empty its own."""
        stands = self._standing(book.x)
        if stands == book.stands:
            return
        if any(book.told):
            self.house.error(book.session, book.req_id, 317, RESET)
        book.told, book.stands = [[], []], stands
        self._tell(book, self.house.brokerage.tape.quote(book.x))

    def _standing(self, x: Instrument) -> tuple[date, bool]:
        market = self.house.brokerage.market
        return market.universe.day, market.phase(x) is not Phase.CLOSED and not market.halted(x)

    def _subscribe(self, session: Session, asked: MktDepth) -> None:
        mine = self._feeds.of(session)
        if asked.req_id in mine:
            raise BadRequest(asked.req_id, 102, "Duplicate ticker ID.")
        if asked.contract.sec_type == "BAG":
            raise BadRequest(asked.req_id, 10092, UNSUPPORTED)
        x = self.house.one(asked.req_id, asked.contract)
        exchange = asked.contract.exchange
        smart = asked.smart and exchange == "SMART" and x.sec_type == "STK"
        kind = BOOKS.get((exchange, x.sec_type))
        if not smart and (asked.smart or kind is None):
            raise BadRequest(asked.req_id, 10092, UNSUPPORTED)
        if not entitlement.is_live(self.house, x):
            raise BadRequest(asked.req_id, *entitlement.refusal(x))
        if asked.rows <= 0:
            text = "Error validating request.-'bT' : cause - Number of market depth rows must be above 0."
            raise BadRequest(asked.req_id, 321, text)
        limit = self.house.limits.depth
        if len(mine) >= limit:
            text = f"Max number ({limit}) of market depth requests has been reached"
            raise BadRequest(asked.req_id, 309, text)
        makers = ladder.EXCHANGES if smart else ladder.MAKERS if kind == NAMED else ()
        book = Book(session, asked.req_id, x, asked.rows, asked.smart, makers)
        if asked.smart:
            text = f"Exchanges - Depth: {'; '.join(ladder.EXCHANGES)}; Top: {TOP_ONLY}"
            self.house.error(session, asked.req_id, 2152, text)
        self._feeds.begin(book)
        book.stands = self._standing(x)
        self._tell(book, self.house.brokerage.tape.quote(x))

    def _cancel(self, session: Session, req_id: int) -> None:
        if not self._feeds.end(session, req_id):
            raise BadRequest(req_id, 310, f"Can't find the subscribed market depth with tickerId:{req_id}")

    def _quoted(self, x: Instrument, quote: Quote, _time_ns: int) -> None:
        if self._feeds.on(x.con_id):
            self._moved[x.con_id] = quote

    @staticmethod
    def _tell(book: Book, quote: Quote) -> None:
        for side in ladder.SIDES:
            rows = ladder.rows(book.x, quote, side, book.rows, book.makers) if book.stands[1] else []
            for operation, position, row in ladder.operations(book.told[side], rows):
                if book.makers:
                    where = position, row.maker, operation, side, row.price, row.size
                    book.session.send(tell.depth_row_of(book.req_id, *where, book.smart))
                else:
                    book.session.send(tell.depth_row(book.req_id, position, operation, side, row.price, row.size))
            book.told[side] = rows
