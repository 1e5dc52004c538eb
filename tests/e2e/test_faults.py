from __future__ import annotations

import contextlib
import os
import random
import signal
import time

import psutil
import pytest

from pipeline.bus.reading import read_frames
from pipeline.messages import Gap, unpack

pytestmark = pytest.mark.timeout(600)


def kill_and_return(demo, name: str) -> float:
    """kill -9 one process; seconds until its successor is ready."""
    pid = demo.pids()[name]
    os.kill(pid, signal.SIGKILL)
    started = time.monotonic()

    def back() -> bool:
        states = {process["process"]: process for process in demo.status()["processes"]}
        return states[name]["state"] in ("READY", "WAITING") and states[name]["pid"] not in (0, pid)

    demo.until(back, f"{name} ready again", 60.0)
    return time.monotonic() - started


def gaps(demo) -> list[Gap]:
    """Intervals that ingest says it has missed."""
    found = [
        unpack(frame.payload) for frame in read_frames(demo.runtime.journal_dir("ingest")) if frame.topic == b"sys.gap"
    ]
    return [gap for gap in found if isinstance(gap, Gap)]


def all_recorded(demo) -> dict[str, int]:
    """Wait until PostgreSQL holds everything that is durable, of all runs on this state; the counts."""

    def whole() -> dict[str, int]:
        counted = demo.counted()
        return counted if counted["lost"] == 0 else {}

    return demo.until(whole, "row for every durable record", 30.0)


def test_kill_writer_ingest_and_supervisor(demo):
    """kill -9 of each in turn: nothing durable is lost or doubled, and no start needs a hand."""
    demo.start()
    demo.ready()
    demo.until(lambda: demo.counted()["ticks_recorded"] > 200, "ticks recorded")
    print(f"writer ready again after {kill_and_return(demo, 'writer'):.2f} s")

    before_ns = time.time_ns()
    print(f"ingest ready again after {kill_and_return(demo, 'ingest'):.2f} s")
    gap = demo.until(lambda: [gap for gap in gaps(demo) if gap.to_ns > before_ns], "gap record", 30.0)[0]
    assert gap.from_ns < gap.to_ns
    assert demo.pids()["orders"] == demo.children[4].pid, "another process was restarted too"
    before = all_recorded(demo)
    assert before["duplicated"] == 0
    assert before["restarts"] == {"writer": 1, "ingest": 1}
    assert gap_rows(demo) >= 1

    children = [psutil.Process(pid) for pid in demo.pids().values()]
    family = children + [process for child in children for process in child.children(recursive=True)]
    os.kill(demo.process.pid, signal.SIGKILL)
    demo.process.communicate()
    started = time.monotonic()
    _, alive = psutil.wait_procs(children, timeout=10.0)
    took = time.monotonic() - started
    print(f"all children gone {took:.2f} s after the supervisor was killed")
    assert not alive
    assert not psutil.wait_procs(family, timeout=10.0)[1], "PostgreSQL is still there"
    assert demo.call("status").returncode == 3

    demo.start("--seconds", "4")
    demo.ready()
    again = all_recorded(demo)
    assert again["duplicated"] == 0
    assert again["ticks_recorded"] >= before["ticks_recorded"]
    summary = demo.summary()
    assert (summary["lost"], summary["duplicated"], summary["clean_stop"]) == (0, 0, True)


def gap_rows(demo) -> int:
    """Rows of kind sys.gap in PostgreSQL."""
    import psycopg

    from storage import connection

    with psycopg.connect(**connection.facts(demo.runtime, "app_reader")) as database:
        return int(database.execute("select count(*) from gap").fetchone()[0])


@pytest.mark.long
def test_random_kills(demo):
    """About one kill a second for a minute, every process but the supervisor; the seed is printed."""
    seed = int(os.environ.get("MARGINDESK_SEED") or time.time())
    print(f"seed {seed}: MARGINDESK_SEED={seed} repeats it")
    chance = random.Random(seed)
    demo.start()
    demo.ready()
    end = time.monotonic() + 60.0
    while time.monotonic() < end:
        pid = chance.choice([pid for _, pid in sorted(demo.pids().items()) if pid])
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        time.sleep(chance.uniform(0.3, 1.2))  # the kills are the test; nothing is waited for between them
    demo.ready()
    counted = all_recorded(demo)
    assert counted["duplicated"] == 0
    print(f"restarts: {counted['restarts']}")
