"""Frames of one stream as the rows of one transaction. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from pipeline import messages
from pipeline.errors import WireError
from pipeline.messages import Frame, PayloadKind
from storage import rows
from storage.rows import RECORD_TABLES, Chunk, Row
from storage.writer.quotes import thinned

BATCH_ROWS = 5_000  # a batch ends at the first frame border past this


@dataclass(frozen=True, slots=True)
class Reject:
    """A record that can't become a row, as it came."""

    topic: bytes
    seq: int
    count: int
    raw: bytes
    error: str


@dataclass(frozen=True, slots=True)
class MapRow:
    """The row of one map message, and the latest value that it replaces."""

    frame: Frame
    row: Row
    latest: Row | None


@dataclass(slots=True)
class Batch:
    """Everything of one transaction: positions [first_seq, next_seq) of one stream and epoch."""

    stream: int
    epoch: int  # signed
    first_seq: int
    next_seq: int
    publish_ns: int  # of the last frame
    chunks: list[Chunk] = field(default_factory=list)
    maps: list[MapRow] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    copies: list[bytes] = field(default_factory=list)  # of the chunks, ready for the server
    quotes: list[NDArray[np.void]] = field(default_factory=list)

    @property
    def rows(self) -> int:
        """Rows of records and maps, before anything is refused."""
        return sum(len(chunk) for chunk in self.chunks) + len(self.maps) + len(self.rejects)


def take(pending: deque[Frame]) -> list[Frame]:
    """The frames of the next batch, removed from `pending`: of one epoch, to the first border past 5,000 rows."""
    taken: list[Frame] = []
    count = 0
    while pending and count < BATCH_ROWS and (not taken or pending[0].header.epoch == taken[0].header.epoch):
        frame = pending.popleft()
        taken.append(frame)
        count += frame.header.count
    return taken


def build(frames: list[Frame]) -> Batch:
    """The batch of at least one frame, in order, of one stream and epoch."""
    first, last = frames[0].header, frames[-1]
    batch = Batch(
        int(first.stream), rows.signed(first.epoch), first.seq, last.next_seq, publish_ns=last.header.publish_ns
    )
    hot: dict[bytes, list[Frame]] = {}
    for frame in frames:
        if frame.header.kind is PayloadKind.MAP:
            _add_map(batch, frame)
        elif frame.header.kind is PayloadKind.RECORDS and _has_size(batch, frame):
            hot.setdefault(frame.topic, []).append(frame)
    batch.chunks = [_chunk(topic, parts, batch.epoch) for topic, parts in hot.items()]
    batch.copies = [chunk.copy_data() for chunk in batch.chunks]
    batch.quotes = [thinned(chunk.records) for chunk in batch.chunks if chunk.topic == b"md.tick"]
    return batch


def _add_map(batch: Batch, frame: Frame) -> None:
    try:
        message = messages.unpack(frame.payload)
    except WireError as error:
        batch.rejects.append(Reject(frame.topic, frame.header.seq, 1, frame.payload, str(error)))
        return
    batch.maps.append(MapRow(frame, rows.row(message), rows.latest(message, frame.header)))


def _has_size(batch: Batch, frame: Frame) -> bool:
    """Whether topic, count and size agree; else the whole frame is refused, because it can't be cut."""
    table = RECORD_TABLES.get(frame.topic)
    size = messages.RECORD_TOPICS[frame.topic].itemsize if table else 0
    if table and len(frame.payload) == frame.header.count * size:
        return True
    error = f"expected {frame.header.count} records of {size} bytes, found {len(frame.payload)} bytes"
    if not table:
        error = f"no record kind has the topic {frame.topic!r}"
    batch.rejects.append(Reject(frame.topic, frame.header.seq, frame.header.count, frame.payload, error))
    return False


def _chunk(topic: bytes, frames: list[Frame], epoch: int) -> Chunk:
    records = np.frombuffer(b"".join(frame.payload for frame in frames), dtype=messages.RECORD_TOPICS[topic])
    counts = np.array([frame.header.count for frame in frames])
    starts = np.array([frame.header.seq for frame in frames], np.int64)
    ends = np.cumsum(counts)
    seq = np.repeat(starts - (ends - counts), counts) + np.arange(len(records))
    publish = np.repeat(np.array([frame.header.publish_ns for frame in frames], np.int64), counts)
    return Chunk(topic, RECORD_TABLES[topic], records, seq, publish, int(frames[0].header.stream), epoch)


def newest(latest: Iterable[Row]) -> dict[str, list[Row]]:
    """The last row of each key, by table, in order of their keys (two writers then never wait for each other)."""
    kept: dict[str, dict[tuple[object, ...], Row]] = {}
    for row in latest:
        key = tuple(row.columns[name] for name in rows.LATEST_KEYS[row.table])
        kept.setdefault(row.table, {})[key] = row
    return {table: [by_key[key] for key in sorted(by_key, key=repr)] for table, by_key in sorted(kept.items())}
