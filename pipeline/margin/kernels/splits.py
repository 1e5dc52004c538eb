"""What a split of one underlying's inventory costs: hedged lots, one universal spread, straddles, naked shorts."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.jit import kernel
from pipeline.margin.kernels import requirements
from pipeline.margin.kernels.losses import spread_loss

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Integers = NDArray[np.int64]

FORBIDDEN = 1e9  # the cost of what no rule permits, and of a naked option whose underlying has no price
INITIAL_WEIGHT = 1e-6  # among equal maintenance, the smaller initial margin


class Inventory(NamedTuple):
    """One underlying's options of one multiplier, legs ascending by strike, and the lots of its stock."""

    call: Bools
    strike: Floats
    rank: Integers  # order of the expiry among this underlying's
    price: Floats
    need: Floats  # naked requirement per unit
    shorts: Floats  # contracts short, else 0
    longs: Floats  # contracts long, else 0
    calls: Integers  # short calls by descending need
    puts: Integers  # short puts by descending need
    hedges: Integers  # long options that can protect a lot
    covers: Integers  # short options that a lot can cover
    place: Integers  # leg → its place in covers, from 1; -1: can't be covered
    lot_cost: Floats  # [h, s] per share: a lot with hedge h-1 and short option s-1 (0: none)


class Split(NamedTuple):
    """Where the units are. `spread` and `lots` decide; the others follow."""

    spread: Floats  # short contracts in the spread
    used: Floats  # long contracts in the spread
    lots: Floats  # [h, s] lots with hedge h-1 and short option s-1 (0: none)
    pairs: Floats  # [i, j] straddles of calls[i] with puts[j]
    out: Floats  # short contracts outside: naked or in straddles
    free: Floats  # long contracts that protect no lot
    room: Floats  # scratch, one an expiry


@kernel
def lot_requirement(
    long_stock: bool, spot: float, hedge_strike: float, short_strike: float, short_price: float, rates: Floats
) -> tuple[float, float, float]:
    """(maintenance, initial, Reg T) per share of a lot; nan as a strike: that side is not there."""
    hedged = not np.isnan(hedge_strike)
    covered = not np.isnan(short_strike)
    if long_stock:
        if hedged and covered:
            if hedge_strike == short_strike:
                return requirements.conversion(spot, short_strike, rates)
            return requirements.collar(spot, hedge_strike, short_strike, rates)
        if hedged:
            return requirements.protective_put(spot, hedge_strike, rates)
        if covered:
            return requirements.covered_call(spot, short_strike, short_price, rates)
        return requirements.long_share(spot, rates)
    if hedged and covered:
        return requirements.reverse_conversion(spot, short_strike, rates)
    if hedged:
        return requirements.protective_call(spot, hedge_strike, rates)
    if covered:
        return requirements.covered_put(spot, short_strike, rates)
    return requirements.short_share(spot, rates)


@kernel
def lot_permitted(long_stock: bool, hedge_strike: float, short_strike: float, hedge_rank: int, short_rank: int) -> bool:
    """Whether one lot may carry this long and this short option: same expiry; a collar's put lies below its call."""
    if np.isnan(hedge_strike) or np.isnan(short_strike):
        return True
    if hedge_rank != short_rank:
        return False
    return hedge_strike <= short_strike if long_stock else hedge_strike == short_strike


@kernel
def fill_longs(call: Bools, rank: Integers, shorts: Floats, longs: Floats, used: Floats, room: Floats) -> bool:
    """used[i] = units of the longs that cover `shorts` best; False if they can't all be covered. `room`: scratch.

    `longs` are what is free, legs ascend by strike. A long covers shorts of its right that expire no later (rank). For
    each right the longs are taken best strike first while every early enough short can still be told apart: those sets
    form a matroid, so the greedy choice is best at every price.
    """
    ranks = room.size
    n = call.size
    used[:] = 0.0
    for side in range(2):
        is_call = side == 0
        need = 0.0
        room[:] = 0.0
        for i in range(n):
            if call[i] == is_call and shorts[i] > 0.0:
                need += shorts[i]
                room[rank[i]] += shorts[i]
        if need == 0.0:
            continue
        for e in range(1, ranks):
            room[e] += room[e - 1]
        for step in range(n):
            i = step if is_call else n - 1 - step
            if call[i] != is_call or longs[i] <= 0.0:
                continue
            take = min(need, longs[i])
            for e in range(rank[i], ranks):
                take = min(take, room[e])
            if take <= 0.0:
                continue
            for e in range(rank[i], ranks):
                room[e] -= take
            used[i] = take
            need -= take
            if need <= 0.0:
                break
        if need > 0.0:
            return False
    return True


@kernel
def straddle_saving(
    out: Floats, need: Floats, price: Floats, calls: Integers, puts: Integers, pairs: Floats, exchange: int
) -> float:
    """What straddles save against naked shorts, per unit; pairs[i, j] = units of calls[i] with puts[j].

    `need` is the naked requirement. Both lists descend by it: rank meets rank; then two pairs exchange partners while
    that saves more (small sets only, the ranks are right for prices without arbitrage).
    """
    pairs[:, :] = 0.0
    i, j, saving = 0, 0, 0.0
    left_call = out[calls[0]] if calls.size else 0.0
    left_put = out[puts[0]] if puts.size else 0.0
    while i < calls.size and j < puts.size:
        units = min(left_call, left_put)
        if units > 0.0:
            pairs[i, j] += units
            saving += units * _saved(need, price, calls[i], puts[j])
        left_call -= units
        left_put -= units
        if left_call <= 0.0:
            i += 1
            left_call = out[calls[i]] if i < calls.size else 0.0
        if left_put <= 0.0:
            j += 1
            left_put = out[puts[j]] if j < puts.size else 0.0
    if calls.size * puts.size <= exchange:
        saving += _exchange(out, need, price, calls, puts, pairs)
    return saving


@kernel
def _saved(need: Floats, price: Floats, c: int, p: int) -> float:
    pair = requirements.straddle(need[c], price[c], need[p], price[p])
    return float(need[c] + need[p] - pair)


@kernel
def _exchange(out: Floats, need: Floats, price: Floats, calls: Integers, puts: Integers, pairs: Floats) -> float:
    """Improve `pairs` by exchanging partners, or a partner for one that stands alone; returns what that saves."""
    gained = 0.0
    for _ in range(50):
        best, bi, bj, bk, bl = 1e-9, -1, -1, -1, -1
        for i in range(calls.size):
            for j in range(puts.size):
                if pairs[i, j] <= 0.0:
                    continue
                here = _saved(need, price, calls[i], puts[j])
                for k in range(calls.size):
                    alone = out[calls[k]] - pairs[k].sum()
                    if k != i and alone > 0.0:
                        gain = _saved(need, price, calls[k], puts[j]) - here
                        if gain > best:
                            best, bi, bj, bk, bl = gain, i, j, k, -1
                    for m in range(puts.size):
                        if pairs[k, m] <= 0.0 or (k == i and m == j) or (k == i) or (m == j):
                            continue
                        gain = (
                            _saved(need, price, calls[i], puts[m])
                            + _saved(need, price, calls[k], puts[j])
                            - here
                            - _saved(need, price, calls[k], puts[m])
                        )
                        if gain > best:
                            best, bi, bj, bk, bl = gain, i, j, k, m
                for m in range(puts.size):
                    alone = out[puts[m]] - pairs[:, m].sum()
                    if m != j and alone > 0.0:
                        gain = _saved(need, price, calls[i], puts[m]) - here
                        if gain > best:
                            best, bi, bj, bk, bl = gain, i, j, -1, m
        if bi < 0:
            return gained
        if bk >= 0 and bl >= 0:
            units = min(pairs[bi, bj], pairs[bk, bl])
            pairs[bi, bj] -= units
            pairs[bk, bl] -= units
            pairs[bi, bl] += units
            pairs[bk, bj] += units
        elif bk >= 0:
            units = min(pairs[bi, bj], out[calls[bk]] - pairs[bk].sum())
            pairs[bi, bj] -= units
            pairs[bk, bj] += units
        else:
            units = min(pairs[bi, bj], out[puts[bl]] - pairs[:, bl].sum())
            pairs[bi, bj] -= units
            pairs[bi, bl] += units
        gained += units * best
    return gained


@kernel
def evaluate(inventory: Inventory, split: Split, exchange: int) -> float:
    """Cost of a split per share, inf if its longs can't cover its spread; fills used, pairs, out and free."""
    lots = split.lots
    total = 0.0
    for h in range(lots.shape[0]):
        for s in range(lots.shape[1]):
            if lots[h, s] > 0.0:
                total += lots[h, s] * inventory.lot_cost[h, s]
    split.free[:] = inventory.longs
    for h in range(inventory.hedges.size):
        split.free[inventory.hedges[h]] -= lots[h + 1].sum()
    if not fill_longs(inventory.call, inventory.rank, split.spread, split.free, split.used, split.room):
        return np.inf
    anything = False
    for i in range(inventory.call.size):
        split.out[i] = inventory.shorts[i] - split.spread[i]
        if inventory.place[i] > 0:
            split.out[i] -= lots[:, inventory.place[i]].sum()
        total += split.out[i] * inventory.need[i]
        anything = anything or split.spread[i] > 0.0
    if anything:
        total += spread_loss(inventory.strike, inventory.call, split.used - split.spread)[0]
    saving = straddle_saving(
        split.out, inventory.need, inventory.price, inventory.calls, inventory.puts, split.pairs, exchange
    )
    return total - saving
