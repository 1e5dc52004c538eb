"""Caught up after a stall: 80,000 frames wait after three seconds in which the client's process stood still.

Method. The sending process stops this process (SIGSTOP), sends the burst, waits three seconds, lets it go on (SIGCONT)
and notes the time; a run lasts from then until the last frame is decoded. The same burst and the same stop for ours,
stock ibapi and ib_async, interleaved; medians of the repeats. What the kernel's buffers don't hold is sent while the
client reads.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from typing import Any

from bench import tws_clients
from bench.tws_sender import Order, Sender
from pipeline.tws import decode

NAME = "stall"
TITLE = "caught up after a stall of 3 s with 80,000 frames waiting, beside stock ibapi and ib_async"
FRAMES, STALL_S = 80_000, 3.0


def measure(repeats: int, frames: int, stall_s: float) -> dict[str, Any]:
    """All runs, interleaved; ms from the end of the stall to the last frame."""
    decode.warm()
    sender = Sender(frames)
    paths: dict[str, tws_clients.Client_] = {
        "ours": tws_clients.ours,
        "published": tws_clients.published,
        "ib_async": tws_clients.ib_async,
        "ibapi": tws_clients.stock_ibapi,
    }
    runs: dict[str, list[float]] = {name: [] for name in paths}
    lost = 0
    try:
        tws_clients.published(sender, Order(), None)  # warm
        for _ in range(repeats):
            for name, run in paths.items():
                end_s = run(sender, Order(stall_s=stall_s), None)
                if end_s is None:
                    lost += 1
                else:
                    runs[name].append((end_s - sender.begin_s) * 1e3)
    finally:
        sender.close()
    medians = {name: statistics.median(found) for name, found in runs.items()}
    return {
        "bench": NAME,
        "caught_up_ms": medians["ours"],
        "published_ms": medians["published"],
        "ratio_vs_ibapi": medians["ibapi"] / medians["ours"],
        "ratio_vs_ib_async": medians["ib_async"] / medians["ours"],
        "runs_ms": runs,
        "ibapi_bursts_lost": lost,
    }


def main(argv: list[str]) -> int:
    """Prints a table and the method; with --json the last line is one object."""
    parser = argparse.ArgumentParser(prog="bench stall", description=TITLE)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--frames", type=int, default=FRAMES)
    parser.add_argument("--seconds", type=float, default=STALL_S, help="length of the stall")
    options = parser.parse_args(argv)
    found = measure(options.repeats, options.frames, options.seconds)
    print(__doc__)
    print(f"{'path':12}{'median ms':>12}{'lowest':>12}{'highest':>12}")
    for name, took in found["runs_ms"].items():
        print(f"{name:12}{statistics.median(took):>12,.1f}{min(took):>12,.1f}{max(took):>12,.1f}")
    if options.json:
        print(json.dumps(found))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
