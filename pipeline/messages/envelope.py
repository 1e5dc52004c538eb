"""The envelope of every message: topic · header · payload, and the streams it belongs to."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum

from pipeline.errors import WireError

FORMAT_VERSION = 1
MAX_RECORDS_A_FRAME = 4096
MAX_PAYLOAD_BYTES = 16 * 1024 * 1024


class StreamId(IntEnum):
    """One unbroken sequence with one owner."""

    SUPERVISOR = 1
    INGEST = 2
    ORDERS = 3
    MARGIN = 4  # live only: never journaled
    MARGIN_RECORD = 5  # journal only: never published


JOURNALED = (StreamId.SUPERVISOR, StreamId.INGEST, StreamId.ORDERS, StreamId.MARGIN_RECORD)


class PayloadKind(IntEnum):
    """What follows the header."""

    RECORDS = 1
    MAP = 2
    KEEP_ALIVE = 3  # no payload; seq = the next one to come
    END = 4  # no payload; seq = the next one that would have come; nothing follows in this session


_HEADER = struct.Struct("<BBHIQQQq")
HEADER_BYTES = _HEADER.size


@dataclass(frozen=True, slots=True)
class Header:
    """The binary second frame of every published or journaled message."""

    kind: PayloadKind
    stream: StreamId
    count: int  # records in the payload; 1 for a map; 0 for KEEP_ALIVE and END
    epoch: int
    session: int
    seq: int  # of the first record
    publish_ns: int

    def pack(self) -> bytes:
        return pack_header(self.kind, self.stream, self.count, self.epoch, self.session, self.seq, self.publish_ns)


def pack_header(kind: int, stream: int, count: int, epoch: int, session: int, seq: int, publish_ns: int) -> bytes:
    """The bytes of a header, for the hot path without an object."""
    return _HEADER.pack(FORMAT_VERSION, kind, stream, count, epoch, session, seq, publish_ns)


def unpack_header(data: bytes | memoryview) -> Header:
    """Header of `data`; WireError on anything else."""
    if len(data) != HEADER_BYTES:
        raise WireError(f"expected a header of {HEADER_BYTES} bytes, found {len(data)}")
    version, kind, stream, count, epoch, session, seq, publish_ns = _HEADER.unpack(data)
    if version != FORMAT_VERSION:
        raise WireError(f"expected format version {FORMAT_VERSION}, found {version}")
    try:
        return Header(PayloadKind(kind), StreamId(stream), count, epoch, session, seq, publish_ns)
    except ValueError as error:
        raise WireError(f"unknown payload kind or stream: {error}") from error


@dataclass(frozen=True, slots=True)
class Frame:
    """One message as it travels and as it stands in a journal."""

    topic: bytes
    header: Header
    payload: bytes

    @property
    def next_seq(self) -> int:
        return self.header.seq + self.header.count
