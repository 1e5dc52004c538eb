"""Our binary COPY, read back by PostgreSQL and by psycopg's own binary decoding."""

from __future__ import annotations

from typing import Any

import numpy as np

from storage.copy_format import SIGNATURE, TRAILER, Column, encode

COLUMNS = (
    Column("a", "int2"),
    Column("b", "int4"),
    Column("c", "int8"),
    Column("d", "float8", nullable=True),
    Column("e", "text"),
    Column("f", "float8", nullable=True),
)
TYPES = ["int2", "int4", "int8", "float8", "text", "float8"]


def test_what_postgresql_reads_is_what_was_written(database: Any) -> None:
    chance = np.random.default_rng(5)
    count = 2000
    values = [
        chance.integers(-(1 << 15), 1 << 15, count).astype("<i2"),
        chance.integers(-(1 << 31), 1 << 31, count).astype("<i4"),
        chance.integers(-(1 << 63), (1 << 63) - 1, count),
        np.where(chance.random(count) < 0.3, np.nan, chance.normal(size=count) * 1e6),
        np.array([b"DU%d" % n for n in chance.integers(0, 10**9, count)], "S16"),
        np.where(chance.random(count) < 0.5, np.nan, chance.normal(size=count)),
    ]
    values[4][0] = b""
    expected = [tuple(map(plain, row)) for row in zip(*(array.tolist() for array in values), strict=True)]
    with database.admin() as admin:
        columns = ", ".join(f"{column.name} {column.type}" for column in COLUMNS)
        admin.execute(f"CREATE TEMP TABLE made ({columns})")
        with admin.cursor() as cursor, cursor.copy("COPY made FROM STDIN (FORMAT binary)") as copy:
            copy.write(SIGNATURE + encode(COLUMNS, values) + TRAILER)
        assert key(admin.execute("SELECT * FROM made").fetchall()) == key(expected)
        with admin.cursor() as cursor, cursor.copy("COPY made TO STDOUT (FORMAT binary)") as copy:
            copy.set_types(TYPES)
            assert key(copy.rows()) == key(expected)


def plain(value: Any) -> Any:
    if isinstance(value, float) and value != value:
        return None
    return value.decode() if isinstance(value, bytes) else value


def key(rows: Any) -> list[str]:
    return sorted(repr(tuple(row)) for row in rows)
