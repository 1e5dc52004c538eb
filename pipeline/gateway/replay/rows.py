"""Rows of recorded files as columns: times in UTC ns, prices in money. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from pipeline.gateway.replay import fields
from pipeline.gateway.replay.fields import DECIMAL, OPTIONAL, TEXT, WHOLE, Faults, Floats, Integers, Table
from pipeline.gateway.replay.layout import Source

DAY_MS = 86_400_000
LAYOUTS: dict[tuple[bool, str], tuple[str, ...]] = {  # (ticks, what) → fields
    (True, "quote"): (WHOLE, WHOLE, WHOLE, WHOLE, WHOLE, TEXT, TEXT, WHOLE),
    (True, "trade"): (WHOLE, WHOLE, WHOLE, TEXT, TEXT, WHOLE),
    (False, "trade"): (WHOLE, DECIMAL, DECIMAL, DECIMAL, DECIMAL, DECIMAL),
    (False, "quote"): (WHOLE, *[OPTIONAL] * 4, OPTIONAL, *[OPTIONAL] * 4, OPTIONAL),
}


@dataclass(frozen=True)
class Ticks:
    """Ticks in file order; `kind` is TWS's tick type: 1 bid, 2 ask, 4 trade."""

    time_ns: Integers
    kind: npt.NDArray[np.int16]
    price: Floats
    size: Floats
    source: npt.NDArray[np.int32]


@dataclass(frozen=True)
class Trades:
    """Trade bars; times are their beginnings."""

    time_ns: Integers
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats
    source: npt.NDArray[np.int32]


@dataclass(frozen=True)
class Quotes:
    """Quote bars; `bid` and `ask` hold open, high, low, close (nan: no quote on that side) and the last size."""

    time_ns: Integers
    bid: tuple[Floats, Floats, Floats, Floats, Floats]
    ask: tuple[Floats, Floats, Floats, Floats, Floats]
    source: npt.NDArray[np.int32]


def ticks(of: Source, texts: Sequence[tuple[str, bytes]], faults: Faults) -> Ticks:
    """A tick file: quotes, each of one side, or trades."""
    found = _table(of, texts, faults)
    if of.what == "trade":
        found = found.keep(found.columns[1] > 0, "a price above 0", faults)
        moment, price, size = found.columns[:3]
        kind = np.full(len(found), 4, dtype=np.int16)
        return Ticks(_times(of, moment), kind, price / of.scale, size, found.source)
    bid, ask = found.columns[1] > 0, found.columns[3] > 0
    found = found.keep(bid != ask, "a price on one side, 0 on the other", faults)
    moment, bid_price, bid_size, ask_price, ask_size = found.columns[:5]
    is_bid = bid_price > 0
    kind = np.where(is_bid, 1, 2).astype(np.int16)
    price, size = np.where(is_bid, bid_price, ask_price) / of.scale, np.where(is_bid, bid_size, ask_size)
    return Ticks(_times(of, moment), kind, price, size, found.source)


def trades(of: Source, texts: Sequence[tuple[str, bytes]], faults: Faults) -> Trades:
    """A file of trade bars."""
    found = _table(of, texts, faults)
    _, opened, high, low, close, _ = found.columns
    sane = (low <= np.minimum(opened, close)) & (high >= np.maximum(opened, close))
    found = found.keep(sane, "low ≤ open, close ≤ high", faults)
    moment, opened, high, low, close, volume = found.columns
    times, scale = _times(of, moment), of.scale
    return Trades(times, opened / scale, high / scale, low / scale, close / scale, volume, found.source)


def quotes(of: Source, texts: Sequence[tuple[str, bytes]], faults: Faults) -> Quotes:
    """A file of quote bars; a side is there as a whole or not at all."""
    found = _table(of, texts, faults)
    whole = np.ones(len(found), dtype=np.bool_)
    for side in (found.columns[1:5], found.columns[6:10]):
        missing = np.isnan(side[0])
        for column in side[1:]:
            whole &= np.isnan(column) == missing
    found = found.keep(whole, "four prices a side, or none", faults)
    moment = found.columns[0]
    bid = [column / of.scale for column in found.columns[1:5]]
    ask = [column / of.scale for column in found.columns[6:10]]
    bid_size, ask_size = np.nan_to_num(found.columns[5]), np.nan_to_num(found.columns[10])
    return Quotes(
        _times(of, moment), (bid[0], bid[1], bid[2], bid[3], bid_size), (ask[0], ask[1], ask[2], ask[3], ask_size),
        found.source,
    )  # fmt: skip


def _table(of: Source, texts: Sequence[tuple[str, bytes]], faults: Faults) -> Table:
    found = fields.table(texts, LAYOUTS[of.bar_s == 0, of.what], faults)
    found = found.keep(found.columns[0] < DAY_MS, "a time of the day in ms", faults)
    moment, source = found.columns[0], found.source
    if moment.size:  # a row may not go back in time: the order of the file is the order of events
        newest = np.maximum.accumulate(moment + source.astype(np.float64) * DAY_MS)
        found = found.keep(moment + source * float(DAY_MS) >= newest, "times that never go back", faults)
    return found


def _times(of: Source, ms: Floats) -> Integers:
    """UTC ns of wall-clock ms after midnight; the hour's offset decides on the days when clocks are changed."""
    whole = ms.astype(np.int64)
    return np.asarray(_hours_ns(of.day, of.zone)[whole // 3_600_000] + whole % 3_600_000 * 1_000_000, dtype=np.int64)


@cache
def _hours_ns(day: date, zone: ZoneInfo) -> Integers:
    """UTC ns of each wall-clock hour of the day."""
    midnight = datetime.combine(day, time(0))
    hours = [(midnight + timedelta(hours=n)).replace(tzinfo=zone) for n in range(24)]
    return np.array([int(hour.timestamp()) * 1_000_000_000 for hour in hours], dtype=np.int64)
