"""One client: what it said, what it asked to be told, what waits to be sent to it. Talks to no socket itself."""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass, field
from enum import Enum

from pipeline.gateway.asks.accounts import AccountSummary, AccountUpdatesMulti, PnL, PositionsMulti
from pipeline.gateway.broker.keys import Row
from pipeline.gateway.ledger import Ledger
from pipeline.gateway.limits import Limits, Pacing
from pipeline.gateway.tells import frames

HELLO = b"API\0"
HELLO_TEXT = re.compile(rb"v(\d+)(?:\.\.(\d+))?(?: .*)?\0?", re.DOTALL)
LONGEST_HELLO = 1024


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
        self._input = bytearray()
        self._parts: list[bytes] = []
        self._ticks = 0

    # What came in.

    def feed(self, data: bytes) -> None:
        self._input += data

    def take_hello(self) -> int | None:
        """The version agreed on, None while the greeting is incomplete; Garbage if it is none."""
        if len(self._input) < 8:
            if not HELLO.startswith(bytes(self._input[:4])):
                raise Garbage("expected the greeting API\\0, found something else")
            return None
        if not self._input.startswith(HELLO):
            raise Garbage("expected the greeting API\\0, found something else")
        length = int.from_bytes(self._input[4:8], "big")
        if length > LONGEST_HELLO:
            raise Garbage(f"expected a greeting of up to {LONGEST_HELLO} bytes, found one of {length}")
        if len(self._input) < 8 + length:
            return None
        text = bytes(self._input[8 : 8 + length])
        del self._input[: 8 + length]
        return agree(text)

    def take_frame(self) -> bytes | None:
        """The next whole frame; Garbage when its length is impossible."""
        if len(self._input) < 4:
            return None
        length = int.from_bytes(self._input[:4], "big")
        if not 0 < length <= frames.MAX_FRAME:
            raise Garbage(f"expected a frame of 1 to {frames.MAX_FRAME} bytes, found one of {length}")
        if len(self._input) < 4 + length:
            return None
        frame = bytes(self._input[4 : 4 + length])
        del self._input[: 4 + length]
        return frame

    # What goes out.

    def send(self, *frames: bytes) -> None:
        self._parts += frames

    def send_tick(self, frame: bytes) -> None:
        self._parts.append(frame)
        self._ticks += 1

    def seal(self, now_s: float) -> None:
        """Make one batch of what was sent since the last time."""
        if not self._parts:
            return
        data = b"".join(self._parts)
        self.queue.append(Batch(memoryview(data), self._ticks, len(self._parts), now_s))
        self.queued_bytes += len(data)
        self._parts, self._ticks = [], 0

    def sent(self, count: int) -> None:
        """The kernel took `count` bytes of the first batch."""
        batch = self.queue[0]
        batch.data = batch.data[count:]
        self.queued_bytes -= count
        if not batch.data:
            self.queue.popleft()
            if self.ledger is not None:
                self.ledger.add(batch.ticks, batch.frames)


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
