"""The pacing of historical requests, as TWS's data service holds all clients of a session to it. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable

from pipeline.gateway.limits import Limits

SAME_S, LONG_S = 2.0, 600.0


class Quota:
    """Counts requests: identical ones, those of the same contract and kind, all of them in ten minutes."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._asked: deque[tuple[float, Hashable, Hashable]] = deque()  # time, the whole request, contract and kind

    def allows(self, now_s: float, request: Hashable, same: Hashable, cost: int = 1) -> bool:
        """Whether a request may be made at `now_s` (monotonic); it counts `cost` times if so."""
        while self._asked and self._asked[0][0] <= now_s - LONG_S:
            self._asked.popleft()
        limits = self.limits
        if len(self._asked) + cost > limits.history_in_10_min:
            return False
        if any(row[1] == request and row[0] > now_s - limits.history_identical_s for row in self._asked):
            return False
        if sum(row[2] == same and row[0] > now_s - SAME_S for row in self._asked) + cost >= limits.history_same:
            return False
        self._asked.extend([(now_s, request, same)] * cost)
        return True
