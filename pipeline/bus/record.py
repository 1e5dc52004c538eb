"""The writer's side of the record lane: asks a journal's owner for frames from a position, in order, without holes."""

from __future__ import annotations

import contextlib
from collections import deque

import zmq

from pipeline.bus import framing, serving, sockets
from pipeline.bus.serving import ReplyHead
from pipeline.clock import Clock
from pipeline.errors import WireError
from pipeline.messages import Frame, PayloadKind, StreamId
from pipeline.runtime import Runtime

ASK_AGAIN_S = 0.1
MAX_BYTES = 1 << 20  # asked for at once; at most two answers are held


class Fetcher:
    """Pulls one stream. The pull is the flow control: who does not call `receive` is sent nothing more."""

    def __init__(
        self,
        context: sockets.Context,
        runtime: Runtime,
        process: str,
        stream: StreamId,
        clock: Clock,
        max_bytes: int = MAX_BYTES,
    ) -> None:
        self.stream = stream
        self.bad = 0
        self._clock = clock
        self._max_bytes = max_bytes
        self._epoch = 0
        self._next_seq = 0
        self._started = False
        self._asked_s: float | None = None  # None: nothing is asked now
        self._away = False
        self._tell_away = False
        self._reset: str | None = None
        self._told: tuple[int, int] | None = None  # a watermark that the owner has not been told yet
        self._ready: deque[list[Frame]] = deque()
        self.socket = sockets.dealer(context, runtime.endpoint(process, "ctl"))

    def start(self, epoch: int | None, next_seq: int) -> None:
        """Begin at the watermark in PostgreSQL (None: it has none yet); what was read before is forgotten."""
        self._epoch, self._next_seq = (epoch or 0), (next_seq if epoch else 0)
        self._ready.clear()
        self._started = True
        self._asked_s = None
        if epoch:
            self.committed(epoch, next_seq)

    @property
    def reset(self) -> str | None:
        """What the owner said with RESET (alarm: the position was unknown to it), once."""
        text, self._reset = self._reset, None
        return text

    def receive(self) -> list[Frame]:
        """The next frames in order, [] when none are ready; never blocks."""
        self._flush_watermark()
        while True:
            try:
                parts = self.socket.recv_multipart(zmq.NOBLOCK)
            except zmq.Again:
                break
            try:
                self._on_answer(parts)
            except WireError:
                self.bad += 1
        self._ask()
        return self._ready.popleft() if self._ready else []

    def _ask(self) -> None:
        """One request at a time, and no more than one answer ahead of the reader."""
        now = self._clock.monotonic()
        if not self._started or self._away or len(self._ready) > 1:
            return
        if self._asked_s is not None and now - self._asked_s < ASK_AGAIN_S:
            return
        body = serving.FETCH.pack(self.stream, self._epoch, self._next_seq, self._max_bytes)
        with contextlib.suppress(zmq.Again):  # the owner is away
            self.socket.send_multipart([b"FETCH", body], zmq.NOBLOCK)
        self._asked_s = now

    def _on_answer(self, parts: list[bytes]) -> None:
        if len(parts) != 3:
            raise WireError(f"expected an answer of 3 parts, found {len(parts)}")
        verb, head, body = parts
        reply = ReplyHead.unpack(head)
        if (reply.stream, reply.asked_epoch, reply.asked_seq) != (self.stream, self._epoch, self._next_seq):
            return  # an answer to an older question
        if not self._started or self._asked_s is None:
            return
        if verb == b"FRAMES":
            self._on_frames(reply, framing.decode_all(body))
        elif verb in (b"NEXT", b"RESET"):
            if verb == b"RESET":
                self._reset = body.decode("utf-8", "replace")[:500]
            self._epoch, self._next_seq = reply.epoch, reply.first_seq
        else:
            raise WireError(f"expected FRAMES, NEXT or RESET, found {verb[:20]!r}")
        self._asked_s = None

    def _on_frames(self, reply: ReplyHead, frames: list[Frame]) -> None:
        expected = self._next_seq
        for frame in frames:
            header = frame.header
            if (header.stream, header.epoch, header.seq) != (self.stream, self._epoch, expected):
                raise WireError(f"expected seq {expected}, found {header.seq} of {header.stream.name}")
            expected = frame.next_seq
        kept = [frame for frame in frames if frame.header.kind in (PayloadKind.RECORDS, PayloadKind.MAP)]
        self._next_seq = expected
        if kept:
            self._ready.append(kept)

    def committed(self, epoch: int, seq: int) -> None:
        """Tell the owner that PostgreSQL has all below `seq` (the next one not yet committed)."""
        self._told = (epoch, seq)
        self._flush_watermark()

    def database_away(self, away: bool) -> None:
        """Tell the owner, and ask for nothing while PostgreSQL is away."""
        if away != self._away:
            self._away = away
            self._tell_away = True
            self._flush_watermark()

    def _flush_watermark(self) -> None:
        with contextlib.suppress(zmq.Again):  # the owner is away; told when it is back
            if self._tell_away:
                self.socket.send_multipart([b"AWAY", serving.AWAY.pack(self.stream, self._away)], zmq.NOBLOCK)
                self._tell_away = False
            if self._told is not None:
                self.socket.send_multipart(
                    [b"COMMITTED", serving.COMMITTED.pack(self.stream, *self._told)], zmq.NOBLOCK
                )
                self._told = None

    def close(self) -> None:
        self.socket.close(linger=0)
