"""Reading a journal's directory without owning it: for the count at the end, for replay, for a start from one's own past."""

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
