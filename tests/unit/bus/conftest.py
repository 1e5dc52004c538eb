from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pipeline.bus.journal import Journal
from pipeline.messages import Frame, Header, PayloadKind, StreamId


class HandClock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def now_ns(self) -> int:
        return int(self.seconds * 1e9)

    def monotonic(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def open_journal(tmp_path: Path, clock: HandClock) -> Iterator[Callable[..., Journal]]:
    """Opens the journal in `tmp_path / "j"`; every one is closed at the end."""
    opened: list[Journal] = []

    def make(**changes: Any) -> Journal:
        options = {"segment_bytes": 1 << 16, "sync_ms": 1.0, "max_bytes": 1 << 30} | changes
        journal = Journal(tmp_path / "j", StreamId.INGEST, clock=clock, **options)
        opened.append(journal)
        return journal

    yield make
    for journal in opened:
        journal.close()


def frame_of(journal: Journal, payload: bytes = b"x", count: int = 1, kind: PayloadKind = PayloadKind.MAP) -> Frame:
    """The next frame of `journal`."""
    header = Header(kind, journal.stream, count, journal.epoch, 7, journal.next_seq, 1_000 + journal.next_seq)
    return Frame(b"md.tick", header, payload)


@pytest.fixture
def fill() -> Callable[..., list[Frame]]:
    """Appends `count` frames with different payloads; returns them."""

    def do(journal: Journal, count: int, size: int = 50, kind: PayloadKind = PayloadKind.MAP) -> list[Frame]:
        frames = []
        for place in range(count):
            frame = frame_of(journal, (f"{journal.next_seq:09d}".encode() * 9999)[:size], 1 + place % 3, kind)
            journal.append(frame)
            frames.append(frame)
        return frames

    return do
