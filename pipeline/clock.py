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
