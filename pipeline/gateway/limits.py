"""TWS's limits, each settable, and the pacing of one client. Pure."""

from __future__ import annotations

from collections import deque
from enum import Enum

from pipeline import config

Limits = config.GatewayLimits


class Pace(Enum):
    """What a message does to the rate."""

    FINE = "fine"
    WARN = "warn"  # approaching the limit
    OVER = "over"  # the first one above it
    STILL_OVER = "still over"  # further ones; nothing new to say
    CLOSE = "close"  # it went on for a second, or far beyond


class Pacing:
    """Counts the messages of the last second."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._times: deque[float] = deque()
        self._over_since: float | None = None
        self._warned_at = -1e18

    @property
    def warn_at(self) -> int:
        return max(self.limit * 44 // 50, 1)

    @property
    def count(self) -> int:
        return len(self._times)

    def message(self, now_s: float) -> Pace:
        """One message at `now_s`."""
        while self._times and self._times[0] <= now_s - 1.0:
            self._times.popleft()
        self._times.append(now_s)
        if len(self._times) > self.limit:
            if self._over_since is None:
                self._over_since = now_s
                return Pace.OVER
            long = now_s - self._over_since >= 1.0 or len(self._times) > 4 * self.limit
            return Pace.CLOSE if long else Pace.STILL_OVER
        self._over_since = None
        if len(self._times) >= self.warn_at and now_s - self._warned_at >= 1.0:
            self._warned_at = now_s
            return Pace.WARN
        return Pace.FINE
