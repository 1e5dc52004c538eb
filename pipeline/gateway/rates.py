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
from pipeline.gateway.session import Session
from pipeline.gateway.tells import ticks
from pipeline.gateway.tells.frames import prefixed

BATCHED_ABOVE = 50_000.0  # ticks a second
FRESH_PER_S = 4_000.0  # moments that the tape makes beside the batches
KEPT = 12  # newest quotes of a line
MOST_WAITING = 4 << 20  # bytes that may wait for a client before it gets no further batch
LONGEST_STALL_S = 0.25
BURST_BYTES = 4 << 20  # of the longest buffer
REPEATABLE = frozenset(str(kind) for kind in (0, 1, 2, 3, 4, 5, 10, 11, 12, 13))  # quotes; no volume, no time, no high


@dataclass
class _Pool:
    """What one client is sent again: the newest frames of each of its lines."""

    lines: dict[int, deque[bytes]] = field(default_factory=dict)  # request id → frames
    drawn: np.ndarray[tuple[int], np.dtype[np.object_]] | None = None
    burst: memoryview | None = None
    burst_frames: int = 0


class Rates:
    """Drives all lines. `burst`: frames of the buffer that is sent without a pause; 0: none."""

    def __init__(self, lines: Lines, burst: int) -> None:
        self.lines, self.burst = lines, burst
        self.shed = 0  # ticks that were not made because a client did not read
        self._pools: dict[Session, _Pool] = {}
        self._random = np.random.default_rng(lines.tape.market.seed)
        self._budget = self._fresh = 0.0
        self._turn = 0

    @property
    def batched(self) -> bool:
        return self.burst > 0 or self.lines.rate > BATCHED_ABOVE

    def flow(self, elapsed_s: float, now_s: float) -> None:
        """Send the ticks of `elapsed_s`; what a stall missed beyond a quarter of a second is not made up for."""
        if not self.batched:
            self._pools.clear()
            self.lines.flow(elapsed_s)
            return
        elapsed_s = min(elapsed_s, LONGEST_STALL_S)
        self._follow()
        self._freshen(elapsed_s)
        if not self.burst:
            self._draw(elapsed_s, now_s)

    def refill(self, now_s: float) -> None:
        """Burst: keep two buffers in front of every client that has lines."""
        if not self.burst:
            return
        for session, pool in self._pools.items():
            buffer = pool.burst
            if buffer is None:
                continue
            while session.queued_bytes < 2 * len(buffer):
                session.push(buffer, pool.burst_frames, pool.burst_frames, now_s)

    def _follow(self) -> None:
        """Clients and lines come and go."""
        watched = {session for watchers in self.lines.watchers.values() for session, _ in watchers}
        for session in [one for one in self._pools if one not in watched]:
            del self._pools[session]
        for session in watched:
            pool = self._pools.setdefault(session, _Pool())
            if pool.lines.keys() != session.lines.keys():
                self._change_lines(session, pool)
            if self.burst and (pool.burst is None or pool.burst_frames > self.burst):
                self._prebuild(pool)
            elif not self.burst:
                pool.burst = None

    def _change_lines(self, session: Session, pool: _Pool) -> None:
        contracts = self.lines.tape.market.universe.by_con_id
        for req_id in [one for one in pool.lines if one not in session.lines]:
            del pool.lines[req_id]
        for req_id, line in session.lines.items():
            if req_id not in pool.lines:
                pool.lines[req_id] = deque(maxlen=KEPT)
                self._keep(pool, req_id, line.heads, self.lines.tape.picture(contracts[line.con_id]))
        pool.drawn = pool.burst = None

    @staticmethod
    def _keep(pool: _Pool, req_id: int, heads: tuple[bytes, ...], halves: list[Half]) -> None:
        for place, tail in halves:
            kind = tail.split(b"\0", 1)[0].decode("ascii")
            if place in (ticks.PRICE, ticks.SIZE, ticks.OPTION) and kind in REPEATABLE:
                pool.lines[req_id].append(prefixed(heads[place], tail))
        pool.drawn = None

    def _freshen(self, elapsed_s: float) -> None:
        """Let contracts move in turn; their ticks leave at once and stand for a while as what is sent again."""
        watched = sorted(self.lines.watchers)
        self._fresh += FRESH_PER_S * elapsed_s
        contracts = self.lines.tape.market.universe.by_con_id
        while self._fresh >= 1.0 and watched:
            self._turn += 1
            con_id = watched[self._turn % len(watched)]
            halves = self.lines.tape.event(contracts[con_id])
            for session, line in self.lines.watchers[con_id]:
                pool = self._pools[session]
                if session.queued_bytes < MOST_WAITING:
                    self.lines.tell(session, line.heads, halves)
                self._keep(pool, line.req_id, line.heads, halves)
            self._fresh -= 1.0
        self._fresh = min(self._fresh, 1.0)

    def _draw(self, elapsed_s: float, now_s: float) -> None:
        """Each client's share of the rate, by its lines, as one block."""
        self._budget += max(self.lines.rate - FRESH_PER_S, 0.0) * elapsed_s
        total = sum(len(pool.lines) for pool in self._pools.values())
        count = int(self._budget)
        self._budget -= count
        for session, pool in self._pools.items():
            share = count * len(pool.lines) // total
            if session.queued_bytes > MOST_WAITING:
                self.shed += share
                continue
            frames = self._frames(pool, share)
            if session.filters:
                for frame in frames:
                    session.send_tick(frame)
            elif frames:
                session.push(b"".join(frames), len(frames), len(frames), now_s)

    def _frames(self, pool: _Pool, count: int) -> list[bytes]:
        if pool.drawn is None:
            frames = [frame for kept in pool.lines.values() for frame in kept]
            pool.drawn = np.empty(len(frames), dtype=object)
            pool.drawn[:] = frames
        if not len(pool.drawn):
            return []
        found: list[bytes] = pool.drawn[self._random.integers(0, len(pool.drawn), count)].tolist()
        return found

    def _prebuild(self, pool: _Pool) -> None:
        frames = self._frames(pool, self.burst)
        if not frames:
            return
        mean = sum(map(len, frames)) / len(frames)
        frames = frames[: max(int(BURST_BYTES / mean), 1)]
        pool.burst, pool.burst_frames = memoryview(b"".join(frames)), len(frames)
