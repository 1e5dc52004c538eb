"""What a journal's directory holds after whatever happened: the segments, where to go on, what was damaged."""

from __future__ import annotations

import contextlib
import secrets
import struct
from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

from pipeline.bus import segment
from pipeline.bus.segment import HEAD_BYTES, Segment
from pipeline.errors import CannotStart

MARK_FILE = "durable"
MARK = struct.Struct("<QQI")  # epoch, first seq that was not durable, CRC


@dataclass
class Found:
    """`segments` without the unused one that was made ahead (`spare`)."""

    segments: list[Segment]
    spare: Path | None
    next_ordinal: int
    next_seq: int  # never used before, in any epoch
    fault: str  # empty: the last epoch goes on

    @property
    def tail(self) -> Segment | None:
        return self.segments[-1] if self.segments else None


def recover(directory: Path, stream: int) -> Found:
    """Read the directory; CannotStart where a whole segment is missing in the middle."""
    for fresh in directory.glob("*.new"):
        fresh.unlink()
    found: list[Segment] = []
    spare: Path | None = None
    faults: list[tuple[int, str]] = []
    ordinals = segment.ordinals(directory)
    for seal in directory.glob(f"*{segment.SEAL_SUFFIX}"):
        if not seal.with_suffix(segment.SUFFIX).exists():
            seal.unlink()
    for place, ordinal in enumerate(ordinals):
        if place and ordinal != ordinals[place - 1] + 1:
            raise CannotStart(
                f"{directory}: expected segment {ordinals[place - 1] + 1}, found {ordinal}; one was removed by hand."
                " Put it back, or move the whole directory away to begin anew"
            )
        path = segment.path_of(directory, ordinal)
        read = _read(path, ordinal, stream, last=place == len(ordinals) - 1, before=found, faults=faults)
        if read is None:
            spare = path
        else:
            found.append(read)
    fault = _tail_fault(found, read_mark(directory), faults)
    next_seq = max([seg.next_seq for seg in found] + [_mark_seq(read_mark(directory)), 1])
    next_ordinal = (ordinals[-1] + 1) if ordinals else 1
    return Found(found, spare, next_ordinal, next_seq, fault)


def _read(
    path: Path, ordinal: int, stream: int, last: bool, before: list[Segment], faults: list[tuple[int, str]]
) -> Segment | None:
    """One segment; None for the spare one. Adds to `faults` (epoch, what was expected and what was found)."""
    with path.open("rb") as file:
        data = file.read(HEAD_BYTES)
    head = segment.unpack_head(data)
    if head is None:
        if last and not any(data) and segment.only_zeros(path, 0, path.stat().st_size):
            return None
        epoch, seq = (before[-1].epoch, before[-1].next_seq) if before else (0, 1)
        faults.append((epoch, f"segment {ordinal} has no valid head"))
        return Segment(path, ordinal, path.stat().st_size, epoch, seq, seq, clean=False)
    if head[0] != stream:
        raise CannotStart(f"{path}: expected a segment of stream {stream}, found one of stream {head[0]}")
    sealed = segment.unseal(path, ordinal, head)
    read = sealed if sealed is not None else segment.scan(path, ordinal, head)
    if before and before[-1].epoch == read.epoch and before[-1].next_seq != read.first_seq:
        if before[-1].sealed:
            raise CannotStart(
                f"{path}: expected seq {before[-1].next_seq} behind a sealed segment, found {read.first_seq}; "
                "move the whole directory away to begin anew"
            )
        text = f"segment {before[-1].ordinal} ends at seq {before[-1].next_seq}, the next begins at {read.first_seq}"
        faults.append((read.epoch, text))
    return read


def _tail_fault(found: list[Segment], mark: tuple[int, int] | None, all_faults: list[tuple[int, str]]) -> str:
    """Why the last epoch can't go on. Faults of closed epochs were told when they were closed."""
    if not found:
        return ""
    tail = found[-1]
    faults = [text for epoch, text in all_faults if epoch == tail.epoch]
    if not tail.clean:
        faults.append(f"segment {tail.ordinal} holds other bytes, or ends, behind seq {tail.next_seq}")
    elif mark is not None and mark[0] == tail.epoch and mark[1] > tail.next_seq:
        faults.append(f"seq {tail.next_seq} to {mark[1]} were durable and are gone")
    return "; ".join(faults)


def read_mark(directory: Path) -> tuple[int, int] | None:
    """(epoch, seq) that everything below was durable when it was last told; None where it does not check."""
    with contextlib.suppress(OSError):
        data = (directory / MARK_FILE).read_bytes()
        if len(data) >= MARK.size:
            epoch, seq, crc = MARK.unpack_from(data)
            if crc == crc32(data[:16]):
                return epoch, seq
    return None


def _mark_seq(mark: tuple[int, int] | None) -> int:
    return mark[1] if mark is not None else 1


def pack_mark(epoch: int, seq: int) -> bytes:
    body = struct.pack("<QQ", epoch, seq)
    return body + struct.pack("<I", crc32(body))


def new_epoch(segments: list[Segment]) -> int:
    """A random number that names no epoch here; 0 means none on the wire, and PostgreSQL's bigint has a sign."""
    used = {seg.epoch for seg in segments}
    while (epoch := secrets.randbits(63)) in used or epoch == 0:
        pass
    return epoch
