"""`bench margin`: one recomputation of an account, and one pairing.

Method. pytest-benchmark on compiled kernels (warmed up), seeded books, prices without arbitrage. `recompute`: every
price moves, so every group is paired and revalued and the account added up; `one tick`: a single underlying moves.
Compared with nothing: these are the parts of the tick-to-margin time that the engine itself takes.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

NAME = "margin"
TITLE = "recomputation of 40- and 500-line books, pairing of 100 legs"
SPOT = 100.0


def price(call: bool, strike: float, rank: int) -> float:
    """Intrinsic and a time value that falls with the distance."""
    value = max(0.0, SPOT - strike if call else strike - SPOT)
    return float(round(value + (4.0 + 2.0 * rank) * math.exp(-(((strike - SPOT) / 12.0) ** 2)), 2))


def book_of(lines: int, seed: int = 7) -> Any:
    """A book of `lines` positions: a stock and eight options an underlying."""
    from pipeline.margin import Book, RateBook
    from pipeline.messages import TICK, AccountSnapshot, AccountValue, Instrument, Position

    rng = random.Random(seed)
    book = Book(RateBook())
    rows: list[tuple[int, float]] = []
    held, con_id = 0, 0
    while held < lines:
        con_id += 1
        stock, symbol = con_id, f"S{con_id}"
        book.on(Instrument(con_id=stock, symbol=symbol, sec_type="STK", currency="USD", exchange="X"))
        rows.append((stock, SPOT))
        book.on(Position(account="A", con_id=stock, quantity=rng.choice([100.0, 200.0, -100.0]), average_cost=90.0))
        held += 1
        for index in range(min(8, lines - held)):
            con_id += 1
            call, rank, strike = index % 2 == 0, index // 4, 85.0 + 5.0 * rng.randrange(7) + index / 8
            book.on(
                Instrument(
                    con_id=con_id, symbol=symbol, sec_type="OPT", currency="USD", exchange="X",
                    expiry=("20991218", "20991219")[rank], strike=strike, right="C" if call else "P",
                    multiplier=100.0, under_con_id=stock, under_symbol=symbol,
                )
            )  # fmt: skip
            quantity = rng.choice([-2.0, -1.0, 1.0, 2.0])
            book.on(Position(account="A", con_id=con_id, quantity=quantity, average_cost=200.0))
            rows.append((con_id, price(call, strike, rank)))
            held += 1
    book.on(AccountValue(account="A", key="TotalCashValue-S", currency="USD", value=1e7, text="", recv_ns=1))
    book.on(AccountSnapshot(account="A", complete=True, values=1, positions=lines, base_currency="USD", recv_ns=1))
    ticks = np.zeros(len(rows), dtype=TICK)
    ticks["con_id"], ticks["price"] = [row[0] for row in rows], [row[1] for row in rows]
    ticks["tick_type"], ticks["recv_ns"] = 4, 1
    book.ticks(np.frombuffer(ticks.tobytes(), dtype=TICK))
    return book


@pytest.mark.parametrize("lines", [40, 500])
@pytest.mark.parametrize("moving", ["all", "one tick"])
def test_recompute(benchmark: Any, lines: int, moving: str) -> None:
    from pipeline.margin import account_figures, recompute

    book = book_of(lines)
    recompute(book)

    def once() -> None:
        if moving == "all":
            book.quotes.moved[:] = True
        else:
            book.quotes.moved[book.slot_of(1)] = True
        update = recompute(book)
        account_figures(update.columns, 0, book.account("A").cash())

    benchmark.pedantic(once, rounds=400, iterations=1, warmup_rounds=20)


@pytest.mark.parametrize("stock", [0, 10])
def test_pair_100_legs(benchmark: Any, stock: int) -> None:
    from pipeline.margin.kernels import pairing, splits
    from pipeline.margin.rules.rates import RateBook

    rng = random.Random(3)
    strikes = np.sort(np.array([60.0 + 80.0 * rng.random() for _ in range(100)]))
    call = np.array([rng.random() < 0.5 for _ in range(100)])
    rank = np.array([rng.randrange(2) for _ in range(100)], dtype=np.int64)
    quantity = np.array([rng.choice([-3.0, -2.0, -1.0, 1.0, 2.0, 3.0]) for _ in range(100)])
    prices = np.array([price(bool(c), float(k), int(r)) for c, k, r in zip(call, strikes, rank, strict=True)])
    rates, work = RateBook().vector("T", "equity"), splits.new_work(100)

    def once() -> None:
        pairing.load(work, quantity, call, strikes, rank, prices, SPOT, float(stock), rates)
        pairing.solve(work, float(stock))

    benchmark.pedantic(once, rounds=20, iterations=1, warmup_rounds=2)


def main(argv: list[str]) -> int:
    """Run the benchmarks in a process of their own; print a table, with --json one object as the last line."""
    parser = argparse.ArgumentParser(prog="bench margin", description=TITLE)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(argv)
    print(__doc__)
    from pipeline import jit

    with jit.warming("tool"):
        from pipeline.margin.warmup import warm_up

        warm_up()
    with tempfile.TemporaryDirectory() as directory:
        kept = Path(directory) / "result.json"
        command = [sys.executable, "-m", "pytest", "-q", __file__, f"--benchmark-json={kept}"]
        status = subprocess.run(command, stdout=subprocess.DEVNULL, cwd=Path(__file__).resolve().parents[1]).returncode
        if status:
            print(f"bench margin: pytest ended with {status}")
            return status
        found = json.loads(kept.read_text(encoding="utf-8"))["benchmarks"]
    result: dict[str, float] = {}
    print(f"{'':<28} {'p50 ms':>9} {'p99 ms':>9} {'max ms':>9}")
    for row in found:
        times = sorted(value * 1e3 for value in row["stats"]["data"])
        p50, p99 = times[len(times) // 2], times[min(len(times) - 1, int(len(times) * 0.99))]
        print(f"{row['name'].removeprefix('test_'):<28} {p50:>9.3f} {p99:>9.3f} {times[-1]:>9.3f}")
        result[f"{row['name'].removeprefix('test_')}_p50_ms"] = p50
    if options.json:
        print(json.dumps(result))
    return 0
