"""What the gateway sent is what PostgreSQL holds, one by one: gateway → TCP → ingest → journal → writer → rows."""

from __future__ import annotations

import contextlib
import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import msgspec

from pipeline import config
from pipeline.gateway import alone
from pipeline.tws import slow
from tests.fakes.recording_proxy import RecordingProxy

ENOUGH = 3000
DEADLINE_S = 120.0
TICKS = "SELECT con_id, tick_type, flags, price, size FROM tick ORDER BY seq"
OPTIONS = (
    "SELECT con_id, tick_type, flags, implied_vol, delta, price, pv_dividend, gamma, vega, theta, underlying_price "
    "FROM option_computation ORDER BY seq"
)
SETTINGS = config.Settings(gateway=config.Gateway(rate=2000.0), watchlist=config.Watchlist(symbols=["SPY", "AAPL"]))


@contextlib.contextmanager
def process(package: str, database: Any) -> Iterator[subprocess.Popen[bytes]]:
    environment = os.environ | {"MARGINDESK_STATE": str(database.runtime.state_dir)}
    with (database.runtime.logs / f"{package}.out").open("ab") as out:
        child = subprocess.Popen([sys.executable, "-m", package], env=environment, stdin=subprocess.DEVNULL, stderr=out)
    try:
        yield child
    finally:
        child.kill()
        child.wait(DEADLINE_S)


def sent(frames: list[bytes]) -> tuple[list[Any], list[Any]]:
    """(request, values…) of each TICK and each OPTION frame, by the plain decoder from the bytes on the wire."""
    ticks: list[Any] = []
    options: list[Any] = []
    for frame in frames:
        fields = slow.fields_of(frame)
        message = int(fields[0])
        if message not in slow.HOT_IDS or (message == 46 and not slow.is_number(fields[4])):
            continue
        request, records = slow.record(fields)
        record = records[0]
        skip = ("recv_ns", "market_ns", "con_id")
        values = [known(record[name].item()) for name in record.dtype.names if name not in skip]
        (options if message == 21 else ticks).append((request, *values))
    return ticks, options


def known(value: Any) -> Any:
    return None if isinstance(value, float) and math.isnan(value) else value


def test_rows_equal_the_frames_that_the_gateway_sent(database: Any) -> None:
    runtime = database.runtime
    runtime.settings_file.write_bytes(msgspec.json.encode(SETTINGS))
    with contextlib.ExitStack() as stack:
        _, port = stack.enter_context(alone.running(SETTINGS.gateway, 0))
        proxy = RecordingProxy(port)
        stack.callback(proxy.close)
        runtime.announce("gateway", host="127.0.0.1", port=proxy.port, pid=0)
        writer = stack.enter_context(process("storage.writer", database))
        ingest = stack.enter_context(process("pipeline.ingest", database))
        deadline = time.monotonic() + DEADLINE_S
        while database.rows("SELECT count(*) FROM tick")[0][0] < ENOUGH:
            assert time.monotonic() < deadline, "too few rows came"
            assert (writer.poll(), ingest.poll()) == (None, None)
        for child in (ingest, writer):  # the source first: it serves until all is committed
            child.send_signal(signal.SIGTERM)
            assert child.wait(DEADLINE_S) == 0
        frames = proxy.frames()
    for query, expected in zip((TICKS, OPTIONS), sent(frames), strict=True):
        rows = database.rows(query)
        assert [row[1:] for row in rows] == [frame[1:] for frame in expected]
        lines = {(frame[0], row[0]) for frame, row in zip(expected, rows, strict=True)}
        assert len(lines) == len({request for request, _ in lines}) == len({con_id for _, con_id in lines})
    positions = database.recorded()
    assert len(positions) == len(set(positions))
