"""Faults on the pace of bytes: nothing at all, a drip, a pause after the first ones. Pure."""

from __future__ import annotations


class Stall:
    """The socket is open and nothing leaves."""

    def room(self, now_s: float) -> int:
        return 0

    def passed(self, count: int, now_s: float) -> None:
        return


class Drip:
    """`size` bytes every `every_s` seconds."""

    def __init__(self, size: int, every_s: float, now_s: float) -> None:
        self._size, self._every_s, self._next_s, self._left = max(size, 1), every_s, now_s, 0

    def room(self, now_s: float) -> int:
        if now_s >= self._next_s:
            self._left, self._next_s = self._size, now_s + self._every_s
        return self._left

    def passed(self, count: int, now_s: float) -> None:
        self._left -= count


class Split:
    """The first `at` bytes leave alone; the rest follows after `pause_s`."""

    def __init__(self, at: int, pause_s: float) -> None:
        self._left, self._pause_s, self._open_s = max(at, 1), pause_s, float("inf")

    def room(self, now_s: float) -> int:
        return self._left if self._left > 0 else (1 << 30 if now_s >= self._open_s else 0)

    def passed(self, count: int, now_s: float) -> None:
        if self._left > 0:
            self._left -= count
            if self._left <= 0:
                self._open_s = now_s + self._pause_s
