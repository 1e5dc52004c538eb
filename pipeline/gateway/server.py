"""The sockets of the simulated TWS: one thread, nothing that blocks. Everything it says is made by the pure parts."""

from __future__ import annotations

import contextlib
import logging
import selectors
import socket
import time
from collections.abc import Sequence
from pathlib import Path

from pipeline.gateway import days, keeping, reading, reports, requests, wire, wire_orders
from pipeline.gateway.answers import Answers
from pipeline.gateway.brokerage import Brokerage, Changed, Event, Filled
from pipeline.gateway.ledger import Ledger
from pipeline.gateway.limits import Limits, Pace
from pipeline.gateway.lines import Lines
from pipeline.gateway.market import STEP_S
from pipeline.gateway.requests import BadRequest
from pipeline.gateway.session import Garbage, Phase, Session

log = logging.getLogger("margindesk.gateway")
CYCLE_S = 0.005
SAVE_EVERY_S = 1.0
READ_BYTES = 1 << 16
READS_A_TURN = 8
SEND_BUFFER = 1 << 18
CLOSE_GRACE_S = 2.0


class Server:
    """Listens, reads, answers, streams; call `step` over and over."""

    def __init__(
        self, brokerage: Brokerage, host: str, port: int, rate: float, limits: Limits, directory: Path | None = None
    ) -> None:
        self.brokerage, self.limits, self.directory = brokerage, limits, directory
        self.lines = Lines(brokerage.tape, limits, rate, brokerage.market.seed)
        self.answers = Answers(brokerage, self.lines)
        self.sessions: dict[socket.socket, Session] = {}
        self.dropped = 0
        self._selector = selectors.DefaultSelector()
        self._listener = socket.create_server((host, port), backlog=64)
        self._listener.setblocking(False)
        self._selector.register(self._listener, selectors.EVENT_READ)
        self.address: tuple[str, int] = self._listener.getsockname()[:2]
        now = time.monotonic()
        self._anchor = now - brokerage.market.step * STEP_S
        self._flowed = self._saved = self._pnl_told = now
        self._accounts_told: dict[socket.socket, float] = {}
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
        if now - self._pnl_told >= self.limits.pnl_every_s:
            self._pnl_told = now
            self._tell_pnl()
        for sock, told in list(self._accounts_told.items()):
            if now - told >= self.limits.account_every_s:
                self._accounts_told[sock] = now
                self._tell_accounts(self.sessions[sock], None)

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
        self.sessions[sock] = Session(f"{peer[0]}:{peer[1]}", self.limits)
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
            session.send(wire.handshake(agreed, f"{moment:%Y%m%d %H:%M:%S %Z}"))
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
                self.answers.error(session, -1, 0, text)
            case Pace.OVER:
                text = f"Max rate of messages per second has been exceeded:max={limit} rec={session.pacing.count} (1)"
                self.answers.error(session, -1, 100, text)
            case Pace.CLOSE:
                self._refuse(sock, session, 100, f"Max rate of messages per second has been exceeded:max={limit}")
                return False
        return True

    def _handle(self, sock: socket.socket, session: Session, frame: bytes) -> None:
        try:
            request = reading.decode(frame, session.sv)
            if session.phase is Phase.OPEN:
                self._tell(self.answers.answer(session, request))
                if isinstance(
                    request, requests.AccountUpdates | requests.AccountUpdatesMulti | requests.AccountSummary
                ):
                    self._accounts_told.setdefault(sock, time.monotonic())
            elif isinstance(request, requests.StartApi):
                self._start(sock, session, request.client_id)
            else:
                raise BadRequest(-1, 321, "Error validating request.-'bK' : cause - Expected startApi first")
        except BadRequest as bad:
            self.answers.error(session, bad.req_id, bad.code, bad.text)

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
        self.answers.greet(session)

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
            self.answers.error(session, -1, code, text)
        self._forget(sock, session)
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

    def _forget(self, sock: socket.socket, session: Session) -> None:
        self.lines.remove_all(session)
        self._accounts_told.pop(sock, None)

    def _end(self, sock: socket.socket, why: str) -> None:
        session = self.sessions.pop(sock)
        self._forget(sock, session)
        self._closing.pop(sock, None)
        self._half_closed.discard(sock)
        self._selector.unregister(sock)
        with contextlib.suppress(OSError):  # the other side may be gone
            sock.shutdown(socket.SHUT_RDWR)
        sock.close()
        log.info("client_ended", extra={"facts": {"client_id": session.client_id, "peer": session.peer, "why": why}})

    # Events.

    def _tell(self, events: Sequence[Event]) -> None:
        """Tell the client that placed an order, and after a fill every watcher of the account."""
        moved: dict[str, set[int]] = {}
        for event in events:
            self._dirty = True
            for session in self.sessions.values():
                if session.phase is Phase.OPEN and session.client_id == event.order.client_id:
                    self._tell_order(session, event)
            if isinstance(event, Filled):
                moved.setdefault(event.fill.account, set()).add(event.fill.con_id)
        if moved:
            for session in self.sessions.values():
                if session.phase is Phase.OPEN:
                    self._tell_positions(session, moved)
                    self._tell_accounts(session, moved)

    def _tell_order(self, session: Session, event: Event) -> None:
        order = event.order
        x = self.brokerage.universe.by_con_id[order.con_id]
        state = wire_orders.open_order(session.sv, order, x), wire_orders.order_status(order)
        if isinstance(event, Filled):
            session.send(wire_orders.execution(session.sv, -1, event.fill, x), *state)
            session.send(wire_orders.commission(event.fill))
        elif isinstance(event, Changed) and event.code:
            session.send(wire_orders.order_status(order))
            self.answers.error(session, order.order_id, event.code, event.text)
        else:
            session.send(*state)

    def _tell_positions(self, session: Session, moved: dict[str, set[int]]) -> None:
        for name, con_ids in moved.items():
            account = self.brokerage.accounts[name]
            if session.watching.positions:
                session.send(*reports.positions(self.brokerage, account, sorted(con_ids)))
            for req_id, asked in session.watching.positions_multi.items():
                if asked.account in ("", name):
                    session.send(*reports.positions(self.brokerage, account, sorted(con_ids), req_id))

    def _tell_accounts(self, session: Session, moved: dict[str, set[int]] | None) -> None:
        """Account values that changed; `moved` None: the three-minute report with the whole portfolio."""
        watching = session.watching
        if watching.updates and (moved is None or watching.updates in moved):
            places = None if moved is None else sorted(moved[watching.updates])
            session.send(*reports.updates(session, self.brokerage, places))
        for asked in watching.multi.values():
            session.send(*reports.multi(session, self.brokerage, asked))
        for wanted in watching.summary.values():
            session.send(*reports.summary(session, self.brokerage, wanted))

    def _tell_pnl(self) -> None:
        for session in self.sessions.values():
            for req_id, asked in session.watching.pnl.items():
                frame = reports.pnl(self.brokerage, asked)
                if session.watching.pnl_sent.get(req_id) != frame:
                    session.watching.pnl_sent[req_id] = frame
                    session.send(frame)
