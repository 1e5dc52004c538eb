from __future__ import annotations

import json

import pytest

pytestmark = pytest.mark.timeout(420)

NAMES = ["postgres", "gateway", "writer", "ingest", "orders", "margin", "web"]


def test_twenty_seconds_without_a_fault(demo):
    """Every tick frame that the gateway sent is one record in the journal and one row in PostgreSQL."""
    demo.start("--seconds", "20")
    demo.until(lambda: (demo.state / "status.json").exists(), "status.json")
    assert demo.call("status").returncode in (0, 1)  # 1 while something starts
    demo.ready()

    status = demo.call("status")
    assert status.returncode == 0, status.stdout
    assert [line.split()[0] for line in status.stdout.splitlines()[3 : 3 + len(NAMES)]] == NAMES

    second = demo.call("demo", "--headless")
    assert second.returncode == 2
    assert f"pid {demo.process.pid}" in second.stderr
    assert len(second.stderr.strip().splitlines()) == 1

    logs = demo.call("logs", "--json")
    assert {json.loads(line)["process"] for line in logs.stdout.splitlines()} >= {*NAMES, "supervisor"}
    doctor = demo.call("doctor")
    assert doctor.returncode == 0, doctor.stdout

    summary = demo.summary()
    assert summary["ticks_received"] > 1000
    assert summary["ticks_published"] == summary["ticks_received"]
    assert summary["ticks_recorded"] == summary["ticks_published"]
    assert (summary["lost"], summary["duplicated"]) == (0, 0)
    assert summary["margin_updates"] > 0
    assert 0 < summary["tick_to_margin_ms"]["p50"] <= summary["tick_to_margin_ms"]["p99"]
    assert summary["restarts"] == dict.fromkeys(NAMES, 0)
    assert summary["clean_stop"] is True
    assert demo.call("status").returncode == 3
