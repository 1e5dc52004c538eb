"""The market-data lines: which contracts have one, what became of each, and asking again where nothing comes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pipeline.ingest.flow import Flow, Seen
from pipeline.ingest.latest import Latest
from pipeline.ingest.part import Hub, Item, Part
from pipeline.messages import Instrument, Subscription
from pipeline.tws import subscriptions, trading_hours, translate
from pipeline.tws.error_codes import Action, Severity, TwsError
from pipeline.tws.subscriptions import Want

LOOK_S = 1.0
RETRY_S = {Action.RETRY_LATER: 60.0, Action.ASK_AGAIN: 1.0, Action.TELL: 300.0}
COMPETING = 10197
NEVER_NEGATIVE = ("STK", "OPT", "IND", "CASH")
_DATA_TYPES = {1: "live", 2: "frozen", 3: "delayed", 4: "frozen"}


@dataclass
class Line:
    """One market-data request that TWS keeps."""

    request: int
    con_id: int
    since_ns: int
    flowing: str = "live"  # its state once ticks come


class Market(Part):
    """`update` with what is wanted; `step` each loop."""

    def __init__(self, hub: Hub, latest: Latest) -> None:
        super().__init__(hub)
        self._connection, self._instruments, self._latest = hub.connection, hub.instruments, latest
        self._max_lines, self._clock = hub.settings.tws.max_lines, hub.clock
        self.lines: dict[int, Line] = {}  # by con_id
        self._by_request: dict[int, Line] = {}
        self._refused_until_s: dict[int, float] = {}
        self.published: dict[int, Subscription] = {}
        self._wants: dict[int, Want] = {}
        self._watched: set[int] = set()
        self._held: set[int] = set()
        self.flow = Flow()
        self._look_s = self._competing_until_s = 0.0

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
        if known.sec_type in NEVER_NEGATIVE:
            self._latest.never_negative(con_id)
        generic = self.hub.settings.tws.generic_ticks.get(known.sec_type, "")
        self._connection.client.reqMktData(request, translate.contract(known), generic, False, False, [])
        self._tell(con_id, "requested")

    def _cancel(self, con_id: int, tell: bool = True) -> None:
        line = self.lines.pop(con_id)
        self._connection.client.cancelMktData(line.request)
        if tell:
            self._latest.forget(con_id)
            self._tell(con_id, "ended")

    def _tell(self, con_id: int, state: str, reason: str = "") -> None:
        known = self._instruments.get(con_id)
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
            self.hub.publish(subscription)
        if state == "ended" and con_id not in self._wants:
            self.published.pop(con_id, None)

    # The connection.

    def connected(self) -> None:
        """A new connection knows none of the lines."""
        self.lines, self._by_request, self._refused_until_s = {}, {}, {}
        self._competing_until_s = 0.0
        self._begin_check()
        self._connection.client.reqMarketDataType(self.hub.settings.tws.market_data_type)
        self._apply()

    def lost(self, reason: str) -> None:
        """No line brings anything any more."""
        for con_id in list(self.lines):
            self._tell(con_id, "ended", reason)
        self.lines, self._by_request = {}, {}
        self._connection.lines_used = self._connection.silent_lines = 0
        self._connection.verified = False

    def data_lost(self) -> None:
        """1101: the requests are gone in TWS; their ids are not used again."""
        self.lines = {}
        self._begin_check()
        self._apply()

    def check_flow(self) -> None:
        """1102, or a farm is back: lines that bring nothing within ten seconds are asked for again."""
        self._begin_check()

    def _begin_check(self) -> None:
        self._connection.verified = False
        self.flow.begin(self._clock.monotonic(), self._clock.now_ns())
        self._look_s = 0.0

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
        """Of all: TWS lost IBKR, or a farm broke. Of one: an error on one of our lines; True when it is one."""
        if error.code in (1100, 2110) or (error.code == 2103 and error.request < 0):
            self._look_s = 0.0  # what is stale is said at once
            if error.code != 2103:
                self.flow.stopped(self._clock.now_ns())
                self._connection.verified = False
            return False
        if error.code == COMPETING:
            self._competing_until_s = self._clock.monotonic() + RETRY_S[Action.RETRY_LATER]
            self._connection.competing = True
        line = self._by_request.get(error.request)
        if line is None:
            return False
        if error.meaning.severity is Severity.REFUSED and self.lines.get(line.con_id) is line:
            self._refused(line, error)
        return True

    def _refused(self, line: Line, error: TwsError) -> None:
        """The line is over; asked for again where that can help. TWS may go on with it all the same: cancelled."""
        if error.meaning.action is Action.RETRY_LATER:
            self._connection.client.cancelMktData(line.request)
        del self.lines[line.con_id]
        wait_s = RETRY_S.get(error.meaning.action, float("inf"))
        self._refused_until_s[line.con_id] = self._clock.monotonic() + wait_s
        self._connection.lines_used = len(self.lines)
        self._tell(line.con_id, "refused", f"{error.text} ({error.code})")

    # The loop.

    def step(self, now_s: float) -> None:
        """Once a second: which lines bring ticks, which fell silent, which may be asked for again."""
        if now_s < self._look_s or not self._connection.ready:
            return
        self._look_s = now_s + LOOK_S
        self._look(now_s)
        if any(until <= now_s for until in self._refused_until_s.values()):
            self._refused_until_s = {c: until for c, until in self._refused_until_s.items() if until > now_s}
            self._apply()

    def _look(self, now_s: float) -> None:
        session, now_ns = self._connection.session, self._clock.now_ns()
        degraded = session.reason if session.state == "DEGRADED" else ""
        farms = [name for name, state in session.farms.items() if state == "broken" and not _without_ticks(name)]
        market_ns, seen_ns = self._connection.market_time_ns(), self._connection.client.lines.seen_ns
        silent = 0
        for line in list(self.lines.values()):
            seen = Seen(line.con_id, line.since_ns, int(seen_ns[line.request]))
            open_now = _is_open(self._instruments.get(line.con_id), market_ns)
            state, reason = self.flow.state(seen, now_ns, line.flowing, degraded, farms, open_now)
            silent += state == "silent" and open_now is not False
            self._tell(line.con_id, state, reason)
        self._connection.silent_lines = silent
        self._connection.competing = now_s < self._competing_until_s
        seen_of = [Seen(x.con_id, x.since_ns, int(seen_ns[x.request])) for x in self.lines.values()]
        if not degraded and not farms:
            for con_id in self.flow.ask_again(seen_of, now_s):
                self._cancel(con_id, tell=False)  # first, so that there are never two lines for one contract
                self._request(con_id)
            self._connection.verified = self.flow.verified


def _without_ticks(farm: str) -> bool:
    """Farms of history and of contracts: no live data depends on them."""
    return "hmds" in farm or farm.startswith("secdef")


def _is_open(known: Instrument | None, market_ns: int) -> bool | None:
    return trading_hours.is_open(known.trading_hours, known.time_zone, market_ns) if known is not None else None
