from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import zmq

from pipeline.bus import sockets
from pipeline.clock import SystemClock
from pipeline.runtime import Runtime

ROOT = Path(__file__).resolve().parents[3]


def wait_until(condition: Callable[[], object], deadline_s: float = 30.0, what: str = "it") -> None:
    """Drive `condition` (it does the work) until it is true."""
    pause = threading.Event()
    end = time.monotonic() + deadline_s
    while not condition():
        assert time.monotonic() < end, f"{what} did not happen in {deadline_s:g} s"
        pause.wait(0.001)


@pytest.fixture
def until() -> Callable[..., None]:
    return wait_until


@pytest.fixture
def runtime(tmp_path: Path) -> Runtime:
    made = Runtime(tmp_path / "state")
    made.prepare()
    return made


@pytest.fixture
def clock() -> SystemClock:
    return SystemClock()


@pytest.fixture
def context() -> Iterator[zmq.Context[zmq.Socket[bytes]]]:
    made: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    yield made
    sockets.terminate(made)
    assert made.closed


class Source:
    """The source process; `told` is the last line that it printed: what it acknowledged."""

    def __init__(self, runtime: Runtime, batch: int, pause_ms: float, frames: int) -> None:
        arguments = [str(runtime.state_dir), str(batch), str(pause_ms), str(frames)]
        self.process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("source.py")), *arguments],
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
        )
        self.told = ""
        self.drained = ""
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.startswith("drained"):
                self.drained = line.strip()
            elif line.endswith("\n"):
                self.told = line

    @property
    def acknowledged(self) -> tuple[int, int, int]:
        """(epoch, durable seq, frames sent); zeros before the first line."""
        epoch, seq, sent = (self.told or "0 0 0").split()
        return int(epoch), int(seq), int(sent)

    def kill(self) -> None:
        self.process.kill()
        self.wait()

    def terminate(self) -> None:
        self.process.terminate()

    def wait(self) -> None:
        self.process.wait(timeout=30)
        self._reader.join(timeout=30)
        assert self.process.stdout is not None
        self.process.stdout.close()


@pytest.fixture
def start_source(runtime: Runtime) -> Iterator[Callable[..., Source]]:
    started: list[Source] = []

    def start(batch: int = 20, pause_ms: float = 1.0, frames: int = 0) -> Source:
        started.append(Source(runtime, batch, pause_ms, frames))
        return started[-1]

    yield start
    for source in started:
        if source.process.returncode is None:
            source.kill()
