"""Numbers out of comma-separated text without a header, whole columns at a time. Pure numpy: no object a row.

Nothing becomes zero in silence: a row that is not what its layout says is left out, counted and named.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Bytes = npt.NDArray[np.uint8]

COMMA, NEWLINE, DOT, MINUS, ZERO = b",\n.-0"
LONGEST_NUMBER = 18  # digits, sign and point; more would not fit an int64
NAMED_FAULTS = 20
BLOCK = 8192  # rows
WHOLE, DECIMAL, OPTIONAL, TEXT = "whole", "decimal", "optional", "text"
EXPECTED = {WHOLE: "a whole number", DECIMAL: "a number", OPTIONAL: "a number or nothing"}


@dataclass
class Faults:
    """Rows left out: how many, and the first of them by file, line and what was expected."""

    count: int = 0
    named: list[str] = field(default_factory=list)

    def add(self, text: str, count: int = 1) -> None:
        self.count += count
        if len(self.named) < NAMED_FAULTS:
            self.named.append(text)


@dataclass(frozen=True)
class Table:
    """Columns of float64 (nan: an empty field; an empty list for a text), and where each row came from."""

    columns: list[Floats]
    source: npt.NDArray[np.int32]  # place in the list of texts
    line: Integers  # in that text, from 1
    names: Sequence[str]

    def __len__(self) -> int:
        return self.line.size

    def keep(self, good: Bools, expected: str, faults: Faults) -> Table:
        """The rows that are `good`; the others are faults against `expected`."""
        if good.all():
            return self
        bad = np.flatnonzero(~good)
        _name(faults, self.names, self.source[bad], self.line[bad], f"expected {expected}")
        columns = [column[good] if column.size else column for column in self.columns]
        return Table(columns, self.source[good], self.line[good], self.names)


def table(texts: Sequence[tuple[str, bytes]], layout: Sequence[str], faults: Faults) -> Table:
    """All rows of several texts (name, bytes) of one layout: a kind for each field."""
    ended = [_ended(text) for _, text in texts]
    names = [name for name, _ in texts]
    buffer = np.frombuffer(b"".join(ended), dtype=np.uint8)
    ends = np.flatnonzero(buffer == NEWLINE)
    starts = np.concatenate((np.zeros(min(ends.size, 1), dtype=np.int64), ends[:-1] + 1))
    source, line = _origins(np.array([len(text) for text in ended], dtype=np.int64), starts)
    filled = ends > starts
    starts, ends, source, line = starts[filled], ends[filled], source[filled], line[filled]
    blocks = []
    for n in range(0, max(starts.size, 1), BLOCK):
        part = slice(n, n + BLOCK)
        blocks.append(_block(buffer, starts[part], ends[part], layout, source[part], line[part], names, faults))
    columns = [np.concatenate([block.columns[n] for block in blocks]) for n in range(len(layout))]
    where = np.concatenate([block.source for block in blocks])
    return Table(columns, where, np.concatenate([block.line for block in blocks]), names)


def _block(
    buffer: Bytes, starts: Integers, ends: Integers, layout: Sequence[str], source: npt.NDArray[np.int32],
    line: Integers, names: list[str], faults: Faults,
) -> Table:  # fmt: skip
    """A few thousand rows at a time: what the processor's cache holds."""
    base = int(starts[0]) if starts.size else 0
    part = buffer[base : int(ends[-1]) + 1 if ends.size else 0]
    starts, ends = starts - base, ends - base
    commas = np.flatnonzero(part == COMMA)
    first = np.searchsorted(commas, starts)
    count = np.searchsorted(commas, ends) - first
    good = count == len(layout) - 1
    if not good.all():
        _refuse(faults, names, source, line, good, f"{len(layout)} fields", count + 1)
        starts, ends, first, source, line = (x[good] for x in (starts, ends, first, source, line))
    edges = [starts - 1, *(commas[first + n] for n in range(len(layout) - 1)), ends]
    return _read(part, edges, layout, source, line, names, faults)


def _read(
    buffer: Bytes, edges: list[Integers], layout: Sequence[str], source: npt.NDArray[np.int32], line: Integers,
    names: list[str], faults: Faults,
) -> Table:  # fmt: skip
    columns: list[Floats] = []
    good = np.ones(line.size, dtype=np.bool_)
    for n, kind in enumerate(layout):
        if kind == TEXT:
            columns.append(np.empty(0))
            continue
        values, valid = numbers(buffer, edges[n] + 1, edges[n + 1], kind)
        bad = np.flatnonzero(good & ~valid)
        if bad.size:
            _name(faults, names, source[bad], line[bad], f"expected {EXPECTED[kind]} as field {n + 1}")
            good &= valid
        columns.append(values)
    found = Table(columns, source, line, names)
    if good.all():
        return found
    return Table([column[good] if column.size else column for column in columns], source[good], line[good], names)


def numbers(buffer: Bytes, start: Integers, stop: Integers, kind: str) -> tuple[Floats, Bools]:
    """Values of the fields at start … stop, and which of them are numbers of that kind."""
    length = stop - start
    value = np.zeros(start.size, dtype=np.int64)
    places = np.zeros(start.size, dtype=np.int8)
    digits = np.zeros(start.size, dtype=np.int8)
    points = np.zeros(start.size, dtype=np.bool_)
    negative = np.zeros(start.size, dtype=np.bool_)
    valid = length <= LONGEST_NUMBER
    shortest = int(length.min()) if length.size else 0
    for k in range(min(int(length.max(initial=0)), LONGEST_NUMBER)):
        byte = buffer[start + k] if k < shortest else buffer[np.minimum(start + k, stop)]
        digit = byte - np.uint8(ZERO)
        is_digit = digit <= 9 if k < shortest else (digit <= 9) & (length > k)
        value = np.where(is_digit, value * 10 + digit, value)
        digits += is_digit
        if points.any():
            places += is_digit & points
        other = ~is_digit if k < shortest else ~is_digit & (length > k)
        if other.any():
            point = other & (byte == DOT) & ~points & (kind != WHOLE)
            sign = other & (byte == MINUS) & (kind != WHOLE) & (k == 0)
            points |= point
            negative |= sign
            valid &= ~other | point | sign
    empty = length == 0
    valid &= (digits > 0) | (empty & (kind == OPTIONAL))
    result = value / np.power(10.0, places) if places.any() else value.astype(np.float64)
    result[negative] *= -1.0
    result[empty] = np.nan
    return result, valid


def _ended(text: bytes) -> bytes:
    """Lines that end in a newline alone."""
    if b"\r" in text:
        text = text.replace(b"\r\n", b"\n")
    return text if text.endswith(b"\n") or not text else text + b"\n"


def _origins(sizes: Integers, starts: Integers) -> tuple[npt.NDArray[np.int32], Integers]:
    """Text and line number (from 1) of each line."""
    begins = np.concatenate((np.zeros(1, dtype=np.int64), np.cumsum(sizes)[:-1]))[: sizes.size]
    source = np.searchsorted(begins + sizes, starts, side="right")
    first_line = np.searchsorted(starts, begins)
    return source.astype(np.int32), np.arange(starts.size) - first_line[source] + 1


def _refuse(
    faults: Faults, names: list[str], source: npt.NDArray[np.int32], line: Integers, good: Bools, expected: str,
    found: Integers,
) -> None:  # fmt: skip
    bad = np.flatnonzero(~good)
    if bad.size:
        _name(faults, names, source[bad], line[bad], f"expected {expected}, found", found[bad])


def _name(
    faults: Faults, names: Sequence[str], source: npt.NDArray[np.int32], line: Integers, text: str, found: Any = None
) -> None:
    for n in range(min(source.size, NAMED_FAULTS)):
        tail = "" if found is None else f" {found[n]}"
        faults.add(f"{names[source[n]]}:{line[n]}: {text}{tail}")
    faults.count += max(source.size - NAMED_FAULTS, 0)
