"""How a frame stands in bytes: in a journal, in an answer to FETCH, in a snapshot. Length, CRC, topic, header, payload.

An entry is `<u32 crc32><u32 length>` and then `length` bytes: one byte with the topic's length, the topic, the header,
the payload. The CRC covers the length and everything behind it. A length of 0: nothing was written here.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from zlib import crc32

from pipeline.errors import WireError
from pipeline.messages.envelope import (
    FORMAT_VERSION,
    HEADER_BYTES,
    MAX_PAYLOAD_BYTES,
    MAX_RECORDS_A_FRAME,
    Frame,
    Header,
    PayloadKind,
    StreamId,
    unpack_header,
)

MAX_TOPIC_BYTES = 64
MIN_LENGTH = 1 + HEADER_BYTES
MAX_LENGTH = 1 + MAX_TOPIC_BYTES + HEADER_BYTES + MAX_PAYLOAD_BYTES
PREFIX_BYTES = 8

_PREFIX = struct.Struct("<II")
_LENGTH = struct.Struct("<I")
_RUN = struct.Struct("<BxxxIQ8xQq")  # of the header: version, count, epoch, seq, time
_KINDS = {int(kind): kind for kind in PayloadKind}
_STREAMS = {int(stream): stream for stream in StreamId}
_POSITION = struct.Struct("<BBHIQQQq")  # the header, read without making an object of it


@dataclass(slots=True)
class Entry:
    """Where one entry stands in a buffer, and what its header says; mutable, because a scan reuses it."""

    start: int = 0
    stop: int = 0
    topic_end: int = 0
    crc: int = 0
    kind: int = 0
    stream: int = 0
    count: int = 0
    epoch: int = 0
    session: int = 0
    seq: int = 0
    publish_ns: int = 0


def encode(topic: bytes, header: bytes, payload: bytes) -> bytes:
    """One entry; WireError where topic or payload are too long to be read back."""
    if len(topic) > MAX_TOPIC_BYTES or len(payload) > MAX_PAYLOAD_BYTES:
        raise WireError(
            f"expected a topic of at most {MAX_TOPIC_BYTES} and a payload of at most {MAX_PAYLOAD_BYTES} bytes, "
            f"found {len(topic)} and {len(payload)}"
        )
    body = b"".join((bytes((len(topic),)), topic, header, payload))
    checked = _LENGTH.pack(len(body)) + body
    return _LENGTH.pack(crc32(checked)) + checked


def encode_frame(frame: Frame) -> bytes:
    """One entry of `frame`."""
    return encode(frame.topic, frame.header.pack(), frame.payload)


def find(data: bytes | memoryview, start: int, entry: Entry) -> bool:
    """Whether a whole valid entry begins at `start`; then `entry` tells where and what."""
    size = len(data)
    if size - start < PREFIX_BYTES + MIN_LENGTH:
        return False
    crc, length = _PREFIX.unpack_from(data, start)
    body = start + PREFIX_BYTES
    stop = body + length
    if not MIN_LENGTH <= length <= MAX_LENGTH or stop > size:
        return False
    if crc32(data[start + 4 : stop]) != crc:
        return False
    topic_end = body + 1 + data[body]
    if topic_end > body + 1 + MAX_TOPIC_BYTES or topic_end + HEADER_BYTES > stop:
        return False
    (version, entry.kind, entry.stream, entry.count, entry.epoch, entry.session, entry.seq, entry.publish_ns) = (
        _POSITION.unpack_from(data, topic_end)
    )
    entry.start, entry.stop, entry.topic_end, entry.crc = start, stop, topic_end, crc
    return bool(version == FORMAT_VERSION)


@dataclass(slots=True)
class Run:
    """How far an unbroken run of entries of one epoch goes."""

    epoch: int
    next_seq: int
    stop: int  # offset in the file behind the last entry
    checksum: int = 0  # CRC over the CRCs of all entries
    entries: int = 0
    last_ns: int = 0


def follow(view: memoryview, base: int, run: Run, points: list[tuple[int, int]], points_every: int) -> None:
    """Lengthen `run` over `view`, whose first byte is at `base` of the file, up to the first entry that does not check.

    A start reads hundreds of thousands of entries with it: one loop, no calls to functions of ours, no objects.
    """
    size, at = len(view), run.stop - base
    epoch, next_seq, checksum, entries, last_ns = run.epoch, run.next_seq, run.checksum, run.entries, run.last_ns
    point_at = points[-1][1] + points_every - base if points else 0
    prefix, header = _PREFIX.unpack_from, _RUN.unpack_from
    while size - at >= PREFIX_BYTES + MIN_LENGTH:
        crc, length = prefix(view, at)
        stop = at + PREFIX_BYTES + length
        if not MIN_LENGTH <= length <= MAX_LENGTH or stop > size or crc32(view[at + 4 : stop]) != crc:
            break
        topic_end = at + PREFIX_BYTES + 1 + view[at + PREFIX_BYTES]
        if topic_end + HEADER_BYTES > stop:
            break
        version, count, its_epoch, seq, publish_ns = header(view, topic_end)
        if seq != next_seq or its_epoch != epoch or version != FORMAT_VERSION:
            break
        if at >= point_at:
            points.append((seq, base + at))
            point_at = at + points_every
        checksum = crc32(view[at : at + 4], checksum)
        entries += 1
        next_seq, last_ns, at = seq + count, publish_ns, stop
    run.next_seq, run.stop, run.checksum, run.entries, run.last_ns = next_seq, base + at, checksum, entries, last_ns


def length_at(data: bytes | memoryview, start: int) -> int:
    """Bytes of the entry that claims to begin at `start`, its prefix included; 0 where none does or it can't be one."""
    if len(data) - start < PREFIX_BYTES:
        return 0
    length = _PREFIX.unpack_from(data, start)[1]
    return PREFIX_BYTES + length if MIN_LENGTH <= length <= MAX_LENGTH else 0


def decode(data: bytes | memoryview, entry: Entry) -> Frame:
    """The frame of an entry that `find` has found; WireError where its header makes no sense."""
    kind, stream = _KINDS.get(entry.kind), _STREAMS.get(entry.stream)
    if kind is None or stream is None:
        raise WireError(f"unknown payload kind or stream: {entry.kind}, {entry.stream}")
    header = Header(kind, stream, entry.count, entry.epoch, entry.session, entry.seq, entry.publish_ns)
    topic = bytes(data[entry.start + PREFIX_BYTES + 1 : entry.topic_end])
    return Frame(topic, header, bytes(data[entry.topic_end + HEADER_BYTES : entry.stop]))


def decode_all(data: bytes) -> list[Frame]:
    """All frames of an answer; WireError if anything in it is not an entry."""
    frames: list[Frame] = []
    entry = Entry()
    view = memoryview(data)
    start = 0
    while start < len(data):
        if not find(view, start, entry):
            raise WireError(f"expected an entry at byte {start} of {len(data)}, found none that checks")
        frames.append(decode(view, entry))
        start = entry.stop
    return frames


def frame_of(parts: list[bytes]) -> Frame:
    """The frame of a published message; WireError for anything else."""
    if len(parts) != 3 or len(parts[0]) > MAX_TOPIC_BYTES or len(parts[2]) > MAX_PAYLOAD_BYTES:
        raise WireError(f"expected topic, header and payload, found {len(parts)} parts")
    header = unpack_header(parts[1])
    if header.count > MAX_RECORDS_A_FRAME:
        raise WireError(f"expected at most {MAX_RECORDS_A_FRAME} records a frame, found {header.count}")
    return Frame(parts[0], header, parts[2])
