"""The sockets of the simulated TWS: one thread, nothing that blocks. Everything it says is made by the pure parts."""

from __future__ import annotations

import contextlib
import logging
import selectors
import socket
import time
from collections.abc import Sequence
from pathlib import Path

from pipeline import config
from pipeline.gateway import keeping
from pipeline.gateway.answers.area import House
from pipeline.gateway.answers.front import Front
from pipeline.gateway.asks import reading
from pipeline.gateway.asks.request import BadRequest
from pipeline.gateway.asks.session import StartApi
from pipeline.gateway.broker.brokerage import Brokerage, Event
from pipeline.gateway.ledger import Ledger
from pipeline.gateway.limits import Pace
from pipeline.gateway.lines import Lines
from pipeline.gateway.market import days
from pipeline.gateway.market.prices import STEP_S
from pipeline.gateway.session import Garbage, Phase, Session
from pipeline.gateway.tells import frames

log = logging.getLogger("margindesk.gateway")
CYCLE_S = 0.005
SAVE_EVERY_S = 1.0
READ_BYTES = 1 << 16
READS_A_TURN = 8
SEND_BUFFER = 1 << 18
CLOSE_GRACE_S = 2.0


class Server:
    """Listens, reads, answers, streams; call `step` over and over."""

    def __init__(self, brokerage: Brokerage, settings: config.Gateway, directory: Path | None = None) -> None:
        self.brokerage, self.limits, self.directory = brokerage, settings.limits, directory
        self.lines = Lines(brokerage.tape, self.limits, settings.rate, brokerage.market.seed)
        self.house = House(brokerage, self.lines, self.limits, settings)
        self.front = Front(self.house)
        self.sessions: dict[socket.socket, Session] = {}
        self.dropped = 0
        self._selector = selectors.DefaultSelector()
        self._listener = socket.create_server((settings.host, settings.port), backlog=64)
        self._listener.setblocking(False)
        self._selector.register(self._listener, selectors.EVENT_READ)
        self.address: tuple[str, int] = self._listener.getsockname()[:2]
        now = time.monotonic()
        self._anchor = now - brokerage.market.step * STEP_S
        self._flowed = self._saved = now
        self._closing: dict[socket.socket, float] = {}
        self._half_closed: set[socket.socket] = set()
        self._ledgers: dict[int, Ledger] = {}
        self._dirty = True
        self._day = days.new_york(brokerage.market.now_ns).date()

    # The loop.

    def step(self, timeout_s: float) -> None:
        """Wait for input at most `timeout_s`, answer it, let the market go on, send what is due."""
        due = max(self._flowed + CYCLE_S - time.monotonic(), 0.0)
        for key, mask in self._selector.select(min(timeout_s, due)):
            if key.fileobj is self._listener:
                self._accept()
                continue
            sock = key.fileobj
            assert isinstance(sock, socket.socket)
            if mask & selectors.EVENT_READ and sock in self.sessions:
                self._read(sock)
        now = time.monotonic()
        if now - self._flowed >= CYCLE_S:
            self._cycle(now)
        for sock in list(self.sessions):
            self._write(sock, now)
        if self._dirty or now - self._saved >= SAVE_EVERY_S:
            self._save(now)

    def close(self) -> None:
        """End every connection; what was sealed is given to the kernel if it takes it."""
        now = time.monotonic()
        for sock in list(self.sessions):
            self._write(sock, now)
        for sock in list(self.sessions):
            self._end(sock, "the gateway stops")
        self._selector.unregister(self._listener)
        self._listener.close()
        self._selector.close()
        self._save(now)
        for ledger in self._ledgers.values():
            ledger.close()

    def _cycle(self, now: float) -> None:
        market = self.brokerage.market
        before = market.step
        market.advance(int((now - self._anchor) / STEP_S))
        self.lines.flow(now - self._flowed)
        self._flowed = now
        if market.step != before:
            self._tell(self.brokerage.match())
            self._roll_day()
        self.front.cycle(now)

    def _roll_day(self) -> None:
        """At 09:30 of a new business day: new closes, new daily sums, day orders end."""
        moment = days.new_york(self.brokerage.market.now_ns)
        if moment.date() == self._day or moment.time() < days.OPEN or not days.is_business_day(moment.date()):
            return
        self._day = moment.date()
        self._tell(self.brokerage.roll_day())

    def _save(self, now: float) -> None:
        self._saved, self._dirty = now, False
        if self.directory is not None:
            keeping.save(self.directory / "state.json", keeping.dump(self.brokerage))

    # Connections.

    def _accept(self) -> None:
        try:
            sock, peer = self._listener.accept()
        except OSError:
            return  # the client was gone before we looked
        if len(self.sessions) >= self.limits.clients:
            log.warning("too_many_clients", extra={"facts": {"limit": self.limits.clients}})
            sock.close()
            return
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)  # the rest waits where it is counted
        self.sessions[sock] = session = Session(f"{peer[0]}:{peer[1]}", self.limits)
        self.house.sessions.append(session)
        self._selector.register(sock, selectors.EVENT_READ)

    def _read(self, sock: socket.socket) -> None:
        session = self.sessions[sock]
        for _ in range(READS_A_TURN):
            try:
                data = sock.recv(READ_BYTES)
            except BlockingIOError:
                break
            except OSError as error:
                self._end(sock, f"reading failed: {error.strerror}")
                return
            if not data:
                self._end(sock, "the client closed")
                return
            if session.phase is not Phase.CLOSING:
                session.feed(data)
        try:
            self._understand(sock, session)
        except Garbage as error:
            self._refuse(sock, session, 507, f"Bad Message Length: {error}")

    def _understand(self, sock: socket.socket, session: Session) -> None:
        """Take everything out of the input that is whole."""
        if session.phase is Phase.HELLO:
            agreed = session.take_hello()
            if agreed is None:
                return
            session.sv, session.phase = agreed, Phase.START
            moment = days.new_york(self.brokerage.market.now_ns)
            session.send(frames.handshake(agreed, f"{moment:%Y%m%d %H:%M:%S %Z}"))
        while session.phase in (Phase.START, Phase.OPEN):
            frame = session.take_frame()
            if frame is None:
                return
            if self._paced(sock, session):
                self._handle(sock, session, frame)

    def _paced(self, sock: socket.socket, session: Session) -> bool:
        """Hold the client to the message rate; False when that ended the connection."""
        limit = self.limits.messages_per_s
        match session.pacing.message(time.monotonic()):
            case Pace.WARN:
                text = f"Warning: Approaching max rate of {limit} messages per second ({session.pacing.count})"
                self.house.error(session, -1, 0, text)
            case Pace.OVER:
                text = f"Max rate of messages per second has been exceeded:max={limit} rec={session.pacing.count} (1)"
                self.house.error(session, -1, 100, text)
            case Pace.CLOSE:
                self._refuse(sock, session, 100, f"Max rate of messages per second has been exceeded:max={limit}")
                return False
        return True

    def _handle(self, sock: socket.socket, session: Session, frame: bytes) -> None:
        try:
            request = reading.decode(frame, session.sv)
            if session.phase is Phase.OPEN:
                self._tell(self.front.answer(session, request))
            elif isinstance(request, StartApi):
                self._start(sock, session, request.client_id)
            else:
                raise BadRequest(-1, 321, "Error validating request.-'bK' : cause - Expected startApi first")
        except BadRequest as bad:
            self.house.error(session, bad.req_id, bad.code, bad.text)

    def _start(self, sock: socket.socket, session: Session, client_id: int) -> None:
        holder = self._holder(client_id)
        if holder is not None:
            self._read(holder)  # it may have closed already, and this is the first that we learn of it
        if self._holder(client_id) is not None:
            text = "Unable to connect as the client id is already in use. Retry with a unique client id."
            self._refuse(sock, session, 326, text)
            return
        session.client_id, session.phase = client_id, Phase.OPEN
        if self.directory is not None:
            if client_id not in self._ledgers:
                self._ledgers[client_id] = Ledger(self.directory, client_id)
            session.ledger = self._ledgers[client_id]
        log.info("client_started", extra={"facts": {"client_id": client_id, "version": session.sv}})
        self.front.start.greet(session)

    def _holder(self, client_id: int) -> socket.socket | None:
        """The connection that uses this client id."""
        for sock, session in self.sessions.items():
            if session.client_id == client_id and session.phase is Phase.OPEN:
                return sock
        return None

    def _refuse(self, sock: socket.socket, session: Session, code: int, text: str) -> None:
        """Say why, then close once it is read."""
        log.warning("client_refused", extra={"facts": {"peer": session.peer, "code": code, "text": text}})
        if session.sv:
            self.house.error(session, -1, code, text)
        self.front.forget(session)
        session.phase = Phase.CLOSING
        self._closing[sock] = time.monotonic() + CLOSE_GRACE_S

    def _write(self, sock: socket.socket, now: float) -> None:
        session = self.sessions[sock]
        session.seal(now)
        try:
            while session.queue:
                session.sent(sock.send(session.queue[0].data))
        except BlockingIOError:
            pass
        except OSError as error:
            self._end(sock, f"writing failed: {error.strerror}")
            return
        if session.phase is Phase.CLOSING:
            self._finish(sock, session, now)
        elif session.queued_bytes > self.limits.unread_bytes:
            self._drop(sock, session, f"more than {self.limits.unread_bytes} bytes wait for it")
        elif session.queue and now - session.queue[0].since_s > self.limits.unread_s:
            self._drop(sock, session, f"it has not read for {self.limits.unread_s:g} s")

    def _finish(self, sock: socket.socket, session: Session, now: float) -> None:
        """Close a refused client: say that nothing follows, then wait a little for its end, lest it lose the reason.

        A close with unread input is a reset, which takes away what the client has not read yet.
        """
        if now > self._closing[sock]:
            self._end(sock, "refused")
        elif not session.queue and sock not in self._half_closed:
            self._half_closed.add(sock)
            with contextlib.suppress(OSError):  # the other side may be gone
                sock.shutdown(socket.SHUT_WR)

    def _drop(self, sock: socket.socket, session: Session, why: str) -> None:
        self.dropped += 1
        log.error("client_dropped", extra={"facts": {"peer": session.peer, "client_id": session.client_id, "why": why}})
        self._end(sock, why)

    def _end(self, sock: socket.socket, why: str) -> None:
        session = self.sessions.pop(sock)
        self.house.sessions.remove(session)
        self.front.forget(session)
        self._closing.pop(sock, None)
        self._half_closed.discard(sock)
        self._selector.unregister(sock)
        with contextlib.suppress(OSError):  # the other side may be gone
            sock.shutdown(socket.SHUT_RDWR)
        sock.close()
        log.info("client_ended", extra={"facts": {"client_id": session.client_id, "peer": session.peer, "why": why}})

    def _tell(self, events: Sequence[Event]) -> None:
        self._dirty = self._dirty or bool(events)
        self.front.heard(events)
