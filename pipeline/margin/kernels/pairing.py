"""The cheapest permitted split of one underlying's inventory: hedged lots, one universal spread, straddles, naked.

What is chosen, per unit of each short series: to stand outside (naked, or half of a straddle), to be in the spread, or
to be covered by a lot of stock, which may carry a protective option, too. What need not be chosen: for given shorts,
the best longs of a spread are the lowest calls and the highest puts that expire late enough, because such a set is
worth at least as much at every price; and one spread is never dearer than several. The search descends from several
starts by moving units between places; from the best point found, two moves at once are tried, too.
"""

from __future__ import annotations

import numpy as np

from pipeline.jit import kernel
from pipeline.margin.kernels import requirements
from pipeline.margin.kernels.splits import (
    BEST_SPREAD,
    CALL,
    CALLS,
    COUNTS,
    COVERS,
    FORBIDDEN,
    FREE,
    HEDGES,
    LEGS,
    LONGS,
    N_CALLS,
    N_COVERS,
    N_HEDGES,
    N_MOVES,
    N_PUTS,
    NEED,
    OUT,
    PLACE,
    PRICE,
    PUTS,
    RANK,
    RANKS,
    SHORTS,
    SPREAD,
    STRIKE,
    Bools,
    Floats,
    Integers,
    Work,
    evaluate,
    fill_longs,
    lot_permitted,
    lot_requirement,
    settle,
)

INITIAL_WEIGHT = 1e-6  # among equal maintenance, the smaller initial margin
ALL_PAIRS = 3000  # so many combinations at most: every two moves are tried together
SPREAD_PAIRS = 20000  # the same for two moves into or out of the spread
ROUNDS = 200


@kernel
def load(
    work: Work,
    quantity: Floats,
    call: Bools,
    strike: Floats,
    rank: Integers,
    price: Floats,
    spot: float,
    lots: float,
    rates: Floats,
) -> None:
    """Write an inventory into `work`: legs ascend by strike, `lots` of stock are signed.

    A nan spot makes naked shorts forbidden; a nan price counts as the intrinsic value, the least that it can be.
    """
    numbers, whole = work.numbers, work.whole
    for column in range(N_MOVES + 1):
        whole[COUNTS, column] = 0
    whole[COUNTS, LEGS] = quantity.size
    blind = np.isnan(spot)
    for i in range(quantity.size):
        numbers[STRIKE, i], numbers[PRICE, i] = strike[i], price[i]
        if np.isnan(price[i]):
            sign = 1.0 if call[i] else -1.0
            numbers[PRICE, i] = 0.0 if blind else max(0.0, sign * (spot - strike[i]))
        numbers[SHORTS, i], numbers[LONGS, i] = max(0.0, -quantity[i]), max(0.0, quantity[i])
        numbers[NEED, i] = FORBIDDEN
        if not blind:
            numbers[NEED, i] = requirements.naked(
                call[i], spot, strike[i], numbers[PRICE, i], rates[requirements.BASIC], rates[requirements.FLOOR]
            )
        whole[CALL, i], whole[RANK, i], whole[PLACE, i] = int(call[i]), rank[i], -1
        whole[COUNTS, RANKS] = max(whole[COUNTS, RANKS], rank[i] + 1)
        _list_leg(work, i, lots)
    _lot_costs(work, lots > 0.0, spot, rates)


@kernel
def _list_leg(work: Work, i: int, lots: float) -> None:
    """Put a leg on the lists where it belongs; short calls and puts descend by need."""
    numbers, whole = work.numbers, work.whole
    is_call = whole[CALL, i] == 1
    if lots != 0.0 and numbers[LONGS, i] > 0.0 and is_call == (lots < 0.0):
        whole[HEDGES, whole[COUNTS, N_HEDGES]] = i
        whole[COUNTS, N_HEDGES] += 1
    if numbers[SHORTS, i] <= 0.0:
        return
    if lots != 0.0 and is_call == (lots > 0.0):
        whole[COVERS, whole[COUNTS, N_COVERS]] = i
        whole[COUNTS, N_COVERS] += 1
        whole[PLACE, i] = whole[COUNTS, N_COVERS]
    row, count = (CALLS, N_CALLS) if is_call else (PUTS, N_PUTS)
    at = whole[COUNTS, count]
    while at > 0 and numbers[NEED, whole[row, at - 1]] < numbers[NEED, i]:
        whole[row, at] = whole[row, at - 1]
        at -= 1
    whole[row, at] = i
    whole[COUNTS, count] += 1


@kernel
def _lot_costs(work: Work, long_stock: bool, spot: float, rates: Floats) -> None:
    """Fill the cost of each kind of lot. Without a spot nothing can be told apart: what is permitted costs nothing."""
    numbers, whole = work.numbers, work.whole
    for h in range(whole[COUNTS, N_HEDGES] + 1):
        hedge_strike, hedge_rank = np.nan, 0
        if h > 0:
            leg = whole[HEDGES, h - 1]
            hedge_strike, hedge_rank = numbers[STRIKE, leg], whole[RANK, leg]
        for s in range(whole[COUNTS, N_COVERS] + 1):
            short_strike, short_rank, short_price = np.nan, 0, 0.0
            if s > 0:
                leg = whole[COVERS, s - 1]
                short_strike, short_rank, short_price = numbers[STRIKE, leg], whole[RANK, leg], numbers[PRICE, leg]
            work.cost[h, s] = FORBIDDEN
            if lot_permitted(long_stock, hedge_strike, short_strike, hedge_rank, short_rank):
                work.cost[h, s] = 0.0
                if not np.isnan(spot):
                    each = lot_requirement(long_stock, spot, hedge_strike, short_strike, short_price, rates)
                    work.cost[h, s] = each[0] + INITIAL_WEIGHT * each[1]


@kernel
def solve(work: Work, lots: float) -> float:
    """Fill the cheapest split found of what is loaded; returns its cost per share (maintenance, a little initial)."""
    numbers, whole = work.numbers, work.whole
    n, n_hedges, n_covers = whole[COUNTS, LEGS], whole[COUNTS, N_HEDGES], whole[COUNTS, N_COVERS]
    best = np.inf
    shorts = 0.0
    for i in range(n):
        shorts += numbers[SHORTS, i]
    _list_moves(work, lots)
    reach = 0
    starts = 1 if shorts == 0.0 else 3 if lots > 0.0 else 2
    for start in range(starts):
        for i in range(n):
            numbers[SPREAD, i] = 0.0
        for h in range(n_hedges + 1):
            for s in range(n_covers + 1):
                work.lots[h, s] = 0.0
        work.lots[0, 0] = lots
        if start == 2:
            _cover_all(work)
        if start > 0:
            _spread_all(work)
        total = _descend(work, reach)
        if total < best - 1e-9:
            best = total
            for i in range(n):
                numbers[BEST_SPREAD, i] = numbers[SPREAD, i]
            for h in range(n_hedges + 1):
                for s in range(n_covers + 1):
                    work.best_lots[h, s] = work.lots[h, s]
    for i in range(n):
        numbers[SPREAD, i] = numbers[BEST_SPREAD, i]
    for h in range(n_hedges + 1):
        for s in range(n_covers + 1):
            work.lots[h, s] = work.best_lots[h, s]
    if shorts > 0.0 or lots > 0.0:
        reach = _reach(work)
    best = _descend(work, reach)
    evaluate(work)
    return best


@kernel
def _reach(work: Work) -> int:
    """Kinds of moves below it are tried two at once: all, those in and out of the spread, or none of a large book."""
    count, plain = work.whole[COUNTS, N_MOVES], 0
    for move in range(count):
        plain += work.moves[move, 0] < 2
    if count * count * 4 <= ALL_PAIRS:
        return 8
    return 2 if plain * plain * 4 <= SPREAD_PAIRS else 0


@kernel
def _cover_all(work: Work) -> None:
    """Start: lots cover the shorts with the largest naked requirement first."""
    numbers, whole = work.numbers, work.whole
    n_covers = whole[COUNTS, N_COVERS]
    for _ in range(n_covers):
        pick = -1
        for s in range(n_covers):
            leg = whole[COVERS, s]
            open_units = work.lots[0, s + 1] < numbers[SHORTS, leg]
            if open_units and (pick < 0 or numbers[NEED, leg] > numbers[NEED, whole[COVERS, pick]]):
                pick = s
        if pick < 0 or work.lots[0, 0] <= 0.0:
            return
        units = min(work.lots[0, 0], numbers[SHORTS, whole[COVERS, pick]])
        work.lots[0, pick + 1] += units
        work.lots[0, 0] -= units


@kernel
def _spread_all(work: Work) -> None:
    """Start: as many of the shorts in the spread as the longs can cover."""
    numbers, whole = work.numbers, work.whole
    settle(work)
    for i in range(whole[COUNTS, LEGS]):
        low, high = 0.0, numbers[OUT, i]
        while low < high:  # feasible at low; whole units
            middle = np.ceil((low + high) / 2.0)
            numbers[SPREAD, i] = middle
            if fill_longs(work):
                low = middle
            else:
                high = middle - 1.0
        numbers[SPREAD, i] = low


# A move: (kind, short leg, hedge, column of `lots`). Kinds: 0 outside → spread, 2 outside → lot, 4 spread → lot,
# 6 a lot gets a protective option; one more: back again.


@kernel
def _add_move(work: Work, kind: int, leg: int, hedge: int, column: int) -> None:
    at = work.whole[COUNTS, N_MOVES]
    if at < work.moves.shape[0]:
        work.moves[at, 0], work.moves[at, 1], work.moves[at, 2], work.moves[at, 3] = kind, leg, hedge, column
        work.whole[COUNTS, N_MOVES] = at + 1


@kernel
def _list_moves(work: Work, lots: float) -> None:
    """Every move that the rules permit, the plainest first (a list that is full ends there)."""
    numbers, whole = work.numbers, work.whole
    whole[COUNTS, N_MOVES] = 0
    h, s, leg = 0, 0, 0
    for i in range(whole[COUNTS, LEGS]):
        if numbers[SHORTS, i] > 0.0:
            for kind in range(2):
                _add_move(work, kind, i, h, s)
    if lots == 0.0:
        return
    for h in range(whole[COUNTS, N_HEDGES] + 1):
        for s in range(whole[COUNTS, N_COVERS] + 1):
            if work.cost[h, s] >= FORBIDDEN:
                continue
            leg = whole[COVERS, max(s - 1, 0)]
            if s > 0:
                for kind in range(2, 6):
                    _add_move(work, kind, leg, h, s)
            if h > 0:
                for kind in range(6, 8):
                    _add_move(work, kind, leg, h, s)


@kernel
def _limit(work: Work, move: int) -> float:
    """So many units can make this move now."""
    kind, i = work.moves[move, 0], work.moves[move, 1]
    h, s = work.moves[move, 2], work.moves[move, 3]
    if kind == 0:
        limit = work.numbers[OUT, i]
    elif kind == 1:
        limit = work.numbers[SPREAD, i]
    elif kind == 2:
        limit = min(work.numbers[OUT, i], work.lots[h, 0])
    elif kind == 4:
        limit = min(work.numbers[SPREAD, i], work.lots[h, 0])
    elif kind == 6:
        limit = min(work.lots[0, s], work.numbers[FREE, work.whole[HEDGES, h - 1]])
    else:
        limit = work.lots[h, s]
    return float(limit)


@kernel
def _move(work: Work, move: int, units: float) -> None:
    """Make a move; with negative units it is taken back."""
    kind, i = work.moves[move, 0], work.moves[move, 1]
    h, s = work.moves[move, 2], work.moves[move, 3]
    if kind % 2 == 1:
        kind, units = kind - 1, -units
    if kind == 0:
        work.numbers[OUT, i] -= units
        work.numbers[SPREAD, i] += units
        return
    if kind == 6:
        work.numbers[FREE, work.whole[HEDGES, h - 1]] -= units
        work.lots[0, s] -= units
        work.lots[h, s] += units
        return
    work.numbers[OUT if kind == 2 else SPREAD, i] -= units
    work.lots[h, 0] -= units
    work.lots[h, s] += units


@kernel
def _descend(work: Work, reach: int) -> float:
    """Move units until no move makes it cheaper, nor two at once of kinds below `reach`; returns the cost."""
    settle(work)
    total = evaluate(work)
    for _ in range(ROUNDS):
        cost, first, first_units = _try_one(work, total - 1e-7)
        second, second_units = -1, 0.0
        if first < 0 and reach > 0:
            cost, first, first_units, second, second_units = _try_two(work, reach, total - 1e-7)
        if first < 0:
            break
        _move(work, first, first_units)
        if second >= 0:
            _move(work, second, second_units)
        total = cost
    return total


@kernel
def _try_one(work: Work, best: float) -> tuple[float, int, float]:
    """The best single move cheaper than `best` (cost, move, units); -1: none. All units, a half, a quarter … one."""
    found, found_units = -1, 0.0
    for move in range(work.whole[COUNTS, N_MOVES]):
        units = _limit(work, move)
        while units >= 1.0:
            _move(work, move, units)
            cost = evaluate(work)
            _move(work, move, -units)
            if cost < best:
                best, found, found_units = cost, move, units
            units = np.floor(units / 2.0)
    return best, found, found_units


@kernel
def _try_two(work: Work, reach: int, best: float) -> tuple[float, int, float, int, float]:
    """The best two moves at once, each with all units or one, the second also with as many as the first."""
    first, first_units, second, second_units = -1, 0.0, -1, 0.0
    count = work.whole[COUNTS, N_MOVES]
    for move in range(count):
        limit = _limit(work, move)
        if work.moves[move, 0] >= reach or limit < 1.0:
            continue
        for option in range(1 if limit <= 1.0 else 2):
            units = limit if option == 0 else 1.0
            _move(work, move, units)
            for other in range(count):
                if other == move or work.moves[other, 0] >= reach:
                    continue
                other_limit = _limit(work, other)
                for other_option in range(1 if units >= other_limit else 2):
                    other_units = other_limit if other_option == 0 else units
                    if other_units < 1.0:
                        continue
                    _move(work, other, other_units)
                    cost = evaluate(work)
                    _move(work, other, -other_units)
                    if cost < best:
                        best, first, first_units = cost, move, units
                        second, second_units = other, other_units
            _move(work, move, -units)
    return best, first, first_units, second, second_units
