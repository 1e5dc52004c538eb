"""The statements of the writer, each made once."""

# ruff: noqa: S608  (only whole numbers are put in)
from __future__ import annotations

from functools import cache

from psycopg import sql

from storage.rows import LATEST_KEYS, RecordTable

WATERMARKS = "SELECT stream, epoch, next_seq, quotes_seq FROM watermark"
REJECT = (
    "INSERT INTO storage_reject (epoch, seq, stream, at_ns, count, topic, error, raw) "
    "VALUES (%s, %s, %s, %s, %s, %s, %s, %s)"
)
PARTITIONS = (
    "SELECT p.relname, c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid "
    "JOIN pg_class p ON p.oid = i.inhparent WHERE p.relname = ANY(%s) AND c.relname ~ '_[0-9]{8}$'"
)
QUOTES = (
    "INSERT INTO latest_quote (con_id, tick_type, recv_ns, market_ns, price, size, flags) "
    "SELECT c, t, r, m, nullif(p, 'NaN'), nullif(s, 'NaN'), f FROM unnest(%s, %s, %s, %s, %s, %s, %s) "
    "AS q (c, t, r, m, p, s, f) "
    "ON CONFLICT (con_id, tick_type) DO UPDATE SET recv_ns = excluded.recv_ns, market_ns = excluded.market_ns, "
    "price = excluded.price, size = excluded.size, flags = excluded.flags"
)
# What a writer that died had not flushed, from the ticks themselves.
QUOTES_AGAIN = (
    "INSERT INTO latest_quote (con_id, tick_type, recv_ns, market_ns, price, size, flags) "
    "SELECT DISTINCT ON (con_id, tick_type) con_id, tick_type, recv_ns, market_ns, price, size, flags FROM tick "
    "WHERE stream = %(stream)s AND epoch = %(epoch)s AND seq >= %(first)s AND seq < %(next)s "
    "ORDER BY con_id, tick_type, seq DESC "
    "ON CONFLICT (con_id, tick_type) DO UPDATE SET recv_ns = excluded.recv_ns, market_ns = excluded.market_ns, "
    "price = excluded.price, size = excluded.size, flags = excluded.flags"
)
QUOTES_DONE = (
    "UPDATE watermark SET quotes_seq = %(next)s WHERE stream = %(stream)s AND epoch = %(epoch)s AND next_seq = %(next)s"
)


def advance(
    stream: int, believed: tuple[int, int] | None, epoch: int, next_seq: int, quotes_seq: int, now_ns: int
) -> str:
    """BEGIN, and move the watermark where it is what we believe: the lock and the comparison in one round trip."""
    if believed is None:
        return (
            "BEGIN; INSERT INTO watermark (stream, epoch, next_seq, quotes_seq, updated_ns) "
            f"VALUES ({stream:d}, {epoch:d}, {next_seq:d}, {quotes_seq:d}, {now_ns:d}) ON CONFLICT DO NOTHING"
        )
    return (
        f"BEGIN; UPDATE watermark SET epoch = {epoch:d}, next_seq = {next_seq:d}, quotes_seq = {quotes_seq:d}, "
        f"updated_ns = {now_ns:d} WHERE stream = {stream:d} AND epoch = {believed[0]:d} AND next_seq = {believed[1]:d}"
    )


@cache
def copy(table: RecordTable) -> sql.Composed:
    """COPY … FROM STDIN (FORMAT binary)."""
    names = sql.SQL(", ").join(map(sql.Identifier, table.names))
    return sql.SQL("COPY {} ({}) FROM STDIN (FORMAT binary)").format(sql.Identifier(table.table), names)


@cache
def insert(table: str, columns: tuple[str, ...]) -> sql.Composed:
    """INSERT of one row; a fill that is known already is told by returning nothing."""
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    values = sql.SQL(", ").join([sql.Placeholder()] * len(columns))
    end = " ON CONFLICT (exec_id) DO NOTHING RETURNING seq" if table == "execution" else ""
    return sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(sql.Identifier(table), names, values) + sql.SQL(end)


@cache
def upsert(table: str, columns: tuple[str, ...]) -> sql.Composed:
    """INSERT that replaces the row with the same key."""
    key = LATEST_KEYS[table]
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    values = sql.SQL(", ").join([sql.Placeholder()] * len(columns))
    sets = sql.SQL(", ").join(
        sql.SQL("{0} = excluded.{0}").format(sql.Identifier(name)) for name in columns if name not in key
    )
    return sql.SQL("INSERT INTO {} ({}) VALUES ({}) ON CONFLICT ({}) DO UPDATE SET {}").format(
        sql.Identifier(table), names, values, sql.SQL(", ").join(map(sql.Identifier, key)), sets
    )
