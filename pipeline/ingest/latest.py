"""The newest tick of each kind of each line: what a subscriber that joins late is given. No Python per tick."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.jit import kernel
from pipeline.messages import OPTION, TICK, TickFlag

TICK_TYPES = 128
OPTION_TYPES = 4  # 10 bid, 11 ask, 12 last, 13 model
FIRST_OPTION_TYPE = 10
SUSPECT = np.uint16(TickFlag.SUSPECT)
LEAP = 1.0  # a smaller move is sane whatever the price
LEAP_TIMES = 4.0


@kernel
def keep_ticks(
    records: NDArray[np.void],
    slots: NDArray[np.int32],
    table: NDArray[np.void],
    doubted: NDArray[np.float64],
    signed: NDArray[np.bool_],
) -> None:
    """table[slot, tick type] = the record; later records win. What no sane market gives is flagged SUSPECT in
    `records` and does not stand in the table.

    Suspect is a bid, ask or last below zero (a last of zero, too) where `signed[slot]` says that prices can't be, and
    one that is four times or a quarter of the one before and more than 1.00 away from it, unless the next of its kind
    says the same: `doubted[slot, tick type]` holds such a price until then.
    """
    for i in range(records.size):
        slot = slots[i]
        kind = records[i].tick_type
        if slot < 0 or slot >= table.shape[0] or kind < 0 or kind >= TICK_TYPES:
            continue
        price = records[i].price
        if (kind == 1 or kind == 2 or kind == 4) and price == price:
            before = table[slot, kind].price if table[slot, kind].recv_ns != 0 else np.nan
            below = not signed[slot] and (price < 0.0 or (kind == 4 and price == 0.0))
            leap = before == before and before > 0.0 and _leaps(before, price)
            held = doubted[slot, kind]
            confirmed = held == held and held > 0.0 and not _leaps(held, price)
            if below or (leap and not confirmed):
                records[i].flags |= SUSPECT
                doubted[slot, kind] = price
                continue
            doubted[slot, kind] = np.nan
        table[slot, kind] = records[i]


@kernel
def _leaps(before: float, price: float) -> bool:
    return abs(price - before) > LEAP and (price > LEAP_TIMES * before or price * LEAP_TIMES < before)


@kernel
def keep_options(records: NDArray[np.void], slots: NDArray[np.int32], table: NDArray[np.void]) -> None:
    """table[slot, tick type − 10] = the record; later records win."""
    for i in range(records.size):
        slot = slots[i]
        kind = records[i].tick_type - FIRST_OPTION_TYPE
        if 0 <= slot < table.shape[0] and 0 <= kind < OPTION_TYPES:
            table[slot, kind] = records[i]


class Latest:
    """A slot a contract, for the life of the process."""

    def __init__(self, capacity: int = 256) -> None:
        self._slots: dict[int, int] = {}
        self._ticks: NDArray[np.void] = np.zeros((capacity, TICK_TYPES), dtype=TICK)
        self._options: NDArray[np.void] = np.zeros((capacity, OPTION_TYPES), dtype=OPTION)
        self._doubted: NDArray[np.float64] = np.full((capacity, 5), np.nan)  # by tick type, as far as last
        self._signed: NDArray[np.bool_] = np.ones(capacity, dtype=np.bool_)

    def slot(self, con_id: int) -> int:
        """The contract's row; made when it has none."""
        slot = self._slots.setdefault(con_id, len(self._slots))
        if slot >= len(self._signed):
            self._ticks = np.concatenate([self._ticks, np.zeros_like(self._ticks)])
            self._options = np.concatenate([self._options, np.zeros_like(self._options)])
            self._doubted = np.concatenate([self._doubted, np.full_like(self._doubted, np.nan)])
            self._signed = np.concatenate([self._signed, np.ones_like(self._signed)])
        return slot

    def never_negative(self, con_id: int) -> None:
        """Its prices can't be below zero: a share, an option, an index (a future's or a spread's can)."""
        self._signed[self.slot(con_id)] = False

    def ticks(self, records: NDArray[np.void], slots: NDArray[np.int32]) -> None:
        """Apply TICK records in order; flags those SUSPECT that no sane market gives."""
        keep_ticks(records, slots, self._ticks, self._doubted, self._signed)

    def options(self, records: NDArray[np.void], slots: NDArray[np.int32]) -> None:
        """Apply OPTION records in order."""
        keep_options(records, slots, self._options)

    def forget(self, con_id: int) -> None:
        """It has no line any more: a late joiner gets nothing of it."""
        slot = self._slots.get(con_id)
        if slot is not None:
            self._ticks[slot] = np.zeros((), dtype=TICK)
            self._options[slot] = np.zeros((), dtype=OPTION)
            self._doubted[slot] = np.nan

    def snapshot(self) -> tuple[NDArray[np.void], NDArray[np.void]]:
        """All that is held, flagged SNAPSHOT: (TICK records, OPTION records)."""
        out = []
        for table in (self._ticks, self._options):
            held = table[table["recv_ns"] != 0].copy()
            held["flags"] |= np.uint16(TickFlag.SNAPSHOT)
            out.append(held)
        return out[0], out[1]


def warm() -> None:
    """Compile or load the kernels."""
    latest = Latest(1)
    slots = np.zeros(1, dtype=np.int32)
    latest.ticks(np.zeros(1, dtype=TICK), slots)
    latest.options(np.zeros(1, dtype=OPTION), slots)
