"""The owner's side of the record lane: pure bookkeeping of who asks for what, and the answers that can be given now."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pipeline.bus.journal import Journal
from pipeline.errors import WireError
from pipeline.messages import StreamId

FETCH = struct.Struct("<HQQI")  # stream, epoch (0: nothing read yet), next seq, most bytes
COMMITTED = struct.Struct("<HQQ")  # stream, epoch, next seq not committed
AWAY = struct.Struct("<HB")  # stream, PostgreSQL is away
_REPLY = struct.Struct("<HQQQQ")  # stream, what was asked (epoch, seq), what is answered (epoch, first seq)
MAX_BYTES = 8 << 20
MAX_PEERS = 256


@dataclass(frozen=True, slots=True)
class ReplyHead:
    """Second part of FRAMES, NEXT and RESET."""

    stream: int
    asked_epoch: int
    asked_seq: int
    epoch: int
    first_seq: int

    def pack(self) -> bytes:
        return _REPLY.pack(self.stream, self.asked_epoch, self.asked_seq, self.epoch, self.first_seq)

    @staticmethod
    def unpack(data: bytes) -> ReplyHead:
        if len(data) != _REPLY.size:
            raise WireError(f"expected an answer's head of {_REPLY.size} bytes, found {len(data)}")
        return ReplyHead(*_REPLY.unpack(data))


@dataclass(frozen=True, slots=True)
class _Waiting:
    journal: Journal
    epoch: int
    seq: int
    max_bytes: int


class FetchServer:
    """Remembers one waiting request per peer and stream; trims behind what is committed."""

    def __init__(self, journals: Sequence[Journal], keep_bytes: int) -> None:
        self.writer_away = False
        self.heard = False  # a writer has asked for something
        self._journals = {journal.stream: journal for journal in journals}
        self._keep_bytes = keep_bytes
        self._waiting: dict[tuple[bytes, int], _Waiting] = {}
        self._committed: dict[StreamId, tuple[int, int]] = {}

    def on_fetch(self, peer: bytes, body: bytes) -> None:
        stream, epoch, seq, max_bytes = _unpack(FETCH, body)
        journal = self._journal(stream)
        self.heard = True
        self.writer_away = False  # it would not ask
        if len(self._waiting) >= MAX_PEERS:
            self._waiting.pop(next(iter(self._waiting)))
        self._waiting[(peer, stream)] = _Waiting(journal, epoch, seq, min(max_bytes, MAX_BYTES))

    def on_committed(self, body: bytes) -> None:
        stream, epoch, seq = _unpack(COMMITTED, body)
        journal = self._journal(stream)
        self.heard = True
        self._committed[journal.stream] = (epoch, seq)
        journal.trim(epoch, seq, self._keep_bytes)

    def on_away(self, body: bytes) -> None:
        _, away = _unpack(AWAY, body)
        self.heard = True
        self.writer_away = bool(away)

    def _journal(self, stream: int) -> Journal:
        for known, journal in self._journals.items():
            if known == stream:
                return journal
        raise WireError(f"stream {stream} is not kept here")

    def answers(self) -> Iterator[tuple[bytes, list[bytes]]]:
        """(peer, message) for each waiting request that has an answer now."""
        for key, asked in list(self._waiting.items()):
            answer = asked.journal.answer(asked.epoch, asked.seq, asked.max_bytes)
            if answer is not None:
                del self._waiting[key]
                head = ReplyHead(asked.journal.stream, asked.epoch, asked.seq, answer.epoch, answer.first_seq)
                yield key[0], [answer.verb, head.pack(), answer.data]

    def committed(self, stream: StreamId) -> int:
        return self._committed.get(stream, (0, 0))[1]

    def all_committed(self) -> bool:
        """Everything in every journal is in PostgreSQL, as the writer told."""
        return all(
            journal.empty or self._committed.get(stream, (0, 0)) == (journal.epoch, journal.next_seq)
            for stream, journal in self._journals.items()
        )


def _unpack(kind: struct.Struct, body: bytes) -> tuple[int, ...]:
    if len(body) != kind.size:
        raise WireError(f"expected {kind.size} bytes, found {len(body)}")
    return kind.unpack(body)
