"""One batch, one transaction: watermark, rows, latest values, commit. Talks to PostgreSQL and nobody else."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import psycopg

from storage import rows
from storage.rows import Chunk, Row
from storage.writer import batch as batches
from storage.writer import quotes, sql
from storage.writer.batch import Batch, MapRow, Reject

Connection = psycopg.Connection[Any]
# Refused because of what the row says: bad data, a broken constraint, a value too large for an index.
POISON = ("22", "23", "54", "P0")


class NotOurs(Exception):
    """The watermark is not what this process believes: somebody else has moved it."""


def poisonous(error: psycopg.Error) -> bool:
    """Whether the error is about a row, not about the server or the way to it."""
    if isinstance(error, psycopg.OperationalError):
        return False
    return (error.sqlstate or "22")[:2] in POISON if isinstance(error, psycopg.DatabaseError) else False


def commit(
    connection: Connection,
    batch: Batch,
    believed: tuple[int, int] | None,
    quotes_seq: int,
    ticks: Any,
    now_ns: int,
    meanwhile: Sequence[Callable[[], object]],
) -> list[Reject]:
    """Commit the batch; returns what was refused. `meanwhile` is called while the server works.

    `ticks`: latest quotes to flush with it, or None. NotOurs: nothing was done. Other errors: the outcome of the commit
    may be unknown; the caller reconnects and reads the watermark.
    """
    words = (batch.stream, believed, batch.epoch, batch.next_seq, quotes_seq, now_ns)
    try:
        _begin(connection, *words)
        for chunk, data in zip(batch.chunks, batch.copies, strict=True):
            _copy(connection, chunk, data, meanwhile)
        _insert_all(connection, batch.maps, batch)
        _refuse(connection, batch, batch.rejects, now_ns)
        _replace(connection, batch.maps)
        if ticks is not None:
            connection.execute(sql.QUOTES, quotes.columns(ticks))
        connection.execute("COMMIT")
    except psycopg.Error as error:
        if not poisonous(error) or connection.closed:
            raise
        connection.execute("ROLLBACK")
        return _commit_carefully(connection, batch, words, ticks, now_ns)
    return batch.rejects


def _begin(
    connection: Connection,
    stream: int,
    believed: tuple[int, int] | None,
    epoch: int,
    next_seq: int,
    quotes_seq: int,
    now_ns: int,
) -> None:
    cursor = connection.execute(sql.advance(stream, believed, epoch, next_seq, quotes_seq, now_ns))
    cursor.nextset()  # the answer to BEGIN came first
    if cursor.rowcount != 1:
        connection.execute("ROLLBACK")
        raise NotOurs


def _copy(connection: Connection, chunk: Chunk, data: bytes, meanwhile: Sequence[Callable[[], object]] = ()) -> None:
    with connection.cursor() as cursor, cursor.copy(sql.copy(chunk.table)) as copy:
        copy.write(data)
        for work in meanwhile:
            connection.pgconn.flush()  # psycopg only buffers: let the server begin with what the socket takes
            work()
        connection.pgconn.flush()


def _values(batch: Batch, item: MapRow) -> dict[str, Any]:
    header = item.frame.header
    position = {"epoch": batch.epoch, "seq": header.seq, "stream": batch.stream, "publish_ns": header.publish_ns}
    return item.row.columns | position


def _insert_all(connection: Connection, maps: list[MapRow], batch: Batch) -> None:
    """Rows of one table together; fills one by one, because a repeat becomes an event."""
    together: dict[tuple[str, ...], list[tuple[Any, ...]]] = {}
    for item in maps:
        if item.row.table == "execution":
            _insert(connection, item, batch)
            continue
        values = _values(batch, item)
        together.setdefault((item.row.table, *values), []).append(tuple(values.values()))
    with connection.cursor() as cursor:
        for (table, *columns), parameters in together.items():
            cursor.executemany(sql.insert(table, tuple(columns)), parameters)


def _insert(connection: Connection, item: MapRow, batch: Batch) -> None:
    values = _values(batch, item)
    cursor = connection.execute(sql.insert(item.row.table, tuple(values)), tuple(values.values()))
    if item.row.table == "execution" and cursor.fetchone() is None:
        again = MapRow(item.frame, rows.repeated(item.row), None)
        values = _values(batch, again)
        connection.execute(sql.insert(again.row.table, tuple(values)), tuple(values.values()))


def _replace(connection: Connection, maps: list[MapRow]) -> None:
    latest: list[Row] = [item.latest for item in maps if item.latest is not None]
    if not latest:
        return
    with connection.cursor() as cursor:
        for table, newest in batches.newest(latest).items():
            columns = tuple(newest[0].columns)
            cursor.executemany(sql.upsert(table, columns), [tuple(row.columns.values()) for row in newest])


def _refuse(connection: Connection, batch: Batch, rejects: list[Reject], now_ns: int) -> None:
    for reject in rejects:
        topic = reject.topic.decode("utf-8", "replace").replace("\0", "\N{REPLACEMENT CHARACTER}")
        error = reject.error.replace("\0", "\N{REPLACEMENT CHARACTER}")[:2000]
        position = (batch.epoch, reject.seq, batch.stream, now_ns, reject.count)
        connection.execute(sql.REJECT, (*position, topic, error, reject.raw))


# A batch with a bad row in it: find it by halves, keep the rest.


def _commit_carefully(
    connection: Connection, batch: Batch, words: tuple[Any, ...], ticks: Any, now_ns: int
) -> list[Reject]:
    _begin(connection, *words)
    rejects = list(batch.rejects)
    for chunk in batch.chunks:
        rejects += _copy_by_halves(connection, chunk)
    kept: list[MapRow] = []
    for item in batch.maps:
        error = _try(connection, lambda item=item: _insert(connection, item, batch))  # type: ignore[misc]
        if error is None:
            kept.append(item)
        else:
            rejects.append(Reject(item.frame.topic, item.frame.header.seq, 1, item.frame.payload, error))
    _refuse(connection, batch, rejects, now_ns)
    for item in kept:
        _try(connection, lambda item=item: _replace(connection, [item]))  # type: ignore[misc]
    if ticks is not None:
        _try(connection, lambda: connection.execute(sql.QUOTES, quotes.columns(ticks)))
    connection.execute("COMMIT")
    return rejects


def _copy_by_halves(connection: Connection, chunk: Chunk) -> list[Reject]:
    error = _try(connection, lambda: _copy(connection, chunk, chunk.copy_data()))
    if error is None:
        return []
    if len(chunk) == 1:
        return [Reject(chunk.topic, int(chunk.seq[0]), 1, chunk.records.tobytes(), error)]
    middle = len(chunk) // 2
    halves = chunk.part(0, middle), chunk.part(middle, len(chunk))
    return [reject for half in halves for reject in _copy_by_halves(connection, half)]


def _try(connection: Connection, work: Callable[[], Any]) -> str | None:
    """Do it behind a savepoint; the text of the error where the server refused it because of what the row says."""
    connection.execute("SAVEPOINT piece")
    try:
        work()
    except psycopg.Error as error:
        if not poisonous(error):
            raise
        connection.execute("ROLLBACK TO SAVEPOINT piece; RELEASE SAVEPOINT piece")
        return str(error).strip()
    connection.execute("RELEASE SAVEPOINT piece")
    return None
