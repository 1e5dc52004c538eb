"""A connection of ours against a scripted TWS."""

from __future__ import annotations

import select
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pipeline.clock import SystemClock
from pipeline.config import Settings, parse
from pipeline.runtime import Runtime
from pipeline.tws import decode
from pipeline.tws.callbacks import Callbacks
from pipeline.tws.connection import Connection
from tests.fakes.scripted_tws import DEADLINE_S, ScriptedTws, Session, frame


@pytest.fixture(autouse=True, scope="session")
def _warm() -> None:
    """Compiling takes seconds that no deadline should pay."""
    decode.warm()


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
