"""TWS ends a session that sends more than 50 messages a second: a token bucket, and lanes that wait for it."""

from __future__ import annotations

from collections import deque
from enum import IntEnum

BURST = 5
SLOW_S = 60.0


class Lane(IntEnum):
    """Who goes first when not everything may go now; inside a lane the order is kept."""

    PROBE = 0
    ORDERS = 1
    ACCOUNT = 2
    DETAILS = 3
    MARKET = 4


# Outgoing message id → lane; what is not named here goes with the details.
LANES = {
    71: Lane.PROBE, 49: Lane.PROBE, 105: Lane.PROBE, 14: Lane.PROBE,
    3: Lane.ORDERS, 4: Lane.ORDERS, 58: Lane.ORDERS, 5: Lane.ORDERS, 8: Lane.ORDERS, 15: Lane.ORDERS, 16: Lane.ORDERS,
    7: Lane.ORDERS, 99: Lane.ORDERS, 21: Lane.ORDERS,
    6: Lane.ACCOUNT, 17: Lane.ACCOUNT, 59: Lane.ACCOUNT, 61: Lane.ACCOUNT, 62: Lane.ACCOUNT, 63: Lane.ACCOUNT,
    64: Lane.ACCOUNT, 74: Lane.ACCOUNT, 75: Lane.ACCOUNT, 76: Lane.ACCOUNT, 77: Lane.ACCOUNT, 92: Lane.ACCOUNT,
    93: Lane.ACCOUNT, 94: Lane.ACCOUNT, 95: Lane.ACCOUNT,
    1: Lane.MARKET, 2: Lane.MARKET, 10: Lane.MARKET, 11: Lane.MARKET, 50: Lane.MARKET, 51: Lane.MARKET,
    97: Lane.MARKET, 98: Lane.MARKET, 20: Lane.MARKET, 25: Lane.MARKET,
}  # fmt: skip


class TokenBucket:
    """At most `burst` at once and `rate` a second after that; times are monotonic seconds, handed in."""

    def __init__(self, rate: float, burst: int = BURST) -> None:
        self._rate, self._burst = rate, float(burst)
        self._tokens = float(burst)
        self._at = 0.0

    def take(self, now_s: float) -> bool:
        """True: one may go."""
        self._tokens = min(self._burst, self._tokens + max(0.0, now_s - self._at) * self._rate)
        self._at = now_s
        if self._tokens < 1.0:
            return False
        self._tokens -= 1.0
        return True

    def empty(self, now_s: float) -> None:
        """As if all had been taken just now."""
        self._tokens, self._at = 0.0, now_s

    def wait_s(self) -> float:
        """Seconds until the next one may go, counted from the last `take`."""
        return max(0.0, (1.0 - self._tokens) / self._rate)


def bucket_for(messages_per_s: float) -> TokenBucket:
    """At most `messages_per_s` in any one second, the burst counted: TWS warns from 44 on, counting every second."""
    burst = max(1, min(BURST, int(messages_per_s / 4)))
    return TokenBucket(max(messages_per_s - burst, messages_per_s / 4), burst)


class Outbox:
    """Messages that wait for a token, by lane."""

    def __init__(self, bucket: TokenBucket, slow: TokenBucket | None = None) -> None:
        self._full, self._slow = bucket, slow if slow is not None else bucket
        self._bucket, self._slow_until_s = bucket, 0.0
        self._lanes: tuple[deque[bytes], ...] = tuple(deque() for _ in Lane)
        self._sent_s: deque[float] = deque()

    def put(self, message_id: int, data: bytes) -> None:
        """`data` waits in the lane of its message id."""
        self._lanes[LANES.get(message_id, Lane.DETAILS)].append(data)

    def slow_down(self, now_s: float) -> None:
        """TWS said that it is too much: half the rate for a minute, although by our count it was allowed."""
        if self._bucket is not self._slow:
            self._bucket = self._slow
            self._bucket.empty(now_s)
        self._slow_until_s = now_s + SLOW_S

    def due(self, now_s: float) -> list[bytes]:
        """What may be sent now, in order of lanes."""
        if now_s >= self._slow_until_s:
            self._bucket = self._full
        out: list[bytes] = []
        for lane in self._lanes:
            while lane:
                if not self._bucket.take(now_s):
                    return self._count(out, now_s)
                out.append(lane.popleft())
        return self._count(out, now_s)

    def _count(self, out: list[bytes], now_s: float) -> list[bytes]:
        self._sent_s.extend(now_s for _ in out)
        while self._sent_s and self._sent_s[0] <= now_s - 1.0:
            self._sent_s.popleft()
        return out

    def rate(self, now_s: float) -> float:
        """Messages sent in the last second."""
        self._count([], now_s)
        return float(len(self._sent_s))

    def wait_s(self) -> float:
        """Seconds until `due` has something; infinity when nothing waits."""
        return self._bucket.wait_s() if len(self) else float("inf")

    def __len__(self) -> int:
        return sum(len(lane) for lane in self._lanes)

    def clear(self) -> None:
        """The connection is gone: nothing of it is sent on the next one."""
        for lane in self._lanes:
            lane.clear()
