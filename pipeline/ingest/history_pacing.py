"""TWS's rules for historical requests, as a queue's clock. Pure: times are handed in.

No identical request within 15 s; fewer than six of one contract and kind in two seconds; at most 60 in ten minutes, a
request for bids and asks counting twice; at most 50 open at once. A little room is left under each.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable

IDENTICAL_S = 15.5
SAME_S, SAME_AT_MOST = 2.2, 5
LONG_S, LONG_AT_MOST = 605.0, 58
OPEN_AT_MOST = 40
RETRY_S = 20.0  # after TWS called it a pacing violation all the same


class Pacing:
    """`wait_s` before sending, `sent` after it."""

    def __init__(self) -> None:
        self._identical: dict[Hashable, float] = {}
        self._same: dict[Hashable, deque[float]] = {}
        self._long: deque[float] = deque()

    def wait_s(self, identity: Hashable, contract: Hashable, weight: int, now_s: float) -> float:
        """Seconds until this request may go; 0: now. `contract` is the contract with the kind of data."""
        self._forget(now_s)
        waits = [self._identical.get(identity, -1e9) + IDENTICAL_S - now_s]
        same = self._same.get(contract, deque())
        if len(same) >= SAME_AT_MOST:
            waits.append(same[-SAME_AT_MOST] + SAME_S - now_s)
        over = len(self._long) + weight - LONG_AT_MOST
        if over > 0:
            waits.append(self._long[over - 1] + LONG_S - now_s)
        return max(0.0, *waits)

    def sent(self, identity: Hashable, contract: Hashable, weight: int, now_s: float) -> None:
        """It left."""
        self._identical[identity] = now_s
        self._same.setdefault(contract, deque()).append(now_s)
        self._long.extend([now_s] * weight)

    def _forget(self, now_s: float) -> None:
        while self._long and now_s - self._long[0] >= LONG_S:
            self._long.popleft()
        self._identical = {key: at for key, at in self._identical.items() if now_s - at < IDENTICAL_S}
        for key, times in list(self._same.items()):
            while times and now_s - times[0] >= SAME_S:
                times.popleft()
            if not times:
                del self._same[key]
