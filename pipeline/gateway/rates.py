"""The flow of ticks at any rate: tick by tick, in pre-encoded batches, or one prebuilt buffer again and again. Pure.

Below `BATCHED_ABOVE` every tick is made by the tape. Above it the tape makes some thousand ticks a second, which leave
as they are; the rest of the rate is drawn from the newest quotes of each line, already encoded, and leaves as one block
of bytes a turn. A block is not made for a client that has not taken the ones before: nothing piles up.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

import numpy as np

from pipeline.gateway.lines import Lines
from pipeline.gateway.market.tape import Half
from pipeline.gateway.market.universe import Instrument
from pipeline.gateway.session import Line, Session
from pipeline.gateway.tells import ticks
from pipeline.gateway.tells.frames import prefixed

BATCHED_ABOVE = 50_000.0  # ticks a second
FRESH_PER_S = 4_000.0  # moments that the tape makes beside the batches
KEPT = 4  # newest frames of a line, of each tick type
MOST_WAITING = 4 << 20  # bytes that may wait for a client before it gets no further batch
MEAN_FRAME = 32  # bytes
LONGEST_STALL_S = 0.25
BURST_BYTES = 4 << 20  # of the longest buffer
FASTEST = 5_000_000.0  # ticks a second
REPEATABLE = frozenset(str(kind) for kind in (0, 1, 2, 3, 4, 5, 10, 11, 12, 13))  # quotes; no volume, no time, no high


@dataclass
class _Pool:
    """What one client is sent again: the newest frames of each of its lines."""

    lines: dict[int, dict[str, deque[bytes]]] = field(default_factory=dict)  # request id → tick type → frames
    drawn: np.ndarray[tuple[int], np.dtype[np.object_]] | None = None
    burst: memoryview | None = None
    burst_frames: int = 0
    asked: int = 0  # what the buffer was made for


class Rates:
    """Drives all lines. `burst`: frames of the buffer that is sent without a pause; 0: none."""

    def __init__(self, lines: Lines, burst: int) -> None:
        self.lines, self.burst = lines, burst
        self.most = min(MOST_WAITING, lines.limits.unread_bytes // 4)  # lest a batch have its reader dropped
        self.shed = 0  # ticks that were not made because a client did not read
        self._pools: dict[Session, _Pool] = {}
        self._random = np.random.default_rng(lines.tape.market.seed)
        self._budget = self._fresh = 0.0
        self._turn = 0
        self._seen: list[Instrument] = []  # the list that the pools follow

    @property
    def batched(self) -> bool:
        return self.burst > 0 or self.lines.rate > BATCHED_ABOVE

    def flow(self, elapsed_s: float, now_s: float) -> None:
        """Send the ticks of `elapsed_s`; what a stall missed beyond a quarter of a second is not made up for."""
        if not self.batched:
            self._pools.clear()
            self.lines.flow(elapsed_s)
            return
        self.lines.rate = min(self.lines.rate, FASTEST)
        elapsed_s = min(elapsed_s, LONGEST_STALL_S)
        self._follow()
        self._freshen(elapsed_s)
        if not self.burst:
            self._draw(elapsed_s, now_s)

    def refill(self, now_s: float) -> None:
        """Burst: keep two buffers in front of every client that has lines."""
        if not self.burst:
            return
        if self._seen is not self.lines.moving:
            self._follow()
        for session, pool in self._pools.items():
            buffer = pool.burst
            if buffer is None:
                continue
            while session.queued_bytes < 2 * len(buffer):
                session.push(buffer, pool.burst_frames, pool.burst_frames, now_s)

    def _follow(self) -> None:
        """Clients and lines come and go; exchanges open and close."""
        self._seen = self.lines.moving
        moving = {x.con_id: x for x in self._seen}
        watched: dict[Session, dict[int, Line]] = {}
        for con_id in moving:
            for session, line in self.lines.watchers.get(con_id, ()):
                watched.setdefault(session, {})[line.req_id] = line
        for session in [one for one in self._pools if one not in watched]:
            del self._pools[session]
        for session, lines in watched.items():
            pool = self._pools.setdefault(session, _Pool())
            if pool.lines.keys() != lines.keys():
                self._change_lines(pool, lines, moving)
            if self.burst and (pool.burst is None or pool.asked != self.burst):
                self._prebuild(pool)
            elif not self.burst:
                pool.burst = None

    def _change_lines(self, pool: _Pool, lines: dict[int, Line], moving: dict[int, Instrument]) -> None:
        for req_id in [one for one in pool.lines if one not in lines]:
            del pool.lines[req_id]
        for req_id, line in lines.items():
            if req_id not in pool.lines:
                pool.lines[req_id] = {}
                self._keep(pool, req_id, line.heads, self.lines.tape.picture(moving[line.con_id]))
        pool.drawn = pool.burst = None

    @staticmethod
    def _keep(pool: _Pool, req_id: int, heads: tuple[bytes, ...], halves: list[Half]) -> None:
        for place, tail in halves:
            kind = tail.split(b"\0", 1)[0].decode("ascii")
            if place in (ticks.PRICE, ticks.SIZE, ticks.OPTION) and kind in REPEATABLE:
                kept = pool.lines[req_id].setdefault(kind, deque(maxlen=KEPT))
                kept.append(prefixed(heads[place], tail))
        pool.drawn = None

    def _freshen(self, elapsed_s: float) -> None:
        """Let contracts move in turn; their ticks leave at once and stand for a while as what is sent again."""
        self._fresh += FRESH_PER_S * elapsed_s
        moving = self.lines.moving
        while self._fresh >= 1.0 and moving:
            self._turn += 1
            x = moving[self._turn % len(moving)]
            halves = self.lines.tape.event(x)
            for session, line in self.lines.watchers.get(x.con_id, ()):
                if session.queued_bytes < self.most:
                    self.lines.tell(session, line.heads, halves)
                self._keep(self._pools[session], line.req_id, line.heads, halves)
            self._fresh -= 1.0
        self._fresh = min(self._fresh, 1.0)

    def _draw(self, elapsed_s: float, now_s: float) -> None:
        """Each client's share of the rate, by its lines, as one block."""
        self._budget += max(self.lines.rate - FRESH_PER_S, 0.0) * elapsed_s
        if not self._pools:
            self._budget = 0.0
        total = sum(len(pool.lines) for pool in self._pools.values())
        count = int(self._budget)
        self._budget -= count
        for session, pool in self._pools.items():
            wanted = count * len(pool.lines) // total
            share = min(wanted, self.most // MEAN_FRAME) if session.queued_bytes <= self.most else 0
            self.shed += wanted - share
            frames = self._frames(pool, share)
            if session.filters:
                for frame in frames:
                    session.send_tick(frame)
            elif frames:
                session.push(b"".join(frames), len(frames), len(frames), now_s)

    def _frames(self, pool: _Pool, count: int) -> list[bytes]:
        if pool.drawn is None:
            frames = [frame for line in pool.lines.values() for kept in line.values() for frame in kept]
            pool.drawn = np.empty(len(frames), dtype=object)
            pool.drawn[:] = frames
        if not len(pool.drawn):
            return []
        found: list[bytes] = pool.drawn[self._random.integers(0, len(pool.drawn), count)].tolist()
        return found

    def _prebuild(self, pool: _Pool) -> None:
        frames, pool.asked = self._frames(pool, self.burst), self.burst
        if not frames:
            return
        mean = sum(map(len, frames)) / len(frames)
        frames = frames[: max(int(min(BURST_BYTES, self.most) / mean), 1)]
        pool.burst, pool.burst_frames = memoryview(b"".join(frames)), len(frames)
