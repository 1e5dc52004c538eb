"""The DDL of tables that are partitioned by day, and which days they need. Pure: texts and numbers, no connection.

A day is the number of days since 1970-01-01 UTC. Writing and dropping partitions is done by two functions in the
database that belong to the owner, so that the writer needs no right to change tables.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import Any

DAY_NS = 86_400_000_000_000
AHEAD_DAYS = 3
FIRST_DAY = 7_305  # 1990-01-01: an earlier market day is a fault
LAST_DAY = 47_482  # 2100-01-01
BLOCK_PAGES = 32  # of a BRIN range: one minute of a busy day


@dataclass(frozen=True, slots=True)
class Partitioned:
    """A partitioned table: the column whose UTC day it goes by."""

    model: str
    table: str
    column: str
    indexes: tuple[str, ...] = ()  # besides the BRIN of `column` and of seq


FIRST = (
    Partitioned("Tick", "tick", "market_ns"),
    Partitioned("OptionComputation", "option_computation", "market_ns"),
    Partitioned(
        "MarginAccountSnapshot", "margin_account_snapshot", "publish_ns", ("(account, publish_ns)",)
    ),  # its chart
    Partitioned("MarginGroupSnapshot", "margin_group_snapshot", "publish_ns", ("(account, publish_ns)",)),
)
FEEDS = (  # by day of publishing, because history brings the days of many years at once
    Partitioned("Trade", "trade", "publish_ns", ("(con_id, market_ns)",)),
    Partitioned("Quote", "quote", "publish_ns", ("(con_id, market_ns)",)),
    Partitioned("Midpoint", "midpoint", "publish_ns", ("(con_id, market_ns)",)),
    Partitioned("Depth", "depth", "publish_ns"),
    Partitioned("Bar", "bar", "publish_ns", ("(con_id, market_ns)",)),
)
TABLES = (*FIRST, *FEEDS)


def day_of(ns: int) -> int:
    """The UTC day of a time."""
    return ns // DAY_NS


def partition_name(table: str, day: int) -> str:
    """tick_20261122"""
    date = datetime.date(1970, 1, 1) + datetime.timedelta(days=day)
    return f"{table}_{date:%Y%m%d}"


def wanted(days: set[int]) -> set[int]:
    """The partitions to have for records of `days`: those and the next three; days that are no market's are left
    to the DEFAULT partition, and so are all when there are too many of them to be true."""
    sane = {day for day in days if FIRST_DAY <= day < LAST_DAY}
    if len(sane) > 16:
        return set()
    return {day + ahead for day in sane for ahead in range(AHEAD_DAYS + 1)}


def dropped_before(newest_day: int, today: int, retention_days: int) -> int | None:
    """The first day to keep; None while market time is ahead of the wall clock by more than a day (a simulated
    future must not end the past's retention)."""
    if newest_day > today + 1 or newest_day < FIRST_DAY:
        return None
    return newest_day - retention_days


def create(apps: Any, schema_editor: Any, flavour: str = "plain") -> None:
    """Make the partitioned tables from their models, with a DEFAULT partition each, and the two functions.

    `flavour` is the one place where another layout (timescale, citus) would be chosen; only `plain` is made now.
    """
    if flavour != "plain":
        raise ValueError(f"expected the flavour 'plain', found {flavour!r}")
    _create(FIRST, apps, schema_editor)


def create_feeds(apps: Any, schema_editor: Any) -> None:
    """The tables of tick-by-tick data, depth and bars; the functions know them from now on."""
    _create(FEEDS, apps, schema_editor)


def _create(tables: tuple[Partitioned, ...], apps: Any, schema_editor: Any) -> None:
    for table in tables:
        model = apps.get_model("storage", table.model)
        for statement in table_sql(table, model, schema_editor):
            schema_editor.execute(statement, params=None)
    for statement in (*FUNCTIONS, *drop_right()):
        schema_editor.execute(statement, params=None)


def table_sql(table: Partitioned, model: Any, schema_editor: Any) -> list[str]:
    """CREATE TABLE … PARTITION BY RANGE, its comments, DEFAULT partition and indexes."""
    fields = [field for field in model._meta.local_concrete_fields if field.column]
    parts = [f'"{field.column}" {schema_editor.column_sql(model, field)[0]}' for field in fields]
    parts += [_set(table.table, field.column) for field in fields if field.get_internal_type() == "FloatField"]
    made = [
        f"CREATE TABLE {table.table} ({', '.join(parts)}) PARTITION BY RANGE ({table.column})",
        f"COMMENT ON TABLE {table.table} IS {_quoted(model._meta.db_table_comment)}",
    ]
    made += [
        f'COMMENT ON COLUMN {table.table}."{field.column}" IS {_quoted(field.db_comment)}'
        for field in fields
        if field.db_comment
    ]
    made.append(f"CREATE TABLE {table.table}_default PARTITION OF {table.table} DEFAULT")
    brin = f"WITH (pages_per_range = {BLOCK_PAGES}, autosummarize = on)"
    made.append(f"CREATE INDEX {table.table}_time ON {table.table} USING brin ({table.column}) {brin}")
    made.append(f"CREATE INDEX {table.table}_seq ON {table.table} USING brin (seq) {brin}")
    made += [f"CREATE INDEX {table.table}_by_{n} ON {table.table} {columns}" for n, columns in enumerate(table.indexes)]
    return made


def _set(table: str, column: str) -> str:
    """Refuse unset numbers, infinities and nan, as `storage.models.columns.finite` does elsewhere."""
    return f"CONSTRAINT {table}_{column}_set CHECK ({column} > -1e300 AND {column} < 1e300)"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def drop_right() -> list[str]:
    """The functions are for the roles that `storage.roles` grants them to, nobody else."""
    return [f"REVOKE ALL ON FUNCTION {name}(text, date) FROM public" for name in ("make_partition", "drop_partitions")]


_KNOWN = ", ".join(f"'{table.table}'" for table in TABLES)
_COLUMN = " ".join(f"WHEN '{table.table}' THEN '{table.column}'" for table in TABLES)

# ruff: noqa: S608  (the names put in are the constants above)
# Rows of the day that stand in DEFAULT move into the new partition, so that it can be attached.
FUNCTIONS = (
    f"""
CREATE OR REPLACE FUNCTION make_partition(of_table text, day date) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET lock_timeout = '2s' AS $$
DECLARE
    name text := of_table || '_' || to_char(day, 'YYYYMMDD');
    key text := CASE of_table {_COLUMN} END;
    low bigint := (day - date '1970-01-01')::bigint * {DAY_NS};
    high bigint := low + {DAY_NS};
BEGIN
    IF of_table NOT IN ({_KNOWN}) THEN
        RAISE EXCEPTION 'expected one of {_KNOWN.replace("'", "")}, found %', of_table;
    END IF;
    PERFORM pg_advisory_xact_lock(hashtext('margindesk.partitions'));
    IF to_regclass('public.' || quote_ident(name)) IS NOT NULL THEN
        RETURN false;
    END IF;
    EXECUTE format('CREATE TABLE public.%I (LIKE public.%I INCLUDING ALL)', name, of_table);
    EXECUTE format('WITH moved AS (DELETE FROM public.%I WHERE %I >= %s AND %I < %s RETURNING *) '
                   'INSERT INTO public.%I SELECT * FROM moved', of_table || '_default', key, low, key, high, name);
    EXECUTE format('ALTER TABLE public.%I ATTACH PARTITION public.%I FOR VALUES FROM (%s) TO (%s)',
                   of_table, name, low, high);
    RETURN true;
END $$
""",
    f"""
CREATE OR REPLACE FUNCTION drop_partitions(of_table text, before date) RETURNS text[]
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET lock_timeout = '2s' AS $$
DECLARE
    found text;
    gone text[] := '{{}}';
BEGIN
    IF of_table NOT IN ({_KNOWN}) THEN
        RAISE EXCEPTION 'expected one of {_KNOWN.replace("'", "")}, found %', of_table;
    END IF;
    FOR found IN
        SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent = to_regclass('public.' || quote_ident(of_table))
          AND c.relname ~ ('^' || of_table || '_[0-9]{{8}}$')
          AND to_date(right(c.relname, 8), 'YYYYMMDD') < before
        ORDER BY 1
    LOOP
        EXECUTE format('DROP TABLE public.%I', found);
        gone := gone || found;
    END LOOP;
    RETURN gone;
END $$
""",
)
