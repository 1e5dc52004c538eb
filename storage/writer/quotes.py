"""The last tick of each contract and type, collected between two flushes. Pure.

A flush a quarter of a second keeps the table of latest quotes small work beside the ticks. How far the table is stands
in `watermark.quotes_seq`; after a crash the rest is derived from the ticks themselves (`storage.writer.sql`).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from storage.rows import Chunk

FLUSH_S = 0.25
UNSET = 1e300  # the table of ticks refuses such a number, so it is no quote either


class Quotes:
    """Newest tick a key; holds about one record a key and batch until the next flush."""

    def __init__(self) -> None:
        self._parts: list[NDArray[np.void]] = []

    def __bool__(self) -> bool:
        return bool(self._parts)

    def add(self, chunk: Chunk) -> None:
        """Ticks in their order of arrival."""
        records = chunk.records
        for name in ("price", "size"):
            refused = np.abs(records[name]) >= UNSET  # False for nan
            if refused.any():
                records = records[~refused]
        if len(records):
            self._parts.append(thinned(records))

    def take(self) -> NDArray[np.void]:
        """One record a key, sorted by key; what was collected is forgotten."""
        parts, self._parts = self._parts, []
        return last_of_each(np.concatenate(parts))

    def clear(self) -> None:
        """Forget all."""
        self._parts = []


def last_of_each(records: NDArray[np.void]) -> NDArray[np.void]:
    """The last record of each (con_id, tick_type), sorted by these."""
    keys = _keys(records)
    _, where = np.unique(keys[::-1], return_index=True)
    found: NDArray[np.void] = records[len(records) - 1 - where]
    return found


def thinned(records: NDArray[np.void]) -> NDArray[np.void]:
    """The records without most of those that a later one of the same kind replaces, in their order.

    A table of 65,536 places, where the last one that comes stays; records whose place another kind has taken are kept.
    No sort: this is done for every batch."""
    keys = _keys(records)
    place = ((keys ^ (keys >> 17) * 0x9E3779B1) & 0xFFFF).astype(np.intp)
    last = np.zeros(1 << 16, np.int32)
    last[place] = np.arange(len(records), dtype=np.int32)
    winner = last[place]
    kept = keys[winner] != keys
    kept[winner] = True
    found: NDArray[np.void] = records[kept]
    return found


def _keys(records: NDArray[np.void]) -> NDArray[np.int64]:
    return (records["con_id"].astype(np.int64) << 16) | (records["tick_type"].astype(np.int64) & 0xFFFF)


def columns(records: NDArray[np.void]) -> list[list[Any]]:
    """Lists for `unnest`: con_id, tick_type, recv_ns, market_ns, price, size, flags; None for nan."""
    made: list[list[Any]] = [records[name].tolist() for name in ("con_id", "tick_type", "recv_ns", "market_ns")]
    for name in ("price", "size"):
        made.append([None if value != value else value for value in records[name].tolist()])
    return [*made, records["flags"].tolist()]
