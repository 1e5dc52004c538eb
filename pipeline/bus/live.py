"""The live lane: a Stream gives seq, journals, publishes; a Subscriber follows it from a snapshot and repairs gaps."""

from __future__ import annotations

import contextlib
import secrets
import struct
from collections.abc import Sequence
from typing import Any

import numpy as np
import zmq

from pipeline import messages
from pipeline.bus import framing, sockets
from pipeline.bus.follow import Follower, Reset
from pipeline.bus.journal import Journal
from pipeline.clock import Clock
from pipeline.errors import JournalFull, WireError
from pipeline.messages import Frame, Gap, Header, Message, PayloadKind, StreamId
from pipeline.messages.envelope import pack_header
from pipeline.runtime import Runtime

__all__ = ["Reset", "Stream", "Subscriber", "pack_snapshot", "unpack_snapshot"]

KEEP_ALIVE_S = 0.1
STALE_S = messages.STALE_AFTER_S["keep_alive"]
SNAPSHOT_PART_BYTES = 8 * 1024 * 1024
KEEP_TOPIC = b"keep"

_SNAPSHOT = struct.Struct("<QHQQQ")  # request, stream, epoch, session, the seq that comes next


def random_id() -> int:
    """A random number that is not 0 ("none yet" on the wire) and fits a signed 64-bit column."""
    return secrets.randbits(63) or 1


class Stream:
    """Gives each record its seq, appends it to the journal, and only then publishes it.

    While the journal has no room, frames are still published; what was not recorded is told as one `sys.gap` record
    in place of the missing seqs, as soon as there is room. Without a journal every start is a new epoch.
    """

    def __init__(
        self,
        stream: StreamId,
        clock: Clock,
        *,
        journal: Journal | None = None,
        socket: sockets.Socket | None = None,
    ) -> None:
        self.stream = stream
        self.session = random_id()
        self.epoch = journal.epoch if journal else random_id()
        self.next_seq = journal.next_seq if journal else 1
        self.unrecorded = 0  # records that the journal had no room for, since the start
        self._clock = clock
        self._journal = journal
        self._socket = socket
        self._next_keep_alive = 0.0
        self._hole_seq = 0  # first seq that is in no journal; 0: none
        self._hole_ns = 0
        self._ended = False
        if journal is not None and journal.damage is not None:
            damage, journal.damage = journal.damage, None
            self.map(damage)

    @property
    def recording(self) -> bool:
        """False while frames are published that the journal has no room for."""
        return self._hole_seq == 0

    def records(self, topic: bytes, array: np.ndarray[Any, Any]) -> int:
        """Publish the records of `array` in frames of at most 4,096; returns the seq of the first."""
        first, step = None, messages.MAX_RECORDS_A_FRAME
        for start in range(0, len(array), step):
            part = array[start : start + step]
            seq = self._emit(PayloadKind.RECORDS, topic, len(part), part.tobytes(), False)
            first = seq if first is None else first
        return self.next_seq if first is None else first

    def map(self, message: Message, sync: bool = False) -> int:
        """Publish one message; returns its seq. `sync`: durable before it is published, or JournalFull."""
        return self._emit(PayloadKind.MAP, message.topic.encode(), 1, messages.pack(message), sync)

    def keep_alive(self, now_s: float) -> None:
        """Tell the next seq, at most each 100 ms, so that the loss of the last frame shows. Call it in each loop."""
        if now_s < self._next_keep_alive or self._socket is None or self._ended:
            return
        self._next_keep_alive = now_s + KEEP_ALIVE_S
        with contextlib.suppress(
            zmq.Again
        ):  # what subscribers ask of an XPUB; nobody needs it, but it must not pile up
            while True:
                self._socket.recv(zmq.NOBLOCK)
        if self._hole_seq and self._journal is not None and not self._journal.full:
            self._fill_hole()
        self._publish(KEEP_TOPIC, self._header(PayloadKind.KEEP_ALIVE, 0), b"")

    def end(self) -> int:
        """Nothing follows in this session; returns the seq that nothing has."""
        if not self._ended:
            if self._hole_seq:
                self._fill_hole()
            self._ended = True
            self._publish(KEEP_TOPIC, self._header(PayloadKind.END, 0), b"")
        return self.next_seq

    def _emit(self, kind: PayloadKind, topic: bytes, count: int, payload: bytes, sync: bool) -> int:
        """Journal, then publish; returns the seq. The hot path: no object per frame."""
        assert not self._ended, "nothing may follow END"
        journal = self._journal
        if journal is not None:
            if journal.epoch != self.epoch:  # it had to begin anew
                self.epoch, self.next_seq = journal.epoch, max(self.next_seq, journal.next_seq)
            if self._hole_seq and not (journal.full if kind is PayloadKind.RECORDS else journal.full_for_maps):
                self._fill_hole()
        seq, now_ns = self.next_seq, self._clock.now_ns()
        header = pack_header(kind, self.stream, count, self.epoch, self.session, seq, now_ns)
        if journal is not None and not self._record(journal, topic, header, payload, kind, seq, count, now_ns):
            if sync:
                raise JournalFull(journal.full)
            self.unrecorded += count
            self._hole_seq, self._hole_ns = self._hole_seq or seq, self._hole_ns or now_ns
        if sync and journal is not None:
            journal.sync()
        self.next_seq = seq + count
        self._publish(topic, header, payload)
        return seq

    def _record(
        self,
        journal: Journal,
        topic: bytes,
        header: bytes,
        payload: bytes,
        kind: PayloadKind,
        seq: int,
        count: int,
        now_ns: int,
    ) -> bool:
        """False where the journal has no room, or a hole before this frame could not be told yet."""
        if self._hole_seq and self._hole_seq < seq:
            return False
        try:
            entry = framing.encode(topic, header, payload)
            journal.append_entry(entry, kind is PayloadKind.RECORDS, seq, count, now_ns)
        except JournalFull:
            return False
        return True

    def _fill_hole(self) -> None:
        """Record what is missing as one gap record over all its seqs, if there is room for it.

        Not before each tick while the journal is full: the room that is left is for maps.
        """
        journal = self._journal
        assert journal is not None
        now_ns, first, missing = self._clock.now_ns(), self._hole_seq, self.next_seq - self._hole_seq
        gap = Gap(
            process=self.stream.name.lower(),
            from_ns=self._hole_ns,
            to_ns=now_ns,
            reason="the journal had no room",
            from_seq=first,
            to_seq=self.next_seq,
        )
        topic, payload = gap.topic.encode(), messages.pack(gap)
        header = pack_header(PayloadKind.MAP, self.stream, missing + 1, self.epoch, self.session, first, now_ns)
        self._hole_seq = 0
        if self._record(journal, topic, header, payload, PayloadKind.MAP, first, missing + 1, now_ns):
            self._hole_ns = 0
            live = pack_header(PayloadKind.MAP, self.stream, 1, self.epoch, self.session, self.next_seq, now_ns)
            self.next_seq += 1
            self._publish(topic, live, payload)
        else:
            self._hole_seq = first

    def _header(self, kind: PayloadKind, count: int) -> bytes:
        now_ns = self._clock.now_ns()
        return pack_header(kind, self.stream, count, self.epoch, self.session, self.next_seq, now_ns)

    def _publish(self, topic: bytes, header: bytes, payload: bytes) -> None:
        socket = self._socket
        if socket is not None:
            socket.send(topic, zmq.SNDMORE)
            socket.send(header, zmq.SNDMORE)
            socket.send(payload)


def pack_snapshot(request: int, stream: Stream, items: Sequence[tuple[bytes, Any]], now_ns: int) -> list[bytes]:
    """A SNAPSHOT answer: the position it is taken at, then entries in parts of some megabytes."""
    head = _SNAPSHOT.pack(request, stream.stream, stream.epoch, stream.session, stream.next_seq)
    parts: list[bytes] = [b"SNAPSHOT", head]
    held: list[bytes] = []
    size = 0
    for topic, item in items:
        for kind, count, payload in _payloads(item):
            header = Header(kind, stream.stream, count, stream.epoch, stream.session, stream.next_seq, now_ns)
            entry = framing.encode(topic, header.pack(), payload)
            if size + len(entry) > SNAPSHOT_PART_BYTES and held:
                parts.append(b"".join(held))
                held, size = [], 0
            held.append(entry)
            size += len(entry)
    parts.append(b"".join(held))
    return parts


def _payloads(item: Any) -> list[tuple[PayloadKind, int, bytes]]:
    if not isinstance(item, np.ndarray):
        return [(PayloadKind.MAP, 1, messages.pack(item))]
    step = messages.MAX_RECORDS_A_FRAME
    parts = [item[start : start + step] for start in range(0, len(item), step)]
    return [(PayloadKind.RECORDS, len(part), part.tobytes()) for part in parts]


def unpack_snapshot(parts: list[bytes]) -> tuple[int, StreamId, int, int, int, list[Frame]]:
    """(request, stream, epoch, session, next seq, frames) of a SNAPSHOT answer; WireError for anything else."""
    if len(parts) < 2 or parts[0] != b"SNAPSHOT" or len(parts[1]) != _SNAPSHOT.size:
        raise WireError("expected a SNAPSHOT answer")
    request, stream, epoch, session, next_seq = _SNAPSHOT.unpack(parts[1])
    try:
        stream_id = StreamId(stream)
    except ValueError as error:
        raise WireError(f"unknown stream: {error}") from error
    frames = [frame for part in parts[2:] for frame in framing.decode_all(part)]
    return request, stream_id, epoch, session, next_seq, frames


class Subscriber:
    """Follows the live stream of one process: SUB for frames, DEALER for snapshots. Never blocks, never raises."""

    def __init__(self, context: sockets.Context, runtime: Runtime, process: str, clock: Clock) -> None:
        self.process = process
        self._clock = clock
        self._sub = sockets.subscriber(context, runtime.endpoint(process, "pub"))
        self._dealer = sockets.dealer(context, runtime.endpoint(process, "ctl"))
        self._follower = Follower(clock.monotonic())
        self.sockets: list[sockets.Socket] = [self._sub, self._dealer]

    def receive(self, limit: int = 1000) -> list[Frame | Reset]:
        """What has come, in order, after at most `limit` frames read from the socket."""
        now = self._clock.monotonic()
        out: list[Frame | Reset] = []
        for _ in range(limit):
            try:
                parts = self._sub.recv_multipart(zmq.NOBLOCK)
            except zmq.Again:
                break
            self._follower.on_parts(parts, now, out)
        with contextlib.suppress(zmq.Again):
            while True:
                self._on_snapshot(self._dealer.recv_multipart(zmq.NOBLOCK), now, out)
        if (request := self._follower.request(now)) is not None:
            with contextlib.suppress(zmq.Again):  # not connected yet: asked again in 200 ms
                self._dealer.send_multipart([b"SNAPSHOT", struct.pack("<Q", request)], zmq.NOBLOCK)
        return out

    def _on_snapshot(self, parts: list[bytes], now: float, out: list[Frame | Reset]) -> None:
        try:
            request, stream, epoch, session, next_seq, frames = unpack_snapshot(parts)
        except WireError:
            self._follower.bad += 1
            return
        self._follower.on_snapshot(request, stream, epoch, session, next_seq, frames, now, out)

    @property
    def stale(self) -> bool:
        """Nothing heard for 0.8 s, or no whole picture yet."""
        return not self._follower.following or self.silent_s > STALE_S

    @property
    def silent_s(self) -> float:
        """Seconds since the last good frame (since the start where there was none)."""
        return self._clock.monotonic() - self._follower.heard_s

    @property
    def gaps(self) -> int:
        """Gaps seen since the start, each repaired by a snapshot."""
        return self._follower.gaps

    @property
    def ended(self) -> bool:
        """The publisher said END and no new session has come."""
        return self._follower.ended

    @property
    def bad(self) -> int:
        """Messages that were not what was agreed."""
        return self._follower.bad

    def close(self) -> None:
        for socket in self.sockets:
            socket.close(linger=0)
