"""A process's connection to TWS for life: address, state machine, identity, probes, back-off; ingest and orders use it.

    handler = MyHandler()                       # a subclass of callbacks.Callbacks
    connection = Connection("orders", settings, runtime, clock, handler, client_id=…, may_change_id=False)
    while …:                                    # your loop; nothing here waits or makes threads
        connection.register(poller)             # the socket changes with every reconnect
        poller.poll(min(50, connection.wait_ms()))
        connection.step()                       # dial, read, call the handler, send what pacing admits, probe
    connection.close()

`handler.tws_ready()` is called once a connection is READY (greeting, accounts, nextValidId, identity): ask for what you
need there, with the genuine methods on `connection.client` (`placeOrder`, `reqAllOpenOrders`, `reqExecutions` …; each
waits for its pacing token in its lane, orders before account, account before details and market data). Answers are the
EWrapper callbacks on the handler, in the order in which TWS sent them; errors come to `tws_error`. After `tws_lost` no
request is answered any more; everything is asked again at the next `tws_ready`. `connection.next_request_id()` never
gives an id twice on one connection; order ids start at `connection.session.next_order_id`.
CannotStart is raised by `step` when TWS is logged in to the other mode (live or paper).
"""

from __future__ import annotations

from typing import Any

import zmq

from pipeline import logs, messages
from pipeline.clock import Clock
from pipeline.config import Settings
from pipeline.errors import CannotStart
from pipeline.runtime import Runtime
from pipeline.tws import error_codes, identity, provider, schedule, tls
from pipeline.tws.callbacks import Callbacks
from pipeline.tws.client import TwsClient
from pipeline.tws.link import LinkLost
from pipeline.tws.session import MarketClock, Session

FIRST_REQUEST_ID = 1
READS_A_STEP = 8  # so that one step stays short under a flood
EMBEDDED_LONGEST_WAIT_S = 1.0
LONGEST_WAIT_S = 10.0


class Connection:
    """See the module's text. `role` is "ingest" or "orders"."""

    def __init__(
        self,
        role: str,
        settings: Settings,
        runtime: Runtime,
        clock: Clock,
        handler: Callbacks,
        *,
        client_id: int,
        may_change_id: bool,
    ) -> None:
        provider.check_installed()
        self.role, self.settings, self.runtime, self.clock = role, settings, runtime, clock
        self.handler = handler
        embedded = settings.gateway.enabled
        self._tls = None if embedded else tls.context(settings.tws.tls)
        longest = EMBEDDED_LONGEST_WAIT_S if embedded else LONGEST_WAIT_S
        self.session = Session(client_id, may_change_id, longest_wait_s=longest)
        self.market = MarketClock(settings.gateway.clock if embedded else 1.0)
        self.client = TwsClient(_Front(self), messages_per_s=settings.tws.messages_per_s)
        self.accounts: list[str] = []  # those of TWS that may be used
        self.address = ""
        self.last_recv_ns = 0
        # Set by who uses market data, for state_message().
        self.lines_used = self.silent_lines = 0
        self.competing = self.verified = False
        self._request_id = FIRST_REQUEST_ID
        self._throttle = logs.Throttle()
        self._registered: tuple[int, int] | None = None
        self._fatal = ""

    # The loop.

    def register(self, poller: zmq.Poller) -> None:
        """Put the current socket into `poller` (and the former one out)."""
        link = self.client.link
        wanted = None
        if link is not None and link.fileno() >= 0:
            wanted = (link.fileno(), zmq.POLLIN | (zmq.POLLOUT if link.wants_write else 0))
        if wanted != self._registered:
            if self._registered is not None:
                poller.unregister(self._registered[0])
            if wanted is not None:
                poller.register(*wanted)
            self._registered = wanted

    def wait_ms(self) -> int:
        """How long a poll may wait before `step` has something to do besides reading."""
        if not self.client.greeted:
            return 20
        if self.client.link is not None and self.client.link.holds_more:
            return 0
        return max(1, int(min(0.05, self.client.outbox.wait_s()) * 1e3))

    def step(self) -> None:
        """Everything that is due now."""
        now_s = self.clock.monotonic()
        try:
            if self.session.may_dial(now_s):
                self._dial(now_s)
            self._read()
            self._watch(self.clock.monotonic())
            self.client.flush(self.clock.monotonic())
        except LinkLost as error:
            self.drop(str(error))
        if self._fatal:
            raise CannotStart(self._fatal)

    def drop(self, reason: str) -> None:
        """Give the connection up; the next attempt comes after the back-off."""
        now_s = self.clock.monotonic()
        was_up = self.session.state in ("READY", "DEGRADED")
        self.client.hang_up()
        self.session.lost(now_s, reason)
        repeated = self._throttle.admit(f"lost {self.session.reason}", now_s)
        if was_up or repeated is not None:
            outage, wall_s = self.outage, self.clock.now_ns() / 1e9
            level = 20 if outage in (schedule.NIGHTLY, schedule.WEEKLY) else 30
            login = {"needed": "a person has to log in"} if schedule.overdue(wall_s, self.settings.tws) else {}
            logs.event(self.role, "tws_lost", level=level, reason=self.session.reason, address=self.address,
                       outage=outage, **login)  # fmt: skip
        self.handler.tws_lost(self.session.reason)
        self.handler.tws_changed()

    def close(self) -> None:
        """End the connection for good."""
        self.client.hang_up()

    @property
    def ready(self) -> bool:
        """Requests may be made."""
        return self.session.state in ("READY", "DEGRADED") and self.client.isConnected()

    @property
    def outage(self) -> str:
        """Why TWS is away, in the words of TwsState.outage; empty while it is not."""
        session = self.session
        if session.state == "READY":
            return ""
        if session.state == "REFUSED":
            return "not allowed"
        if session.reason.startswith("client id"):
            return "client id"
        return schedule.planned(self.clock.now_ns() / 1e9, self.settings.tws) or "failure"

    def next_request_id(self) -> int:
        """An id that this connection has not used; order ids are another series."""
        self._request_id += 1
        return self._request_id - 1

    def market_time_ns(self) -> int:
        """TWS's time now; the wall clock's until TWS has told."""
        return self.market.at(self.clock.monotonic()) or self.clock.now_ns()

    def fence(self) -> None:
        """Ask for TWS's time; its answer (`currentTime` or `currentTimeInMillis` on the handler) follows everything
        that TWS sent before it."""
        now_s = self.clock.monotonic()
        if self.client.serverVersion() >= 197:
            self.client.reqCurrentTimeInMillis()
        else:
            self.client.reqCurrentTime()
        self.session.probed(now_s, self.client.frames)

    def state_message(self) -> messages.TwsState:
        """What others should know about this connection now."""
        session, now_s = self.session, self.clock.monotonic()
        return messages.TwsState(
            client=self.role,
            state=session.state,
            reason=session.reason,
            address=self.address,
            client_id=session.client_id,
            server_version=self.client.serverVersion() or 0,
            paper=self.settings.tws.mode == "paper",
            accounts=list(self.accounts),
            market_time_ns=self.market_time_ns(),
            market_rate=self.market.rate,
            connection=session.connection,
            lines_used=self.lines_used,
            lines_limit=self.settings.tws.max_lines,
            messages_per_s=self.client.outbox.rate(now_s),
            round_trip_ms=session.round_trip_s * 1e3,
            farms=dict(session.farms),
            unknown_messages=self.client.unknown_messages,
            bad_messages=self.client.bad_messages,
            outage=self.outage,
            competing=self.competing,
            verified=self.verified,
            silent_lines=self.silent_lines,
            waiting=len(self.client.outbox),
        )

    # Parts of a step.

    def _dial(self, now_s: float) -> None:
        found = self._where()
        self.session.dialled(now_s)
        if found is None:
            raise LinkLost("the simulated gateway has not announced its address yet")
        host, port = found
        self.address = f"{host}:{port}"
        self._request_id = FIRST_REQUEST_ID
        secure, name = (self._tls, self.settings.tws.tls.server_name) if self._tls is not None else (None, "")
        self.client.dial(host, port, self.session.client_id, secure, name)

    def _where(self) -> tuple[str, int] | None:
        if not self.settings.gateway.enabled:
            return self.settings.tws.host, self.settings.tws.port
        facts = self.runtime.announced("gateway")
        if facts is None or not isinstance(facts.get("port"), int):
            return None
        return str(facts.get("host", "127.0.0.1")), int(facts["port"])

    def _read(self) -> None:
        for _ in range(READS_A_STEP):
            if self.client.link is None:
                return
            count = self.client.pump(self.clock.now_ns(), self.market_time_ns())
            if count:
                self.last_recv_ns = self.clock.now_ns()
            self._become_ready()
            if count == 0:
                return

    def _become_ready(self) -> None:
        session = self.session
        if not session.complete:
            return
        now_s = self.clock.monotonic()
        verdict = identity.check(session.accounts, self.settings.tws)
        if verdict.reason:
            session.refuse(now_s, verdict.reason)
            logs.event(self.role, "tws_refused", level=40, reason=verdict.reason)
            self._fatal = verdict.reason if verdict.fatal else ""
            raise LinkLost(verdict.reason)
        self.accounts = verdict.accounts
        session.ready(now_s)
        logs.event(self.role, "tws_ready", address=self.address, accounts=self.accounts,
                   version=self.client.serverVersion(), connection=session.connection)  # fmt: skip
        self.handler.tws_changed()
        self.handler.tws_ready()

    def _watch(self, now_s: float) -> None:
        session = self.session
        why = session.overdue(now_s) or (session.silent(now_s, self.client.frames) if self.ready else "")
        if why:
            raise LinkLost(why)
        if self.ready and session.probe_due(now_s):
            self.fence()

    # What TWS says to the connection itself (called by `_Front`).

    def on_error(self, arguments: tuple[Any, ...]) -> None:
        error = error_codes.from_callback(arguments)
        changed = self.session.told(error)
        if error.meaning.action is error_codes.Action.SLOW_DOWN:
            self.client.outbox.slow_down(self.clock.monotonic())
        held = self._throttle.admit(f"error {error.code}", self.clock.monotonic())
        if held is not None:
            logs.event(self.role, "tws_error", code=error.code, request=error.request, text=error.text, held_back=held)
        self.handler.tws_error(error)
        if error.code == 1101:
            self.handler.tws_data_lost()
        elif error.code == 1102:
            self.handler.tws_data_kept()
        if changed:
            self.handler.tws_changed()

    def on_time(self, market_ns: int, resolution_ns: int) -> None:
        now_s = self.clock.monotonic()
        self.market.told(market_ns, self.session.oldest_probe_s, now_s, resolution_ns)
        self.session.answered(now_s)

    def on_bad_frame(self, kind: str, text: str) -> None:
        held = self._throttle.admit(f"bad {kind}", self.clock.monotonic())
        if held is not None:
            logs.event(self.role, "tws_bad_frame", level=30, message=kind, text=text[:400], held_back=held)
        self.handler.bad_frame(kind, text)


class _Front:
    """What the client calls: what concerns the connection goes there first, the rest straight to the handler."""

    def __init__(self, connection: Connection) -> None:
        self._connection, self._handler = connection, connection.handler
        handler = self._handler
        self.ticks, self.options, self.feed, self.text_tick = (
            handler.ticks, handler.options, handler.feed, handler.text_tick,
        )  # fmt: skip

    def __getattr__(self, name: str) -> Any:
        return getattr(self._handler, name)

    def bad_frame(self, kind: str, text: str) -> None:
        self._connection.on_bad_frame(kind, text)

    def greeted(self) -> None:
        self._connection.session.greeted(self._connection.clock.monotonic())

    def error(self, *arguments: Any) -> None:
        self._connection.on_error(arguments)

    def managedAccounts(self, accountsList: str) -> None:
        self._connection.session.named_accounts([name.strip() for name in accountsList.split(",") if name.strip()])

    def nextValidId(self, orderId: int) -> None:
        self._connection.session.named_order_id(orderId)
        self._handler.nextValidId(orderId)

    def currentTime(self, time: int) -> None:
        self._connection.on_time(time * 1_000_000_000, 1_000_000_000)
        self._handler.currentTime(time)

    def currentTimeInMillis(self, timeInMillis: int) -> None:
        self._connection.on_time(timeInMillis * 1_000_000, 0)
        self._handler.currentTimeInMillis(timeInMillis)

    def marketDataType(self, reqId: int, marketDataType: int) -> None:
        self._connection.client.lines.market_data_type(reqId, marketDataType)
        self._handler.marketDataType(reqId, marketDataType)
