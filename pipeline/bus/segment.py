"""One file of a journal: its head, the scan of its entries, the seal that saves the scan at the next start."""

from __future__ import annotations

import os
import struct
from bisect import bisect_right
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from zlib import crc32

from pipeline.bus import disk, framing
from pipeline.bus.framing import Entry

MAGIC = b"MDJRNL01"
SEAL_MAGIC = b"MDSEAL01"
HEAD_BYTES = 64
INDEX_EVERY = 64 * 1024  # bytes between two points of the index
WINDOW = 4 * 1024 * 1024
SUFFIX, SEAL_SUFFIX = ".seg", ".sum"

_HEAD = struct.Struct("<8sHQQQQ")  # magic, stream, epoch, first seq, ordinal, size
_SEAL = struct.Struct("<8sQQQQIII")  # magic, epoch, first seq, next seq, end, checksum, entries, points
_CRC = struct.Struct("<I")
_POINT = struct.Struct("<QQ")


@dataclass(eq=False)
class Segment:
    """What is known of one segment; `end` is the offset behind its last valid entry."""

    path: Path
    ordinal: int
    size: int
    epoch: int
    first_seq: int
    next_seq: int
    end: int = HEAD_BYTES
    checksum: int = 0  # CRC over the CRCs of all entries
    entries: int = 0
    last_ns: int = 0
    sealed: bool = False
    clean: bool = True  # only zeros behind `end`, and of full size
    points: list[tuple[int, int]] = field(default_factory=list)  # (seq, offset), rising

    def note(self, seq: int, count: int, publish_ns: int, crc: bytes, start: int, stop: int) -> None:
        """An entry that stands at `start`…`stop` of the file."""
        if not self.points or start - self.points[-1][1] >= INDEX_EVERY:
            self.points.append((seq, start))
        self.next_seq = seq + count
        self.end = stop
        self.checksum = crc32(crc, self.checksum)
        self.entries += 1
        self.last_ns = publish_ns

    def offset_near(self, seq: int) -> int:
        """An entry border at or before the one with `seq`."""
        place = bisect_right(self.points, seq, key=lambda point: point[0])
        return self.points[place - 1][1] if place else HEAD_BYTES


def path_of(directory: Path, ordinal: int) -> Path:
    return directory / f"{ordinal:012d}{SUFFIX}"


def ordinals(directory: Path) -> list[int]:
    """Ordinals of the segments that are there, rising."""
    return sorted(int(path.stem) for path in directory.glob(f"*{SUFFIX}") if path.stem.isdigit())


def allocate(path: Path, size: int) -> None:
    """A file of zeros, durable; OSError, and nothing left behind, where there is no room."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | disk.O_BINARY, 0o600)
    try:
        disk.allocate(descriptor, size)
        disk.sync(descriptor)
    except OSError:
        path.unlink()
        raise
    finally:
        os.close(descriptor)


def create(path: Path, size: int, fresh: Path) -> None:
    """A segment of zeros under its own name, whole or not at all."""
    allocate(fresh, size)
    os.replace(fresh, path)
    disk.sync_directory(path.parent)


def removable(segments: list[Segment], epoch: int, committed_seq: int, surplus: int, busy: list[Segment]) -> int:
    """How many of the oldest segments may go: committed to the last record, and only as far as bytes are to spare."""
    count = 0
    for place, seg in enumerate(segments[:-1]):
        later = any(other.epoch == epoch for other in segments[place + 1 :]) and seg.epoch != epoch
        committed = later or (seg.epoch == epoch and seg.next_seq <= committed_seq)
        if surplus <= 0 or not committed or seg in busy:
            break
        surplus -= seg.size
        count += 1
    return count


def pack_head(stream: int, epoch: int, first_seq: int, ordinal: int, size: int) -> bytes:
    head = _HEAD.pack(MAGIC, stream, epoch, first_seq, ordinal, size)
    return (head + _CRC.pack(crc32(head))).ljust(HEAD_BYTES, b"\0")


def unpack_head(data: bytes) -> tuple[int, int, int, int, int] | None:
    """(stream, epoch, first seq, ordinal, size); None where it does not check."""
    if len(data) < HEAD_BYTES:
        return None
    if crc32(data[: _HEAD.size]) != _CRC.unpack_from(data, _HEAD.size)[0]:
        return None
    magic, stream, epoch, first_seq, ordinal, size = _HEAD.unpack_from(data)
    return (stream, epoch, first_seq, ordinal, size) if magic == MAGIC else None


def walk(path: Path, start: int, stop: int) -> Iterator[tuple[memoryview, int, Entry]]:
    """(buffer, offset of the buffer in the file, entry) of each valid entry from `start`, until one does not check.

    The entry is the same object each time; its places are relative to the buffer.
    """
    entry = Entry()
    reader = blocks(path, start, stop)
    try:
        data, base = next(reader)
        while True:
            at = 0
            while framing.find(data, at, entry):
                yield data, base, entry
                at = entry.stop
            data, base = reader.send(base + at)
    except StopIteration:
        return


def blocks(path: Path, start: int, stop: int) -> Generator[tuple[memoryview, int], int, None]:
    """(bytes, their offset) of the file in windows; a window holds at least one whole entry where there is one.

    The reader sends back where its last whole entry ended; the next window begins there.
    """
    with path.open("rb", buffering=0) as file:
        while start < stop:
            file.seek(start)
            data = file.read(min(WINDOW, stop - start))
            wanted = framing.length_at(data, 0)
            if wanted > len(data) and start + wanted <= stop:  # one entry larger than the window
                file.seek(start)
                data = file.read(wanted)
            reached = yield memoryview(data), start
            if reached == start:
                return
            start = reached


def read_in_full(path: Path, ordinal: int, epoch: int, first_seq: int, stop: int) -> Segment:
    """The segment up to the first entry that does not check or does not follow its predecessor."""
    segment = Segment(path, ordinal, stop, epoch, first_seq, first_seq)
    run = framing.Run(epoch, first_seq, HEAD_BYTES)
    reader = blocks(path, HEAD_BYTES, stop)
    try:
        view, base = next(reader)
        while True:
            framing.follow(view, base, run, segment.points, INDEX_EVERY)
            view, base = reader.send(run.stop)
    except StopIteration:
        pass
    segment.next_seq, segment.end, segment.checksum = run.next_seq, run.stop, run.checksum
    segment.entries, segment.last_ns = run.entries, run.last_ns
    return segment


def scan(path: Path, ordinal: int, head: tuple[int, int, int, int, int]) -> Segment:
    """A segment without a seal, read in full."""
    size = path.stat().st_size
    segment = read_in_full(path, ordinal, head[1], head[2], size)
    segment.clean = size >= head[4] and only_zeros(path, segment.end, size)
    return segment


def only_zeros(path: Path, start: int, stop: int) -> bool:
    with path.open("rb", buffering=0) as file:
        file.seek(start)
        while start < stop:
            data = file.read(min(len(disk.ZEROS), stop - start))
            if not data:
                return False
            if data != disk.ZEROS[: len(data)]:
                return False
            start += len(data)
    return True


def seal(segment: Segment) -> None:
    """Keep its range, checksum and index beside a segment that is full and synced."""
    head = _SEAL.pack(
        SEAL_MAGIC,
        segment.epoch,
        segment.first_seq,
        segment.next_seq,
        segment.end,
        segment.checksum,
        segment.entries,
        len(segment.points),
    )
    body = head + b"".join(_POINT.pack(*point) for point in segment.points) + struct.pack("<q", segment.last_ns)
    disk.write_file(segment.path.with_suffix(SEAL_SUFFIX), body + _CRC.pack(crc32(body)))
    segment.sealed = True


def unseal(path: Path, ordinal: int, head: tuple[int, int, int, int, int]) -> Segment | None:
    """A sealed segment without reading it; None where the seal is missing or does not fit."""
    try:
        data = path.with_suffix(SEAL_SUFFIX).read_bytes()
    except OSError:
        return None
    if len(data) < _SEAL.size + 12 or crc32(data[:-4]) != _CRC.unpack(data[-4:])[0]:
        return None
    magic, epoch, first_seq, next_seq, end, checksum, entries, points = _SEAL.unpack_from(data)
    size = path.stat().st_size
    if magic != SEAL_MAGIC or (epoch, first_seq) != head[1:3] or end > size:
        return None
    found = [_POINT.unpack_from(data, _SEAL.size + i * _POINT.size) for i in range(points)]
    (last_ns,) = struct.unpack("<q", data[-12:-4])
    return Segment(
        path, ordinal, size, epoch, first_seq, next_seq, end, checksum, entries, last_ns, sealed=True, points=found
    )


def verify(segment: Segment) -> bool:
    """Read a sealed segment in full and compare it with its seal."""
    found = read_in_full(segment.path, segment.ordinal, segment.epoch, segment.first_seq, segment.end)
    return (found.end, found.next_seq, found.checksum) == (segment.end, segment.next_seq, segment.checksum)
