"""Time is handed in: wall clock for records, monotonic for durations and deadlines."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """What a process may ask about time."""

    def now_ns(self) -> int:
        """UTC nanoseconds; may jump when the machine's clock is set."""
        ...

    def monotonic(self) -> float:
        """Seconds that never go back; only differences mean anything."""
        ...


class SystemClock:
    """The machine's own clocks."""

    def now_ns(self) -> int:
        return time.time_ns()

    def monotonic(self) -> float:
        return time.monotonic()


class JumpWatch:
    """Notices when the wall clock moves against the monotonic one by more than a second."""

    def __init__(self, clock: Clock, threshold_s: float = 1.0) -> None:
        self._clock, self._threshold_s = clock, threshold_s
        self._offset_s = self._offset()

    def moved(self) -> float | None:
        """Seconds moved since the last call; None while the clocks agree. A slow drift never adds up to a jump."""
        before, self._offset_s = self._offset_s, self._offset()
        moved = self._offset_s - before
        return moved if abs(moved) > self._threshold_s else None

    def _offset(self) -> float:
        return self._clock.now_ns() / 1e9 - self._clock.monotonic()
