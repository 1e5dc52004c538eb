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
WIRE = {"int2": ">i2", "int4": ">i4", "int8": ">i8", "float8": ">f8"}
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
    template, names = _template(fields, unknown, lengths)
    rows = np.empty(len(values[0]), dtype=template.dtype)
    rows[:] = template
    for index, name in names:
        rows[name] = values[index]
    return rows.tobytes()


@lru_cache(maxsize=4096)
def _template(
    fields: tuple[Column, ...], unknown: frozenset[int], lengths: tuple[int, ...]
) -> tuple[Any, tuple[tuple[int, str], ...]]:
    """A row with counts and lengths filled in, and (index of the column, name of its place in the row)."""
    spec: list[tuple[str, str]] = [("fields", ">i2")]
    filled: dict[str, int] = {"fields": len(fields)}
    names: list[tuple[int, str]] = []
    text_lengths = iter(lengths)
    for index, column in enumerate(fields):
        spec.append((f"l{index}", ">i4"))
        size = next(text_lengths) if column.type == "text" else BYTES[column.type]
        if index in unknown:
            filled[f"l{index}"] = -1
            continue
        filled[f"l{index}"] = size
        if size:
            spec.append((f"v{index}", f"S{size}" if column.type == "text" else WIRE[column.type]))
            names.append((index, f"v{index}"))
    row = np.zeros((), dtype=np.dtype(spec))
    for name, value in filled.items():
        row[name] = value
    return row, tuple(names)
