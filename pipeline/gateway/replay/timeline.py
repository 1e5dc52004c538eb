"""One recorded day as a single line of rows in the order of their times, as columns. Pure.

A row is what one subscriber is sent: contract, TWS's tick type, price, size. Rows of one file stay in its order; at
equal times an earlier file goes first, and quotes go before trades.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.gateway.replay.fields import Bools, Floats, Integers
from pipeline.gateway.replay.rows import Quotes, Ticks, Trades

NS = 1_000_000_000
LONGEST_S = 1e9
BID, ASK, LAST, HIGH, LOW, OPEN = 1, 2, 4, 6, 7, 14
Kinds = npt.NDArray[np.int16]
Places = npt.NDArray[np.int32]


@dataclass(frozen=True)
class Rows:
    """Rows in order; `who` is a con_id. A price of -1 with size 0: no quote on that side.

    `place` is the form of the message, as in `ticks.heads()`. An option's computation (OPTION) has its place in the
    day's `computations` as `size`; a text (STRING) its place in the day's `texts`, or a number as price and no size.
    """

    time_ns: Integers
    who: Places
    place: npt.NDArray[np.int8]
    kind: Kinds
    price: Floats
    size: Floats

    def __len__(self) -> int:
        return self.time_ns.size

    def where(self, good: Bools) -> Rows:
        return Rows(*(column[good] for column in columns(self)))


EMPTY = Rows(
    np.empty(0, np.int64), np.empty(0, np.int32), np.empty(0, np.int8), np.empty(0, np.int16),
    np.empty(0, np.float64), np.empty(0, np.float64),
)  # fmt: skip


def prices(time_ns: Integers, who: Places, kind: Kinds | int, price: Floats, size: Floats | float = 0.0) -> Rows:
    """Rows that are all sent as prices."""
    count = time_ns.size
    kinds = np.full(count, kind, np.int16) if isinstance(kind, int) else kind
    sizes = np.full(count, size) if isinstance(size, float) else size
    return Rows(time_ns, who, np.zeros(count, np.int8), kinds, price, sizes)


def merge(parts: Sequence[Rows]) -> Rows:
    """All rows by time; equal times in the order of the parts."""
    if not parts:
        return EMPTY
    together = [np.concatenate(columns) for columns in zip(*(columns(part) for part in parts), strict=True)]
    order = np.argsort(together[0], kind="stable")
    return Rows(*(column[order] for column in together))


def of_ticks(ticks: Ticks, who: Places) -> Rows:
    """Each tick is one row, equal ones in a row too."""
    return prices(ticks.time_ns, who[ticks.source], ticks.kind, ticks.price, ticks.size)


def of_quotes(bars: Quotes, who: Places, bar_s: int) -> Rows:
    """At a bar's end: the bid, then the ask it closed with; a side that stays as it was says nothing."""
    ends = bars.time_ns + bar_s * NS
    sides = []
    for kind, (_, _, _, close, size) in ((BID, bars.bid), (ASK, bars.ask)):
        none = np.isnan(close)
        price, shown = np.where(none, -1.0, close), np.where(none, 0.0, size)
        told = np.ones(ends.size, dtype=np.bool_)
        same = bars.source[1:] == bars.source[:-1]
        told[1:] = ~(same & (price[1:] == price[:-1]) & (shown[1:] == shown[:-1]))
        told[: 1 if ends.size else 0] = True
        rows = prices(ends, who[bars.source], kind, price, shown)
        sides.append(rows.where(told))
    return merge(sides)


def of_trades(bars: Trades, who: Places, bar_s: int, sized: bool) -> Rows:
    """At a bar's end: the day's open, high and low where they are new, then the close as a trade of the bar's volume.

    An index has no volume: `sized` is false, and its rows have size 0.
    """
    ends, contract = bars.time_ns + bar_s * NS, who[bars.source]
    parts = []
    for kind, price, told in (
        (OPEN, bars.open, _first(bars.source)),
        (HIGH, bars.high, _records(bars.high, bars.source)),
        (LOW, bars.low, _records(-bars.low, bars.source)),
    ):
        parts.append(prices(ends, contract, kind, price).where(told))
    parts.append(prices(ends, contract, LAST, bars.close, bars.volume if sized else 0.0))
    return merge(parts)


def shorten(time_ns: Integers, longest_s: float) -> Integers:
    """For each row, how much quiet before it and all rows before is left out, in ns."""
    gaps = np.diff(time_ns, prepend=time_ns[:1])
    return np.cumsum(np.maximum(gaps - round(min(longest_s, LONGEST_S) * NS), 0))


def columns(rows: Rows) -> tuple[npt.NDArray[Any], ...]:
    """Time first."""
    return rows.time_ns, rows.who, rows.place, rows.kind, rows.price, rows.size


def _first(source: Places) -> Bools:
    found = np.ones(source.size, dtype=np.bool_)
    found[1:] = source[1:] != source[:-1]
    return found


def _records(values: Floats, source: Places) -> Bools:
    """Where a value is above all before it of the same source."""
    told = np.zeros(values.size, dtype=np.bool_)
    starts = np.flatnonzero(_first(source))
    for begin, end in zip(starts, [*starts[1:], values.size], strict=True):
        part = values[begin:end]
        peak = np.maximum.accumulate(part)
        told[begin] = True
        told[begin + 1 : end] = part[1:] > peak[:-1]
    return told
