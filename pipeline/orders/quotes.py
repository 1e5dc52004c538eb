"""The newest market of each contract, kept in arrays: the gate asks for few, ticks are many."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.messages import TickFlag
from pipeline.orders.gate import Quote

COLUMN_OF_TICK = {1: 0, 2: 1, 4: 2}  # bid, ask, last
_COLUMN = np.full(128, -1, np.int8)
for _tick, _column in COLUMN_OF_TICK.items():
    _COLUMN[_tick] = _column
UNUSABLE = int(TickFlag.SUSPECT | TickFlag.DELAYED | TickFlag.FROZEN)


class Quotes:
    """Rows are contracts in order of con_id; a new contract makes a new table, which is rare."""

    def __init__(self) -> None:
        self._con_ids = np.empty(0, np.int64)
        self._prices = np.empty((0, 3))
        self._recv_ns = np.empty(0, np.int64)

    def apply(self, ticks: NDArray[np.void]) -> None:
        """Take the records of one frame; the last of each kind wins."""
        kinds = ticks["tick_type"]
        columns = np.where((kinds >= 0) & (kinds < len(_COLUMN)), _COLUMN[np.clip(kinds, 0, len(_COLUMN) - 1)], -1)
        use = (columns >= 0) & (ticks["flags"] & UNUSABLE == 0)
        if not use.any():
            return
        con_ids = ticks["con_id"][use].astype(np.int64)
        rows = self._rows(con_ids)
        self._prices[rows, columns[use]] = ticks["price"][use]
        self._recv_ns[rows] = ticks["recv_ns"][use]

    def quote(self, con_id: int, now_ns: int) -> Quote:
        """The market of one contract; without prices and endlessly old where nothing is known."""
        row = int(np.searchsorted(self._con_ids, con_id))
        if row == len(self._con_ids) or self._con_ids[row] != con_id:
            return Quote()
        bid, ask, last = (float(price) if price > 0 else math.nan for price in self._prices[row])
        return Quote(bid, ask, last, max(0.0, (now_ns - int(self._recv_ns[row])) / 1e9))

    def clear(self) -> None:
        """Forget everything: a new picture of the stream follows."""
        self.__init__()  # type: ignore[misc]

    def _rows(self, con_ids: NDArray[np.int64]) -> NDArray[Any]:
        fresh = np.setdiff1d(con_ids, self._con_ids)
        if len(fresh):
            merged = np.union1d(self._con_ids, fresh)
            old = np.searchsorted(merged, self._con_ids)
            prices, recv_ns = np.full((len(merged), 3), math.nan), np.zeros(len(merged), np.int64)
            prices[old], recv_ns[old] = self._prices, self._recv_ns
            self._con_ids, self._prices, self._recv_ns = merged, prices, recv_ns
        return np.searchsorted(self._con_ids, con_ids)
