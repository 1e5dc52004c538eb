from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline import messages
from pipeline.bus import framing, recovery, segment
from pipeline.bus.journal import Journal
from pipeline.bus.reading import read_frames
from pipeline.errors import CannotStart
from pipeline.messages import Frame, StreamId

Opener = Callable[..., Journal]
Filler = Callable[..., list[Frame]]

KINDS: dict[str, Callable[[bytes, int, int], bytes]] = {
    "cut": lambda data, at, end: data[:at],
    "zeroed": lambda data, at, end: data[:at] + bytes(len(data) - at),
    "flipped": lambda data, at, end: data[:at] + bytes([data[at] ^ 0x41]) + data[at + 1 :],
    "garbage": lambda data, at, end: data[:at] + bytes(b ^ 0x5A for b in data[at : at + 40]) + data[at + 40 :],
    "foreign": lambda data, at, end: data[:at] + data[200 : 200 + end - at] + data[end:],
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("marked", [True, False], ids=["marked", "unmarked"])
def test_no_frame_before_the_damage_is_lost_and_no_wrong_one_accepted(
    open_journal: Opener, fill: Filler, tmp_path: Path, kind: str, marked: bool
) -> None:
    """Every offset of the last three frames. `unmarked`: the file that tells what was durable is lost too."""
    journal = open_journal(segment_bytes=4096)
    frames = fill(journal, 20, size=30)
    journal.close()
    directory = tmp_path / "j"
    if not marked:
        (directory / recovery.MARK_FILE).unlink()
    path = segment.path_of(directory, 1)
    whole = path.read_bytes()
    borders = [segment.HEAD_BYTES]
    for frame in frames:
        borders.append(borders[-1] + len(framing.encode_frame(frame)))
    for at in range(borders[-4], borders[-1]):
        damaged = KINDS[kind](whole, at, borders[-1])
        if damaged == whole:
            continue
        path.write_bytes(damaged)
        intact = sum(border <= at for border in borders[1:])
        kept = list(read_frames(directory))
        assert kept == frames[: len(kept)]
        assert len(kept) >= intact
        found = recovery.recover(directory, StreamId.INGEST)
        assert found.segments[0].next_seq == frames[len(kept) - 1].next_seq
        if len(kept) < len(frames):
            only_zeros = kind == "zeroed" and (marked or at in borders)
            assert found.fault or only_zeros or not any(damaged[borders[len(kept)] :])
        if marked:
            assert found.fault
            assert found.next_seq >= frames[-1].next_seq


@pytest.mark.parametrize("kind", ["cut", "flipped", "garbage"])
def test_after_damage_a_new_epoch_begins_and_the_writer_goes_on(
    open_journal: Opener, fill: Filler, tmp_path: Path, kind: str
) -> None:
    journal = open_journal(segment_bytes=8192)
    frames = fill(journal, 20, size=30)
    old = journal.epoch
    journal.close()
    path = segment.path_of(tmp_path / "j", 1)
    path.write_bytes(KINDS[kind](path.read_bytes(), 1200, 1300))
    for _ in range(2):  # the second start finds nothing new
        journal = open_journal(segment_bytes=8192)
        damage = journal.damage
        journal.close()
        if _ == 0:
            assert damage is not None
            assert "damaged" in damage.reason
        else:
            assert damage is None
    journal = open_journal(segment_bytes=8192)
    after = fill(journal, 5)
    journal.sync()
    assert journal.epoch != old
    assert after[0].header.seq >= frames[-1].next_seq
    kept = list(read_frames(tmp_path / "j"))
    last = kept[-6]
    found = journal.answer(old, last.next_seq, 1000)
    assert found is not None
    assert (found.verb, found.epoch, found.first_seq) == (b"NEXT", journal.epoch, after[0].header.seq)
    assert journal.frames(journal.epoch, found.first_seq, 1 << 20) == after
    asked_before_the_damage = journal.answer(old, frames[-1].next_seq, 1000)
    assert asked_before_the_damage is not None
    assert asked_before_the_damage.verb == b"RESET"


def test_the_stream_tells_the_damage_as_its_first_message(
    open_journal: Opener, fill: Filler, tmp_path: Path, clock: object
) -> None:
    from pipeline.bus.live import Stream

    journal = open_journal()
    fill(journal, 5)
    journal.close()
    path = segment.path_of(tmp_path / "j", 1)
    data = bytearray(path.read_bytes())
    data[300] ^= 1
    path.write_bytes(data)
    journal = open_journal()
    Stream(StreamId.INGEST, clock, journal=journal)  # type: ignore[arg-type]
    journal.sync()
    (frame,) = journal.frames(journal.epoch, journal.next_seq - 1, 1000)
    told = messages.unpack(frame.payload)
    assert isinstance(told, messages.Gap)
    assert "damaged" in told.reason
    assert journal.damage is None


def test_a_damaged_middle_segment_is_passed_over_with_an_alarm(
    open_journal: Opener, fill: Filler, tmp_path: Path
) -> None:
    journal = open_journal(segment_bytes=8192)
    fill(journal, 400, size=60)
    journal.close()
    path = segment.path_of(tmp_path / "j", 2)
    data = bytearray(path.read_bytes())
    data[3000] ^= 1
    path.write_bytes(data)
    journal = open_journal(segment_bytes=8192)
    assert journal.damage is None  # a start reads only the last one in full
    epoch, seq, resets, seqs = journal.epoch, 1, 0, []
    while (found := journal.answer(epoch, seq, 2000)) is not None:
        if found.verb == b"FRAMES":
            got = framing.decode_all(found.data)
            seqs += [frame.header.seq for frame in got]
            seq = got[-1].next_seq
        else:
            assert found.verb == b"RESET"
            resets += 1
            epoch, seq = found.epoch, found.first_seq
    assert resets == 1
    assert seqs == sorted(set(seqs))
    assert seq == journal.next_seq


@pytest.mark.parametrize("kind", ["flipped", "removed"])
def test_damage_below_a_running_owner_costs_little_and_stops_nobody(
    open_journal: Opener, fill: Filler, tmp_path: Path, kind: str
) -> None:
    journal = open_journal(segment_bytes=1 << 20)
    frames = fill(journal, 2000, size=100)
    journal.sync()
    path = segment.path_of(tmp_path / "j", 1)
    if kind == "flipped":
        data = bytearray(path.read_bytes())
        data[100_000] ^= 1
        path.write_bytes(data)
    else:
        path.unlink()
    seq, seqs, resets = 1, [], []
    while (found := journal.answer(journal.epoch, seq, 5000)) is not None:
        if found.verb == b"FRAMES":
            seqs += [frame.header.seq for frame in framing.decode_all(found.data)]
            seq = framing.decode_all(found.data)[-1].next_seq
        else:
            resets.append(found.data.decode())
            seq = found.first_seq
    assert seq == journal.next_seq
    assert len(resets) == 1
    assert "segment 1 does not check" in resets[0]
    lost = len(frames) - len(seqs)
    assert lost * 160 < 2 * segment.INDEX_EVERY if kind == "flipped" else not seqs


def test_a_missing_seal_is_made_again_from_the_segment(open_journal: Opener, fill: Filler, tmp_path: Path) -> None:
    journal = open_journal(segment_bytes=8192)
    frames = fill(journal, 400, size=60)
    journal.close()
    for path in (tmp_path / "j").glob("*.sum"):
        path.write_bytes(b"nonsense")
    journal = open_journal(segment_bytes=8192)
    assert journal.damage is None
    assert list(read_frames(tmp_path / "j")) == frames
    journal.close()
    found = recovery.recover(tmp_path / "j", StreamId.INGEST)
    assert all(seg.sealed for seg in found.segments[:-1])


def test_a_hole_behind_a_sealed_segment_stops_the_start(open_journal: Opener, fill: Filler, tmp_path: Path) -> None:
    journal = open_journal(segment_bytes=8192)
    fill(journal, 400, size=60)
    journal.close()
    directory = tmp_path / "j"
    second = segment.path_of(directory, 2)
    second.unlink()
    second.with_suffix(".sum").unlink()
    third = segment.path_of(directory, 3)
    shutil.copy(third, second)
    with pytest.raises(CannotStart, match="behind a sealed segment"):
        open_journal(segment_bytes=8192)
