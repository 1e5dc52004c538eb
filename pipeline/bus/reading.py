"""Reading a journal's directory without owning it: for counting, for replay, for a start from one's own past."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pipeline.bus import framing, segment
from pipeline.errors import WireError
from pipeline.messages import Frame


def read_frames(directory: Path) -> Iterator[Frame]:
    """All valid frames of all epochs in order, read-only, also while another process owns the directory.

    Each segment is read up to its first entry that does not check. A segment that is removed meanwhile is passed over.
    """
    for ordinal in segment.ordinals(directory) if directory.is_dir() else []:
        path = segment.path_of(directory, ordinal)
        try:
            yield from _frames_of(path)
        except FileNotFoundError:
            continue


def _frames_of(path: Path) -> Iterator[Frame]:
    with path.open("rb") as file:
        head = segment.unpack_head(file.read(segment.HEAD_BYTES))
    if head is None:  # made ahead and not used yet, or damaged
        return
    expected = head[2]
    for data, _, entry in segment.walk(path, segment.HEAD_BYTES, path.stat().st_size):
        if entry.epoch != head[1] or entry.seq != expected:
            return
        try:
            yield framing.decode(data, entry)
        except WireError:
            return
        expected = entry.seq + entry.count


def end_of(directory: Path) -> tuple[int, int]:
    """(epoch, next seq) behind the last valid frame, read-only; (0, 0) where no frame was ever kept."""
    for path, head in reversed(list(_heads(directory))):
        found = segment.unseal(path, head[3], head) or segment.scan(path, head[3], head)
        return found.epoch, found.next_seq
    return 0, 0


def read_frames_after(directory: Path, epoch: int, next_seq: int) -> Iterator[Frame]:
    """The frames behind a position that `end_of` gave, without reading the segments before it."""
    heads = list(_heads(directory))
    begin = max((at for at, (_, head) in enumerate(heads) if head[1] == epoch and head[2] <= next_seq), default=0)
    for path, _ in heads[begin:]:
        try:
            for frame in _frames_of(path):
                if frame.header.epoch != epoch or frame.header.seq >= next_seq:
                    yield frame
        except FileNotFoundError:
            continue


def _heads(directory: Path) -> Iterator[tuple[Path, tuple[int, int, int, int, int]]]:
    """(path, head) of each segment that is in use, rising."""
    for ordinal in segment.ordinals(directory) if directory.is_dir() else []:
        path = segment.path_of(directory, ordinal)
        try:
            with path.open("rb") as file:
                head = segment.unpack_head(file.read(segment.HEAD_BYTES))
        except FileNotFoundError:
            continue
        if head is not None:  # else made ahead and not used yet, or damaged
            yield path, head
