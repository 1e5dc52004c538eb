"""The account of a run with --seconds: from journals, SQL, the gateway's ledger and margin's histogram, all durable.

Nothing here is a counter that dies with a process. What needs the database is asked of `storage.summary`, a process of
its own, because nothing under `pipeline` knows a table.
"""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

from pipeline import histogram
from pipeline.bus import reading
from pipeline.commands import ROOT
from pipeline.messages import JOURNALED, StreamId
from pipeline.runtime import Runtime

SQL_TIMEOUT_S = 300.0
DIRECTORIES = {
    StreamId.SUPERVISOR: "supervisor",
    StreamId.INGEST: "ingest",
    StreamId.ORDERS: "orders",
    StreamId.MARGIN_RECORD: "margin",
}


class Accounts:
    """Made before the processes start: notes where everything stands, so that `summary` tells of this run alone."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._positions = {stream: reading.end_of(runtime.journal_dir(DIRECTORIES[stream])) for stream in JOURNALED}
        self._sent = _sent(runtime)
        self._latency = histogram.read(_latency_file(runtime))

    def summary(self, processes: list[str]) -> dict[str, Any]:
        """Call it when the sources and the writer have stopped and PostgreSQL still answers."""
        latency = histogram.read(_latency_file(self._runtime)) - self._latency
        stored = self._stored()
        restarts = stored.pop("restarts", {})
        return {
            "ticks_received": _sent(self._runtime) - self._sent,
            "ticks_published": stored.get("ticks_published"),
            "ticks_recorded": stored.get("ticks_recorded"),
            "margin_updates": int(latency.sum()),
            "tick_to_margin_ms": {"p50": _ms(latency, 0.50), "p99": _ms(latency, 0.99)},
            "restarts": {name: int(restarts.get(name, 0)) for name in processes},
            "lost": stored.get("lost"),
            "duplicated": stored.get("duplicated"),
        }

    def _stored(self) -> dict[str, Any]:
        """What journals and PostgreSQL hold of this run; empty (and said why) when PostgreSQL can't be asked."""
        question = {stream.name: list(position) for stream, position in self._positions.items()}
        try:
            done = subprocess.run(
                [sys.executable, "-m", "storage.summary", str(self._runtime.state_dir)],
                input=json.dumps(question),
                capture_output=True,
                text=True,
                cwd=ROOT,
                timeout=SQL_TIMEOUT_S,
                start_new_session=True,  # Ctrl-C is for us
            )
        except subprocess.TimeoutExpired:
            print(f"the count of what was recorded took more than {SQL_TIMEOUT_S:.0f} s", flush=True)
            return {}
        if done.returncode != 0:
            last = done.stderr.strip().splitlines()[-1:] or ["no reason given"]
            print(f"what was recorded could not be counted: {last[0]}", flush=True)
            return {}
        answer = json.loads(done.stdout)
        return answer if isinstance(answer, dict) else {}


def _latency_file(runtime: Runtime) -> Path:
    return runtime.state_dir / "margin" / "latency.bin"


def _sent(runtime: Runtime) -> int:
    """Tick frames that the gateway has sent to ingest, from its ledger (little-endian u64: tick frames, all frames)."""
    client = runtime.settings().tws.ingest_client_id
    try:
        data = (runtime.state_dir / "gateway" / f"sent-{client}.bin").read_bytes()
    except OSError:
        return 0
    return int(np.frombuffer(data, "<u8", count=1)[0]) if len(data) >= 8 else 0


def _ms(counts: histogram.Counts, share: float) -> float | None:
    value = histogram.quantile_ns(counts, share)
    return None if math.isnan(value) else round(value / 1e6, 4)
