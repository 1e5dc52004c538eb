"""A scripted TWS: speaks the handshake, sends the bytes it is told to, keeps what it receives."""

from __future__ import annotations

import select
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pipeline.clock import SystemClock
from pipeline.config import Settings, parse
from pipeline.runtime import Runtime
from pipeline.tws.callbacks import Callbacks
from pipeline.tws.connection import Connection

DEADLINE_S = 20.0


def frame(*fields: object) -> bytes:
    """One text frame of the protocol."""
    payload = b"".join(str(field).encode() + b"\0" for field in fields)
    return len(payload).to_bytes(4, "big") + payload


class ScriptedTws:
    """One listening port; `script(session)` runs in a thread for each client."""

    def __init__(self, script: Callable[[Session], None], port: int = 0) -> None:
        self._listener = socket.create_server(("127.0.0.1", port))
        self.port = self._listener.getsockname()[1]
        self._script = script
        self._closing = threading.Event()
        self.failures: list[BaseException] = []
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while not self._closing.is_set():
            if not select.select([self._listener], [], [], 0.05)[0]:
                continue
            connection, _ = self._listener.accept()
            with connection:
                try:
                    self._script(Session(connection, self._closing))
                except OSError:
                    pass  # the client hung up: many scripts end that way
                except BaseException as error:
                    self.failures.append(error)

    def close(self) -> None:
        self._closing.set()
        self._thread.join(timeout=DEADLINE_S)
        self._listener.close()
        assert not self.failures, self.failures


class Session:
    """The server's side of one connection."""

    def __init__(self, connection: socket.socket, closing: threading.Event) -> None:
        self.connection, self.closing = connection, closing
        self._buffer = b""

    def send(self, *parts: bytes) -> None:
        self.connection.sendall(b"".join(parts))

    def receive(self, count: int) -> bytes:
        while len(self._buffer) < count:
            if self.closing.is_set():
                raise OSError("closing")
            if not select.select([self.connection], [], [], 0.05)[0]:
                continue
            data = self.connection.recv(65536)
            if not data:
                raise OSError("the client hung up")
            self._buffer += data
        out, self._buffer = self._buffer[:count], self._buffer[count:]
        return out

    def hello(self) -> str:
        """The client's version range."""
        assert self.receive(4) == b"API\0"
        return self.receive(int.from_bytes(self.receive(4), "big")).decode()

    def message(self) -> list[str]:
        """The next frame of the client, as fields."""
        return self.receive(int.from_bytes(self.receive(4), "big")).decode().split("\0")[:-1]

    def until(self, message_id: int) -> list[str]:
        """Skip to the next message with this id; answers probes on the way."""
        while True:
            fields = self.message()
            if int(fields[0]) == message_id:
                return fields
            self.answer(fields)

    def answer(self, fields: list[str]) -> None:
        if fields[0] == "49":
            self.send(frame(49, 1, int(time.time())))
        elif fields[0] == "105":
            self.send(frame(109, int(time.time() * 1000)))

    def greet(self, version: int = 178, accounts: str = "DU1,DU2", order_id: int = 1) -> None:
        """Handshake, startApi, accounts and id."""
        self.hello()
        self.send(frame(version, "20261122 10:00:00 UTC"))
        assert self.message()[0] == "71"
        self.send(frame(15, 1, accounts), frame(9, 1, order_id))

    def serve(self) -> None:
        """Answer probes until the client or the test ends it."""
        while True:
            self.answer(self.message())


@pytest.fixture
def scripted() -> Iterator[Callable[..., ScriptedTws]]:
    made: list[ScriptedTws] = []

    def make(script: Callable[[Session], None], port: int = 0) -> ScriptedTws:
        made.append(ScriptedTws(script, port))
        return made[-1]

    yield make
    for server in made:
        server.close()


class Recorder(Callbacks):
    """Keeps every call, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[tuple[object, ...]] = []
        self.connection: Connection | None = None
        self.line_requests: list[int] = []

    def __getattribute__(self, name: str) -> object:
        if name.startswith("_") or name in ("calls", "connection", "named", "line_requests", "ticks", "options"):
            return object.__getattribute__(self, name)
        if not callable(getattr(Callbacks, name, None)):
            return object.__getattribute__(self, name)
        calls = self.calls

        def keep(*arguments: object) -> None:
            calls.append((name, *arguments))
            if name == "tws_ready" and self.connection is not None:
                for request in self.line_requests:
                    self.connection.client.lines.add(request, 1000 + request, request)

        return keep

    def ticks(self, records: object, slots: object) -> None:
        self.calls.append(("ticks", records.copy(), slots.copy()))  # type: ignore[attr-defined]

    def options(self, records: object, slots: object) -> None:
        self.calls.append(("options", records.copy(), slots.copy()))  # type: ignore[attr-defined]

    def named(self, name: str) -> list[tuple[object, ...]]:
        return [call[1:] for call in self.calls if call[0] == name]


def settings_for(port: int, **tws: object) -> Settings:
    return parse({"gateway": {"enabled": False}, "tws": {"port": port, **tws}})


@pytest.fixture
def connect(tmp_path: Path) -> Iterator[Callable[..., tuple[Connection, Recorder]]]:
    made: list[Connection] = []

    def make(port: int, lines: list[int] | None = None, **tws: object) -> tuple[Connection, Recorder]:
        handler = Recorder()
        connection = Connection("test", settings_for(port, **tws), Runtime(tmp_path), SystemClock(), handler,
                                client_id=7, may_change_id=False)  # fmt: skip
        handler.connection, handler.line_requests = connection, lines or []
        made.append(connection)
        return connection, handler

    yield make
    for connection in made:
        connection.close()


def run_until(connection: Connection, done: Callable[[], object], deadline_s: float = DEADLINE_S) -> None:
    """Drive the connection until `done()`; fails after the deadline."""
    end = time.monotonic() + deadline_s
    while not done():
        assert time.monotonic() < end, f"not done in {deadline_s} s; state {connection.session}"
        fd = connection.client.fileno()
        if fd >= 0 and connection.client.link is not None and connection.client.link.connected:
            select.select([fd], [], [], 0.01)
        else:
            time.sleep(0.005)
        connection.step()


@pytest.fixture(name="frame")
def frame_maker() -> Callable[..., bytes]:
    return frame


@pytest.fixture(name="run_until")
def runner() -> Callable[..., None]:
    return run_until
