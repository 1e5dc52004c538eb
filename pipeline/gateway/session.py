"""One client: what it said, what it asked to be told, what waits to be sent to it. Talks to no socket itself."""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol

from pipeline.gateway.asks.accounts import AccountSummary, AccountUpdatesMulti, PnL, PositionsMulti
from pipeline.gateway.broker.keys import Row
from pipeline.gateway.ledger import Ledger
from pipeline.gateway.limits import Limits, Pacing
from pipeline.gateway.tells import frames

MAX_ASKED = 1 << 20  # bytes of the longest request; far above what any client has to say
HELLO = b"API\0"
HELLO_TEXT = re.compile(rb"v(\d+)(?:\.\.(\d+))?(?: .*)?\0?", re.DOTALL)
LONGEST_HELLO = 1024
TICKS = (b"1", b"2", b"45", b"46", b"21")  # what the ledger counts as ticks


class Phase(Enum):
    """How far the conversation is."""

    HELLO = "hello"
    START = "start"  # the version is agreed, startApi is awaited
    OPEN = "open"
    CLOSING = "closing"  # what waits is still sent, nothing is read


class Garbage(Exception):
    """Bytes that are no TWS client; the connection ends."""


@dataclass
class Batch:
    """Frames that leave in one send; counted in the ledger once they have left."""

    data: memoryview
    ticks: int
    frames: int
    since_s: float


@dataclass
class Line:
    """A market-data subscription."""

    req_id: int
    con_id: int
    heads: tuple[bytes, bytes, bytes, bytes, bytes]
    marks: bool = False  # generic tick 221 was asked for


@dataclass
class Watching:
    """The account subscriptions of a client, with what each was told last."""

    updates: str = ""  # the one account of reqAccountUpdates
    sent: dict[int, dict[str, list[Row]]] = field(default_factory=dict)  # req id (-1: updates) → account → rows
    multi: dict[int, AccountUpdatesMulti] = field(default_factory=dict)
    summary: dict[int, AccountSummary] = field(default_factory=dict)
    positions: bool = False
    positions_multi: dict[int, PositionsMulti] = field(default_factory=dict)
    pnl: dict[int, PnL] = field(default_factory=dict)
    pnl_sent: dict[int, bytes] = field(default_factory=dict)


class Filter(Protocol):
    """A fault on what leaves: gets the frames of a turn, gives those that leave now, and may keep some for later."""

    def apply(self, frames: list[bytes], now_s: float) -> list[bytes]: ...


class Session:
    """The state of one connection."""

    def __init__(self, peer: str, limits: Limits) -> None:
        self.peer, self.phase = peer, Phase.HELLO
        self.sv = 0
        self.client_id = -1
        self.pacing = Pacing(limits.messages_per_s)
        self.lines: dict[int, Line] = {}
        self.watching = Watching()
        self.ledger: Ledger | None = None
        self.queue: deque[Batch] = deque()
        self.queued_bytes = 0
        self.filters: list[Filter] = []
        self._input = bytearray()
        self._at = 0  # of what was read, so much is taken
        self._parts: list[bytes] = []
        self._ticks = 0

    # What came in.

    def feed(self, data: bytes) -> None:
        if self._at:
            del self._input[: self._at]  # once a read, not once a frame
            self._at = 0
        self._input += data

    @property
    def unread(self) -> int:
        """Bytes that were read and are not taken yet."""
        return len(self._input) - self._at

    def take_hello(self) -> int | None:
        """The version agreed on, None while the greeting is incomplete; Garbage if it is none."""
        if self.unread < 8:
            if not HELLO.startswith(bytes(self._input[:4])):
                raise Garbage("expected the greeting API\\0, found something else")
            return None
        if not self._input.startswith(HELLO):
            raise Garbage("expected the greeting API\\0, found something else")
        length = int.from_bytes(self._input[4:8], "big")
        if length > LONGEST_HELLO:
            raise Garbage(f"expected a greeting of up to {LONGEST_HELLO} bytes, found one of {length}")
        if self.unread < 8 + length:
            return None
        self._at = 8 + length
        return agree(bytes(self._input[8 : 8 + length]))

    @property
    def whole(self) -> bool:
        """Whether `take_frame` has something to say."""
        if self.unread < 4:
            return False
        length = int.from_bytes(self._input[self._at : self._at + 4], "big")
        return not 0 < length <= MAX_ASKED or self.unread >= 4 + length

    def take_frame(self) -> bytes | None:
        """The next whole frame; Garbage when its length is impossible."""
        if not self.whole:
            return None
        begin = self._at + 4
        length = int.from_bytes(self._input[self._at : begin], "big")
        if not 0 < length <= MAX_ASKED:
            raise Garbage(f"expected a frame of 1 to {MAX_ASKED} bytes, found one of {length}")
        self._at = begin + length
        return bytes(self._input[begin : self._at])

    # What goes out.

    def send(self, *frames: bytes) -> None:
        self._parts += frames

    def send_tick(self, frame: bytes) -> None:
        self._parts.append(frame)
        self._ticks += 1

    def seal(self, now_s: float) -> None:
        """Make one batch of what was sent since the last time."""
        parts, ticks = self._parts, self._ticks
        if self.filters:
            for each in self.filters:
                parts = each.apply(parts, now_s)
            ticks = sum(frame[4:].split(b"\0", 1)[0] in TICKS for frame in parts)
        if self._parts:
            self._parts, self._ticks = [], 0
        if parts:
            self._append(b"".join(parts), ticks, len(parts), now_s)

    def push(self, data: bytes | memoryview, ticks: int, frames: int, now_s: float) -> None:
        """Send bytes that were made ready elsewhere, after all that was sent before; no filter sees them."""
        self.seal(now_s)
        self._append(data, ticks, frames, now_s)

    def _append(self, data: bytes | memoryview, ticks: int, frames: int, now_s: float) -> None:
        self.queue.append(Batch(memoryview(data), ticks, frames, now_s))
        self.queued_bytes += len(data)

    def sent(self, count: int) -> None:
        """The kernel took `count` bytes of the first batch."""
        batch = self.queue[0]
        batch.data = batch.data[count:]
        self.queued_bytes -= count
        if not batch.data:
            self.queue.popleft()
            if self.ledger is not None:
                self.ledger.add(batch.ticks, batch.frames)


def message(payload: bytes) -> int:
    """The message id of a frame; -1 if it has none."""
    text = payload.split(b"\0", 1)[0][:9]
    return int(text) if text.isdigit() else -1


def agree(text: bytes) -> int:
    """Server version for a client that says `v<min>..<max>`: the smaller maximum; Garbage if there is none."""
    found = HELLO_TEXT.fullmatch(text)
    if found is None:
        raise Garbage(f"expected versions such as v100..200, found {text[:40]!r}")
    least, most = int(found[1]), int(found[2] or found[1])
    agreed = min(frames.MAX_VERSION, most)
    if agreed < frames.MIN_VERSION or least > agreed:
        raise Garbage(
            f"this TWS speaks versions {frames.MIN_VERSION} to {frames.MAX_VERSION}, the client {least} to {most}"
        )
    return agreed
