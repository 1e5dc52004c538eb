"""Subscriptions besides the market-data lines: tick-by-tick data, depth, five-second bars, news. Each lives by leases.

The records themselves go from the decoder straight to the stream; here is only who wants what, and what became of it.
"""

from __future__ import annotations

from typing import Any

from pipeline import messages
from pipeline.bus.control import Request
from pipeline.ingest import feed_requests
from pipeline.ingest.contracts import Contracts
from pipeline.ingest.feed_requests import BY_TICK, Key, Open
from pipeline.ingest.flow import Flow, Seen
from pipeline.ingest.history_plan import SIZES
from pipeline.ingest.history_rows import bar as bar_record
from pipeline.ingest.leases import Leases
from pipeline.ingest.market import RETRY_S
from pipeline.ingest.part import Hub, Item, Part
from pipeline.messages import Feed, Instrument, News, Subscribe, Unsubscribe
from pipeline.tws import translate
from pipeline.tws.error_codes import Severity, TwsError

LOOK_S = 1.0
DEPTH_RESET = 317


class Feeds(Part):
    """Refused here, before TWS does, when TWS's limits are reached: [tws] max_depth, max_tick_by_tick."""

    commands = (Subscribe, Unsubscribe)

    def __init__(self, hub: Hub, contracts: Contracts) -> None:
        super().__init__(hub)
        self._contracts = contracts
        self.leases: Leases[Key] = Leases()
        self._rows: dict[Key, int] = {}  # of a book
        self._open: dict[Key, Open] = {}
        self._by_request: dict[int, Open] = {}
        self._refused_until_s: dict[Key, float] = {}
        self._published: dict[Key, Feed] = {}
        self._flow = Flow()
        self._look_s = 0.0

    @property
    def looked_at(self) -> list[int]:
        """Contracts that somebody holds a level-1 lease of."""
        return [key.con_id for key in self.leases.wanted() if key.data == "level1"]

    # Commands.

    def handle(self, request: Request, command: Any) -> None:
        fault = feed_requests.fault(command, self.hub.connection.accounts)
        if fault:
            self.hub.answer(request, False, fault)
        elif isinstance(command, Subscribe):
            self._contracts.want(command.con_id, lambda found, words: self._subscribe(request, command, found, words))
        else:
            self._unsubscribe(request, command)

    def _subscribe(self, request: Request, command: Subscribe, found: Instrument | None, words: str) -> None:
        if found is None:
            self.hub.answer(request, False, f"contract {command.con_id}: {words}")
            return
        key = feed_requests.key_of(command)
        full = "" if key in self.leases else self._full(key)
        if full:
            self.hub.answer(request, False, full)
            return
        now_s = self.hub.clock.monotonic()
        self._rows[key] = max(1, command.rows)
        fresh = self.leases.hold(key, _holder(request, command.actor), now_s, command.lease_s)
        if key.data == "level1":
            self.hub.lines_changed()
        elif fresh and self.hub.connection.ready:
            self._begin(key)
        left_s = self.leases.left_s(key, now_s)
        told = self._published.get(key)
        state = told.state if told is not None else "requested"
        body = {"state": state, "until_ns": self.hub.clock.now_ns() + int(left_s * 1e9)}
        self.hub.answer(request, True, f"{found.symbol} {key.data}: {state}", body)

    def _unsubscribe(self, request: Request, command: Unsubscribe) -> None:
        key = feed_requests.key_of(command)
        if key not in self.leases:
            self.hub.answer(request, False, f"nobody has subscribed to {key.data} of contract {key.con_id}")
            return
        if self.leases.drop(key, _holder(request, command.actor)):
            self._end(key, "")
        self.hub.answer(request, True, f"{key.data} of contract {key.con_id} is not held by you any more")

    def _full(self, key: Key) -> str:
        limits, kinds = self.hub.settings.tws, [other.data for other in self.leases.wanted()]
        if key.data in BY_TICK and sum(kind in BY_TICK for kind in kinds) >= limits.max_tick_by_tick:
            return f"all {limits.max_tick_by_tick} tick-by-tick subscriptions of TWS are used"
        if key.data == "depth" and kinds.count("depth") >= limits.max_depth:
            return f"all {limits.max_depth} market-depth subscriptions of TWS are used"
        return ""

    # At TWS.

    def _begin(self, key: Key) -> None:
        known = self.hub.instruments.get(key.con_id)
        assert known is not None
        request = self.hub.connection.next_request_id()
        opened = Open(request, key, self.hub.clock.now_ns(), smart=key.what == "SMART")
        self._open[key] = self._by_request[request] = opened
        client = self.hub.connection.client
        client.lines.add(request, key.con_id, what=feed_requests.bar_kind(key))
        feed_requests.begin(client, opened, translate.contract(known), self._rows.get(key, 10))
        self._tell(key, "requested")

    def _cancel(self, key: Key) -> None:
        opened = self._open.pop(key, None)
        if opened is not None and self.hub.connection.ready:
            feed_requests.cancel(self.hub.connection.client, opened)

    def _end(self, key: Key, reason: str) -> None:
        if key.data == "level1":
            self.hub.lines_changed()
            return
        self._cancel(key)
        self._refused_until_s.pop(key, None)
        self._rows.pop(key, None)
        self._tell(key, "ended", reason)
        self._published.pop(key, None)

    def _tell(self, key: Key, state: str, reason: str = "") -> None:
        known, now_s = self.hub.instruments.get(key.con_id), self.hub.clock.monotonic()
        before = self._published.get(key)
        if before is not None and (before.state, before.reason) == (state, reason):
            return
        feed = Feed(
            con_id=key.con_id,
            symbol=known.symbol if known is not None else "",
            data=key.data,
            what=key.what,
            size=key.size,
            state=state,
            reason=reason,
            until_ns=self.hub.clock.now_ns() + int(self.leases.left_s(key, now_s) * 1e9),
        )
        self._published[key] = feed
        self.hub.publish(feed)

    # The connection.

    def connected(self) -> None:
        self._open, self._by_request, self._refused_until_s = {}, {}, {}
        self._flow.begin(self.hub.clock.monotonic(), self.hub.clock.now_ns())
        self._begin_all()

    def data_lost(self) -> None:
        self._open = {key: opened for key, opened in self._open.items() if key.data == "pnl"}  # no market data
        self._flow.begin(self.hub.clock.monotonic(), self.hub.clock.now_ns())
        self._begin_all()

    def _begin_all(self) -> None:
        now_s = self.hub.clock.monotonic()
        for key in self.leases.wanted():
            if key.data != "level1" and key not in self._open and self._refused_until_s.get(key, 0.0) <= now_s:
                self._begin(key)

    def lost(self, reason: str) -> None:
        for key in list(self._open):
            self._tell(key, "ended", reason)
        self._open, self._by_request = {}, {}

    def check_flow(self) -> None:
        self._flow.begin(self.hub.clock.monotonic(), self.hub.clock.now_ns())

    def told(self, error: TwsError) -> bool:
        if error.code in (1100, 2110):
            self._flow.stopped(self.hub.clock.now_ns())
            self._look_s = 0.0
            return False
        opened = self._by_request.get(error.request)
        if opened is None:
            return False
        if self._open.get(opened.key) is not opened:
            return True
        words = f"{error.text} ({error.code})"
        if error.code == DEPTH_RESET:
            self._tell(opened.key, "requested", f"the book begins anew: {words}")
        elif error.meaning.severity is Severity.REFUSED:
            del self._open[opened.key]
            wait_s = RETRY_S.get(error.meaning.action, float("inf"))
            self._refused_until_s[opened.key] = self.hub.clock.monotonic() + wait_s
            self._tell(opened.key, "refused", words)
        return True

    def tickNews(
        self, tickerId: int, timeStamp: int, providerCode: str, articleId: str, headline: str, extraData: str
    ) -> None:
        """A headline about a contract."""
        opened = self._by_request.get(tickerId)
        if opened is None:
            return
        now_ns = self.hub.clock.now_ns()
        self.hub.connection.client.lines.seen_ns[tickerId] = now_ns
        self.hub.publish(
            News(con_id=opened.key.con_id, time_ns=int(timeStamp) * 1_000_000, provider=providerCode,
                 article_id=articleId, headline=headline, extra=extraData, recv_ns=now_ns)
        )  # fmt: skip

    def historicalDataUpdate(self, reqId: int, bar: Any) -> None:
        """The newest bar of a size that TWS keeps up to date."""
        opened = self._by_request.get(reqId)
        if opened is None:
            return
        key, now_ns = opened.key, self.hub.clock.now_ns()
        try:
            record = bar_record(bar, key.con_id, key.what, SIZES[key.size][0], now_ns, asked_for=False)
        except ValueError:
            self._tell(key, "silent", f"expected the time of a bar, found {bar.date!r}")
            return
        self.hub.connection.client.lines.seen_ns[reqId] = now_ns
        self.hub.records(b"md.bar", record)

    def pnlSingle(
        self, reqId: int, pos: Any, dailyPnL: float, unrealizedPnL: float, realizedPnL: float, value: float
    ) -> None:
        """TWS's P&L of one position."""
        opened = self._by_request.get(reqId)
        if opened is None:
            return
        now_ns = self.hub.clock.now_ns()
        self.hub.connection.client.lines.seen_ns[reqId] = now_ns
        figures = (pos, dailyPnL, unrealizedPnL, realizedPnL, value)
        self.hub.publish(translate.position_pnl(opened.key.what, opened.key.con_id, figures, now_ns))

    # The loop.

    def step(self, now_s: float) -> None:
        """Once a second: leases that end, what flows, what may be asked for again."""
        if now_s < self._look_s:
            return
        self._look_s = now_s + LOOK_S
        for key in self.leases.expire(now_s):
            self._end(key, "its lease is over")
        connection = self.hub.connection
        if not connection.ready:
            return
        if any(until <= now_s for until in self._refused_until_s.values()):
            self._refused_until_s = {k: until for k, until in self._refused_until_s.items() if until > now_s}
            self._begin_all()
        self._look(now_s)

    def _look(self, now_s: float) -> None:
        session, seen_ns = self.hub.connection.session, self.hub.connection.client.lines.seen_ns
        degraded, now_ns = session.reason if session.state == "DEGRADED" else "", self.hub.clock.now_ns()
        seen_of = {o.request: Seen(o.request, o.since_ns, int(seen_ns[o.request])) for o in self._open.values()}
        for opened in list(self._open.values()):
            state, reason = self._flow.state(seen_of[opened.request], now_ns, "live", degraded, [], None)
            self._tell(opened.key, "silent" if state == "stale" else state, reason)
        if degraded:
            return
        for request in self._flow.ask_again(seen_of.values(), now_s):
            key = self._by_request[request].key
            self._cancel(key)
            self._begin(key)

    def items(self) -> list[Item]:
        return [(messages.Feed.topic.encode(), feed) for feed in self._published.values()]

    def cancel_all(self) -> None:
        for key in list(self._open):
            self._cancel(key)


def _holder(request: Request, actor: str) -> str:
    """Who asks, by his name where he gives one: he may come over another connection."""
    return actor or request.peer.hex()
