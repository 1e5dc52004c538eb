"""Recorded rows as equal steps of time, for bars. Pure.

In the steps `activity` is the volume and `since` the number of trades, 0 where the recording doesn't tell them.
"""

from __future__ import annotations

import numpy as np

from pipeline.gateway.market.path import Atoms
from pipeline.gateway.market.queries import Tick
from pipeline.gateway.replay.fields import Bools, Floats, Integers
from pipeline.gateway.replay.rows import Quotes, Ticks, Trades
from pipeline.gateway.replay.timeline import ASK, BID, NS

Four = tuple[Floats, Floats, Floats, Floats]


def of_trade_bars(bars: Trades, chosen: Bools, sized: bool) -> Atoms:
    """Bars as they are; of an index without volume."""
    opened, high, low, close = (column[chosen] for column in (bars.open, bars.high, bars.low, bars.close))
    volume = bars.volume[chosen] if sized else np.zeros(int(chosen.sum()))
    return Atoms(bars.time_ns[chosen] // NS, opened, high, low, close, volume, np.zeros(volume.size))


def of_quote_bars(bars: Quotes, chosen: Bools, kind: str) -> Atoms:
    """Bars of one side, of the middle (of the four prices of both sides), or of both."""
    bid: Four = tuple(column[chosen] for column in bars.bid[:4])  # type: ignore[assignment]
    ask: Four = tuple(column[chosen] for column in bars.ask[:4])  # type: ignore[assignment]
    return _quoted(bars.time_ns[chosen] // NS, bid, ask, kind)


def of_trade_ticks(ticks: Ticks, step_s: int) -> Atoms:
    """Ticks of trades put together."""
    if not ticks.time_ns.size:
        return _nothing()
    time, begins = _groups(ticks.time_ns, step_s)
    four = _four(ticks.price, begins)
    count = np.diff(np.append(begins, ticks.price.size)).astype(np.float64)
    return Atoms(time, *four, np.add.reduceat(ticks.size, begins), count)


def of_quote_ticks(ticks: Ticks, step_s: int, kind: str) -> Atoms:
    """Ticks of bids and asks put together, from the first moment on at which both sides are known."""
    bid, ask = (_carried(ticks.price, ticks.kind == side) for side in (BID, ASK))
    both = ~(np.isnan(bid) | np.isnan(ask))
    if not both.any():
        return _nothing()
    bid, ask, time_ns = bid[both], ask[both], ticks.time_ns[both]
    time, begins = _groups(time_ns, step_s)
    if kind == "MIDPOINT":
        middle = _four((bid + ask) / 2.0, begins)
        return _quoted(time, middle, middle, kind)
    return _quoted(time, _four(bid, begins), _four(ask, begins), kind)


def told(ticks: Ticks, inside: Bools, what: str, count: int) -> list[Tick]:
    """The first `count` of the rows that are `inside`, or the last ones where it is negative, as single ticks."""
    bid, ask = (_carried(ticks.price, ticks.kind == side) for side in (BID, ASK))
    sizes = [_carried(ticks.size, ticks.kind == side) for side in (BID, ASK)]
    if what != "TRADES":
        inside = inside & ~(np.isnan(bid) | np.isnan(ask))
    places = np.flatnonzero(inside)
    places = places[:count] if count > 0 else places[count:]
    seconds = (ticks.time_ns[places] // NS).tolist()
    none = [0.0] * len(seconds)
    if what == "TRADES":
        columns = [ticks.price[places].tolist(), none, ticks.size[places].tolist(), none]
    elif what == "MIDPOINT":
        columns = [np.round((bid[places] + ask[places]) / 2.0, 6).tolist(), none, none, none]
    else:
        columns = [column[places].tolist() for column in (bid, ask, *sizes)]
    return list(zip(seconds, *columns, strict=True))


def _quoted(time: Integers, bid: Four, ask: Four, kind: str) -> Atoms:
    """Of BID_ASK: average bid, highest ask, lowest bid, average ask, as TWS has it."""
    if kind == "BID":
        four = bid
    elif kind == "ASK":
        four = ask
    elif kind == "MIDPOINT":
        four = tuple(np.round((b + a) / 2.0, 6) for b, a in zip(bid, ask, strict=True))  # type: ignore[assignment]
    else:
        four = np.round((bid[0] + bid[3]) / 2.0, 6), ask[1], bid[2], np.round((ask[0] + ask[3]) / 2.0, 6)
    known = ~np.isnan(np.stack(four)).any(axis=0)
    none = np.zeros(int(known.sum()))
    return Atoms(time[known], four[0][known], four[1][known], four[2][known], four[3][known], none, none)


def _carried(price: Floats, own: Bools) -> Floats:
    """The newest price of one side at each row; nan before the first."""
    place = np.maximum.accumulate(np.where(own, np.arange(price.size), -1))
    carried: Floats = np.where(place >= 0, price[np.maximum(place, 0)], np.nan)
    return carried


def _groups(time_ns: Integers, step_s: int) -> tuple[Integers, Integers]:
    """When each step begins (UTC s), and the place of its first row."""
    steps = time_ns // (step_s * NS)
    begins = np.flatnonzero(np.diff(steps, prepend=steps[0] - 1))
    return steps[begins] * step_s, begins


def _four(price: Floats, begins: Integers) -> Four:
    ends = np.append(begins[1:], price.size) - 1
    return price[begins], np.maximum.reduceat(price, begins), np.minimum.reduceat(price, begins), price[ends]


def _nothing() -> Atoms:
    return Atoms(np.empty(0, np.int64), *(np.empty(0) for _ in range(6)))
