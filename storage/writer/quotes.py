"""The last tick of each contract and type, collected between two flushes. Pure.

A flush each half second keeps the table of latest quotes small work beside the ticks. How far the table is stands
in `watermark.quotes_seq`; after a crash the rest is derived from the ticks themselves (`storage.writer.sql`).
"""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray

FLUSH_S = 0.5
UNSET = 1e300  # the table of ticks refuses such a number, so it is no quote either


class Quotes:
    """Newest tick a key; holds about one record a key and batch until the next flush."""

    def __init__(self) -> None:
        self._parts: list[NDArray[np.void]] = []

    def __bool__(self) -> bool:
        return bool(self._parts)

    def add(self, records: NDArray[np.void]) -> None:
        """What `thinned` left of the ticks of a batch, in the order of batches."""
        if len(records):
            self._parts.append(records)

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
    No sort: this is done for every batch. Numbers that the table of ticks refuses are no quote."""
    for name in ("price", "size"):
        refused = np.abs(records[name]) >= UNSET  # False for nan
        if refused.any():
            records = records[~refused]
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


class Int2Array(bytes):
    """A parameter: an array of smallint in PostgreSQL's binary form."""


class Int4Array(bytes):
    """The same of integer."""


class Int8Array(bytes):
    """The same of bigint."""


class Float8Array(bytes):
    """The same of double precision; nan stands for unknown."""


ARRAYS: tuple[tuple[type[bytes], int, int, str], ...] = (  # kind, its oid, oid of an element, the element
    (Int2Array, 1005, 21, ">i2"),
    (Int4Array, 1007, 23, ">i4"),
    (Int8Array, 1016, 20, ">i8"),
    (Float8Array, 1022, 701, ">f8"),
)
_FORMS = {kind: (element_oid, wire) for kind, _, element_oid, wire in ARRAYS}


def columns(records: NDArray[np.void]) -> list[bytes]:
    """Arrays for `unnest`: con_id, tick_type, recv_ns, market_ns, price, size, flags."""
    kinds: tuple[tuple[str, type[bytes]], ...] = (
        ("con_id", Int4Array),
        ("tick_type", Int2Array),
        ("recv_ns", Int8Array),
        ("market_ns", Int8Array),
        ("price", Float8Array),
        ("size", Float8Array),
        ("flags", Int4Array),
    )
    return [binary(kind, records[name]) for name, kind in kinds]


def binary(kind: type[bytes], values: NDArray[Any]) -> bytes:
    """One dimension, no NULL: header, then length and value of each element."""
    oid, wire = _FORMS[kind]
    made = np.empty(len(values), [("length", ">i4"), ("value", wire)])
    made["length"], made["value"] = int(wire[2:]), values
    return kind(struct.pack(">iiiii", 1, 0, oid, len(values), 1) + made.tobytes())
