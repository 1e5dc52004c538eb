"""`stop`: ask the active run to stop in order, and wait until it has."""

from __future__ import annotations

import argparse
import os
import signal
import time

from pipeline.commands import places
from pipeline.supervisor import lock

WAIT_S = 30.0
EXIT_STILL_RUNS, EXIT_NOT_RUNNING = 1, 3


def main(options: argparse.Namespace) -> int:
    """0: it has stopped. 1: it still runs. 3: nothing ran."""
    runtime = places.active(options)
    pid = lock.holder(runtime.state_dir)
    if not pid:
        print(f"not running (state directory {runtime.state_dir})")
        return EXIT_NOT_RUNNING
    print(f"stopping pid {pid}", flush=True)
    os.kill(pid, signal.SIGTERM)
    end = time.monotonic() + WAIT_S
    while lock.holder(runtime.state_dir) == pid:
        if time.monotonic() > end:
            print(f"pid {pid} still runs after {WAIT_S:.0f} s; `run.py status` shows which process it waits for")
            return EXIT_STILL_RUNS
        time.sleep(0.05)
    print("stopped")
    return 0
