"""The `writer` Service: each journaled stream into PostgreSQL, exactly once, whoever dies when."""

from __future__ import annotations

import logging
from typing import Any

import psycopg
import zmq

from pipeline import messages
from pipeline.bus.opening import OWNERS
from pipeline.bus.record import Fetcher
from pipeline.logs import Throttle
from pipeline.service import Service
from storage import connection, partitions
from storage.writer import quotes, sql, transaction
from storage.writer.batch import Batch, Reject
from storage.writer.database import Database
from storage.writer.source import Source

FIRST_WAIT_S, LONGEST_WAIT_S = 0.05, 1.0
HOUSEKEEPING_S = 60.0
DRAIN_S, QUIET_S = 5.0, 0.4  # at stop: at most so long, done when nothing came for so long
AWAY_DRAIN_S = 1.0  # PostgreSQL is away at stop: the rest stays in the journals
MANY_BATCHES = 20  # of one stream before the loop turns to the others


class WriterService(Service):
    """One connection, one transaction a batch. While PostgreSQL is away it waits and fetches nothing."""

    name = "writer"
    _database: Database | None = None

    def setup(self) -> None:
        """Sockets to every journal's owner; PostgreSQL if it is there."""
        self._sources = [
            Source(Fetcher(self.context, self.runtime, owner, stream, self.clock), self.clock)
            for stream, owner in OWNERS.items()
        ]
        self._poller = zmq.Poller()
        for source in self._sources:
            self._poller.register(source.fetcher.socket, zmq.POLLIN)
        self._wait_s, self._again_at = FIRST_WAIT_S, 0.0
        self._housekeeping_at = 0.0
        self._throttle = Throttle()
        self._rows = self._rejects = self._misplaced = 0
        self._lag_last_ms = float("nan")
        self._rate_at, self._rate_rows, self._rate = self.clock.monotonic(), 0, 0.0
        self._newest_day: dict[str, int] = {}
        self._connect()

    # Connecting.

    def _connect(self) -> None:
        """Watermarks are read anew with each connection: they alone say what is committed."""
        try:
            self._database = Database(self.runtime)
            watermarks = self._database.begin()
        except (psycopg.Error, connection.NoDatabase) as error:
            self._lose(error)
            return
        for source in self._sources:
            found = watermarks.get(int(source.stream))
            source.begin(found[:2] if found else None)
            source.fetcher.database_away(False)
        self._wait_s = FIRST_WAIT_S
        self.last_error = ""
        self.event("connected", watermarks={str(stream): found[1] for stream, found in watermarks.items()})
        if self.state is messages.State.WAITING:
            self.become(messages.State.READY)

    def _lose(self, error: Exception) -> None:
        """PostgreSQL is away, or the outcome of a commit is unknown: forget what was fetched, connect again."""
        if self._database is not None:
            self._database.close()
            self._database = None
        self._again_at = self.clock.monotonic() + self._wait_s
        self._wait_s = min(self._wait_s * 2, LONGEST_WAIT_S)
        told = str(error).strip().splitlines()
        self.last_error = told[0] if told else type(error).__name__
        for source in self._sources:
            source.fetcher.database_away(True)
        if (held := self._throttle.admit(f"away {self.last_error}", self.clock.monotonic())) is not None:
            self.event("database_away", level=logging.WARNING, text=self.last_error, held_back=held)
        if self.state is messages.State.READY:
            self.become(messages.State.WAITING)

    # Working.

    def step(self, timeout_ms: int) -> None:
        """Commit what is due; wait for more."""
        if self._database is None:
            wait_s = self._again_at - self.clock.monotonic()
            if wait_s > 0:
                self.stopping.wait(min(wait_s, timeout_ms / 1e3))
                return
            self._connect()
            return
        if not self._work(at_once=False):
            self._idle(timeout_ms)

    def _work(self, *, at_once: bool) -> bool:
        """One round over the streams; True if anything was committed."""
        done = False
        for source in self._sources:
            source.collect()
            if (told := source.fetcher.reset) is not None:
                self.last_error = f"{source.stream.name.lower()}: {told}"
                self.event("journal_reset", level=logging.ERROR, stream=source.stream.name, text=told)
            for _ in range(MANY_BATCHES):
                batch = source.next_batch(at_once=at_once)
                if batch is None or self._database is None or not self._commit(self._database, source, batch):
                    break
                done = True
                if self.clock.monotonic() >= self._beat_due:
                    self.beat()
            if self._database is None:
                return done
        return done

    def _commit(self, database: Database, source: Source, batch: Batch) -> bool:
        """False: it was not committed, or nobody knows; then there is no connection any more."""
        try:
            self._make_partitions(database, batch)
            rejects = self._write(database, source, batch)
        except transaction.NotOurs:
            self.event("watermark_moved", level=logging.WARNING, stream=source.stream.name, believed=source.believed)
            self._lose(RuntimeError("another writer has moved the watermark"))
            return False
        except psycopg.Error as error:
            self._lose(error)
            return False
        self._note(batch, rejects)
        return True

    def _write(self, database: Database, source: Source, batch: Batch) -> list[Reject]:
        for records in batch.quotes:
            source.quotes.add(records)
        new_epoch = source.believed is not None and source.believed[0] != batch.epoch
        flush = source.quotes_due() or new_epoch or not source.quotes
        ticks = source.quotes.take() if flush and source.quotes else None
        rejects = transaction.commit(
            database.connection,
            batch,
            source.believed,
            batch.next_seq if flush else source.quotes_seq or batch.first_seq,
            ticks,
            self.clock.now_ns(),
            source.ahead(),
        )
        source.committed(batch)
        if flush:
            source.quotes_flushed()
        elif not source.quotes_seq:
            source.quotes_seq = batch.first_seq
        return rejects

    def _make_partitions(self, database: Database, batch: Batch) -> None:
        try:
            made = database.prepare(batch.chunks)
        except psycopg.errors.LockNotAvailable as error:  # a long reader: the rows go to DEFAULT and are moved later
            self.event("partition_delayed", level=logging.WARNING, text=str(error).strip())
            return
        if made:
            self.event("partitions_made", names=made)
        for chunk in batch.chunks:
            self._newest_day[chunk.table.table] = partitions.day_of(int(chunk.days_ns()[-1]))

    def _note(self, batch: Batch, rejects: list[Reject]) -> None:
        self._rows += batch.rows
        self._lag_last_ms = (self.clock.now_ns() - batch.publish_ns) / 1e6
        self._rejects += sum(reject.count for reject in rejects)
        for reject in rejects:
            kind = reject.topic.decode("utf-8", "replace")
            if (held := self._throttle.admit(f"reject {kind}", self.clock.monotonic())) is not None:
                self.last_error = f"refused a record of {kind}: {reject.error.splitlines()[0]}"
                self.event(
                    "row_rejected",
                    level=logging.ERROR,
                    topic=kind,
                    stream=batch.stream,
                    seq=reject.seq,
                    text=reject.error,
                    held_back=held,
                )

    # When nothing is due.

    def _idle(self, timeout_ms: int) -> None:
        if self._database is None:
            return
        try:
            for source in self._sources:
                self._flush_quotes(self._database, source)
            if self.clock.monotonic() >= self._housekeeping_at:
                self._keep_house(self._database)
        except psycopg.Error as error:
            self._lose(error)
            return
        due_s = min(source.due_s() for source in self._sources)
        self._poller.poll(min(timeout_ms, max(1, int(due_s * 1e3))))

    def _flush_quotes(self, database: Database, source: Source, *, at_once: bool = False) -> None:
        """The last ticks before a pause."""
        if source.believed is None or not (source.quotes_due() or (at_once and source.quotes)):
            return
        epoch, next_seq = source.believed
        words = {"stream": int(source.stream), "epoch": epoch, "next": next_seq}
        with database.connection.transaction():
            if database.connection.execute(sql.QUOTES_DONE, words).rowcount == 1:
                database.connection.execute(sql.QUOTES, quotes.columns(source.quotes.take()))
        source.quotes_flushed()

    def _keep_house(self, database: Database) -> None:
        """Retention, and the look into the DEFAULT partitions."""
        self._housekeeping_at = self.clock.monotonic() + HOUSEKEEPING_S
        today = partitions.day_of(self.clock.now_ns())
        try:
            for table, newest in self._newest_day.items():
                first = partitions.dropped_before(newest, today, self.settings.postgres.retention_days)
                gone = database.drop_old(table, first) if first is not None else []
                if gone:
                    self.event("partitions_dropped", names=gone, retention_days=self.settings.postgres.retention_days)
        except psycopg.errors.LockNotAvailable as error:
            self.event("retention_delayed", level=logging.WARNING, text=str(error).strip())
        misplaced = database.misplaced()
        self._misplaced = sum(misplaced.values())
        if misplaced:
            self.last_error = f"rows without a market day's partition: {misplaced}"
            self.event("default_partition_not_empty", level=logging.ERROR, rows=misplaced)

    # What others are told.

    def beat_detail(self) -> dict[str, Any]:
        """Speed, lag, and how far each stream is."""
        if not hasattr(self, "_sources"):
            return {}
        now = self.clock.monotonic()
        if now - self._rate_at >= 0.5:
            self._rate = (self._rows - self._rate_rows) / (now - self._rate_at)
            self._rate_at, self._rate_rows = now, self._rows
        return {
            "database": "away" if self._database is None else "ready",
            "rows_s": round(self._rate, 1),
            "rows": self._rows,
            "lag_ms": self._lag_last_ms,
            "rejects": self._rejects,
            "misplaced": self._misplaced,
            **{
                f"committed_{OWNERS[source.stream]}": source.believed[1] if source.believed else 0
                for source in self._sources
            },
        }

    def beat_queue(self) -> int:
        """Rows fetched and not committed."""
        return sum(source.waiting for source in self._sources) if hasattr(self, "_sources") else 0

    # The end.

    def drain(self) -> None:
        """The sources have ended: commit until nothing more comes; what PostgreSQL can't take stays in the journals."""
        now = self.clock.monotonic()
        deadline, quiet_at, away_at = now + DRAIN_S, now + QUIET_S, now + AWAY_DRAIN_S
        while now < min(deadline, quiet_at) and (self._database is not None or now < away_at):
            if self._database is None:
                self._connect()
            if self._database is not None and self._work(at_once=True):
                quiet_at = self.clock.monotonic() + QUIET_S
            self._poller.poll(20)
            if self.clock.monotonic() >= self._beat_due:
                self.beat()
            now = self.clock.monotonic()
        if self._database is not None:
            try:
                for source in self._sources:
                    self._flush_quotes(self._database, source, at_once=True)
            except psycopg.Error as error:
                self._lose(error)
        self.event("drained", rows=self._rows, database="away" if self._database is None else "ready")

    def close(self) -> None:
        """Close every socket and the connection."""
        for source in getattr(self, "_sources", []):
            source.fetcher.close()
        if self._database is not None:
            self._database.close()
