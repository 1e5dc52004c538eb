"""What clients say, answered in fair turns: greeting, start, pace, requests. Owns no socket; asks for time."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from pipeline import config
from pipeline.gateway import read_only
from pipeline.gateway.answers.front import Front
from pipeline.gateway.asks import reading
from pipeline.gateway.asks.request import BadRequest
from pipeline.gateway.asks.session import StartApi
from pipeline.gateway.broker.brokerage import Event
from pipeline.gateway.connection import Connection
from pipeline.gateway.faults.injection import Injection
from pipeline.gateway.ledger import Ledger
from pipeline.gateway.limits import Pace
from pipeline.gateway.market import days
from pipeline.gateway.session import Garbage, Phase, message
from pipeline.gateway.tells import frames

log = logging.getLogger("margindesk.gateway")
FRAMES_A_TURN = 32  # requests of one client before the next one's are answered


class Door(Protocol):
    """Who lets clients in and shows them out."""

    def clients(self) -> list[Connection]: ...
    def is_here(self, connection: Connection) -> bool: ...
    def hear(self, connection: Connection) -> None: ...
    def refuse(self, connection: Connection, code: int, text: str) -> None: ...
    def tell(self, events: Sequence[Event]) -> None: ...


class Reception:
    """Takes requests out of what clients sent and has them answered."""

    def __init__(
        self, door: Door, front: Front, faults: Injection, settings: config.Gateway, directory: Path | None
    ) -> None:
        self._door, self._front, self._faults, self._settings = door, front, faults, settings
        self._house, self._directory = front.house, directory
        self._ledgers: dict[int, Ledger] = {}
        self._turns: deque[Connection] = deque()  # clients with requests that wait for their turn

    @property
    def busy(self) -> bool:
        """Whether somebody waits for a turn."""
        return bool(self._turns)

    def said(self, connection: Connection) -> None:
        """A client said something; it is answered in its turn."""
        if connection not in self._turns:
            self._turns.append(connection)

    def close(self) -> None:
        for ledger in self._ledgers.values():
            ledger.close()

    def answer_the_last(self, connection: Connection) -> None:
        """What a client asked before it closed is done all the same; the message rate bounds it."""
        session = connection.session
        try:
            while session.phase in (Phase.START, Phase.OPEN) and session.whole:
                self._understand(connection)
        except Garbage:
            return

    def take_turns(self) -> None:
        """Each client that said something gets a few answers; who has more to ask waits for the next round."""
        for _ in range(len(self._turns)):
            connection = self._turns.popleft()
            if not self._door.is_here(connection):
                continue
            try:
                self._understand(connection)
            except Garbage as error:
                self._door.refuse(connection, 507, f"Bad Message Length: {error}")
            waits = connection.session.whole and connection.session.phase in (Phase.START, Phase.OPEN)
            if waits or connection.more:
                self._turns.append(connection)
            if connection.more and self._door.is_here(connection):
                self._door.hear(connection)

    def _understand(self, connection: Connection) -> None:
        """Take out of the input what is whole, up to a turn's share."""
        session = connection.session
        if session.phase is Phase.HELLO:
            agreed = session.take_hello()
            if agreed is None:
                return
            session.sv, session.phase = agreed, Phase.START
            moment = days.new_york(self._house.brokerage.market.now_ns)
            session.send(frames.handshake(agreed, f"{moment:%Y%m%d %H:%M:%S %Z}"))
        for _ in range(FRAMES_A_TURN):
            if session.phase not in (Phase.START, Phase.OPEN):
                return
            frame = session.take_frame()
            if frame is None:
                return
            if self._paced(connection):
                self._handle(connection, frame)

    def _paced(self, connection: Connection) -> bool:
        """Hold the client to the message rate; False when that ended the connection."""
        limit, session = self._settings.limits.messages_per_s, connection.session
        match session.pacing.message(time.monotonic()):
            case Pace.WARN:
                text = f"Warning: Approaching max rate of {limit} messages per second ({session.pacing.count})"
                self._house.error(session, -1, 0, text)
            case Pace.OVER:
                text = f"Max rate of messages per second has been exceeded:max={limit} rec={session.pacing.count} (1)"
                self._house.error(session, -1, 100, text)
            case Pace.CLOSE:
                self._door.refuse(connection, 100, f"Max rate of messages per second has been exceeded:max={limit}")
                return False
        return True

    def _handle(self, connection: Connection, frame: bytes) -> None:
        session, number = connection.session, message(frame)
        if not self._faults.heard(session, number, time.monotonic()) or not self._door.is_here(connection):
            return
        try:
            request = reading.decode(frame, session.sv)
            if isinstance(request, StartApi) and session.phase is Phase.START:
                self._start(connection, request.client_id)
            elif session.phase is not Phase.OPEN:
                raise BadRequest(-1, 321, "Error validating request.-'bK' : cause - Expected startApi first")
            else:
                if self._settings.read_only:
                    read_only.check(number, request.req_id)
                self._faults.check(session, number, request)
                self._door.tell(self._front.answer(session, request))
        except BadRequest as bad:
            self._house.error(session, bad.req_id, bad.code, bad.text)
        except Exception:  # a fault of ours: it costs this client, nobody else
            log.exception("request_failed", extra={"facts": {"peer": session.peer, "frame": frame[:200].hex()}})
            self._door.refuse(connection, 322, "Error processing request.-'bZ' : cause - Internal error")

    def _start(self, connection: Connection, client_id: int) -> None:
        holder = self._holder(client_id)
        if holder is not None:
            self._door.hear(holder)  # it may have closed already, and this is the first that we learn of it
        if self._holder(client_id) is not None:
            text = "Unable to connect as the client id is already in use. Retry with a unique client id."
            self._door.refuse(connection, 326, text)
            return
        refusal = self._faults.login(client_id)
        if refusal is not None:
            self._door.refuse(connection, *refusal)
            return
        session = connection.session
        session.client_id, session.phase = client_id, Phase.OPEN
        self._faults.admit(connection, time.monotonic())
        if self._directory is not None:
            if client_id not in self._ledgers:
                self._ledgers[client_id] = Ledger(self._directory, client_id)
            session.ledger = self._ledgers[client_id]
        log.info("client_started", extra={"facts": {"client_id": client_id, "version": session.sv}})
        self._front.start.greet(session)

    def _holder(self, client_id: int) -> Connection | None:
        """The connection that uses this client id."""
        for connection in self._door.clients():
            if connection.session.client_id == client_id and connection.session.phase is Phase.OPEN:
                return connection
        return None
