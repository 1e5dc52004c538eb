"""Ticks that each trade tells a line beside its price: RTVolume and its like."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.gateway.answers.area import House
from pipeline.gateway.answers.feeds import Feeds
from pipeline.gateway.market.prints import trade_text
from pipeline.gateway.market.statistics import BY_TRADE, Statistics
from pipeline.gateway.market.universe import Instrument
from pipeline.gateway.session import Session
from pipeline.gateway.tells import ticks
from pipeline.gateway.tells.frames import prefixed


@dataclass(eq=False)
class Feed:
    """A line that wants sums of trades; `kinds` are the ticks that each trade tells it."""

    session: Session
    req_id: int
    x: Instrument
    kinds: tuple[int, ...]


class TradeTicks:
    """Keeps the sums of a contract's trades while a line wants them."""

    def __init__(self, house: House, statistics: Statistics) -> None:
        self._statistics = statistics
        self._feeds: Feeds[Feed] = Feeds(house, self._traded)

    def begin(self, session: Session, req_id: int, x: Instrument, numbers: frozenset[int]) -> None:
        self._statistics.keep(x)
        kinds = tuple(kind for number, kind in BY_TRADE.items() if number in numbers)
        self._feeds.begin(Feed(session, req_id, x, kinds))

    def end(self, session: Session, req_id: int) -> None:
        feed = self._feeds.of(session).get(req_id)
        if feed is not None:
            self._feeds.end(session, req_id)
            if not self._feeds.on(feed.x.con_id):
                del self._statistics.prints[feed.x.con_id]

    def _traded(self, x: Instrument, price: float, size: int, time_ns: int) -> None:
        kept = self._statistics.traded(x, price, size, time_ns)
        if kept is None:
            return
        text = trade_text(price, size, time_ns, kept)
        for feed in self._feeds.on(x.con_id):
            head = ticks.heads(feed.req_id)[ticks.STRING]
            for kind in feed.kinds:
                feed.session.send_tick(prefixed(head, ticks.tick_string(kind, text)))
