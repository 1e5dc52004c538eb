"""The sums of one contract's trades. Pure."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from pipeline.gateway.market.days import NS

MINUTES = 10  # of trades that are remembered for short-term volumes
MS = 1_000_000


@dataclass
class Prints:
    """The trades of one contract since somebody wanted their sums; what was before is taken from its volume."""

    volume: int
    turnover: float
    count: int
    regular: float  # the last trade of regular hours
    recent: deque[tuple[int, int]] = field(default_factory=deque)  # market time in ns, size

    def add(self, price: float, size: int, time_ns: int, in_hours: bool) -> None:
        self.volume, self.turnover, self.count = self.volume + size, self.turnover + price * size, self.count + 1
        self.recent.append((time_ns, size))
        if in_hours:
            self.regular = price

    @property
    def mean_price(self) -> float:
        return self.turnover / self.volume if self.volume else 0.0

    def within(self, minutes: int, now_ns: int) -> tuple[int, int]:
        """Trades and units of the last minutes."""
        while self.recent and self.recent[0][0] <= now_ns - MINUTES * 60 * NS:
            self.recent.popleft()
        sizes = [size for at, size in self.recent if at > now_ns - minutes * 60 * NS]
        return len(sizes), sum(sizes)


def trade_text(price: float, size: int, time_ns: int, kept: Prints) -> str:
    """RTVolume: `price;size;ms;volume of the day;mean price;one trader`."""
    return f"{price};{size};{time_ns // MS};{kept.volume};{kept.mean_price:.8f};true"
