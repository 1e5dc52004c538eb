"""Does data come? The state of each line from what was seen of it, and who is asked for again after an outage. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

SILENT_S = 60.0
CHECK_AFTER_S = 10.0  # how long after TWS's return data must flow
FARM_S = 5.0  # a line is stale this long after its last tick while a farm is broken


@dataclass(frozen=True, slots=True)
class Seen:
    """A line: when it was asked for and when its last record came (0: never), UTC ns."""

    con_id: int
    since_ns: int
    seen_ns: int


class Flow:
    """After an outage (`begin`) every line must bring something within ten seconds, or is asked for again, once.

    TWS answers a request for market data with the last picture, also while the exchange is closed: so silence after
    a new request means that something is wrong, and `verified` tells whether each line has passed this test.
    """

    def __init__(self) -> None:
        self.verified = False
        self._check_s = float("inf")
        self._since_ns = 0  # lines must have records since
        self._asked_again: set[int] = set()
        self._stopped_ns = 0  # nothing counts as live that came before

    def begin(self, now_s: float, now_ns: int) -> None:
        """TWS is back: from now on data must come."""
        self.verified, self._check_s, self._since_ns = False, now_s + CHECK_AFTER_S, now_ns
        self._asked_again.clear()

    def stopped(self, now_ns: int) -> None:
        """TWS lost IBKR: what was seen so far is not live any more, also after its return, until it is seen again."""
        self._stopped_ns, self.verified = now_ns, False

    def state(
        self, line: Seen, now_ns: int, flowing: str, degraded: str, farms: Sequence[str], open_now: bool | None
    ) -> tuple[str, str]:
        """(word of Subscription.state, reason) of one line; `flowing` is live, delayed or frozen."""
        seen = line.seen_ns >= line.since_ns
        if degraded:
            return "stale", degraded
        if not seen:
            waited = now_ns - line.since_ns > SILENT_S * 1e9
            return ("silent", "no tick yet") if waited else ("requested", "")
        age_s = (now_ns - line.seen_ns) / 1e9
        if farms and age_s > FARM_S:
            return "stale", f"market-data farm {', '.join(farms)} is broken, the last tick came before"
        if line.seen_ns < self._stopped_ns:
            return "stale", "no tick since TWS lost its connection to IBKR"
        if age_s > SILENT_S:
            return "silent", "the market is closed" if open_now is False else f"no tick for {SILENT_S:g} s"
        return flowing, ""

    def ask_again(self, lines: Iterable[Seen], now_s: float) -> list[int]:
        """The lines to be asked for again now; call it once a second while TWS is connected to IBKR."""
        if self.verified:
            return []
        missing = [line for line in lines if line.seen_ns < max(self._since_ns, line.since_ns)]
        if not missing and self._since_ns:
            self.verified, self._check_s = True, float("inf")
            return []
        if now_s < self._check_s:
            return []
        again = [line.con_id for line in missing if line.con_id not in self._asked_again]
        self._asked_again.update(again)
        self._check_s = now_s + CHECK_AFTER_S
        if not again:  # asked twice: what is silent now is told as silent
            self.verified, self._check_s = True, float("inf")
        return again
