"""The writer's side of PostgreSQL: connect, watermarks, partitions, retention. Every error goes to the caller."""

from __future__ import annotations

import datetime
import os
import socket
import sys
from collections.abc import Iterable
from typing import Any

import numpy as np
import psycopg
from psycopg.adapt import Dumper
from psycopg.pq import Format

from pipeline.runtime import Runtime
from storage import connection, partitions
from storage.rows import Chunk
from storage.writer import quotes, sql

EPOCH = datetime.date(1970, 1, 1)
OPTIONS = (
    "-c synchronous_commit=on -c lock_timeout=2s -c idle_in_transaction_session_timeout=5s -c timezone=UTC -c jit=off"
)
SEND_BYTES = 1 << 20
Watermarks = dict[int, tuple[int, int, int]]  # stream → (signed epoch, next seq, next seq in latest_quote)


def _register_arrays(connection: psycopg.Connection[Any]) -> None:
    """Arrays that numpy has built go to the server as they are."""
    for kind, oid, _, _ in quotes.ARRAYS:
        name = f"{kind.__name__}Dumper"
        words = {"format": Format.BINARY, "oid": oid, "dump": lambda self, value: bytes(value)}
        connection.adapters.register_dumper(kind, type(name, (Dumper,), words))


def _widen(connection: psycopg.Connection[Any]) -> None:
    """Let most of a batch be on its way while the next one is made; the system's limit holds."""
    if sys.platform != "win32":
        with socket.socket(fileno=os.dup(connection.pgconn.socket)) as link:
            link.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BYTES)


class Database:
    """One connection and what is known of the partitions."""

    def __init__(self, runtime: Runtime) -> None:
        facts = connection.facts(runtime, connection.WRITER)
        self.connection: psycopg.Connection[Any] = psycopg.connect(
            **facts,
            autocommit=True,
            connect_timeout=2,
            application_name="margindesk writer",
            options=OPTIONS,
        )
        _register_arrays(self.connection)
        _widen(self.connection)
        self._days: dict[str, set[int]] = {}

    def begin(self) -> Watermarks:
        """The watermarks, and the partitions that there are. Latest quotes are brought up to the watermark first."""
        self._read_partitions()
        found = {row[0]: (row[1], row[2], row[3]) for row in self.connection.execute(sql.WATERMARKS)}
        for stream, (epoch, next_seq, quotes_seq) in found.items():
            if quotes_seq < next_seq:
                words = {"stream": stream, "epoch": epoch, "first": quotes_seq, "next": next_seq}
                with self.connection.transaction():
                    self.connection.execute(sql.QUOTES_AGAIN, words)
                    self.connection.execute(sql.QUOTES_DONE, words)
        return found

    def _read_partitions(self) -> None:
        tables = [table.table for table in partitions.TABLES]
        self._days = {table: set() for table in tables}
        for parent, child in self.connection.execute(sql.PARTITIONS, (tables,)):
            day = datetime.datetime.strptime(child[-8:], "%Y%m%d").date()
            self._days[parent].add((day - EPOCH).days)

    def prepare(self, chunks: Iterable[Chunk]) -> list[str]:
        """Make the partitions that these rows need, and those of the next three days; the names of new ones."""
        made: list[str] = []
        for chunk in chunks:
            times = chunk.days_ns()
            low, high = partitions.day_of(int(times.min())), partitions.day_of(int(times.max()))
            known = self._days[chunk.table.table]
            if low in known and (low == high or high in known) and high + partitions.AHEAD_DAYS in known:
                continue
            days = {low} if low == high else {int(day) for day in np.unique(times // partitions.DAY_NS)}
            for day in sorted(partitions.wanted(days) - known):
                self.connection.execute(
                    "SELECT make_partition(%s, %s)", (chunk.table.table, EPOCH + datetime.timedelta(days=day))
                )
                known.add(day)
                made.append(partitions.partition_name(chunk.table.table, day))
        return made

    def drop_old(self, table: str, first_kept: int) -> list[str]:
        """Drop the partitions of earlier days; their names."""
        before = EPOCH + datetime.timedelta(days=first_kept)
        row = self.connection.execute("SELECT drop_partitions(%s, %s)", (table, before)).fetchone()
        gone = [str(name) for name in row[0]] if row is not None else []
        self._days[table] -= {day for day in self._days[table] if day < first_kept}
        return gone

    def misplaced(self) -> dict[str, int]:
        """Rows in DEFAULT partitions (counted to 10,000), where there should be none."""
        found = {}
        for table in partitions.TABLES:
            name = f"{table.table}_default"
            query = f"SELECT count(*) FROM (SELECT 1 FROM {name} LIMIT 10000) AS held"  # noqa: S608  (our own name)
            row = self.connection.execute(query).fetchone()
            if row is not None and row[0]:
                found[name] = int(row[0])
        return found

    def close(self) -> None:
        """Never waits."""
        self.connection.close()
