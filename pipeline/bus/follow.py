"""What a subscriber makes of what it hears: pure, over frames and times."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from pipeline import messages
from pipeline.bus.framing import frame_of
from pipeline.errors import WireError
from pipeline.messages import Frame, PayloadKind, StreamId

ASK_AGAIN_S = 0.2
HELD_FRAMES = 20_000  # while a snapshot is under way
HELD_BYTES = 64 * 1024 * 1024
MAX_BAD = 10


@dataclass(frozen=True)
class Reset:
    """Precedes the frames of a snapshot: forget what you held of this stream."""

    stream: StreamId
    reason: str  # joined · gap · new session · new epoch


class Follower:
    """The state of one followed stream: joining (frames are held until a snapshot comes) or following."""

    def __init__(self, now_s: float) -> None:
        self.following = False
        self.heard_s = now_s
        self.gaps = 0
        self.bad = 0
        self.ended = False
        self._reason = "joined"
        self._session = 0  # 0: none heard
        self._epoch = 0
        self._expected = 0
        self._held: deque[Frame] = deque()
        self._held_bytes = 0
        self._request = 0
        self._first_request = 1  # of this joining; an answer to any request since then will do
        self._asked_s = -1e18
        self._bad_in_session = 0

    def on_parts(self, parts: list[bytes], now_s: float, out: list[Frame | Reset]) -> None:
        """One published message; appends to `out` what the reader may see now."""
        try:
            frame = frame_of(parts)
            if frame.header.session != self._session:
                self._bad_in_session = 0
            if self._bad_in_session < MAX_BAD and frame.header.kind is PayloadKind.RECORDS:
                messages.records(frame)
        except WireError:
            self.bad += 1
            self._bad_in_session += 1
            return
        if self._bad_in_session >= MAX_BAD:  # ignored until it begins a new session
            self.bad += 1
            self.following = False
            return
        self.heard_s = now_s
        self._on_frame(frame, out)

    def _on_frame(self, frame: Frame, out: list[Frame | Reset]) -> None:
        header = frame.header
        if header.session != self._session:
            self._join("new session" if self._session else "joined")
            self._session, self._epoch, self.ended = header.session, header.epoch, False
        elif header.epoch != self._epoch:
            self._join("new epoch")
            self._epoch = header.epoch
        if not self.following:
            self._hold(frame)
        elif header.seq > self._expected:
            self.gaps += 1
            self._join("gap")
            self._hold(frame)
        elif header.kind is PayloadKind.END:
            self.ended = True
        elif header.kind is not PayloadKind.KEEP_ALIVE and header.seq == self._expected:
            self._expected = frame.next_seq
            out.append(frame)

    def _join(self, reason: str) -> None:
        self.following = False
        self._reason = reason
        self._asked_s = -1e18
        self._first_request = self._request + 1
        self._held.clear()
        self._held_bytes = 0

    def _hold(self, frame: Frame) -> None:
        """Too much held: forget it all; the snapshot will be older than what follows, and another one is asked for."""
        if len(self._held) >= HELD_FRAMES or self._held_bytes > HELD_BYTES:
            self._held.clear()
            self._held_bytes = 0
        self._held.append(frame)
        self._held_bytes += len(frame.payload) + 200

    def request(self, now_s: float) -> int | None:
        """The number of a snapshot request to send now, or None. Nothing is asked before the stream was heard."""
        if self.following or not self._session or self._bad_in_session >= MAX_BAD:
            return None
        if now_s - self._asked_s < ASK_AGAIN_S:
            return None
        self._asked_s = now_s
        self._request += 1
        return self._request

    def on_snapshot(
        self,
        request: int,
        stream: StreamId,
        epoch: int,
        session: int,
        next_seq: int,
        frames: list[Frame],
        now_s: float,
        out: list[Frame | Reset],
    ) -> None:
        """A snapshot counts when it was asked for since the joining began and is of the session and epoch heard."""
        if self.following or not self._first_request <= request <= self._request:
            return
        if (session, epoch) != (self._session, self._epoch):
            return  # taken just before or after a restart; asked again
        self.heard_s = now_s
        self.following = True
        self._expected = next_seq
        out.append(Reset(stream, self._reason))
        out.extend(frames)
        held, self._held = self._held, deque()
        self._held_bytes = 0
        for frame in held:
            self._on_frame(frame, out)
