"""`python -m pipeline.ingest` as the supervisor runs it: killed, restarted, stopped."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from pipeline import messages
from pipeline.bus.reading import read_frames
from pipeline.config import parse
from pipeline.messages import AccountSnapshot, Gap, PayloadKind
from pipeline.runtime import STATE_VARIABLE, Runtime
from tests.fakes.mini_tws import MiniTws

DEADLINE_S = 90.0


class Process:
    """One run's state directory and the ingest processes started in it."""

    def __init__(self, state: Path, port: int) -> None:
        self.runtime = Runtime(state)
        self.runtime.prepare()
        settings = parse({"gateway": {"enabled": False}, "tws": {"port": port}, "journal": {"segment_bytes": 1 << 20}})
        self.runtime.settings_file.write_text(json.dumps(msgspec.to_builtins(settings)))
        self.child: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        environment = {**os.environ, STATE_VARIABLE: str(self.runtime.state_dir)}
        self.child = subprocess.Popen(
            [sys.executable, "-m", "pipeline.ingest"], env=environment, stdin=subprocess.DEVNULL
        )

    def end(self, signum: int) -> int:
        assert self.child is not None
        self.child.send_signal(signum)
        return self.child.wait(DEADLINE_S)

    def wait(self, done: Callable[[], object]) -> None:
        end = time.monotonic() + DEADLINE_S
        while not done():
            assert time.monotonic() < end, self.log()
            assert self.child is None or self.child.poll() is None, self.log()
            time.sleep(0.02)

    def log(self) -> str:
        return (self.runtime.logs / "ingest.log").read_text()

    def kept(self, kind: type[Any]) -> list[Any]:
        frames = read_frames(self.runtime.journal_dir("ingest"))
        found = (messages.unpack(f.payload) for f in frames if f.header.kind is PayloadKind.MAP)
        return [message for message in found if isinstance(message, kind)]

    def ticks(self) -> np.ndarray[Any, Any]:
        frames = read_frames(self.runtime.journal_dir("ingest"))
        found = [messages.records(f) for f in frames if f.topic == b"md.tick"]
        return np.concatenate(found) if found else np.zeros(0, dtype=messages.TICK)


@pytest.fixture
def process(tmp_path: Path) -> Iterator[tuple[Process, MiniTws]]:
    tws = MiniTws()
    run = Process(tmp_path / "state", tws.port)
    yield run, tws
    if run.child is not None and run.child.poll() is None:
        run.child.kill()
        run.child.wait()
    tws.stop()


def test_killed_in_the_middle_it_returns_with_a_gap_row_and_every_durable_tick(
    process: tuple[Process, MiniTws],
) -> None:
    run, tws = process
    run.start()
    run.wait(lambda: tws.has_line(1))
    tws.tick(1, 4, "10.0", "1", count=500)
    run.wait(lambda: len(run.ticks()) == 500)
    killed_ns = time.time_ns()
    assert run.end(signal.SIGKILL) == -signal.SIGKILL
    before = tws.session
    run.start()
    run.wait(lambda: tws.session is not before and tws.has_line(1))
    tws.tick(1, 4, "11.0", "2", count=700)
    run.wait(lambda: len(run.ticks()) == 1200)
    assert run.end(signal.SIGTERM) == 0
    ticks = run.ticks()
    assert ticks["price"].tolist() == [10.0] * 500 + [11.0] * 700
    gaps = run.kept(Gap)
    assert len(gaps) == 1
    assert gaps[0].from_ns <= killed_ns <= gaps[0].to_ns
    assert len([s for s in run.kept(AccountSnapshot) if s.complete]) >= 2


def test_live_account_where_paper_is_configured_ends_with_3(process: tuple[Process, MiniTws]) -> None:
    run, tws = process
    tws.positions = {"U1234567": {}}
    run.start()
    assert run.child is not None
    assert run.child.wait(DEADLINE_S) == 3
    assert "logged in to live accounts" in run.log()
