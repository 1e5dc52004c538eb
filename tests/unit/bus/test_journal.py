from __future__ import annotations

import contextlib
import errno
import resource
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline import messages
from pipeline.bus import disk, framing, recovery, segment
from pipeline.bus.journal import Journal
from pipeline.bus.live import Stream
from pipeline.bus.reading import read_frames
from pipeline.errors import CannotStart, JournalError, JournalFull
from pipeline.messages import Frame, Gap, PayloadKind, StreamId

Opener = Callable[..., Journal]
Filler = Callable[..., list[Frame]]


def wait_for(condition: Callable[[], object], deadline_s: float = 20.0) -> None:
    """Other threads of the journal do their part within the deadline."""
    pause = threading.Event()
    for _ in range(int(deadline_s / 0.005)):
        if condition():
            return
        pause.wait(0.005)
    raise AssertionError("the deadline passed")


def fetch_all(journal: Journal, epoch: int, seq: int, max_bytes: int = 4000) -> list[Frame]:
    """As a writer reads: from a position to the end, over closed epochs."""
    frames: list[Frame] = []
    while (found := journal.answer(epoch, seq, max_bytes)) is not None:
        if found.verb == b"FRAMES":
            got = framing.decode_all(found.data)
            assert got[0].header.seq == seq
            frames += got
            seq = got[-1].next_seq
        else:
            epoch, seq = found.epoch, found.first_seq
    return frames


def test_what_was_appended_is_read_back_in_order_over_many_segments(
    open_journal: Opener, fill: Filler, tmp_path: Path
) -> None:
    journal = open_journal()
    frames = fill(journal, 3000, size=150)
    journal.sync()
    assert journal.durable_seq == journal.next_seq
    assert len(segment.ordinals(tmp_path / "j")) > 5
    assert list(read_frames(tmp_path / "j")) == frames
    assert fetch_all(journal, 0, 0) == frames
    assert fetch_all(journal, journal.epoch, frames[1234].header.seq) == frames[1234:]


def test_only_durable_frames_are_served(open_journal: Opener, fill: Filler) -> None:
    journal = open_journal(sync_ms=60_000.0)
    frames = fill(journal, 3)
    assert journal.frames(journal.epoch, 1, 1 << 20) == []
    journal.append(
        Frame(b"t", messages.Header(PayloadKind.MAP, journal.stream, 1, journal.epoch, 7, journal.next_seq, 0), b""),
        sync=True,
    )
    assert journal.durable_seq == journal.next_seq
    assert journal.frames(journal.epoch, 1, 1 << 20)[:3] == frames


def test_a_sync_thread_makes_it_durable_by_itself(open_journal: Opener, fill: Filler) -> None:
    journal = open_journal()
    fill(journal, 3)
    wait_for(lambda: journal.durable_seq == journal.next_seq)


def test_a_restart_goes_on_in_the_same_epoch(open_journal: Opener, fill: Filler) -> None:
    first = open_journal()
    before = fill(first, 2000, size=150)
    epoch, next_seq = first.epoch, first.next_seq
    first.close()
    second = open_journal()
    assert (second.epoch, second.next_seq, second.durable_seq) == (epoch, next_seq, next_seq)
    assert second.damage is None
    after = fill(second, 10)
    second.sync()
    assert fetch_all(second, 0, 0) == before + after


def test_a_start_reads_only_the_last_segment_in_full(open_journal: Opener, fill: Filler, tmp_path: Path) -> None:
    journal = open_journal()
    fill(journal, 3000, size=150)
    journal.close()
    found = recovery.recover(tmp_path / "j", StreamId.INGEST)
    assert len(found.segments) > 5
    assert all(seg.sealed for seg in found.segments[:-1])
    assert all(segment.verify(seg) for seg in found.segments[:-1])


def test_a_second_owner_is_kept_out(open_journal: Opener) -> None:
    open_journal()
    with pytest.raises(CannotStart, match="another process owns"):
        open_journal()


def test_a_segment_of_another_stream_is_refused(open_journal: Opener, clock: Any, tmp_path: Path) -> None:
    open_journal().close()
    with pytest.raises(CannotStart, match="expected a segment of stream 3"):
        Journal(tmp_path / "j", StreamId.ORDERS, segment_bytes=1 << 16, sync_ms=1.0, max_bytes=1 << 30, clock=clock)


def test_a_segment_removed_by_hand_is_said_and_not_guessed(open_journal: Opener, fill: Filler, tmp_path: Path) -> None:
    journal = open_journal()
    fill(journal, 3000, size=150)
    journal.close()
    segment.path_of(tmp_path / "j", 3).unlink()
    with pytest.raises(CannotStart, match="expected segment 3, found 4"):
        open_journal()


def test_a_deleted_directory_begins_a_new_epoch_and_resets_the_writer(
    open_journal: Opener, fill: Filler, tmp_path: Path
) -> None:
    journal = open_journal()
    fill(journal, 5)
    old = journal.epoch
    journal.close()
    for path in (tmp_path / "j").iterdir():
        path.unlink()
    journal = open_journal()
    frames = fill(journal, 4)
    journal.sync()
    assert journal.epoch != old
    found = journal.answer(old, 10, 1000)
    assert found is not None
    assert (found.verb, found.epoch, found.first_seq) == (b"RESET", journal.epoch, frames[0].header.seq)


def test_seqs_that_the_journal_has_lost_are_never_given_again(open_journal: Opener, fill: Filler) -> None:
    journal = open_journal()
    fill(journal, 4)
    old, asked = journal.epoch, journal.next_seq + 50
    found = journal.answer(old, asked, 1000)
    assert journal.epoch != old
    assert found is not None
    assert (found.verb, found.epoch) == (b"RESET", journal.epoch)


def test_a_frame_border_is_needed_to_read(open_journal: Opener, fill: Filler) -> None:
    journal = open_journal()
    frames = fill(journal, 9)
    journal.sync()
    assert frames[1].header.count == 2
    found = journal.answer(journal.epoch, frames[1].header.seq + 1, 1000)
    assert found is None or found.verb == b"RESET"


def test_trimming_removes_only_what_is_committed(open_journal: Opener, fill: Filler, tmp_path: Path) -> None:
    journal = open_journal()
    frames = fill(journal, 3000, size=150)
    journal.sync()
    wait_for(lambda: not journal._unsealed)
    held = journal.held_bytes
    journal.trim(journal.epoch, frames[1000].header.seq, keep_bytes=held)
    assert journal.held_bytes == held
    journal.trim(journal.epoch, frames[1000].header.seq, keep_bytes=0)
    assert 1 < journal.first_seq <= frames[1000].header.seq
    rest = fetch_all(journal, journal.epoch, frames[1000].header.seq)
    assert rest == frames[1000:]
    journal.trim(12345, 1 << 60, keep_bytes=0)
    assert fetch_all(journal, journal.epoch, frames[1000].header.seq) == rest
    journal.close()
    journal = open_journal()
    assert fetch_all(journal, journal.epoch, frames[1000].header.seq) == rest


def test_a_very_large_frame_gets_a_segment_of_its_size(open_journal: Opener, fill: Filler) -> None:
    journal = open_journal()
    frames = fill(journal, 2) + fill(journal, 1, size=300_000) + fill(journal, 2)
    journal.close()
    journal = open_journal()
    assert journal.damage is None
    assert fetch_all(journal, 0, 0) == frames


def test_a_failed_sync_is_for_ever(open_journal: Opener, fill: Filler, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = open_journal(sync_ms=60_000.0)
    calls: list[int] = []

    def broken(descriptor: int) -> None:
        calls.append(descriptor)
        raise OSError(errno.EIO, "Input/output error")

    fill(journal, 1)
    wait_for(lambda: journal._spare is not None)  # making it syncs too
    monkeypatch.setattr(disk, "sync", broken)
    for _ in range(3):
        with pytest.raises(JournalError, match="sync failed"):
            journal.sync()
    with pytest.raises(JournalError, match="sync failed"):
        fill(journal, 1)
    assert len(calls) == 1


@contextlib.contextmanager
def file_size_limit(size: int) -> Iterator[None]:
    """A disk that is full for files beyond `size`."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def check_gaps(frames: list[Frame], sent: int, unrecorded: int) -> None:
    """Seqs have no hole; gap messages stand where records are missing, and account for every one of them."""
    expected, missing = 1, 0
    for frame in frames:
        assert frame.header.seq == expected
        expected = frame.next_seq
        if frame.topic == b"sys.gap":
            gap = messages.unpack(frame.payload)
            assert isinstance(gap, Gap)
            assert (gap.from_seq, gap.to_seq) == (frame.header.seq, frame.next_seq - 1)
            missing += gap.to_seq - gap.from_seq
    assert missing == unrecorded > 0
    assert sum(frame.header.count for frame in frames if frame.topic == b"md.tick") == sent - unrecorded


def map_until_full(stream: Stream) -> None:
    """A few may find room behind the last tick frame."""
    for _ in range(100):
        stream.map(messages.ClockJump(process="x" * 200, moved_s=2.0), sync=True)


def test_a_full_disk_stops_the_recording_of_ticks_and_it_goes_on_by_itself(
    open_journal: Opener, clock: Any, tmp_path: Path
) -> None:
    journal = open_journal()
    stream = Stream(StreamId.INGEST, clock, journal=journal)
    ticks = np.zeros(10, messages.TICK)
    wait_for(lambda: journal._spare is not None)
    sent = 0
    with file_size_limit(1 << 15):
        while stream.recording:
            stream.records(b"md.tick", ticks)
            sent += 10
        assert journal.full
        with pytest.raises(JournalFull):
            map_until_full(stream)
        for _ in range(5):
            stream.records(b"md.tick", ticks)
            sent += 10
        journal.sync()
        acknowledged = list(read_frames(tmp_path / "j"))
        assert acknowledged[-1].next_seq == journal.durable_seq
    wait_for(lambda: not journal.full)
    stream.keep_alive(1e9)
    stream.records(b"md.tick", ticks)
    assert stream.recording
    journal.sync()
    frames = list(read_frames(tmp_path / "j"))
    assert frames[: len(acknowledged)] == acknowledged
    check_gaps(frames, sent + 10, stream.unrecorded)
    assert fetch_all(journal, 0, 0) == frames


def test_the_cap_refuses_ticks_and_never_maps(open_journal: Opener, clock: Any, tmp_path: Path) -> None:
    journal = open_journal(max_bytes=3 << 16)
    stream = Stream(StreamId.INGEST, clock, journal=journal)
    ticks = np.zeros(10, messages.TICK)
    sent = 0
    while stream.recording:
        stream.records(b"md.tick", ticks)
        sent += 10
    assert "wait for PostgreSQL" in journal.full
    before = journal.next_seq
    for _ in range(100):  # ticks that are refused use up nothing of the room for maps
        stream.records(b"md.tick", ticks)
        sent += 10
    assert journal.next_seq == before
    for place in range(500):
        stream.map(messages.ClockJump(process=f"order {place}" + "x" * 150, moved_s=1.0), sync=place % 100 == 0)
    journal.sync()
    frames = list(read_frames(tmp_path / "j"))
    assert sum(frame.topic == b"sys.clock" for frame in frames) == 500
    check_gaps(frames, sent, stream.unrecorded)
    journal.trim(journal.epoch, journal.next_seq, keep_bytes=0)
    wait_for(lambda: not journal.full)
    before = stream.unrecorded
    stream.records(b"md.tick", ticks)
    assert stream.unrecorded == before


def test_a_stream_without_a_journal_has_a_new_epoch_each_time(clock: Any) -> None:
    one, two = Stream(StreamId.MARGIN, clock), Stream(StreamId.MARGIN, clock)
    assert one.epoch != two.epoch
    assert one.session != two.session
    assert one.records(b"md.tick", np.zeros(9000, messages.TICK)) == 1
    assert one.map(messages.ClockJump(process="x", moved_s=1.0)) == 9001
    assert one.end() == 9002
