"""The newest value of every quote field, in one array. Pure numpy: a burst of ticks costs one pass."""

from __future__ import annotations

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from pipeline.messages import TickFlag


class Field(IntEnum):
    """Columns of `Quotes.values`."""

    BID = 0
    ASK = 1
    LAST = 2
    BID_SIZE = 3
    ASK_SIZE = 4
    LAST_SIZE = 5
    VOLUME = 6
    HIGH = 7
    LOW = 8
    CLOSE = 9
    OPEN = 10


_PRICES = {1: Field.BID, 2: Field.ASK, 4: Field.LAST, 6: Field.HIGH, 7: Field.LOW, 9: Field.CLOSE, 14: Field.OPEN}
_SIZES = {0: Field.BID_SIZE, 3: Field.ASK_SIZE, 5: Field.LAST_SIZE, 8: Field.VOLUME}
_SIZE_WITH_PRICE = {1: Field.BID_SIZE, 2: Field.ASK_SIZE, 4: Field.LAST_SIZE}


def _table(fields: dict[int, Field]) -> NDArray[np.int64]:
    table = np.full(256, -1, dtype=np.int64)
    for tick_type, field in fields.items():
        table[tick_type] = field
    return table


_PRICE_FIELD, _SIZE_FIELD, _PAIRED_FIELD = _table(_PRICES), _table(_SIZES), _table(_SIZE_WITH_PRICE)


class Quotes:
    """`values[slot, field]`, `recv_ns[slot]`, `flags[slot]`; `dirty[slot, field]`: changed since it was cleared."""

    def __init__(self) -> None:
        self.values: NDArray[np.float64] = np.full((64, len(Field)), np.nan)
        self.dirty: NDArray[np.bool_] = np.zeros((64, len(Field)), dtype=bool)
        self.recv_ns: NDArray[np.int64] = np.zeros(64, dtype=np.int64)
        self.flags: NDArray[np.int64] = np.zeros(64, dtype=np.int64)
        self.generation: NDArray[np.int64] = np.zeros(64, dtype=np.int64)
        self.slots: dict[int, int] = {}
        self._ids: NDArray[np.int64] = np.empty(0, dtype=np.int64)  # sorted
        self._slot_of: NDArray[np.int64] = np.empty(0, dtype=np.int64)  # beside _ids
        self.applied = 0

    def slot(self, con_id: int) -> int:
        """The row of a contract; made where there is none yet."""
        if con_id not in self.slots:
            self._add(np.array([con_id], dtype=np.int64))
        return self.slots[con_id]

    def value(self, con_id: int, field: Field) -> float:
        """The newest value; nan where none came."""
        slot = self.slots.get(con_id)
        return float("nan") if slot is None else float(self.values[slot, field])

    def apply(self, ticks: NDArray[np.void], generation: int = 0) -> None:
        """Keep the newest of each field; suspect ticks are not shown."""
        ticks = ticks[(ticks["flags"] & int(TickFlag.SUSPECT)) == 0]
        if not len(ticks):
            return
        self.applied += len(ticks)
        slots = self._slots(ticks["con_id"].astype(np.int64))
        kinds = np.clip(ticks["tick_type"].astype(np.int64), 0, 255)
        self.recv_ns[slots] = ticks["recv_ns"]  # a repeated index keeps the last value
        self.flags[slots] = ticks["flags"]
        self.generation[slots] = generation
        self._store(slots, _PRICE_FIELD[kinds], ticks["price"])
        self._store(slots, _SIZE_FIELD[kinds], ticks["size"])
        paired = np.where(np.isnan(ticks["size"]), -1, _PAIRED_FIELD[kinds])
        self._store(slots, paired, ticks["size"])

    def _store(self, slots: NDArray[np.int64], fields: NDArray[np.int64], values: NDArray[np.float64]) -> None:
        known = fields >= 0
        if not known.any():
            return
        flat = (slots[known] * len(Field) + fields[known])[::-1]
        cells, newest = np.unique(flat, return_index=True)
        fresh = values[known][::-1][newest]
        held = self.values.reshape(-1)
        old = held[cells]
        differs = ~((old == fresh) | (np.isnan(old) & np.isnan(fresh)))
        held[cells] = fresh
        self.dirty.reshape(-1)[cells[differs]] = True

    def _slots(self, con_ids: NDArray[np.int64]) -> NDArray[np.int64]:
        places = self._places(con_ids)
        unknown = self._ids[places] != con_ids if len(self._ids) else np.ones(len(con_ids), dtype=bool)
        if unknown.any():
            self._add(np.unique(con_ids[unknown]))
            places = self._places(con_ids)
        return self._slot_of[places]

    def _places(self, con_ids: NDArray[np.int64]) -> NDArray[np.int64]:
        return np.minimum(np.searchsorted(self._ids, con_ids), max(len(self._ids) - 1, 0))

    def _add(self, con_ids: NDArray[np.int64]) -> None:
        first = len(self.slots)
        while first + len(con_ids) > len(self.recv_ns):
            self._grow()
        for slot, con_id in enumerate(con_ids.tolist(), first):
            self.slots[con_id] = slot
        ids = np.concatenate([self._ids, con_ids])
        slots = np.concatenate([self._slot_of, np.arange(first, first + len(con_ids), dtype=np.int64)])
        order = np.argsort(ids, kind="stable")
        self._ids, self._slot_of = ids[order], slots[order]

    def _grow(self) -> None:
        room = len(self.recv_ns)
        self.values = np.concatenate([self.values, np.full((room, len(Field)), np.nan)])
        self.dirty = np.concatenate([self.dirty, np.zeros((room, len(Field)), dtype=bool)])
        self.recv_ns = np.concatenate([self.recv_ns, np.zeros(room, dtype=np.int64)])
        self.flags = np.concatenate([self.flags, np.zeros(room, dtype=np.int64)])
        self.generation = np.concatenate([self.generation, np.zeros(room, dtype=np.int64)])
