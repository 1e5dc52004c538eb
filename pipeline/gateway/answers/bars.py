"""Answers about real-time bars: five seconds of trades, bids, asks or middles."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from pipeline.gateway.answers import entitlement
from pipeline.gateway.answers.area import Answer, Area, House, PlainAnswer
from pipeline.gateway.answers.feeds import Feeds
from pipeline.gateway.asks.request import BadRequest, Request
from pipeline.gateway.asks.streams import RealTimeBars
from pipeline.gateway.market.days import NS
from pipeline.gateway.market.sessions import Phase
from pipeline.gateway.market.tape import Quote
from pipeline.gateway.market.universe import Instrument
from pipeline.gateway.session import Session
from pipeline.gateway.tells import streams as tell

BAR_S = 5
WHATS = ("TRADES", "BID", "ASK", "MIDPOINT")
MOST_AT_ONCE = 100  # bars that one turn of an accelerated clock may end


@dataclass(eq=False)
class Feed:
    """One subscription and its bar in the making, which began at `begun` (a multiple of BAR_S)."""

    session: Session
    req_id: int
    x: Instrument
    what: str
    regular_hours: bool
    begun: int
    close: float
    open: float = math.nan  # nan: nothing happened yet
    high: float = math.nan
    low: float = math.nan
    volume: int = 0
    turnover: float = 0.0
    count: int = 0

    def add(self, price: float, size: int = 0) -> None:
        if math.isnan(self.open):
            self.open = self.high = self.low = price
        self.high, self.low, self.close = max(self.high, price), min(self.low, price), price
        self.volume, self.turnover, self.count = self.volume + size, self.turnover + price * size, self.count + 1

    def end(self) -> bytes:
        """The bar as a frame; the next one begins."""
        quiet = math.isnan(self.open)
        prices = (self.close,) * 4 if quiet else (self.open, self.high, self.low, self.close)
        volume, wap, count = -1, -1.0, -1
        if self.what == "TRADES":
            volume, count = self.volume, 0 if quiet else self.count
            wap = round(self.turnover / self.volume, 6) if self.volume else self.close
        told = tell.real_time_bar(self.req_id, self.begun, *prices, volume, wap, count)
        self.open = self.high = self.low = math.nan
        self.volume, self.turnover, self.count = 0, 0.0, 0
        self.begun += BAR_S
        return told


class Bars(Area):
    """Bars end with the market's clock, whether or not anything happened."""

    market_data = True

    def __init__(self, house: House) -> None:
        super().__init__(house)
        self._feeds: Feeds[Feed] = Feeds(house, self._traded, self._quoted)

    def answers(self) -> Mapping[type[Request], Answer]:
        return {RealTimeBars: self._subscribe}

    def plain(self) -> Mapping[str, PlainAnswer]:
        return {"cancelRealTimeBars": self._cancel}

    def forget(self, session: Session) -> None:
        self._feeds.forget(session)

    def cycle(self, now_s: float) -> None:
        if self._feeds:
            now = self.house.brokerage.market.now_ns // NS
            for feed in self._feeds:
                self._finish(feed, now)

    def _subscribe(self, session: Session, asked: RealTimeBars) -> None:
        mine = self._feeds.of(session)
        if asked.req_id in mine:
            raise BadRequest(asked.req_id, 102, "Duplicate ticker ID.")
        if asked.what not in WHATS:
            text = "Error validating request.-'bY' : cause - What to show field is missing or incorrect."
            raise BadRequest(asked.req_id, 321, text)
        if asked.contract.sec_type == "BAG":
            raise BadRequest(
                asked.req_id, 420, "Invalid Real-time Query:Real-time bars of a combination are not offered"
            )
        x = self.house.one(asked.req_id, asked.contract)
        if (x.sec_type == "CASH" and asked.what == "TRADES") or (x.sec_type == "IND" and asked.what != "TRADES"):
            text = f"Invalid Real-time Query:No {asked.what} for {x.exchange} {x.sec_type}"
            raise BadRequest(asked.req_id, 420, text)
        if not entitlement.is_live(self.house, x):
            text = f"Invalid Real-time Query:No market data permissions for {x.primary or x.exchange} {x.sec_type}"
            raise BadRequest(asked.req_id, 420, text)
        if len(mine) >= self.house.limits.lines:
            raise BadRequest(asked.req_id, 101, "Max number of tickers has been reached")
        brokerage = self.house.brokerage
        begun = brokerage.market.now_ns // NS // BAR_S * BAR_S
        close = _level(brokerage.tape.quote(x), asked.what)
        feed = Feed(session, asked.req_id, x, asked.what, asked.regular_hours, begun, close)
        self._feeds.begin(feed)

    def _cancel(self, session: Session, req_id: int) -> None:
        if not self._feeds.end(session, req_id):
            raise BadRequest(req_id, 300, f"Can't find EId with tickerId:{req_id}")

    def _finish(self, feed: Feed, now: int) -> None:
        """End every bar that is over at `now`, in seconds."""
        over = (now - feed.begun) // BAR_S
        if over > MOST_AT_ONCE:
            feed.begun += (over - MOST_AT_ONCE) * BAR_S
        while now >= feed.begun + BAR_S:
            told = feed.end()
            if self._shown(feed):
                feed.session.send(told)

    def _shown(self, feed: Feed) -> bool:
        phase = self.house.brokerage.market.phase(feed.x)
        return phase is Phase.OPEN or (phase is not Phase.CLOSED and not feed.regular_hours)

    def _traded(self, x: Instrument, price: float, size: int, time_ns: int) -> None:
        for feed in self._feeds.on(x.con_id):
            if feed.what == "TRADES":
                self._finish(feed, time_ns // NS)
                feed.add(price, size)

    def _quoted(self, x: Instrument, quote: Quote, time_ns: int) -> None:
        for feed in self._feeds.on(x.con_id):
            if feed.what != "TRADES":
                self._finish(feed, time_ns // NS)
                feed.add(_level(quote, feed.what))


def _level(quote: Quote, what: str) -> float:
    """What a bar of this kind is made of."""
    if what == "TRADES":
        return quote.last
    if what == "MIDPOINT":
        return round((max(quote.bid, 0.0) + quote.ask) / 2.0, 6)
    return quote.bid if what == "BID" else quote.ask
