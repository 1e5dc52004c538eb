"""The market-data lines: which contracts have one, what became of each, and asking again when TWS forgot them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pipeline.ingest.latest import Latest
from pipeline.ingest.part import Hub, Item, Part
from pipeline.messages import Subscription
from pipeline.tws import subscriptions, translate
from pipeline.tws.error_codes import Action, Severity, TwsError
from pipeline.tws.subscriptions import Want

SILENT_S = 60.0
CHECK_AFTER_S = 10.0  # how long after TWS's return data must flow
RETRY_S = {Action.RETRY_LATER: 60.0, Action.ASK_AGAIN: 1.0, Action.TELL: 300.0}
_DATA_TYPES = {1: "live", 2: "frozen", 3: "delayed", 4: "frozen"}


@dataclass
class Line:
    """One market-data request that TWS keeps."""

    request: int
    con_id: int
    since_ns: int
    state: str = "requested"
    flowing: str = "live"  # its state once ticks come


class Market(Part):
    """`update` with what is wanted; `step` each loop."""

    def __init__(self, hub: Hub, latest: Latest) -> None:
        super().__init__(hub)
        self._connection, self._instruments, self._latest = hub.connection, hub.instruments, latest
        self._publish, self._max_lines, self._clock = hub.publish, hub.settings.tws.max_lines, hub.clock
        self.lines: dict[int, Line] = {}  # by con_id
        self._by_request: dict[int, Line] = {}
        self._refused_until_s: dict[int, float] = {}
        self.published: dict[int, Subscription] = {}
        self._wants: dict[int, Want] = {}
        self._watched: set[int] = set()
        self._held: set[int] = set()
        self._check: tuple[float, int] | None = None  # (when, lines must have ticks since)
        self._look_s = 0.0

    def update(self, wants: Iterable[Want], held: Iterable[int], watched: Iterable[int]) -> None:
        """What should have a line from now on."""
        self._wants = subscriptions.merge(wants)
        self._held, self._watched = set(held), set(watched)
        if self._connection.ready:
            self._apply()

    def _apply(self) -> None:
        now_s = self._clock.monotonic()
        possible = [
            want
            for con_id, want in self._wants.items()
            if self._instruments.is_described(con_id) and self._refused_until_s.get(con_id, 0.0) <= now_s
        ]
        plan = subscriptions.plan(possible, self.lines, self._max_lines)
        for con_id in plan.cancel:
            self._cancel(con_id)
        for con_id in plan.request:
            self._request(con_id)
        for con_id in plan.left_out:
            self._tell(con_id, "refused", f"all {self._max_lines} lines are used by others that go first")
        self._connection.lines_used = len(self.lines)

    def _request(self, con_id: int) -> None:
        known = self._instruments.get(con_id)
        assert known is not None
        request = self._connection.next_request_id()
        line = Line(request, con_id, self._clock.now_ns())
        self.lines[con_id] = self._by_request[request] = line
        self._connection.client.lines.add(request, con_id, self._latest.slot(con_id))
        self._connection.client.reqMktData(request, translate.contract(known), "", False, False, [])
        self._tell(con_id, "requested")

    def _cancel(self, con_id: int, tell: bool = True) -> None:
        line = self.lines.pop(con_id)
        self._connection.client.cancelMktData(line.request)
        if tell:
            self._latest.forget(con_id)
            self._tell(con_id, "ended")

    def _tell(self, con_id: int, state: str, reason: str = "") -> None:
        known = self._instruments.get(con_id)
        line = self.lines.get(con_id)
        if line is not None:
            line.state = state
        subscription = Subscription(
            con_id=con_id,
            symbol=known.symbol if known is not None else "",
            state=state,
            watched=con_id in self._watched,
            held=con_id in self._held,
            reason=reason,
        )
        if self.published.get(con_id) != subscription:
            self.published[con_id] = subscription
            self._publish(subscription)
        if state == "ended" and con_id not in self._wants:
            self.published.pop(con_id, None)

    # The connection.

    def connected(self) -> None:
        """A new connection knows none of the lines."""
        self.lines, self._by_request, self._refused_until_s, self._check = {}, {}, {}, None
        self.hub.connection.client.reqMarketDataType(self.hub.settings.tws.market_data_type)
        self._apply()

    def lost(self, reason: str) -> None:
        """No line brings anything any more."""
        for con_id in list(self.lines):
            self._tell(con_id, "ended", reason)
        self.lines, self._by_request = {}, {}
        self._connection.lines_used = 0

    def data_lost(self) -> None:
        """1101: the requests are gone in TWS; their ids are not used again."""
        self.lines = {}
        self._apply()

    def check_flow(self) -> None:
        """1102, or a farm is back: lines that bring nothing within ten seconds are asked for again."""
        self._check = (self._clock.monotonic() + CHECK_AFTER_S, self._clock.now_ns())

    def items(self) -> list[Item]:
        ticks, options = self._latest.snapshot()
        told: list[Item] = [(line.topic.encode(), line) for line in self.published.values()]
        return [*told, (b"md.tick", ticks), (b"md.option", options)]

    def cancel_all(self) -> None:
        for con_id in list(self.lines):
            self._cancel(con_id, tell=False)

    # Answers.

    def marketDataType(self, reqId: int, marketDataType: int) -> None:
        """What follows is live, frozen or delayed."""
        line = self._by_request.get(reqId)
        if line is not None:
            line.flowing = _DATA_TYPES.get(marketDataType, "live")

    def told(self, error: TwsError) -> bool:
        """An error on one of our lines; False when it is none."""
        line = self._by_request.get(error.request)
        if line is None:
            return False
        if error.meaning.severity is Severity.REFUSED and self.lines.get(line.con_id) is line:
            del self.lines[line.con_id]
            wait = RETRY_S.get(error.meaning.action, float("inf"))
            self._refused_until_s[line.con_id] = self._clock.monotonic() + wait
            self._connection.lines_used = len(self.lines)
            self._tell(line.con_id, "refused", f"{error.text} ({error.code})")
        return True

    # The loop.

    def step(self, now_s: float) -> None:
        """Once a second: which lines bring ticks, which fell silent, which may be asked for again."""
        if now_s < self._look_s or not self._connection.ready:
            return
        self._look_s = now_s + 1.0
        now_ns = self._clock.now_ns()
        for line in list(self.lines.values()):
            seen_ns = self._latest.seen_ns(line.con_id)
            if seen_ns >= line.since_ns:
                quiet = now_ns - seen_ns > SILENT_S * 1e9
                self._tell(line.con_id, "silent" if quiet else line.flowing)
            elif now_ns - line.since_ns > SILENT_S * 1e9:
                self._tell(line.con_id, "silent", "no tick yet")
        if self._check is not None and now_s >= self._check[0]:
            since_ns, self._check = self._check[1], None
            self._ask_again(since_ns)
        if any(until <= now_s for until in self._refused_until_s.values()):
            self._refused_until_s = {c: until for c, until in self._refused_until_s.items() if until > now_s}
            self._apply()

    def _ask_again(self, since_ns: int) -> None:
        for con_id, line in list(self.lines.items()):
            seen_ns = self._latest.seen_ns(con_id)
            if line.since_ns <= seen_ns < since_ns:  # it brought ticks once, and none since
                self._cancel(con_id, tell=False)  # first, so that there are never two lines for one contract
                self._request(con_id)
