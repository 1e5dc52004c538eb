"""Faults that happen at once: notices, garbage, the end of a connection, more or fewer ticks."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from typing import Protocol

from pipeline.gateway.answers.area import House
from pipeline.gateway.connection import Connection
from pipeline.gateway.faults import notices
from pipeline.gateway.faults.scenario import Fault
from pipeline.gateway.session import Session
from pipeline.gateway.tells import frames

MOST_COMPETING = 1000


class Gateway(Protocol):
    """What faults may do to the server."""

    house: House

    def clients(self) -> Iterable[Connection]: ...
    def end(self, connection: Connection, why: str, *, reset: bool = False) -> None: ...
    def hang_up(self, connection: Connection) -> None: ...
    def restart(self, closed_s: float) -> None: ...
    def lose_data(self, session: Session) -> None: ...
    def set_rate(self, ticks_per_s: float) -> None: ...
    def set_burst(self, count: int) -> None: ...


class Deeds:
    """Done to one client, or to the gateway. `asked`: request ids of a client's subscriptions, newest first."""

    def __init__(self, gateway: Gateway, asked: Callable[[Session], list[int]]) -> None:
        self._gateway, self._asked = gateway, asked
        self._each: dict[str, Callable[[Fault, Connection, float], None]] = {
            "close": lambda _fault, connection, _now: gateway.end(connection, "fault: close"),
            "reset": lambda _fault, connection, _now: gateway.end(connection, "fault: reset", reset=True),
            "garbage": self._garbage,
            "truncated": self._truncated,
            "wrong_length": self._wrong_length,
            "10197": self._competing,
            "error": self._error,
            "1101": self.lose_data,
        }

    def to_all(self, fault: Fault) -> None:
        """What concerns the gateway as a whole."""
        match fault.do:
            case "restart":
                self._gateway.restart(fault.number("closed_s"))
            case "rate":
                self._gateway.set_rate(fault.number("ticks_per_s"))
            case "burst":
                self._gateway.set_burst(fault.whole("frames"))

    def to_one(self, fault: Fault, connection: Connection, now_s: float) -> None:
        """What concerns one client; nothing for faults that last."""
        if fault.do in self._each:
            self._each[fault.do](fault, connection, now_s)
        elif fault.do.isdigit():
            self.notice(connection, int(fault.do), fault)

    def notice(self, connection: Connection, code: int, fault: Fault) -> None:
        text = notices.text(code, farm=fault.values.get("farm", "usfarm"))
        self._gateway.house.error(connection.session, -1, code, text)

    def lose_data(self, fault: Fault, connection: Connection, now_s: float) -> None:
        self.notice(connection, 1101, fault)
        self._gateway.lose_data(connection.session)

    def _error(self, fault: Fault, connection: Connection, now_s: float) -> None:
        code = fault.whole("code")
        text = fault.text("text") or notices.text(code)
        self._gateway.house.error(connection.session, fault.whole("id"), code, text)

    def _competing(self, fault: Fault, connection: Connection, now_s: float) -> None:
        asked = self._asked(connection.session) or [-1]
        for n in range(min(fault.whole("count"), MOST_COMPETING)):
            self._gateway.house.error(connection.session, asked[n % len(asked)], 10197, notices.text(10197))

    def _garbage(self, fault: Fault, connection: Connection, now_s: float) -> None:
        noise = random.Random(fault.whole("seed")).randbytes(min(fault.whole("bytes"), frames.MAX_FRAME))
        head = len(noise).to_bytes(4, "big") if fault.values["framed"] else b""
        connection.session.push(head + noise, 0, 0, now_s)

    def _truncated(self, fault: Fault, connection: Connection, now_s: float) -> None:
        cut = b"4\x002\0-1\x002104\0".ljust(fault.whole("bytes"), b"x")[: fault.whole("bytes")]
        connection.session.push((fault.whole("length") & 0xFFFFFFFF).to_bytes(4, "big") + cut, 0, 0, now_s)
        self._gateway.hang_up(connection)

    def _wrong_length(self, fault: Fault, connection: Connection, now_s: float) -> None:
        wrong = (fault.whole("length") & 0xFFFFFFFF).to_bytes(4, "big")
        connection.session.push(wrong + frames.current_time(0)[4:], 0, 0, now_s)
