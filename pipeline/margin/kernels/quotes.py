"""Ticks into price arrays, price arrays into marks; no Python per tick."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.jit import kernel
from pipeline.margin.kernels.splits import Bools, Floats, Integers

SUSPECT = 64  # TickFlag.SUSPECT
HIGHEST_PRICE = 1e9  # beyond it stands TWS's 1.797e308 for "unset", or nonsense
# Where a mark comes from.
NOTHING, MID, LAST, CLOSE = 0, 1, 2, 3


class Quotes(NamedTuple):
    """Prices by slot, nan where unknown; `con_ids` ascend and `slots` tells the slot of each."""

    con_ids: Integers
    slots: Integers
    bid: Floats
    ask: Floats
    last: Floats
    close: Floats
    implied_vol: Floats
    under_price: Floats  # of the underlying, from option computations
    mark: Floats
    source: NDArray[np.uint8]
    used: Bools  # a position depends on it
    moved: Bools  # its mark changed and was not answered


@kernel
def find_slot(quotes: Quotes, con_id: int) -> int:
    """Slot of a contract, -1 if unknown."""
    low, high = 0, quotes.con_ids.size
    while low < high:
        middle = (low + high) // 2
        if quotes.con_ids[middle] < con_id:
            low = middle + 1
        else:
            high = middle
    if low < quotes.con_ids.size and quotes.con_ids[low] == con_id:
        return int(quotes.slots[low])
    return -1


@kernel
def mark_of(bid: float, ask: float, last: float, close: float) -> tuple[float, int]:
    """Mid of a sane bid and ask, else last, else close, else nan; and which.

    Sane: not wider than a quarter of the mid and 1.00 (an option of a few cents), so a stub quote of 199,999 makes no
    mark; crossed by a moment's order of arrival is fine within the same distance.
    """
    mid = 0.5 * (bid + ask)
    if abs(ask - bid) <= 0.25 * mid + 1.0 and abs(ask - bid) < 1.9 * mid:
        return mid, MID
    if last > 0.0:
        return last, LAST
    if close > 0.0:
        return close, CLOSE
    return np.nan, NOTHING


@kernel
def refresh(quotes: Quotes, slot: int) -> bool:
    """Make the mark of a slot anew; True if it changed. A known mark never becomes unknown."""
    mark, source = mark_of(quotes.bid[slot], quotes.ask[slot], quotes.last[slot], quotes.close[slot])
    if np.isnan(mark) or mark == quotes.mark[slot]:
        return False
    quotes.mark[slot] = mark
    quotes.source[slot] = source
    quotes.moved[slot] = True
    return True


@kernel
def apply_ticks(ticks: Any, quotes: Quotes) -> tuple[int, int, int]:
    """Apply TICK records in their order; (ticks that moved a used mark, oldest, newest of their receive times).

    Not applied: unknown contracts, types that carry no price of ours, flag SUSPECT, and prices that no market has
    (0, -1, 1.8e308, nan): the last good price stands.
    """
    moved, oldest, newest = 0, 0, 0
    for t in range(ticks.size):
        tick = ticks[t]
        price = tick["price"]
        kind = tick["tick_type"]
        if not (0.0 < price < HIGHEST_PRICE) or tick["flags"] & SUSPECT:
            continue
        slot = find_slot(quotes, tick["con_id"])
        if slot < 0:
            continue
        if kind == 1 or kind == 66:
            quotes.bid[slot] = price
        elif kind == 2 or kind == 67:
            quotes.ask[slot] = price
        elif kind == 4 or kind == 68:
            quotes.last[slot] = price
        elif kind == 9 or kind == 75:
            quotes.close[slot] = price
        else:
            continue
        if refresh(quotes, slot) and quotes.used[slot]:
            moved += 1
            received = int(tick["recv_ns"])
            oldest = received if moved == 1 else min(oldest, received)
            newest = max(newest, received)
    return moved, oldest, newest


@kernel
def apply_options(computations: Any, quotes: Quotes) -> int:
    """Apply OPTION records: implied volatility and the price of the underlying; how many were used.

    They move no figure by themselves: they serve where a price is missing.
    """
    used = 0
    for t in range(computations.size):
        line = computations[t]
        slot = find_slot(quotes, line["con_id"])
        if slot < 0 or line["flags"] & SUSPECT:
            continue
        if 0.0 < line["implied_vol"] < 10.0:
            quotes.implied_vol[slot] = line["implied_vol"]
            used += 1
        if 0.0 < line["underlying_price"] < HIGHEST_PRICE:
            quotes.under_price[slot] = line["underlying_price"]
    return used
