"""PostgreSQL's binary COPY format, built with numpy straight from record arrays: no Python for each row. Pure.

A row is a count of fields (int16) and, for each, its length (int32, -1 for NULL) and its bytes, all big-endian. Rows
with the same fields known have the same width, so each such group is one structured array, filled column by column.
Unknown numbers (nan) become NULL. The order of rows in a batch is not kept where they differ in what is known.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

SIGNATURE = b"PGCOPY\n\xff\r\n\x00" + bytes(8)  # no flags, no header extension
TRAILER = b"\xff\xff"
HERE = {"int2": "<i2", "int4": "<i4", "int8": "<i8", "float8": "<f8"}
BYTES = {"int2": 2, "int4": 4, "int8": 8, "float8": 8}
MAX_NULLABLE = 62  # their pattern is one int64


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table: its PostgreSQL type; NULL where a float8 `nullable` is nan. `text` comes as bytes (S…)."""

    name: str
    type: str
    nullable: bool = False


def encode(columns: Sequence[Column], values: Sequence[NDArray[Any]]) -> bytes:
    """The rows as binary COPY, without signature and trailer. All arrays have the same length; int are cut to size."""
    count = len(values[0])
    if not count:
        return b""
    fields = tuple(columns)
    nullable = [index for index, column in enumerate(fields) if column.nullable]
    assert len(nullable) <= MAX_NULLABLE, f"expected at most {MAX_NULLABLE} nullable columns, found {len(nullable)}"
    pattern = np.zeros(count, np.int64)
    for bit, index in enumerate(nullable):
        unknown = np.isnan(values[index])
        if unknown.any():
            pattern |= unknown.astype(np.int64) << bit
    texts = [index for index, column in enumerate(fields) if column.type == "text"]
    if not texts and not pattern.any():
        return _group(fields, values, 0, nullable, ())
    return b"".join(
        _group(fields, part, mask, nullable, lengths) for part, mask, lengths in _groups(values, pattern, texts)
    )


def _groups(
    values: Sequence[NDArray[Any]], pattern: NDArray[np.int64], texts: list[int]
) -> list[tuple[list[NDArray[Any]], int, tuple[int, ...]]]:
    """Rows that have the same width: the same fields unknown, texts of the same lengths."""
    keys = [pattern, *(np.char.str_len(values[index]) for index in texts)]
    kinds, which = np.unique(np.stack(keys, axis=1), axis=0, return_inverse=True)
    which = which.reshape(-1)
    made = []
    for number, kind in enumerate(kinds):
        chosen = which == number
        made.append(([value[chosen] for value in values], int(kind[0]), tuple(int(length) for length in kind[1:])))
    return made


def _group(
    fields: tuple[Column, ...],
    values: Sequence[NDArray[Any]],
    mask: int,
    nullable: list[int],
    lengths: tuple[int, ...],
) -> bytes:
    unknown = frozenset(index for bit, index in enumerate(nullable) if mask >> bit & 1)
    return _shape(fields, unknown, lengths).fill(values)


class _Shape:
    """Rows of one width. Counts and lengths stand in a block that is kept: only the values are written each time."""

    def __init__(self, fields: tuple[Column, ...], unknown: frozenset[int], lengths: tuple[int, ...]) -> None:
        spec: list[tuple[str, str]] = [("fields", "<u2")]
        fixed: dict[str, NDArray[Any]] = {"fields": np.array(len(fields), ">i2")}
        self._places: list[tuple[int, str, str]] = []  # (index of the column, name in the row, its type here)
        text_lengths = iter(lengths)
        for index, column in enumerate(fields):
            size = next(text_lengths) if column.type == "text" else BYTES[column.type]
            spec.append((f"l{index}", "<u4"))
            fixed[f"l{index}"] = np.array(-1 if index in unknown else size, ">i4")
            if size and index not in unknown:
                here = f"S{size}" if column.type == "text" else HERE[column.type]
                spec.append((f"v{index}", here if column.type == "text" else f"<u{size}"))
                self._places.append((index, f"v{index}", here))
        self._row = np.zeros((), np.dtype(spec))
        for name, value in fixed.items():
            self._row[name] = value.view(f"<u{value.itemsize}")
        self._block = np.zeros(0, self._row.dtype)

    def fill(self, values: Sequence[NDArray[Any]]) -> bytes:
        """The rows of `values`, one array a column. Bytes are swapped in one sweep, then copied as they are: to let
        numpy convert while it writes into rows of odd width is six times slower."""
        count = len(values[0])
        if len(self._block) < count:
            self._block = np.full(1 << (count - 1).bit_length(), self._row)
        rows = self._block[:count]
        for index, name, here in self._places:
            value = values[index].astype(here, copy=False)
            rows[name] = value if here[0] == "S" else value.byteswap().view(f"<u{value.itemsize}")
        return rows.tobytes()


@lru_cache(maxsize=256)
def _shape(fields: tuple[Column, ...], unknown: frozenset[int], lengths: tuple[int, ...]) -> _Shape:
    return _Shape(fields, unknown, lengths)
