"""TWS's bytes on a loopback socket to decoded ticks: ours beside stock ibapi and ib_async, and ours with its journal.

Method. One process sends a prepared burst over loopback TCP; the client reads in this process. The same mix for all:
half tickPrice, 35 % tickSize, 15 % tickString (time) over 100 tickers, server version 178. A run is timed from the
moment the burst is released until the last frame is decoded. Paths are interleaved; medians of the repeats are
compared. Peers get 200,000 frames (they are slow and, stock ibapi, quadratic in a backlog); ours gets the same burst
again and again until the given number of frames is read, so that its run lasts two seconds. Callbacks do nothing, for
all. `published` is ours once more with what ingest does to each tick: latest values and suspect flags, the journal
with its syncs, and ZeroMQ to one subscriber in another process.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from typing import Any

import numpy as np

from bench import tws_clients
from bench.tws_sender import TICKERS, Order, Sender, burst
from pipeline.tws import decode
from pipeline.tws.lines import Lines

NAME = "decode"
TITLE = "TWS socket to decoded tick records, beside stock ibapi and ib_async; and with journal and publishing"
PEER_FRAMES, OUR_FRAMES, PUBLISHED_FRAMES = 200_000, 14_000_000, 8_000_000


def kernel_rate(frames: int) -> float:
    """Frames a second of the kernel alone, without a socket: the best of 20."""
    data = np.frombuffer(burst(frames), dtype=np.uint8).copy()
    lines, out = Lines(), decode.Output()
    for request in range(1, TICKERS + 1):
        lines.add(request, 1000 + request, request)
    best = float("inf")
    for _ in range(20):
        begin_s = time.perf_counter()
        decode.run(data, 0, len(data), lines, 0, 0, out)
        best = min(best, time.perf_counter() - begin_s)
    return frames / best


def measure(repeats: int, our_frames: int, published_frames: int, peer_frames: int) -> dict[str, Any]:
    """All runs, interleaved."""
    decode.warm()
    sender = Sender(peer_frames)
    paths: dict[str, tuple[tws_clients.Client_, int]] = {
        "ibapi": (tws_clients.stock_ibapi, 1),
        "ib_async": (tws_clients.ib_async, 1),
        "ours": (tws_clients.ours, max(1, our_frames // peer_frames)),
        "published": (tws_clients.published, max(1, published_frames // peer_frames)),
    }
    seconds: dict[str, list[float]] = {name: [] for name in paths}
    lost = 0
    try:
        tws_clients.published(sender, Order(), None)  # warm
        for _ in range(repeats):
            for name, (run, bursts) in paths.items():
                end_s = run(sender, Order(bursts=bursts), None)
                if end_s is None:
                    lost += 1
                else:
                    seconds[name].append(end_s - sender.begin_s)
    finally:
        sender.close()
    rates = {n: [paths[n][1] * peer_frames / took for took in found] for n, found in seconds.items()}
    medians = {name: statistics.median(found) for name, found in rates.items()}
    return {
        "bench": NAME,
        "ratio_vs_ibapi": medians["ours"] / medians["ibapi"],
        "ratio_vs_ib_async": medians["ours"] / medians["ib_async"],
        "published_per_s": medians["published"],
        "messages_per_s": medians,
        "seconds": {name: statistics.median(found) for name, found in seconds.items()},
        "runs": rates,
        "ibapi_bursts_lost": lost,
        "kernel_messages_per_s": kernel_rate(20_000),
        "bytes_per_frame": len(burst(20_000)) / 20_000,
    }


def main(argv: list[str]) -> int:
    """Prints a table and the method; with --json the last line is one object."""
    parser = argparse.ArgumentParser(prog="bench decode", description=TITLE)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--frames", type=int, default=OUR_FRAMES, help="frames of our path")
    parser.add_argument("--published-frames", type=int, default=PUBLISHED_FRAMES, help="frames with journal")
    parser.add_argument("--peer-frames", type=int, default=PEER_FRAMES)
    options = parser.parse_args(argv)
    found = measure(options.repeats, options.frames, options.published_frames, options.peer_frames)
    print(__doc__)
    print(f"{'path':12}{'seconds':>9}{'median msg/s':>16}{'lowest':>14}{'highest':>14}{'ours is':>12}")
    for name, rates in found["runs"].items():
        median, took = found["messages_per_s"][name], found["seconds"][name]
        times = found["messages_per_s"]["ours"] / median
        print(f"{name:12}{took:>9.2f}{median:>16,.0f}{min(rates):>14,.0f}{max(rates):>14,.0f}{times:>11,.1f}x")
    print(f"{'kernel alone':21}{found['kernel_messages_per_s']:>16,.0f}")
    if options.json:
        print(json.dumps(found))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
