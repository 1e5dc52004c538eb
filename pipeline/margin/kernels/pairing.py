"""The cheapest permitted split of one underlying's inventory: hedged lots, one universal spread, straddles, naked.

What is chosen, per unit of each short series: to stand outside (naked, or half of a straddle), to be in the spread, or
to be covered by a lot of stock, which may carry a protective option, too. What need not be chosen: for given shorts,
the best longs of a spread are the lowest calls and the highest puts that expire late enough, because such a set is worth at
least as much at every price; and one spread is never dearer than several. The search descends from several starts by
moving units between places, one move or two at once, until nothing gets cheaper.
"""

from __future__ import annotations

import numpy as np

from pipeline.jit import kernel
from pipeline.margin.kernels import requirements
from pipeline.margin.kernels.splits import (
    FORBIDDEN,
    Bools,
    Floats,
    Integers,
    Inventory,
    Split,
    evaluate,
    fill_longs,
    lot_permitted,
    lot_requirement,
)

INITIAL_WEIGHT = 1e-6  # among equal maintenance, the smaller initial margin
ALL_PAIRS = 3000  # so many combinations at most: every two moves are tried together
SPREAD_PAIRS = 20000  # the same for two moves into or out of the spread
EXCHANGE_INSIDE = 9  # straddle partners are exchanged during the search up to so many pairs of series
EXCHANGE_AT_END = 400
ROUNDS = 200


@kernel
def inventory_of(
    quantity: Floats,
    call: Bools,
    strike: Floats,
    rank: Integers,
    price: Floats,
    spot: float,
    lots: float,
    rates: Floats,
) -> Inventory:
    """Arrange legs that ascend by strike; `lots` of stock are signed; a nan spot makes naked shorts forbidden."""
    n = quantity.size
    shorts, longs, need = np.empty(n), np.empty(n), np.empty(n)
    hedges, covers = np.empty(n, dtype=np.int64), np.empty(n, dtype=np.int64)
    calls, puts = np.empty(n, dtype=np.int64), np.empty(n, dtype=np.int64)
    place = np.full(n, -1)
    hedge_count, cover_count, call_count, put_count = 0, 0, 0, 0
    for i in range(n):
        shorts[i], longs[i] = max(0.0, -quantity[i]), max(0.0, quantity[i])
        need[i] = FORBIDDEN
        if not np.isnan(spot):
            need[i] = requirements.naked(
                call[i], spot, strike[i], price[i], rates[requirements.BASIC], rates[requirements.FLOOR]
            )
        if lots != 0.0 and longs[i] > 0.0 and call[i] == (lots < 0.0):
            hedges[hedge_count] = i
            hedge_count += 1
        if lots != 0.0 and shorts[i] > 0.0 and call[i] == (lots > 0.0):
            covers[cover_count] = i
            cover_count += 1
            place[i] = cover_count
        if shorts[i] > 0.0 and call[i]:
            call_count = _insert(calls, call_count, i, need)
        elif shorts[i] > 0.0:
            put_count = _insert(puts, put_count, i, need)
    cost = np.empty((hedge_count + 1, cover_count + 1))
    result = Inventory(
        call,
        strike,
        rank,
        price,
        need,
        shorts,
        longs,
        calls[:call_count],
        puts[:put_count],
        hedges[:hedge_count],
        covers[:cover_count],
        place,
        cost,
    )
    _lot_costs(result, lots > 0.0, spot, rates)
    return result


@kernel
def empty_split(inventory: Inventory) -> Split:
    """Room for the answer."""
    n = inventory.call.size
    ranks = inventory.rank.max() + 1 if n else 1
    return Split(
        np.zeros(n),
        np.zeros(n),
        np.zeros(inventory.lot_cost.shape),
        np.zeros((inventory.calls.size, inventory.puts.size)),
        np.zeros(n),
        np.zeros(n),
        np.empty(ranks),
    )


@kernel
def _insert(order: Integers, count: int, leg: int, need: Floats) -> int:
    """Keep `order` descending by need."""
    at = count
    while at > 0 and need[order[at - 1]] < need[leg]:
        order[at] = order[at - 1]
        at -= 1
    order[at] = leg
    return count + 1


@kernel
def _lot_costs(inventory: Inventory, long_stock: bool, spot: float, rates: Floats) -> None:
    """Fill lot_cost. Without a spot nothing can be told apart: whatever is permitted costs nothing."""
    for h in range(inventory.hedges.size + 1):
        hedge_strike, hedge_rank = np.nan, 0
        if h > 0:
            leg = inventory.hedges[h - 1]
            hedge_strike, hedge_rank = inventory.strike[leg], inventory.rank[leg]
        for s in range(inventory.covers.size + 1):
            short_strike, short_rank, short_price = np.nan, 0, 0.0
            if s > 0:
                leg = inventory.covers[s - 1]
                short_strike, short_rank = inventory.strike[leg], inventory.rank[leg]
                short_price = inventory.price[leg]
            if not lot_permitted(long_stock, hedge_strike, short_strike, hedge_rank, short_rank):
                inventory.lot_cost[h, s] = FORBIDDEN
            elif np.isnan(spot):
                inventory.lot_cost[h, s] = 0.0
            else:
                maintenance, initial, _ = lot_requirement(
                    long_stock, spot, hedge_strike, short_strike, short_price, rates
                )
                inventory.lot_cost[h, s] = maintenance + INITIAL_WEIGHT * initial


@kernel
def solve(inventory: Inventory, split: Split, lots: float) -> float:
    """Fill `split` with the cheapest one found; returns its cost per share (maintenance, a little initial margin)."""
    best = np.inf
    best_spread, best_lots = split.spread.copy(), split.lots.copy()
    starts = 3 if inventory.shorts.sum() > 0.0 and lots > 0.0 else 2
    if inventory.shorts.sum() == 0.0:
        starts = 1
    for start in range(starts):
        split.spread[:] = 0.0
        split.lots[:, :] = 0.0
        split.lots[0, 0] = lots
        if start == 2:
            _cover_all(inventory, split)
        if start > 0:
            _spread_all(inventory, split)
        total = _descend(inventory, split, lots)
        if total < best - 1e-9:
            best = total
            best_spread[:] = split.spread
            best_lots[:, :] = split.lots
    split.spread[:] = best_spread
    split.lots[:, :] = best_lots
    return evaluate(inventory, split, EXCHANGE_AT_END)


@kernel
def _cover_all(inventory: Inventory, split: Split) -> None:
    """Start: lots cover the shorts with the largest naked requirement first."""
    done = np.zeros(inventory.covers.size, dtype=np.bool_)
    for _ in range(inventory.covers.size):
        pick = -1
        for s in range(inventory.covers.size):
            larger = pick < 0 or inventory.need[inventory.covers[s]] > inventory.need[inventory.covers[pick]]
            if not done[s] and larger:
                pick = s
        done[pick] = True
        units = min(split.lots[0, 0], inventory.shorts[inventory.covers[pick]])
        split.lots[0, pick + 1] += units
        split.lots[0, 0] -= units


@kernel
def _spread_all(inventory: Inventory, split: Split) -> None:
    """Start: as many of the shorts in the spread as the longs can cover."""
    for i in range(inventory.call.size):
        low, high = 0.0, inventory.shorts[i]
        if inventory.place[i] > 0:
            high -= split.lots[:, inventory.place[i]].sum()
        while low < high:  # feasible at low; whole units
            middle = np.ceil((low + high) / 2.0)
            split.spread[i] = middle
            if fill_longs(inventory.call, inventory.rank, split.spread, inventory.longs, split.used, split.room):
                low = middle
            else:
                high = middle - 1.0
        split.spread[i] = low


# A move: (kind, short leg, hedge, column of `lots`). Kinds: 0 outside → spread, 2 outside → lot, 4 spread → lot,
# 6 a lot gets a protective option; one more: back again.


@kernel
def _limit(move: Integers, inventory: Inventory, split: Split) -> float:
    """So many units can make this move now."""
    kind, i, h, s = move[0], move[1], move[2], move[3]
    if kind == 0:
        limit = split.out[i]
    elif kind == 1:
        limit = split.spread[i]
    elif kind == 2:
        limit = min(split.out[i], split.lots[h, 0])
    elif kind == 4:
        limit = min(split.spread[i], split.lots[h, 0])
    elif kind == 6:
        limit = min(split.lots[0, s], split.free[inventory.hedges[h - 1]])
    else:
        limit = split.lots[h, s]
    return float(limit)


@kernel
def _move(move: Integers, units: float, inventory: Inventory, split: Split) -> None:
    """Make a move; with negative units it is taken back."""
    kind, i, h, s = move[0], move[1], move[2], move[3]
    if kind % 2 == 1:
        kind, units = kind - 1, -units
    if kind == 0:
        split.out[i] -= units
        split.spread[i] += units
        return
    if kind == 6:
        split.free[inventory.hedges[h - 1]] -= units
        split.lots[0, s] -= units
        split.lots[h, s] += units
        return
    if kind == 2:
        split.out[i] -= units
    else:
        split.spread[i] -= units
    split.lots[h, 0] -= units
    split.lots[h, s] += units


@kernel
def _moves(inventory: Inventory, lots: float, table: Integers) -> int:
    """Fill `table` with every move that the rules permit; returns how many."""
    count = 0
    for i in range(inventory.call.size):
        if inventory.shorts[i] <= 0.0:
            continue
        for kind in range(2):
            table[count, 0], table[count, 1], table[count, 2], table[count, 3] = kind, i, 0, 0
            count += 1
        column = inventory.place[i]
        if column <= 0 or lots == 0.0:
            continue
        for h in range(inventory.hedges.size + 1):
            for kind in range(2, 6):
                if inventory.lot_cost[h, column] < FORBIDDEN:
                    table[count, 0], table[count, 1], table[count, 2], table[count, 3] = kind, i, h, column
                    count += 1
    if lots == 0.0:
        return count
    for h in range(1, inventory.hedges.size + 1):
        for s in range(inventory.covers.size + 1):
            for kind in range(6, 8):
                if inventory.lot_cost[h, s] < FORBIDDEN:
                    table[count, 0], table[count, 1], table[count, 2], table[count, 3] = kind, 0, h, s
                    count += 1
    return count


@kernel
def _descend(inventory: Inventory, split: Split, lots: float) -> float:
    """Move units until neither one move nor two at once make it cheaper; returns the cost."""
    n, hedges, covers = inventory.call.size, inventory.hedges.size, inventory.covers.size
    table = np.empty((2 * n + 4 * n * (hedges + 1) + 2 * hedges * (covers + 1) + 1, 4), dtype=np.int64)
    count = _moves(inventory, lots, table)
    plain = 0
    for t in range(count):
        plain += table[t, 0] < 2
    reach = 8  # kinds below it are tried two at once
    if count * count * 4 > ALL_PAIRS:
        reach = 2 if plain * plain * 4 <= SPREAD_PAIRS else 0
    total = evaluate(inventory, split, EXCHANGE_INSIDE)
    best = np.zeros(5)  # cost, first move, its units, second move (-1: none), its units
    for _ in range(ROUNDS):
        best[0], best[1], best[3] = total - 1e-7, -1.0, -1.0
        _try_one(inventory, split, table[:count], best)
        if best[1] < 0.0 and reach > 0:
            _try_two(inventory, split, table[:count], reach, best)
        if best[1] < 0.0:
            break
        _move(table[int(best[1])], best[2], inventory, split)
        if best[3] >= 0.0:
            _move(table[int(best[3])], best[4], inventory, split)
        total = best[0]
    return total


@kernel
def _try_one(inventory: Inventory, split: Split, table: Integers, best: Floats) -> None:
    """The best single move, with all units, a half, a quarter … one."""
    for t in range(table.shape[0]):
        units = _limit(table[t], inventory, split)
        while units >= 1.0:
            _move(table[t], units, inventory, split)
            cost = evaluate(inventory, split, EXCHANGE_INSIDE)
            if cost < best[0]:
                best[0], best[1], best[2], best[3] = cost, t, units, -1.0
            _move(table[t], -units, inventory, split)
            units = np.floor(units / 2.0)


@kernel
def _try_two(inventory: Inventory, split: Split, table: Integers, reach: int, best: Floats) -> None:
    """The best two moves at once, each with all units or one, the second also with as many as the first."""
    for t in range(table.shape[0]):
        if table[t, 0] >= reach:
            continue
        limit = _limit(table[t], inventory, split)
        for option in range(2):
            units = limit if option == 0 else 1.0
            if limit < 1.0 or (option == 1 and limit <= 1.0):
                continue
            _move(table[t], units, inventory, split)
            for other in range(table.shape[0]):
                if other == t or table[other, 0] >= reach:
                    continue
                other_limit = _limit(table[other], inventory, split)
                for other_option in range(2):
                    other_units = other_limit if other_option == 0 else min(units, other_limit)
                    if other_units < 1.0 or (other_option == 1 and units >= other_limit):
                        continue
                    _move(table[other], other_units, inventory, split)
                    cost = evaluate(inventory, split, EXCHANGE_INSIDE)
                    if cost < best[0]:
                        best[0], best[1], best[2], best[3], best[4] = cost, t, units, other, other_units
                    _move(table[other], -other_units, inventory, split)
            _move(table[t], -units, inventory, split)
