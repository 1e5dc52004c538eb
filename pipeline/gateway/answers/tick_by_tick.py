"""Answers about tick-by-tick data: every trade, every quote, every middle of one contract."""

from __future__ import annotations

import math
import zlib
from collections.abc import Generator, Mapping
from dataclasses import dataclass

from pipeline.gateway.answers import entitlement
from pipeline.gateway.answers.area import Answer, Area, House, PlainAnswer
from pipeline.gateway.answers.feeds import Feeds
from pipeline.gateway.asks.request import BadRequest, Request
from pipeline.gateway.asks.streams import TickByTick
from pipeline.gateway.market import queries
from pipeline.gateway.market.days import NS
from pipeline.gateway.market.tape import Quote
from pipeline.gateway.market.universe import Instrument
from pipeline.gateway.session import Session
from pipeline.gateway.tells import history
from pipeline.gateway.tells import streams as tell

KINDS = {"Last": tell.LAST, "AllLast": tell.ALL_LAST, "BidAsk": tell.BID_ASK, "MidPoint": tell.MID_POINT}
TRADES, QUOTES = (tell.LAST, tell.ALL_LAST), (tell.BID_ASK, tell.MID_POINT)
OFFERED = {"STK": (*TRADES, *QUOTES), "FUT": (*TRADES, *QUOTES), "CASH": QUOTES, "IND": TRADES}
PRINTED_ON = ("NASDAQ", "ARCA", "BATS", "NYSE", "IEX", "DRCTEDGE", "MEMX", "FINRA")
MOST_OF_THE_PAST = 1000
WHATS = {tell.LAST: "TRADES", tell.ALL_LAST: "TRADES", tell.BID_ASK: "BID_ASK", tell.MID_POINT: "MIDPOINT"}
Work = Generator[None, None, list[queries.Tick]]
REFUSED = "Failed to request tick-by-tick data."


@dataclass(eq=False)
class Feed:
    """One subscription, and the quote that it was told last."""

    session: Session
    req_id: int
    x: Instrument
    kind: int
    ignore_size: bool
    told: tuple[float, ...] = ()


class TickByTickData(Area):
    """Streams of single ticks; only contracts that somebody asked for cost anything."""

    market_data = True

    def __init__(self, house: House) -> None:
        super().__init__(house)
        self._feeds: Feeds[Feed] = Feeds(house, self._traded, self._quoted)
        self._past: dict[tuple[Session, int], tuple[Feed, Work]] = {}

    def answers(self) -> Mapping[type[Request], Answer]:
        return {TickByTick: self._subscribe}

    def plain(self) -> Mapping[str, PlainAnswer]:
        return {"cancelTickByTickData": self._cancel}

    def forget(self, session: Session) -> None:
        self._past = {key: job for key, job in self._past.items() if key[0] is not session}
        self._feeds.forget(session)

    def cycle(self, _now_s: float) -> None:
        """Work a piece further on the ticks of the past; where they are told, the live ones begin."""
        for key, (feed, work) in list(self._past.items()):
            try:
                next(work)
            except StopIteration as done:
                del self._past[key]
                feed.session.send(_past_frame(feed, done.value))
                self._feeds.begin(feed)

    def _subscribe(self, session: Session, asked: TickByTick) -> None:
        mine = self._feeds.of(session)
        waiting = [key for key in self._past if key[0] is session]
        if asked.req_id in mine or (session, asked.req_id) in self._past:
            raise BadRequest(asked.req_id, 102, "Duplicate ticker ID.")
        if asked.kind not in KINDS:
            text = "Error validating request.-'cf' : cause - Tick-by-tick type is missing or incorrect."
            raise BadRequest(asked.req_id, 321, text)
        if asked.contract.sec_type == "BAG":
            raise self._unsupported(asked, asked.contract.symbol)
        x = self.house.one(asked.req_id, asked.contract)
        if KINDS[asked.kind] not in OFFERED.get(x.sec_type, ()):
            raise self._unsupported(asked, x.symbol)
        if not entitlement.is_live(self.house, x):
            text = f"{REFUSED}No market data permissions for {x.primary or x.exchange} {x.sec_type}"
            raise BadRequest(asked.req_id, 10189, text)
        if not 0 <= asked.count <= MOST_OF_THE_PAST:
            text = f"Error validating request.-'cf' : cause - Number of ticks must be 0 to {MOST_OF_THE_PAST}."
            raise BadRequest(asked.req_id, 321, text)
        if len(mine) + len(waiting) >= self.house.limits.tick_by_tick:
            raise BadRequest(asked.req_id, 10190, "Max number of tick-by-tick requests has been reached.")
        feed = Feed(session, asked.req_id, x, KINDS[asked.kind], asked.ignore_size)
        charts = self.house.charts
        if asked.count == 0 or charts is None:
            self._feeds.begin(feed)
            return
        end_ns = (self.house.brokerage.market.now_ns // NS + 1) * NS
        self._past[session, asked.req_id] = (
            feed,
            queries.ticks(charts, x, WHATS[feed.kind], False, 0, end_ns, asked.count),
        )

    @staticmethod
    def _unsupported(asked: TickByTick, symbol: str) -> BadRequest:
        text = f"{REFUSED}{asked.kind} tick-by-tick requests are not supported for {symbol}."
        return BadRequest(asked.req_id, 10189, text)

    def _cancel(self, session: Session, req_id: int) -> None:
        if self._past.pop((session, req_id), None) is None and not self._feeds.end(session, req_id):
            raise BadRequest(req_id, 300, f"Can't find EId with tickerId:{req_id}")

    def _traded(self, x: Instrument, price: float, size: int, time_ns: int) -> None:
        for feed in self._feeds.on(x.con_id):
            if feed.kind in TRADES:
                where = printed_on(x, time_ns, size)
                feed.session.send(tell.tick_last(feed.req_id, feed.kind, time_ns // NS, price, size, where, ""))

    def _quoted(self, x: Instrument, quote: Quote, time_ns: int) -> None:
        for feed in self._feeds.on(x.con_id):
            if feed.kind == tell.BID_ASK:
                self._tell_quote(feed, quote, time_ns // NS)
            elif feed.kind == tell.MID_POINT:
                middle = round((max(quote.bid, 0.0) + quote.ask) / 2.0, 6)
                if feed.told != (middle,):
                    feed.told = (middle,)
                    feed.session.send(tell.tick_mid_point(feed.req_id, time_ns // NS, middle))

    @staticmethod
    def _tell_quote(feed: Feed, q: Quote, time_s: int) -> None:
        prices = (q.bid, q.ask)
        if feed.ignore_size and feed.told == prices:
            return
        feed.told = prices
        outside = not math.isnan(q.low)
        low, high = outside and q.bid < q.low, outside and q.ask > q.high
        feed.session.send(tell.tick_bid_ask(feed.req_id, time_s, q.bid, q.ask, q.bid_size, q.ask_size, low, high))


def printed_on(x: Instrument, time_ns: int, size: int) -> str:
    """The exchange that printed a trade: a stock's at one of many, the same for the same trade."""
    if x.sec_type == "IND":
        return ""
    if x.sec_type != "STK":
        return x.exchange
    return PRINTED_ON[zlib.crc32(f"{x.con_id} {time_ns} {size}".encode()) % len(PRINTED_ON)]


def _past_frame(feed: Feed, rows: list[queries.Tick]) -> bytes:
    """The ticks that were before, in one message of their kind."""
    if feed.kind == tell.MID_POINT:
        return history.ticks(feed.req_id, [row[:2] for row in rows], True)
    if feed.kind == tell.BID_ASK:
        sized = [(t, bid, ask, 0.0, 0.0) for t, bid, ask, _, _ in rows] if feed.ignore_size else rows
        return history.ticks_bid_ask(feed.req_id, sized, True)
    traded = [(t, price, size, printed_on(feed.x, t * NS, int(size))) for t, price, _, size, _ in rows]
    return history.ticks_last(feed.req_id, traded, True)
