"""Faults on frames: each takes the frames of a turn and gives those that leave now. Pure; fields are counted from 0."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pipeline.gateway.faults.kinds import SPELLINGS

STATUSES = {b"PreSubmitted", b"Submitted", b"PendingSubmit", b"Inactive", b"Filled", b"Cancelled", b"ApiCancelled"}
MARGINS = 9  # fields after the status of an openOrder
# where → message → fields that hold figures
FIGURES: dict[str, dict[int, tuple[int, ...]]] = {
    "pnl": {94: (2, 3, 4)},
    "pnl_single": {95: (3, 4, 5, 6)},
    "commission": {59: (3, 5, 6)},
    "portfolio": {7: (14, 15, 17, 18)},
    "account": {6: (3,), 63: (5,), 73: (6,)},
}
EXECUTION, COMMISSION, UNASKED = 11, 59, b"-1"
EXECUTION_ID, COMMISSION_ID = 14, 2
MOST_HELD = 10_000  # frames that wait; above it the oldest leave
MARKET_DATA = {1: 2, 2: 2, 45: 2, 46: 2, 21: 1, 12: 2, 13: 2, 50: 2, 99: 1}  # message → field of its request id


def message(frame: bytes) -> int:
    """The message id of a whole frame; -1 of what is none, such as the handshake."""
    text = frame[4:].split(b"\0", 1)[0]
    return int(text) if text.isdigit() else -1


def fields(frame: bytes) -> list[bytes]:
    return frame[4:].removesuffix(b"\0").split(b"\0")


def framed(parts: list[bytes]) -> bytes:
    payload = b"\0".join(parts) + b"\0"
    return len(payload).to_bytes(4, "big") + payload


class Unset:
    """Figures leave as TWS's word for no figure, or as `Infinity`."""

    def __init__(self, where: str, spelling: str) -> None:
        self._where, self._word = where, SPELLINGS[spelling].encode()

    def apply(self, frames: list[bytes], now_s: float) -> list[bytes]:
        return [self._told(frame) for frame in frames]

    def _told(self, frame: bytes) -> bytes:
        number = message(frame)
        if self._where == "margins":
            return self._margins(frame) if number == 5 else frame
        places = FIGURES[self._where].get(number)
        if places is None:
            return frame
        parts = fields(frame)
        for place in places:
            if place < len(parts) and _is_number(parts[place]):
                parts[place] = self._word
        return framed(parts)

    def _margins(self, frame: bytes) -> bytes:
        """The figures of an order's state stand after the last status of the frame, in every version."""
        parts = fields(frame)
        status = max((n for n, part in enumerate(parts) if part in STATUSES), default=None)
        if status is not None:
            last = min(status + 1 + MARGINS, len(parts))
            parts[status + 1 : last] = [self._word] * (last - status - 1)
        return framed(parts)


class HalfSnapshot:
    """Of account values and positions only the share `rows` leaves, and no end is told unless `end`."""

    def __init__(self, rows: float, end: bool) -> None:
        self._rows, self._end, self._counted, self._told = rows, end, 0, 0

    def apply(self, frames: list[bytes], now_s: float) -> list[bytes]:
        return [frame for frame in frames if self._passes(message(frame))]

    def _passes(self, number: int) -> bool:
        if number == 54:  # accountDownloadEnd
            return self._end
        if number not in (6, 7):
            return True
        self._counted += 1
        passes = self._told < round(self._counted * self._rows)
        self._told += passes
        return passes


class Silent:
    """Market data that `drops` names by its request id leave no more."""

    def __init__(self, drops: Callable[[int], bool]) -> None:
        self._drops = drops

    def apply(self, frames: list[bytes], now_s: float) -> list[bytes]:
        return [frame for frame in frames if not self._dropped(frame)]

    def _dropped(self, frame: bytes) -> bool:
        place = MARKET_DATA.get(message(frame))
        return place is not None and self._drops(_request(frame, place))


class Skew:
    """The clock that reqCurrentTime tells is `by_s` ahead."""

    def __init__(self, by_s: float) -> None:
        self._by_s = by_s

    def apply(self, frames: list[bytes], now_s: float) -> list[bytes]:
        return [self._told(frame) for frame in frames]

    def _told(self, frame: bytes) -> bytes:
        number = message(frame)
        if number not in (49, 109):
            return frame
        parts = fields(frame)
        parts[-1] = str(int(parts[-1]) + round(self._by_s * (1 if number == 49 else 1000))).encode()
        return framed(parts)


class Copies:
    """Executions are told once more, as they are after a reconnect."""

    def __init__(self, copies: int) -> None:
        self._copies = copies

    def apply(self, frames: list[bytes], now_s: float) -> list[bytes]:
        return [told for frame in frames for told in [frame] * (1 + self._copies * is_execution(frame))]


@dataclass(slots=True)
class _Held:
    frame: bytes
    until_s: float


class Late:
    """Frames that `fits` leave `by_s` later; all others at once."""

    def __init__(self, fits: Callable[[bytes], bool], by_s: float) -> None:
        self._fits, self._by_s = fits, by_s
        self._held: list[_Held] = []

    def apply(self, frames: list[bytes], now_s: float) -> list[bytes]:
        at_once = []
        for frame in frames:
            if self._fits(frame):
                self._held.append(_Held(frame, now_s + self._by_s))
            else:
                at_once.append(frame)
        excess = max(len(self._held) - MOST_HELD, 0)
        ready = [one.frame for n, one in enumerate(self._held) if one.until_s <= now_s or n < excess]
        self._held = [one for n, one in enumerate(self._held) if one.until_s > now_s and n >= excess]
        return ready + at_once

    def rest(self) -> list[bytes]:
        """What still waits, when the fault is lifted."""
        left, self._held = [one.frame for one in self._held], []
        return left


class CommissionFirst:
    """An execution leaves after the report of its commission."""

    LONGEST_S = 2.0

    def __init__(self) -> None:
        self._held: list[_Held] = []

    def apply(self, frames: list[bytes], now_s: float) -> list[bytes]:
        told: list[bytes] = []
        for frame in frames:
            if is_execution(frame):
                self._held.append(_Held(frame, now_s + self.LONGEST_S))
                continue
            told.append(frame)
            if message(frame) == COMMISSION:
                told += self._of(fields(frame)[COMMISSION_ID])
        excess = max(len(self._held) - MOST_HELD, 0)
        told += [one.frame for n, one in enumerate(self._held) if one.until_s <= now_s or n < excess]
        self._held = [one for n, one in enumerate(self._held) if one.until_s > now_s and n >= excess]
        return told

    def _of(self, name: bytes) -> list[bytes]:
        """What waits of one execution."""
        found = [one.frame for one in self._held if fields(one.frame)[EXECUTION_ID] == name]
        self._held = [one for one in self._held if fields(one.frame)[EXECUTION_ID] != name]
        return found

    def rest(self) -> list[bytes]:
        left, self._held = [one.frame for one in self._held], []
        return left


def is_execution(frame: bytes) -> bool:
    """An execution that nobody asked for: a fill that happens now."""
    parts = fields(frame)
    return parts[0] == b"%d" % EXECUTION and len(parts) > EXECUTION_ID and parts[1] == UNASKED


def _request(frame: bytes, place: int) -> int:
    try:
        return int(fields(frame)[place])
    except (ValueError, IndexError):
        return -1


def _is_number(text: bytes) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
