"""The loop of the simulated TWS: one thread, nothing that blocks. Everything it says is made by the pure parts."""

from __future__ import annotations

import contextlib
import logging
import selectors
import socket
import time
from collections.abc import Sequence
from pathlib import Path

from pipeline import config
from pipeline.gateway import hand, keeping, opening, tls
from pipeline.gateway.answers.area import House
from pipeline.gateway.answers.front import Front
from pipeline.gateway.broker.brokerage import Brokerage, Event
from pipeline.gateway.connection import CLOSE_GRACE_S, Connection
from pipeline.gateway.faults import scenario
from pipeline.gateway.faults.control import Control
from pipeline.gateway.faults.injection import Injection
from pipeline.gateway.market import days
from pipeline.gateway.market.prices import STEP_S
from pipeline.gateway.rates import Rates
from pipeline.gateway.reception import Reception
from pipeline.gateway.session import Phase, Session

log = logging.getLogger("margindesk.gateway")
CYCLE_S = 0.005
SAVE_EVERY_S = 1.0
ENOUGH_UNREAD = 2 << 20  # requests of a client that wait above this are left in the kernel


class Server:
    """Listens, reads, answers, streams; call `step` over and over."""

    def __init__(self, brokerage: Brokerage, settings: config.Gateway, directory: Path | None = None) -> None:
        self.brokerage, self.settings, self.limits, self.directory = brokerage, settings, settings.limits, directory
        self.lines = opening.lines(brokerage, settings, lambda: self.tell(brokerage.match()))
        self.rates = Rates(self.lines, settings.burst)
        self.house = House(brokerage, self.lines, self.limits, settings)
        self.front = Front(self.house)
        self.connections: dict[socket.socket, Connection] = {}
        self.dropped = 0
        planned = scenario.load(Path(settings.scenario)) if settings.scenario else []
        self._tls = tls.context(settings)
        self._selector = selectors.DefaultSelector()
        self._listener: socket.socket | None = self._listen((settings.host, settings.port))
        self.address: tuple[str, int] = self._listener.getsockname()[:2]
        self._listens_again_s = 0.0
        now = time.monotonic()
        self.faults = Injection(self, planned, now)
        self.reception = Reception(self, self.front, self.faults, settings, directory)
        self._control: Control | None = None
        if settings.control:
            self._control = Control(Path(settings.control), self._selector, self._command)
        self._anchor = now - brokerage.market.step * STEP_S
        self._flowed = self._saved = now
        self._dirty = True
        self._day = days.new_york(brokerage.market.now_ns).date()

    # The loop.

    def step(self, timeout_s: float) -> None:
        """Wait for input at most `timeout_s`, answer it, let the market go on, send what is due."""
        due = 0.0 if self.reception.busy else max(self._flowed + CYCLE_S - time.monotonic(), 0.0)
        for key, mask in self._selector.select(min(timeout_s, due)):
            if not isinstance(key.data, Connection):
                key.data()
            elif mask & selectors.EVENT_READ and key.data.sock in self.connections:
                self.hear(key.data)
        self.reception.take_turns()
        now = time.monotonic()
        self.faults.step(now)
        if self._listener is None and now >= self._listens_again_s:
            self._listen_again()
        if now - self._flowed >= CYCLE_S:
            self._cycle(now)
        self.rates.refill(now)
        for connection in list(self.connections.values()):
            self._write(connection, now)
        if self._dirty or now - self._saved >= SAVE_EVERY_S:
            self._save(now)

    def close(self) -> None:
        """End every connection; what was sealed is given to the kernel if it takes it."""
        now = time.monotonic()
        for connection in list(self.connections.values()):
            self._write(connection, now)
        for connection in list(self.connections.values()):
            self.end(connection, "the gateway stops")
        self._stop_listening()
        if self._control is not None:
            self._control.close()
        self._selector.close()
        self._save(now)
        self.reception.close()

    def _cycle(self, now: float) -> None:
        market = self.brokerage.market
        before = market.step
        market.advance(int((now - self._anchor) / STEP_S))
        self.rates.flow(now - self._flowed, now)
        self._flowed = now
        if market.step != before:
            self.tell(self.brokerage.match())
            self._roll_day()
        self.front.cycle(now)

    def _roll_day(self) -> None:
        """At 09:30 of a new business day: new closes, new daily sums, day orders end."""
        moment = days.new_york(self.brokerage.market.now_ns)
        if moment.date() == self._day or moment.time() < days.OPEN or not days.is_business_day(moment.date()):
            return
        self._day = moment.date()
        self.tell(self.brokerage.roll_day())

    def _save(self, now: float) -> None:
        self._saved, self._dirty = now, False
        if self.directory is not None and not self.settings.replay:
            keeping.save(self.directory / "state.json", keeping.dump(self.brokerage))

    # Connections.

    def _listen(self, address: tuple[str, int]) -> socket.socket:
        listener = socket.create_server(address, backlog=64)
        listener.setblocking(False)
        self._selector.register(listener, selectors.EVENT_READ, self._accept)
        return listener

    def _stop_listening(self) -> None:
        if self._listener is not None:
            self._selector.unregister(self._listener)
            self._listener.close()
            self._listener = None

    def _listen_again(self) -> None:
        with contextlib.suppress(OSError):  # the port is taken for the moment: the next turn tries again
            self._listener = self._listen(self.address)

    def _accept(self) -> None:
        if self._listener is None:
            return
        try:
            sock, peer = self._listener.accept()
        except OSError:
            return  # the client was gone before we looked
        if len(self.connections) >= self.limits.clients:
            log.warning("too_many_clients", extra={"facts": {"limit": self.limits.clients}})
            sock.close()
            return
        session = Session(f"{peer[0]}:{peer[1]}", self.limits)
        connection = Connection.accepted(sock, session, self._tls)
        self.connections[connection.sock] = connection
        self.house.sessions.append(session)
        self._selector.register(connection.sock, selectors.EVENT_READ, connection)
        self.faults.admit(connection, time.monotonic())

    def hear(self, connection: Connection) -> None:
        """Read what a client says; it is answered in its turn."""
        try:
            if connection.shaking and not connection.shake():
                return
            if connection.session.unread < ENOUGH_UNREAD and not connection.read():
                self.reception.answer_the_last(connection)
                self.end(connection, "the client closed")
                return
        except OSError as error:
            self.end(connection, f"reading failed: {error}")
            return
        self.reception.said(connection)

    def refuse(self, connection: Connection, code: int, text: str) -> None:
        """Say why, then close once it is read."""
        session = connection.session
        log.warning("client_refused", extra={"facts": {"peer": session.peer, "code": code, "text": text}})
        if session.sv:
            self.house.error(session, -1, code, text)
        self.front.forget(session)
        session.phase = Phase.CLOSING
        connection.closes_at_s = time.monotonic() + CLOSE_GRACE_S

    def _write(self, connection: Connection, now: float) -> None:
        session = connection.session
        try:
            connection.write(now)
        except OSError as error:
            self.end(connection, f"writing failed: {error}")
            return
        if connection.shaking and now > connection.shaken_by_s:
            self.end(connection, f"no TLS handshake in {tls.HANDSHAKE_S:g} s")
        elif session.phase is Phase.CLOSING:
            if connection.finish(now):
                self.end(connection, "refused")
        elif session.queued_bytes > self.limits.unread_bytes:
            self._drop(connection, f"more than {self.limits.unread_bytes} bytes wait for it")
        elif session.queue and now - session.queue[0].since_s > self.limits.unread_s and not self.settings.replay:
            self._drop(connection, f"it has not read for {self.limits.unread_s:g} s")
        if connection.sock in self.connections and self._selector.get_key(connection.sock).events != connection.wants:
            self._selector.modify(connection.sock, connection.wants, connection)

    def _drop(self, connection: Connection, why: str) -> None:
        self.dropped += 1
        session = connection.session
        log.error("client_dropped", extra={"facts": {"peer": session.peer, "client_id": session.client_id, "why": why}})
        self.end(connection, why)

    def end(self, connection: Connection, why: str, *, reset: bool = False) -> None:
        """Close now; the client's subscriptions end."""
        if self.connections.pop(connection.sock, None) is None:
            return
        session = connection.session
        self.house.sessions.remove(session)
        self.front.forget(session)
        self.faults.forget(connection)
        self._selector.unregister(connection.sock)
        connection.close(reset=reset)
        log.info("client_ended", extra={"facts": {"client_id": session.client_id, "peer": session.peer, "why": why}})

    def clients(self) -> list[Connection]:
        return list(self.connections.values())

    def is_here(self, connection: Connection) -> bool:
        return connection.sock in self.connections

    def _command(self, line: str) -> str:
        """One line of the control channel: an order by hand, or a fault."""
        if line.split(" ")[0] != hand.WORD:
            return self.faults.command(line, time.monotonic())
        answer, events = hand.enter(self.brokerage, line)
        self.tell(events)
        return answer

    # What faults may do.

    def hang_up(self, connection: Connection) -> None:
        """Close once what waits is sent; nothing more is said."""
        self.front.forget(connection.session)
        connection.session.phase = Phase.CLOSING
        connection.closes_at_s = time.monotonic() + CLOSE_GRACE_S

    def restart(self, closed_s: float) -> None:
        """As TWS at night: all clients are dropped, the port is closed for a while; the state stays."""
        self._stop_listening()
        self._listens_again_s = time.monotonic() + closed_s
        for connection in self.clients():
            self.end(connection, "the gateway restarts")

    def lose_data(self, session: Session) -> None:
        for area in self.front.areas:
            if area.market_data:
                area.forget(session)

    def set_rate(self, ticks_per_s: float) -> None:
        if not self.settings.replay:  # a recording has its own pace
            self.lines.rate = ticks_per_s

    def set_burst(self, count: int) -> None:
        if not self.settings.replay:
            self.rates.burst = count

    def tell(self, events: Sequence[Event]) -> None:
        self._dirty = self._dirty or bool(events)
        self.front.heard(events)
