"""The newest tick of each kind of each line: what a subscriber that joins late is given. No Python per tick."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.jit import kernel
from pipeline.messages import OPTION, TICK, TickFlag

TICK_TYPES = 128
OPTION_TYPES = 4  # 10 bid, 11 ask, 12 last, 13 model
FIRST_OPTION_TYPE = 10


@kernel
def keep_ticks(
    records: NDArray[np.void], slots: NDArray[np.int32], table: NDArray[np.void], seen_ns: NDArray[np.int64]
) -> None:
    """table[slot, tick type] = the record; later records win."""
    for i in range(records.size):
        slot = slots[i]
        kind = records[i].tick_type
        if 0 <= slot < table.shape[0]:
            seen_ns[slot] = records[i].recv_ns
            if 0 <= kind < TICK_TYPES:
                table[slot, kind] = records[i]


@kernel
def keep_options(
    records: NDArray[np.void], slots: NDArray[np.int32], table: NDArray[np.void], seen_ns: NDArray[np.int64]
) -> None:
    """table[slot, tick type − 10] = the record; later records win."""
    for i in range(records.size):
        slot = slots[i]
        kind = records[i].tick_type - FIRST_OPTION_TYPE
        if 0 <= slot < table.shape[0]:
            seen_ns[slot] = records[i].recv_ns
            if 0 <= kind < OPTION_TYPES:
                table[slot, kind] = records[i]


class Latest:
    """A slot a contract, for the life of the process."""

    def __init__(self, capacity: int = 256) -> None:
        self._slots: dict[int, int] = {}
        self._ticks: NDArray[np.void] = np.zeros((capacity, TICK_TYPES), dtype=TICK)
        self._options: NDArray[np.void] = np.zeros((capacity, OPTION_TYPES), dtype=OPTION)
        self._seen_ns: NDArray[np.int64] = np.zeros(capacity, dtype=np.int64)

    def slot(self, con_id: int) -> int:
        """The contract's row; made when it has none."""
        slot = self._slots.setdefault(con_id, len(self._slots))
        if slot >= len(self._seen_ns):
            self._ticks = np.concatenate([self._ticks, np.zeros_like(self._ticks)])
            self._options = np.concatenate([self._options, np.zeros_like(self._options)])
            self._seen_ns = np.concatenate([self._seen_ns, np.zeros_like(self._seen_ns)])
        return slot

    def ticks(self, records: NDArray[np.void], slots: NDArray[np.int32]) -> None:
        """Apply TICK records in order."""
        keep_ticks(records, slots, self._ticks, self._seen_ns)

    def options(self, records: NDArray[np.void], slots: NDArray[np.int32]) -> None:
        """Apply OPTION records in order."""
        keep_options(records, slots, self._options, self._seen_ns)

    def seen_ns(self, con_id: int) -> int:
        """When the contract last had a tick; 0: never."""
        slot = self._slots.get(con_id)
        return int(self._seen_ns[slot]) if slot is not None else 0

    def forget(self, con_id: int) -> None:
        """It has no line any more: a late joiner gets nothing of it."""
        slot = self._slots.get(con_id)
        if slot is not None:
            self._ticks[slot] = np.zeros((), dtype=TICK)
            self._options[slot] = np.zeros((), dtype=OPTION)
            self._seen_ns[slot] = 0

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
