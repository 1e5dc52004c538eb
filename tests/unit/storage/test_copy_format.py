"""The bytes of binary COPY, against a slow and plain encoder."""

from __future__ import annotations

import math
import struct

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from storage.copy_format import Column, encode

COLUMNS = (
    Column("a", "int2"),
    Column("b", "float8", nullable=True),
    Column("c", "text"),
    Column("d", "int8"),
    Column("e", "float8", nullable=True),
    Column("f", "int4"),
)
numbers = st.floats(allow_nan=True, width=64)
rows = st.tuples(
    st.integers(-(1 << 15), (1 << 15) - 1),
    numbers,
    st.text("ABC123", max_size=6).map(str.encode),
    st.integers(-(1 << 63), (1 << 63) - 1),
    numbers,
    st.integers(-(1 << 31), (1 << 31) - 1),
)


def plainly(row: tuple[int, float, bytes, int, float, int]) -> bytes:
    def field(data: bytes | None) -> bytes:
        return struct.pack(">i", -1) if data is None else struct.pack(">i", len(data)) + data

    def real(value: float) -> bytes | None:
        return None if math.isnan(value) else struct.pack(">d", value)

    a, b, c, d, e, f = row
    parts = (struct.pack(">h", a), real(b), c, struct.pack(">q", d), real(e), struct.pack(">i", f))
    return struct.pack(">h", 6) + b"".join(map(field, parts))


def arrays(made: list[tuple[int, float, bytes, int, float, int]]) -> list[np.ndarray]:
    kinds = ("<i2", "<f8", "S16", "<i8", "<f8", "<i4")
    return [np.array(column, kind) for column, kind in zip(zip(*made, strict=True), kinds, strict=True)]


@given(st.lists(rows, min_size=1, max_size=40))
def test_the_same_rows_as_the_plain_encoder_writes(made: list[tuple[int, float, bytes, int, float, int]]) -> None:
    got = encode(COLUMNS, arrays(made))
    expected = [plainly(row) for row in made]
    assert len(got) == sum(map(len, expected))
    assert cut(got) == sorted(expected)


def test_rows_keep_their_order_where_all_is_known() -> None:
    fixed = COLUMNS[:1] + COLUMNS[3:4]
    got = encode(fixed, [np.array([3, 1, 2], "<i2"), np.array([30, 10, 20])])
    assert [row[6:8] for row in (got[i : i + 20] for i in range(0, len(got), 20))] == [b"\0\3", b"\0\1", b"\0\2"]


def test_nothing_is_nothing() -> None:
    assert encode(COLUMNS[:1], [np.zeros(0, "<i2")]) == b""


def cut(data: bytes) -> list[bytes]:
    """The rows of a COPY, sorted."""
    found, at = [], 0
    while at < len(data):
        start, at = at, at + 2
        for _ in range(struct.unpack_from(">h", data, start)[0]):
            length = struct.unpack_from(">i", data, at)[0]
            at += 4 + max(length, 0)
        found.append(data[start:at])
    return sorted(found)
