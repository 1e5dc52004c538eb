"""Bars of a combination: its legs' quotes at each step, added up. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pipeline.gateway.market.bars import DAY_S, Bar, Charts, Columns, Session, bars_of, bucket_starts
from pipeline.gateway.market.instruments import Instrument

Legs = Sequence[tuple[Instrument, int]]  # contract, units in one combination; below 0: sold
OPPOSITE = {"BID": "ASK", "ASK": "BID"}


def of_session(
    charts: Charts, legs: Legs, kind: str, of: Session, begin_ns: int, until_ns: int, size_s: int
) -> list[Bar]:
    """Bars of one session, as `Charts.of_session`; what is bought is worth its bid in a BID, what is sold its ask.

    A step counts where every leg has a price; within a step only its open and its close are known. No volumes.
    """
    step_s = 60 if size_s % 60 == 0 else 5 if size_s % 5 == 0 else 1
    rows: dict[int, list[float]] = {}
    for n, (x, units) in enumerate(legs):
        for bar in charts.of_session(x, _side(x, kind, units), of, begin_ns, until_ns, step_s):
            row = rows.setdefault(bar.begin_s, [0.0, 0.0, 0.0]) if n == 0 else rows.get(bar.begin_s)
            if row is not None:
                row[0] += units * bar.open
                row[1] += units * bar.close
                row[2] += 1
    whole = {time: row for time, row in sorted(rows.items()) if row[2] == len(legs)}
    if not whole:
        return []
    time = np.array(list(whole))
    opened, closed = (np.round([row[k] for row in whole.values()], 6) for k in (0, 1))
    prices = np.stack((opened, np.maximum(opened, closed), np.minimum(opened, closed), closed))
    none = np.full(len(time), -1.0)
    begins, labels = bucket_starts(time, of, 0 if size_s >= DAY_S else size_s)
    return bars_of(Columns(prices, none, none, none), labels, begins, of.day)


def _side(x: Instrument, kind: str, units: int) -> str:
    if x.sec_type == "IND":
        return "TRADES"
    side = "MIDPOINT" if kind == "TRADES" else kind
    return side if units > 0 else OPPOSITE.get(side, side)
