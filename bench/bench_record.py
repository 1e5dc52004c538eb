"""Journal to PostgreSQL: the writer's whole path beside a bare binary COPY into the same table.

Method. An embedded PostgreSQL of its own with its usual settings (synchronous_commit on), the real table `tick`,
partitioned by day. Writer: a second process owns a real journal filled with ticks in frames of 256 records; this
process is the writer and fetches, converts, copies, moves the watermark and commits, some 5,000 rows a transaction.
Bare: buffers of 5,000 rows built before the clock starts are copied into the same table, one commit each. The two
alternate, each at least two seconds; the table is emptied and a checkpoint made before each run; medians are compared.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
import zmq

from pipeline import messages
from pipeline.bus import sockets
from pipeline.bus.control import ControlServer
from pipeline.bus.journal import Journal
from pipeline.bus.live import Stream
from pipeline.clock import SystemClock
from pipeline.messages import StreamId
from pipeline.runtime import Runtime
from storage import binaries, connection
from storage.embedded import place, prepare
from storage.embedded.cluster import Cluster
from storage.rows import RECORD_TABLES, Chunk
from storage.writer import sql
from storage.writer.service import WriterService

NAME = "record"
TITLE = "journal to PostgreSQL: the writer's whole path, beside a bare binary COPY of prebuilt buffers"
ROOT = Path(__file__).resolve().parents[1]
FRAME, BATCH = 256, 5_000
CONTRACTS = 500
TOPIC = b"md.tick"
SOURCE = "import sys; from bench.bench_record import serve; serve(sys.argv[1])"


def ticks(count: int, seed: int) -> np.ndarray:
    """Bids, asks and lasts of 500 contracts of one market day."""
    random = np.random.default_rng(seed)
    made = np.zeros(count, messages.TICK)
    made["recv_ns"] = made["market_ns"] = 1_795_356_000_000_000_000 + np.arange(count) * 50_000
    made["con_id"] = random.integers(1, CONTRACTS + 1, count)
    made["tick_type"] = random.choice([1, 2, 4], count)
    made["price"] = np.round(random.uniform(10, 500, count), 2)
    made["size"] = random.integers(1, 2000, count)
    return made


def serve(state_dir: str) -> None:
    """The source: fills its journal by so many ticks for each line on standard input, and serves fetches."""
    runtime, clock = Runtime(Path(state_dir)), SystemClock()
    journal = Journal(
        runtime.journal_dir("ingest"),
        StreamId.INGEST,
        segment_bytes=64 << 20,
        sync_ms=4.0,
        max_bytes=16 << 30,
        clock=clock,
    )
    stream = Stream(StreamId.INGEST, clock, journal=journal)
    context: zmq.Context[Any] = zmq.Context()
    control = ControlServer(
        context, runtime, "ingest", clock, stream=stream, snapshot=list, journals=[journal], keep_bytes=0
    )
    poller = zmq.Poller()
    poller.register(control.socket, zmq.POLLIN)
    poller.register(0, zmq.POLLIN)
    template = ticks(FRAME * 64, 7)
    parts = [template[start : start + FRAME] for start in range(0, len(template), FRAME)]
    while True:
        ready = dict(poller.poll(20))
        if 0 in ready:
            line = sys.stdin.readline()
            if not line:
                break
            for number in range(int(line) // FRAME):
                stream.records(TOPIC, parts[number % len(parts)])
            journal.sync()
            print(stream.next_seq, flush=True)
        control.receive()
        control.serve_waiting()
    control.socket.close(linger=0)
    journal.close()
    sockets.terminate(context)


class Bench:
    """The server, the source, the writer."""

    def __init__(self, directory: Path) -> None:
        self.runtime = Runtime(directory / "state")
        self.runtime.prepare()
        self.runtime.settings_file.write_text('{"name": "bench"}', encoding="utf-8")
        password = connection.ensure_password(self.runtime, connection.ADMIN)
        where = place.ensure(self.runtime)
        programs = binaries.find()
        self.cluster = Cluster(where, binaries.shared(programs) if where.user else programs, directory / "postgres.log")
        self.cluster.create(password)
        self.cluster.start()
        self._prepare(directory)
        self.admin = self._connect(connection.ADMIN, prepare.DATABASE)
        self.source = subprocess.Popen(
            [sys.executable, "-c", SOURCE, str(self.runtime.state_dir)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.writer = WriterService(self.runtime)
        self.writer.context = zmq.Context()
        self.writer._supervisor = sockets.dealer(self.writer.context, self.runtime.endpoint("supervisor", "ctl"))
        self.writer.setup()
        self.bare = psycopg.connect(
            **connection.facts(self.runtime, connection.WRITER), autocommit=True, application_name="bare copy"
        )
        chunk = _chunk(ticks(40 * BATCH, 11))
        self.buffers = [chunk.part(start, start + BATCH).copy_data() for start in range(0, len(chunk), BATCH)]
        self.statement = sql.copy(RECORD_TABLES[TOPIC])

    def _connect(self, user: str, database: str) -> psycopg.Connection[Any]:
        words = {"host": self.cluster.host, "port": self.cluster.port, "dbname": database, "user": user}
        return psycopg.connect(**words, password=connection.password(self.runtime, user), autocommit=True)

    def _prepare(self, directory: Path) -> None:
        deadline = time.monotonic() + 60
        while True:
            try:
                admin = self._connect(connection.ADMIN, "postgres")
                break
            except psycopg.OperationalError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)
        with admin:
            prepare.make_roles(admin, self.runtime)
            prepare.make_database(admin, prepare.DATABASE)
        with self._connect(connection.ADMIN, prepare.DATABASE) as admin:
            prepare.lay_out(admin, prepare.DATABASE)
        self.runtime.announce(
            "postgres",
            host=self.cluster.host,
            port=self.cluster.port,
            database=prepare.DATABASE,
            pid=self.cluster.pid,
            embedded=True,
        )
        prepare.migrate(self.runtime, directory / "migrate.log")

    def fill(self, count: int) -> int:
        """Put ticks into the journal; the seq behind them."""
        assert self.source.stdin is not None
        assert self.source.stdout is not None
        self.source.stdin.write(f"{count}\n")
        self.source.stdin.flush()
        return int(self.source.stdout.readline())

    def fresh(self) -> None:
        """The same beginning for each run."""
        self.admin.execute("TRUNCATE tick")
        self.admin.execute("CHECKPOINT")

    def run_writer(self, count: int) -> float:
        """Rows a second of the writer's whole path."""
        target = self.fill(count)
        self.fresh()
        rows, start = self.writer._rows, time.perf_counter()
        while (self._committed() or 0) < target:
            self.writer.step(timeout_ms=5)
        seconds = time.perf_counter() - start
        done = self.writer._rows - rows
        stored = self.admin.execute("SELECT count(*) FROM tick").fetchone()
        assert stored == (done,), f"expected {done} rows in the table, found {stored}"
        return done / seconds

    def _committed(self) -> int:
        return int(self.writer.beat_detail()["committed_ingest"])

    def run_bare(self, seconds: float) -> float:
        """Rows a second of COPY alone."""
        self.fresh()
        done, start = 0, time.perf_counter()
        while time.perf_counter() - start < seconds:
            with self.bare.cursor() as cursor, cursor.copy(self.statement) as copy:
                copy.write(self.buffers[done // BATCH % len(self.buffers)])
            done += BATCH
        return done / (time.perf_counter() - start)

    def close(self) -> None:
        """Leave nothing."""
        self.writer.close()
        sockets.terminate(self.writer.context)
        self.bare.close()
        self.admin.close()
        assert self.source.stdin is not None
        self.source.stdin.close()
        self.source.wait(timeout=30)
        assert self.source.stdout is not None
        self.source.stdout.close()
        self.cluster.stop()
        place.remove(self.runtime)
        shutil.rmtree(self.runtime.sockets, ignore_errors=True)


def _chunk(records: np.ndarray) -> Chunk:
    seq = np.arange(len(records), dtype=np.int64)
    return Chunk(TOPIC, RECORD_TABLES[TOPIC], records, seq, seq, int(StreamId.INGEST), 1)


def measure(seconds: float, repeats: int) -> tuple[list[float], list[float]]:
    """Rows a second of (writer, bare), alternating, after one warm-up of each."""
    with tempfile.TemporaryDirectory(prefix="md-bench-") as name:
        umask = os.umask(0o077)
        bench = Bench(Path(name))
        try:
            bench.run_writer(200_000)
            rate = bench.run_bare(1.0)
            writer, bare = [], []
            for _ in range(repeats):
                writer.append(bench.run_writer(int(rate * seconds * 1.1)))
                bare.append(rate := bench.run_bare(seconds))
            return writer, bare
        finally:
            bench.close()
            os.umask(umask)


def main(argv: list[str]) -> int:
    """Print a table, and with --json one object as the last line."""
    parser = argparse.ArgumentParser(prog="bench record", description=TITLE)
    parser.add_argument("--seconds", type=float, default=2.0, help="length of each run")
    parser.add_argument("--repeats", type=int, default=5, help="runs of each")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(argv)
    print(__doc__)
    writer, bare = measure(options.seconds, options.repeats)
    print(f"{'path':<28} {'rows/s, median':>15} {'lowest':>12} {'highest':>12}")
    for name, runs in (("writer, whole path", writer), ("bare COPY of built buffers", bare)):
        print(f"{name:<28} {statistics.median(runs):>15,.0f} {min(runs):>12,.0f} {max(runs):>12,.0f}")
    ratio = statistics.median(writer) / statistics.median(bare)
    pairs = [one / other for one, other in zip(writer, bare, strict=True)]
    print(f"writer / bare: {ratio:.3f} of medians; of each pair of runs {min(pairs):.3f} to {max(pairs):.3f}")
    if options.json:
        result = {
            "writer_vs_copy": ratio,
            "writer_rows_s": statistics.median(writer),
            "copy_rows_s": statistics.median(bare),
            "writer_runs": writer,
            "copy_runs": bare,
            "rows_a_commit": BATCH,
            "frame_records": FRAME,
        }
        print(json.dumps(result))
    return 0
