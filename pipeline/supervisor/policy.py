"""Restart rules: a pure object over times and exits, one a child. No process, no clock, no randomness of its own."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

EXIT_CANNOT_START = 3
BUSY_PERCENT = 5.0  # of a core


@dataclass(frozen=True, slots=True)
class Limits:
    """The rules' numbers; all seconds, but `many`."""

    start_s: float = 60.0  # from start to ready
    patience: float = 4.0  # so many times `start_s` for one that computes meanwhile
    silence_s: float = 3.0  # of beats, once ready
    dump_s: float = 0.2  # between the request for stacks and the kill
    first_wait_s: float = 0.1
    longest_wait_s: float = 10.0
    spread: float = 0.2  # of a wait, both ways, so that children don't return in step
    stable_s: float = 30.0  # ready so long: the waits begin anew
    kill_s: float = 2.0  # ready so long when somebody killed it: no failure of its own
    many: int = 5  # more exits than this within `window_s` are too many
    window_s: float = 60.0
    retry_s: float = 60.0  # between tries when there were too many


@dataclass(frozen=True, slots=True)
class Verdict:
    """What to do after an exit that nobody asked for: start again at `again_at` (inf: never)."""

    again_at: float
    failed: bool
    reason: str


def no_spread() -> float:
    """The middle of the spread."""
    return 0.0


@dataclass(slots=True)
class Restarts:
    """The history of one child and what follows from it."""

    limits: Limits = Limits()
    spread: Callable[[], float] = no_spread  # gives numbers in -1…1
    count: int = 0  # starts after the first one
    _in_a_row: int = 0
    _exits: deque[float] = field(default_factory=deque)
    _ready_at: float = math.nan
    _failed: bool = False

    def ready(self, now: float) -> None:
        """The child said that it is ready."""
        self._ready_at = now

    def exited(self, code: int | None, now: float, *, killed: bool = False) -> Verdict:
        """The child left, unasked, with this exit code (negative: the signal that ended it).

        `killed`: SIGKILL came from outside. While the child was ready that is no failure of its own: it returns after
        the first wait, and it is not counted among those that are too many.
        """
        if code == EXIT_CANNOT_START:
            return Verdict(math.inf, True, "can't start (exit code 3)")
        if killed and now - self._ready_at >= self.limits.kill_s:
            self._in_a_row, self._ready_at = 0, math.nan
            return Verdict(now + self._wait(), False, told(code))
        if now - self._ready_at >= self.limits.stable_s:
            self._in_a_row, self._failed = 0, False
        self._ready_at = math.nan
        self._exits.append(now)
        while self._exits and self._exits[0] <= now - self.limits.window_s:
            self._exits.popleft()
        if self._failed or len(self._exits) > self.limits.many:
            self._failed = True  # until it has been ready for long enough
            reason = f"{len(self._exits)} exits within {self.limits.window_s:.0f} s, the last {told(code)}"
            return Verdict(now + self.limits.retry_s, True, reason)
        return Verdict(now + self._wait(), False, told(code))

    def restarted(self) -> None:
        """It was started again."""
        self.count += 1

    def _wait(self) -> float:
        wait = min(self.limits.first_wait_s * 2.0**self._in_a_row, self.limits.longest_wait_s)
        self._in_a_row = min(self._in_a_row + 1, 30)
        return wait * (1.0 + self.limits.spread * max(-1.0, min(1.0, self.spread())))


def overdue(
    limits: Limits, *, ready: bool, started_at: float, beat_at: float, now: float, cpu_percent: float = 0.0
) -> str:
    """Why a living child counts as hung; empty while it doesn't. The watchdog is armed by `ready`, not by the start.

    One that computes at its start (compiles, on a machine that is busy or slow) is given more time: killed, it would
    only begin again.
    """
    if ready and now - beat_at > limits.silence_s:
        return f"no beat for {now - beat_at:.1f} s, at most {limits.silence_s:.0f} s are expected"
    start_s = limits.start_s * (limits.patience if cpu_percent >= BUSY_PERCENT else 1.0)
    if not ready and now - started_at > start_s:
        return f"not ready {now - started_at:.0f} s after its start, at most {start_s:.0f} s are expected"
    return ""


def told(code: int | None) -> str:
    """An exit code in words."""
    if code is None:
        return "without an exit code"
    if code < 0:
        return f"by signal {-code}"
    return f"with exit code {code}"
