"""Both lanes against a source in its own process, which is killed, stopped and damaged."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from pipeline import messages
from pipeline.bus import segment
from pipeline.bus.live import Reset, Subscriber
from pipeline.bus.reading import read_frames
from pipeline.bus.record import Fetcher
from pipeline.clock import SystemClock
from pipeline.messages import Frame, StreamId
from pipeline.runtime import Runtime

Until = Callable[..., None]


class Picture:
    """What a live reader holds: the number in the newest tick."""

    def __init__(self, subscriber: Subscriber) -> None:
        self.subscriber = subscriber
        self.newest = 0
        self.resets: list[str] = []
        self.received = 0

    def update(self) -> int:
        for item in self.subscriber.receive():
            if isinstance(item, Reset):
                self.resets.append(item.reason)
                self.newest = 0
            else:
                numbers = messages.records(item)["recv_ns"]
                assert numbers[0] > self.newest, "an older frame after a newer one"
                self.newest = int(numbers[-1])
                self.received += len(numbers)
        return self.newest


class Recording:
    """What a writer would have committed: each (epoch, seq) once, with its content checked."""

    def __init__(self, fetcher: Fetcher) -> None:
        self.fetcher = fetcher
        self.seen: list[tuple[int, int]] = []
        self.resets: list[str] = []
        self.gaps: list[messages.Gap] = []
        self.position: tuple[int, int] | None = None

    def update(self) -> int:
        frames = self.fetcher.receive()
        if (text := self.fetcher.reset) is not None:
            self.resets.append(text)
        for frame in frames:
            self._take(frame)
        if frames:
            self.position = (frames[-1].header.epoch, frames[-1].next_seq)
            self.fetcher.committed(*self.position)
        return len(self.seen)

    def _take(self, frame: Frame) -> None:
        header = frame.header
        if frame.topic == b"sys.gap":
            gap = messages.unpack(frame.payload)
            assert isinstance(gap, messages.Gap)
            self.gaps.append(gap)
        else:
            numbers = messages.records(frame)["recv_ns"].tolist()
            assert numbers in (list(range(header.seq, header.seq + header.count)), [])
        self.seen += [(header.epoch, seq) for seq in range(header.seq, frame.next_seq)]

    def has(self, epoch: int, below: int, first: int = 1) -> bool:
        return {(epoch, seq) for seq in range(first, below)} <= set(self.seen)


def test_a_late_reader_joins_and_follows(
    runtime: Runtime, context: Any, clock: SystemClock, start_source: Callable[..., Any], until: Until
) -> None:
    source = start_source()
    until(lambda: source.acknowledged[1] > 100)
    subscriber = Subscriber(context, runtime, "ingest", clock)
    assert subscriber.stale
    picture = Picture(subscriber)
    until(lambda: picture.update() > 100)
    assert picture.resets[0] == "joined"
    assert not subscriber.stale
    assert subscriber.bad == 0
    subscriber.close()


def test_a_reader_may_be_there_before_the_source(
    runtime: Runtime, context: Any, clock: SystemClock, start_source: Callable[..., Any], until: Until
) -> None:
    subscriber = Subscriber(context, runtime, "ingest", clock)
    fetcher = Fetcher(context, runtime, "ingest", StreamId.INGEST, clock)
    fetcher.start(None, 0)
    picture, recording = Picture(subscriber), Recording(fetcher)
    assert picture.update() == recording.update() == 0
    start_source()
    until(lambda: picture.update() > 100 and recording.update() > 100)
    subscriber.close()
    fetcher.close()


def test_a_source_killed_again_and_again_loses_and_doubles_nothing_acknowledged(
    runtime: Runtime, context: Any, clock: SystemClock, start_source: Callable[..., Any], until: Until
) -> None:
    subscriber = Subscriber(context, runtime, "ingest", clock)
    fetcher = Fetcher(context, runtime, "ingest", StreamId.INGEST, clock, max_bytes=20_000)
    fetcher.start(None, 0)
    picture, recording = Picture(subscriber), Recording(fetcher)
    epoch, durable = 0, 1
    for round_number in range(4):
        source = start_source(batch=7, pause_ms=0.2)
        begun = durable
        until(lambda: (recording.update(), picture.update(), source.acknowledged[1] > begun + 700)[2])  # noqa: B023
        until(lambda: (recording.update(), picture.update(), len(picture.resets) > round_number)[2])  # noqa: B023
        until(lambda: recording.update() > 0)
        source.kill()
        epoch, durable, _ = source.acknowledged
        if round_number == 1:  # a writer that dies too begins at its watermark
            assert recording.position is not None
            fetcher.start(*recording.position)
    source = start_source(batch=7, pause_ms=0.2, frames=50)
    until(lambda: (recording.update(), source.acknowledged[2] == 50)[1])
    until(lambda: (recording.update(), recording.has(*source.acknowledged[:2]))[1])
    assert recording.has(epoch, durable)
    assert len(recording.seen) == len(set(recording.seen))
    assert recording.resets == []
    assert picture.resets[0] == "joined"
    assert picture.resets.count("new session") >= 3
    subscriber.close()
    fetcher.close()


@pytest.mark.long
@pytest.mark.timeout(900)
def test_forty_random_kills_of_source_and_writer_lose_and_double_nothing(
    runtime: Runtime, context: Any, clock: SystemClock, start_source: Callable[..., Any], until: Until
) -> None:
    rng = random.Random(11)
    acknowledged: set[tuple[int, int]] = set()
    fetcher = Fetcher(context, runtime, "ingest", StreamId.INGEST, clock, max_bytes=50_000)
    fetcher.start(None, 0)
    recording = Recording(fetcher)
    durable = 1
    for _ in range(40):
        source = start_source(batch=rng.choice([1, 20, 500]), pause_ms=0.1)
        goal = durable + rng.randrange(1, 20_000)
        until(lambda: (recording.update(), source.acknowledged[1] > goal)[1])  # noqa: B023
        if rng.random() < 0.3 and recording.position is not None:  # the writer dies, the next begins at the watermark
            fetcher.close()
            fetcher = recording.fetcher = Fetcher(context, runtime, "ingest", StreamId.INGEST, clock)
            fetcher.start(*recording.position)
        source.kill()
        epoch, told, _ = source.acknowledged
        acknowledged |= {(epoch, seq) for seq in range(durable, told)}
        durable = told
    source = start_source(frames=1)
    until(lambda: (recording.update(), source.acknowledged[2] == 1)[1])
    until(lambda: (recording.update(), recording.position == source.acknowledged[:2])[1], 120.0)
    assert acknowledged <= set(recording.seen)
    assert len(recording.seen) == len(set(recording.seen))
    assert recording.resets == []
    fetcher.close()


def test_after_damage_the_writer_goes_on_in_the_new_epoch(
    runtime: Runtime, context: Any, clock: SystemClock, start_source: Callable[..., Any], until: Until
) -> None:
    source = start_source(frames=30)
    until(lambda: source.acknowledged[1] == 601)
    old = source.acknowledged[0]
    source.kill()
    path = segment.path_of(runtime.journal_dir("ingest"), 1)
    data = bytearray(path.read_bytes())
    data[15_000] ^= 0xFF
    path.write_bytes(data)
    source = start_source(frames=30)
    until(lambda: source.acknowledged[2] == 30)
    new = source.acknowledged[0]
    assert new != old
    fetcher = Fetcher(context, runtime, "ingest", StreamId.INGEST, clock)
    fetcher.start(None, 0)
    recording = Recording(fetcher)
    until(lambda: (recording.update(), recording.has(new, 1202, first=601))[1])
    kept = sorted(seq for epoch, seq in recording.seen if epoch == old)
    assert kept == list(range(1, len(kept) + 1))
    assert 100 < len(kept) < 600
    assert len(recording.gaps) == 1
    assert "damaged" in recording.gaps[0].reason
    assert recording.resets == []
    fetcher.close()


def test_a_lost_directory_resets_the_writer(
    runtime: Runtime, context: Any, clock: SystemClock, start_source: Callable[..., Any], until: Until
) -> None:
    fetcher = Fetcher(context, runtime, "ingest", StreamId.INGEST, clock)
    fetcher.start(12345, 99)
    recording = Recording(fetcher)
    start_source(frames=10)
    until(lambda: recording.update() == 200)
    assert len(recording.resets) == 1
    assert "12345 is not in the journal" in recording.resets[0]
    fetcher.close()


def test_a_reader_that_stops_costs_the_source_no_memory_and_catches_up(
    runtime: Runtime, context: Any, clock: SystemClock, start_source: Callable[..., Any], until: Until, capsys: Any
) -> None:
    source = start_source(batch=20, pause_ms=0.0, frames=12_000)
    fetcher = Fetcher(context, runtime, "ingest", StreamId.INGEST, clock)
    fetcher.start(None, 0)
    recording = Recording(fetcher)
    subscriber = Subscriber(context, runtime, "ingest", clock)
    picture = Picture(subscriber)
    until(lambda: picture.update() > 0)
    memory = psutil.Process(source.process.pid).memory_info()
    until(lambda: (recording.update(), source.acknowledged[2] == 12_000)[1], 120.0)
    after = psutil.Process(source.process.pid).memory_info()
    until(lambda: (recording.update(), picture.update() == 240_000)[1], 60.0)
    with capsys.disabled():
        print(
            f"\n12,000 frames past a reader that stopped: source memory {(after.rss - memory.rss) / 1e6:+.1f} MB, "
            f"{subscriber.gaps} gaps, then equal; {240_000 - picture.received} of 240,000 records never came live"
        )
    assert after.rss - memory.rss < 40e6
    assert subscriber.gaps >= 1
    assert picture.received < 240_000  # the live lane loses; what follows shows that the record lane does not
    until(lambda: recording.update() == 240_000, 60.0)
    assert recording.has(source.acknowledged[0], 240_001)
    subscriber.close()
    fetcher.close()


def test_a_source_that_stops_serves_until_all_is_committed(
    runtime: Runtime, context: Any, clock: SystemClock, start_source: Callable[..., Any], until: Until
) -> None:
    source = start_source(batch=5, pause_ms=0.5)
    subscriber = Subscriber(context, runtime, "ingest", clock)
    picture = Picture(subscriber)
    until(lambda: picture.update() > 500)
    source.terminate()
    until(lambda: (picture.update(), subscriber.ended)[1])
    fetcher = Fetcher(context, runtime, "ingest", StreamId.INGEST, clock)
    fetcher.start(None, 0)
    recording = Recording(fetcher)
    until(lambda: (recording.update(), source.process.poll() is not None)[1])
    source.wait()
    assert source.drained == f"drained True {picture.newest + 1}"
    assert recording.update() == picture.newest
    until(lambda: subscriber.silent_s > 0.8)
    assert subscriber.stale
    subscriber.close()
    fetcher.close()


def test_a_source_does_not_wait_for_a_writer_whose_database_is_away(
    runtime: Runtime, context: Any, clock: SystemClock, start_source: Callable[..., Any], until: Until
) -> None:
    source = start_source(batch=5, pause_ms=0.5)
    fetcher = Fetcher(context, runtime, "ingest", StreamId.INGEST, clock)
    fetcher.start(None, 0)
    recording = Recording(fetcher)
    until(lambda: recording.update() > 50)
    fetcher.database_away(True)
    begun = source.acknowledged[1]
    until(lambda: (recording.update(), source.acknowledged[1] > begun + 1000)[1])  # answers under way come
    held, begun = len(recording.seen), source.acknowledged[1]
    until(lambda: (recording.update(), source.acknowledged[1] > begun + 2000)[1])
    assert len(recording.seen) == held  # nothing more is asked for
    source.terminate()
    source.wait()
    assert source.drained.startswith("drained False")
    frames = list(read_frames(runtime.journal_dir("ingest")))
    assert source.drained == f"drained False {frames[-1].next_seq}"
    fetcher.close()


def test_segments_behind_the_watermark_are_removed(
    runtime: Runtime, context: Any, clock: SystemClock, start_source: Callable[..., Any], until: Until
) -> None:
    source = start_source(batch=1000, pause_ms=0.0, frames=300)
    until(lambda: source.acknowledged[2] == 300)
    directory: Path = runtime.journal_dir("ingest")
    assert segment.ordinals(directory)[0] == 1
    fetcher = Fetcher(context, runtime, "ingest", StreamId.INGEST, clock)
    fetcher.start(None, 0)
    recording = Recording(fetcher)
    until(lambda: recording.update() == 300_000)
    until(lambda: (recording.update(), segment.ordinals(directory)[0] > 5)[1])
    fetcher.close()
