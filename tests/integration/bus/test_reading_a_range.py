from __future__ import annotations

import numpy as np
import pytest

from pipeline.bus.journal import Journal
from pipeline.bus.live import Stream
from pipeline.bus.reading import end_of, read_frames, read_frames_after
from pipeline.clock import SystemClock
from pipeline.messages import TICK, StreamId


def filled(directory, frames: int, segment_bytes: int = 1 << 20) -> tuple[int, int]:
    """Append `frames` frames of 100 ticks; returns the journal's end."""
    clock = SystemClock()
    journal = Journal(
        directory, StreamId.INGEST, segment_bytes=segment_bytes, sync_ms=1.0, max_bytes=1 << 28, clock=clock
    )
    stream = Stream(StreamId.INGEST, clock, journal=journal)
    for _ in range(frames):
        stream.records(b"md.tick", np.zeros(100, TICK))
    journal.close()
    return stream.epoch, stream.next_seq


def test_an_empty_directory_ends_nowhere_and_everything_comes_after(tmp_path):
    assert end_of(tmp_path / "none") == (0, 0)
    filled(tmp_path / "ingest", 10)
    assert list(read_frames_after(tmp_path / "ingest", 0, 0)) == list(read_frames(tmp_path / "ingest"))


@pytest.mark.parametrize("before", [1, 7, 700])
def test_only_what_was_appended_later_comes_after_a_position(tmp_path, before):
    first = filled(tmp_path, before)
    assert end_of(tmp_path) == first
    last = filled(tmp_path, 900)  # of both: several segments
    assert end_of(tmp_path) == last
    frames = list(read_frames_after(tmp_path, *first))
    assert [frame.header.seq for frame in frames] == list(range(first[1], last[1], 100))
    assert frames == list(read_frames(tmp_path))[before:]
