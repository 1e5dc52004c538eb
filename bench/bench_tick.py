"""A tick at the socket to its published record: ours beside the stock client, at 1,000, 20,000 and 200,000 a second.

Method. Another process sends ticks evenly, in lots of one millisecond; each carries the time when it was due, so a
client that is too slow can't hide it by slowing the sender down. A delay is when a tick was handed out less
that time: `ours` decoded to a record, `published` the record journaled and published too (what ingest does), `ibapi`
the stock client's call of tickSize. The sender's half of the loopback and the scheduler's waits are in it, for all. The
paths are interleaved; quantiles are over all ticks of all repeats. Ticks that were not handed out within twice the run
count as later than all others.
"""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

import numpy as np

from bench import tws_clients
from bench.tws_sender import Order, Sender
from pipeline.tws import decode

NAME = "tick"
TITLE = "tick at the socket → published record: delays beside the stock client's"
RATES = (1_000.0, 20_000.0, 200_000.0)
QUANTILES = {"p50_ms": 0.5, "p99_ms": 0.99, "p999_ms": 0.999}


def quantiles(delays: list[Any], sent: int) -> dict[str, float]:
    """Over everything that was sent; infinite where so many never came."""
    found = np.sort(np.concatenate([np.atleast_1d(part) for part in delays])) if delays else np.zeros(0)
    places = {name: int(share * sent) for name, share in QUANTILES.items()}
    return {name: float(found[place]) if place < len(found) else float("inf") for name, place in places.items()}


def measure(rates: list[float], repeats: int, seconds: float) -> list[dict[str, Any]]:
    """One row a rate and client."""
    decode.warm()
    sender = Sender(20_000)
    paths: dict[str, tws_clients.Client_] = {
        "ours": tws_clients.ours,
        "published": tws_clients.published,
        "ibapi": tws_clients.stock_ibapi,
    }
    rows = []
    try:
        tws_clients.published(sender, Order(), None)  # warm
        for rate in rates:
            order = Order(ticks_per_s=rate, seconds=seconds)
            delays: dict[str, list[Any]] = {name: [] for name in paths}
            for _ in range(repeats):
                for name, run in paths.items():
                    run(sender, order, delays[name])
            sent = int(rate * seconds * repeats)
            for name, found in delays.items():
                heard = sum(np.size(part) for part in found)
                rows.append({"rate": rate, "client": name, "heard": heard / sent, **quantiles(found, sent)})
    finally:
        sender.close()
    return rows


def main(argv: list[str]) -> int:
    """Prints a table and the method; with --json the last line is one object."""
    parser = argparse.ArgumentParser(prog="bench tick", description=TITLE)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--rates", type=float, nargs="+", default=list(RATES), help="ticks a second")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=4.0, help="length of each run")
    options = parser.parse_args(argv)
    rows = measure(options.rates, options.repeats, options.seconds)
    print(__doc__)
    print(f"{'ticks/s':>10} {'client':10}{'heard':>8}{'p50 ms':>12}{'p99 ms':>12}{'p99.9 ms':>12}")
    for row in rows:
        figures = "".join(f"{row[name]:>12,.3f}" for name in QUANTILES)
        print(f"{row['rate']:>10,.0f} {row['client']:10}{row['heard']:>8.1%}{figures}")
    if options.json:
        found = {f"p99_ms_at_{row['rate']:.0f}": row["p99_ms"] for row in rows if row["client"] == "published"}
        print(json.dumps({"bench": NAME, **found, "rows": rows}))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
