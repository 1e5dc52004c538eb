"""How a frame stands in bytes: in a journal, in an answer to FETCH, in a snapshot. Length, CRC, topic, header, payload.

An entry is `<u32 length><u32 crc32>` and then `length` bytes: one byte with the topic's length, the topic, the header,
the payload. The CRC covers the length and everything behind itself. A length of 0: nothing was written here.
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
    unpack_header,
)

MAX_TOPIC_BYTES = 64
MIN_LENGTH = 1 + HEADER_BYTES
MAX_LENGTH = 1 + MAX_TOPIC_BYTES + HEADER_BYTES + MAX_PAYLOAD_BYTES
PREFIX_BYTES = 8

_PREFIX = struct.Struct("<II")
_LENGTH = struct.Struct("<I")
_POSITION = struct.Struct("<BBHIQQQq")  # the header, read without making an object of it


@dataclass(slots=True)
class Entry:
    """Where one entry stands in a buffer, and what its header says; mutable, because a scan reuses it."""

    start: int = 0
    stop: int = 0
    crc: int = 0
    stream: int = 0
    epoch: int = 0
    seq: int = 0
    count: int = 0
    publish_ns: int = 0


def encode(topic: bytes, header: bytes, payload: bytes) -> bytes:
    """One entry; WireError where topic or payload are too long to be read back."""
    if len(topic) > MAX_TOPIC_BYTES or len(payload) > MAX_PAYLOAD_BYTES:
        raise WireError(
            f"expected a topic of at most {MAX_TOPIC_BYTES} and a payload of at most {MAX_PAYLOAD_BYTES} bytes, "
            f"found {len(topic)} and {len(payload)}"
        )
    body = b"".join((bytes((len(topic),)), topic, header, payload))
    length = len(body)
    return _PREFIX.pack(length, crc32(body, crc32(_LENGTH.pack(length)))) + body


def encode_frame(frame: Frame) -> bytes:
    """One entry of `frame`."""
    return encode(frame.topic, frame.header.pack(), frame.payload)


def find(data: bytes | memoryview, start: int, entry: Entry) -> bool:
    """Whether a whole valid entry begins at `start`; then `entry` tells where and what."""
    room = len(data) - start
    if room < PREFIX_BYTES + MIN_LENGTH:
        return False
    length, crc = _PREFIX.unpack_from(data, start)
    if not MIN_LENGTH <= length <= MAX_LENGTH or length > room - PREFIX_BYTES:
        return False
    stop = start + PREFIX_BYTES + length
    body = memoryview(data)[start + PREFIX_BYTES : stop]
    if crc32(body, crc32(_LENGTH.pack(length))) != crc:
        return False
    topic_length = body[0]
    if topic_length > MAX_TOPIC_BYTES or length < MIN_LENGTH + topic_length:
        return False
    version, _, entry.stream, entry.count, entry.epoch, _, entry.seq, entry.publish_ns = _POSITION.unpack_from(
        body, 1 + topic_length
    )
    entry.start, entry.stop, entry.crc = start, stop, crc
    return bool(version == FORMAT_VERSION)


def length_at(data: bytes | memoryview, start: int) -> int:
    """Bytes of the entry that claims to begin at `start`, its prefix included; 0 where none does or it can't be one."""
    if len(data) - start < PREFIX_BYTES:
        return 0
    length = _PREFIX.unpack_from(data, start)[0]
    return PREFIX_BYTES + length if MIN_LENGTH <= length <= MAX_LENGTH else 0


def decode(data: bytes | memoryview, entry: Entry) -> Frame:
    """The frame of an entry that `find` has found; WireError where its header makes no sense."""
    body = memoryview(data)[entry.start + PREFIX_BYTES : entry.stop]
    after_topic = 1 + body[0]
    header = unpack_header(body[after_topic : after_topic + HEADER_BYTES])
    return Frame(bytes(body[1:after_topic]), header, bytes(body[after_topic + HEADER_BYTES :]))


def decode_all(data: bytes) -> list[Frame]:
    """All frames of an answer; WireError if anything in it is not an entry."""
    frames: list[Frame] = []
    entry = Entry()
    start = 0
    while start < len(data):
        if not find(data, start, entry):
            raise WireError(f"expected an entry at byte {start} of {len(data)}, found none that checks")
        frames.append(decode(data, entry))
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
