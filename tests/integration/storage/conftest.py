"""A source with a real journal, and the writer as a process or turned by hand."""

from __future__ import annotations

import contextlib
import math
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import zmq

from pipeline import messages
from pipeline.bus import sockets
from pipeline.bus.control import ControlServer
from pipeline.bus.journal import Journal
from pipeline.bus.live import Stream
from pipeline.bus.opening import OWNERS
from pipeline.bus.reading import read_frames
from pipeline.clock import SystemClock
from pipeline.messages import StreamId
from pipeline.runtime import Runtime
from storage import rows
from storage.writer.service import WriterService

ROOT = Path(__file__).parents[3]
DEADLINE_S = 20.0
DAY = 1_795_305_600_000_000_000  # 2026-11-22, UTC ns


def make_ticks(count: int, first: int = 0) -> np.ndarray:
    """Distinct ticks; every third has no size, every fifth no price."""
    made = np.zeros(count, messages.TICK)
    number = np.arange(first, first + count)
    made["recv_ns"] = DAY + number * 1000
    made["market_ns"] = DAY + number * 1000 + 7
    made["con_id"] = 1000 + number % 20
    made["tick_type"] = np.array([1, 2, 4])[number % 3]
    made["flags"] = number % 7
    made["price"] = np.where(number % 5 == 0, np.nan, 100 + number / 64)
    made["size"] = np.where(number % 3 == 0, np.nan, number)
    return made


class Producer:
    """A process's stream, journal and ROUTER, served by a thread."""

    def __init__(self, runtime: Runtime, stream: StreamId = StreamId.INGEST) -> None:
        self.runtime, self.stream_id = runtime, stream
        self.directory = runtime.journal_dir(OWNERS[stream])
        self.lock = threading.Lock()
        self._closing = threading.Event()
        self._open()

    def _open(self) -> None:
        clock = SystemClock()
        self.context: zmq.Context[Any] = zmq.Context()
        self.journal = Journal(
            self.directory, self.stream_id, segment_bytes=8 << 20, sync_ms=2.0, max_bytes=1 << 30, clock=clock
        )
        self.stream = Stream(self.stream_id, clock, journal=self.journal)
        self.control = ControlServer(
            self.context,
            self.runtime,
            OWNERS[self.stream_id],
            clock,
            stream=self.stream,
            snapshot=list,
            journals=[self.journal],
        )
        self._closing.clear()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while not self._closing.is_set():
            self.control.socket.poll(5)
            with self.lock:
                self.control.receive()
                self.control.serve_waiting()

    def records(self, topic: bytes, array: np.ndarray) -> int:
        with self.lock:
            return self.stream.records(topic, array)

    def map(self, message: messages.Message) -> int:
        with self.lock:
            return self.stream.map(message)

    @staticmethod
    def ticks(count: int, first: int = 0) -> np.ndarray:
        return make_ticks(count, first)

    def journaled(self) -> list[tuple[int, int, int]]:
        """The position of every record in the journal."""
        return [
            (int(frame.header.stream), rows.signed(frame.header.epoch), seq)
            for frame in read_frames(self.directory)
            for seq in range(frame.header.seq, frame.next_seq)
        ]

    def flood(self, count: int, frame: int = 100, first: int = 0) -> None:
        """`count` ticks in frames."""
        for start in range(first, first + count, frame):
            self.records(b"md.tick", make_ticks(min(frame, first + count - start), start))

    def close(self) -> None:
        if self._closing.is_set():
            return
        self._closing.set()
        self._thread.join()
        self.control.socket.close(linger=0)
        self.journal.close()
        sockets.terminate(self.context)

    def reopen(self) -> None:
        """As a new process would."""
        self.close()
        self._open()


class WriterProcess:
    """`python -m storage.writer`."""

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime
        environment = os.environ | {"MARGINDESK_STATE": str(runtime.state_dir)}
        with (runtime.logs / "writer.out").open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "storage.writer"],
                cwd=ROOT,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(DEADLINE_S)

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(DEADLINE_S)

    def log(self) -> str:
        return (self.runtime.logs / "writer.log").read_text() + (self.runtime.logs / "writer.out").read_text()


class WriterByHand(WriterService):
    """The same Service, one step at a time, in this process."""

    def begin(self) -> None:
        self.context = zmq.Context()
        self._supervisor = sockets.dealer(self.context, self.runtime.endpoint("supervisor", "ctl"))
        self.setup()
        assert self._database is not None, self.last_error
        self.become(messages.State.READY)

    def until(self, done: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + DEADLINE_S
        while not done():
            assert time.monotonic() < deadline, f"{what}; last error: {self.last_error}"
            self.step(timeout_ms=20)

    def committed(self, stream: StreamId) -> tuple[int, int] | None:
        source = next(source for source in self._sources if source.stream is stream)
        return source.believed

    def until_committed(self, producer: Producer) -> None:
        wanted = (rows.signed(producer.stream.epoch), producer.stream.next_seq)
        self.until(lambda: self.committed(producer.stream_id) == wanted, f"expected {wanted} to be committed")

    def end(self) -> None:
        self.close()
        self._supervisor.close(linger=0)
        sockets.terminate(self.context)


def example(kind: Any, name: str = "", salt: int = 1) -> Any:
    """A message (or part of one) with every field filled."""
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        fields = {field.name: example(field.type, field.name, salt) for field in msgspec.structs.fields(kind)}
        return fields if not name and salt == 0 else fields | ({"children": []} if "children" in fields else {})
    origin = getattr(kind, "__origin__", None)
    if origin is list:
        return [example(kind.__args__[0], name, salt)] if kind.__args__[0] is str else []
    if origin is dict:
        return {"some": 1.5, "unknown": math.nan} if kind.__args__[1] is float else {"some": "text"}
    if kind is bool:
        return True
    if kind is str:
        return f"{name} é – {salt}"
    if isinstance(kind, type) and issubclass(kind, messages.State):
        return "READY"
    return salt + (0.5 if kind is float else 0)


@pytest.fixture
def examples() -> list[messages.Message]:
    """One message of each kind."""
    return [messages.convert(example(kind), kind) for kind in messages.MESSAGE_TYPES]


@pytest.fixture
def fill() -> Callable[[str], messages.Execution]:
    def make(exec_id: str) -> messages.Execution:
        return messages.convert(example(messages.Execution) | {"exec_id": exec_id}, messages.Execution)

    return make


@pytest.fixture
def producers(database: Any) -> Iterator[Callable[..., Producer]]:
    made: list[Producer] = []

    def make(stream: StreamId = StreamId.INGEST) -> Producer:
        made.append(Producer(database.runtime, stream))
        return made[-1]

    yield make
    for producer in made:
        producer.close()


@pytest.fixture
def producer(producers: Callable[..., Producer]) -> Producer:
    return producers()


@pytest.fixture
def writers(database: Any) -> Iterator[Callable[[], WriterProcess]]:
    made: list[WriterProcess] = []

    def make() -> WriterProcess:
        made.append(WriterProcess(database.runtime))
        return made[-1]

    yield make
    for writer in made:
        with contextlib.suppress(ProcessLookupError):
            writer.kill()


@pytest.fixture
def writer(database: Any) -> Iterator[WriterByHand]:
    made = WriterByHand(database.runtime)
    made.begin()
    yield made
    made.end()


@pytest.fixture
def second(database: Any) -> Iterator[WriterByHand]:
    made = WriterByHand(database.runtime)
    made.begin()
    yield made
    made.end()
