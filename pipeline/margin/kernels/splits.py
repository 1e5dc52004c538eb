"""What a split of one underlying's inventory costs: hedged lots, one universal spread, straddles, naked shorts.

Everything about one inventory stands in a `Work`: a few matrices whose rows have names here. Made once for the largest
group and used again, so nothing is allocated inside; few arrays and plain loops also keep the compile time small.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.jit import kernel
from pipeline.margin.kernels import requirements

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Integers = NDArray[np.int64]

FORBIDDEN = 1e9  # the cost of what no rule permits, and of a naked option whose underlying has no price

# Rows of Work.numbers, by leg; legs ascend by strike.
STRIKE, PRICE, NEED, SHORTS, LONGS = 0, 1, 2, 3, 4  # given; NEED: naked requirement per unit
SPREAD, USED = 5, 6  # short and long contracts in the spread
OUT, FREE = 7, 8  # short contracts outside (naked, straddles); long contracts that protect no lot
ROOM, BEST_SPREAD = 9, 10  # scratch
NUMBER_ROWS = 11
# Rows of Work.whole. The lists CALLS … COVERS hold legs; PLACE is a leg's place in COVERS, from 1.
CALL, RANK, CALLS, PUTS, HEDGES, COVERS, PLACE, COUNTS = 0, 1, 2, 3, 4, 5, 6, 7
WHOLE_ROWS = 8
# Columns of the row COUNTS.
LEGS, RANKS, N_CALLS, N_PUTS, N_HEDGES, N_COVERS, N_MOVES = 0, 1, 2, 3, 4, 5, 6
WIDTH = 8
MOST_MOVES = 20_000


class Work(NamedTuple):
    """One inventory and its split."""

    numbers: Floats  # [NUMBER_ROWS, leg]
    whole: Integers  # [WHOLE_ROWS, leg]
    cost: Floats  # [h, s] per share: a lot with hedge h-1 and short option s-1 (0: none)
    lots: Floats  # [h, s] so many lots of that kind
    best_lots: Floats
    pairs: Floats  # [i, j] straddles of CALLS[i] with PUTS[j]
    moves: Integers  # [move, 4]: kind, leg, hedge, column


def new_work(legs: int) -> Work:
    """Room for inventories of up to `legs` option series."""
    n = max(legs, WIDTH)
    side = legs + 1
    moves = min(MOST_MOVES, 2 * n + 4 * n * side + 2 * side * side)
    return Work(
        np.zeros((NUMBER_ROWS, n)),
        np.zeros((WHOLE_ROWS, n), dtype=np.int64),
        np.zeros((side, side)),
        np.zeros((side, side)),
        np.zeros((side, side)),
        np.zeros((side, side)),
        np.zeros((moves, 4), dtype=np.int64),
    )


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
def fill_longs(work: Work) -> bool:
    """USED = the longs of FREE that cover SPREAD best; False if they can't all be covered.

    A long covers shorts of its right that expire no later (rank). For each right the longs are taken best strike first
    while every short can still be told a long of its own: those sets form a matroid, so the greedy choice is best at
    every price of the underlying.
    """
    numbers, whole = work.numbers, work.whole
    n, ranks = whole[COUNTS, LEGS], whole[COUNTS, RANKS]
    for i in range(n):
        numbers[USED, i] = 0.0
    for side in range(2):
        need = 0.0
        for e in range(ranks):
            numbers[ROOM, e] = 0.0
        for i in range(n):
            if whole[CALL, i] == side and numbers[SPREAD, i] > 0.0:
                need += numbers[SPREAD, i]
                numbers[ROOM, whole[RANK, i]] += numbers[SPREAD, i]
        if need == 0.0:
            continue
        for e in range(1, ranks):
            numbers[ROOM, e] += numbers[ROOM, e - 1]
        for step in range(n):
            i = step if side == 1 else n - 1 - step
            if whole[CALL, i] != side or numbers[FREE, i] <= 0.0:
                continue
            take = min(need, numbers[FREE, i])
            for e in range(whole[RANK, i], ranks):
                take = min(take, numbers[ROOM, e])
            if take <= 0.0:
                continue
            for e in range(whole[RANK, i], ranks):
                numbers[ROOM, e] -= take
            numbers[USED, i] = take
            need -= take
            if need <= 0.0:
                break
        if need > 0.0:
            return False
    return True


@kernel
def spread_cost(work: Work) -> float:
    """Largest loss at expiry of USED against SPREAD, per unit; `losses.spread_loss` on the work's rows."""
    numbers, whole = work.numbers, work.whole
    n = whole[COUNTS, LEGS]
    value = 0.0
    for i in range(n):
        if whole[CALL, i] == 0:
            value += (numbers[USED, i] - numbers[SPREAD, i]) * numbers[STRIKE, i]
    worst, slope, previous = min(0.0, value), 0.0, 0.0
    for i in range(n):
        value += slope * (numbers[STRIKE, i] - previous)
        previous = numbers[STRIKE, i]
        worst = min(worst, value)
        slope += numbers[USED, i] - numbers[SPREAD, i]
    return -worst if worst < -1e-9 else 0.0


@kernel
def saved(work: Work, c: int, p: int) -> float:
    """What one straddle of these two legs saves against both naked, per unit."""
    need_call, need_put = work.numbers[NEED, c], work.numbers[NEED, p]
    pair = requirements.straddle(need_call, work.numbers[PRICE, c], need_put, work.numbers[PRICE, p])
    return float(need_call + need_put - pair)


@kernel
def straddle_saving(work: Work) -> float:
    """What straddles of the shorts outside save, per unit; fills `pairs`.

    The lists descend by need, and rank meets rank: for prices without arbitrage the basic amount ascends with the need,
    and then no other partners save more.
    """
    numbers, whole = work.numbers, work.whole
    n_calls, n_puts = whole[COUNTS, N_CALLS], whole[COUNTS, N_PUTS]
    i, j, saving = 0, 0, 0.0
    left_call, left_put = 0.0, 0.0
    for row in range(n_calls):
        for column in range(n_puts):
            work.pairs[row, column] = 0.0
    if n_calls == 0 or n_puts == 0:
        return 0.0
    left_call, left_put = numbers[OUT, whole[CALLS, 0]], numbers[OUT, whole[PUTS, 0]]
    while True:
        units = min(left_call, left_put)
        if units > 0.0:
            saving += units * saved(work, whole[CALLS, i], whole[PUTS, j])
            work.pairs[i, j] += units
        left_call -= units
        left_put -= units
        if left_call <= 0.0:
            i += 1
            if i == n_calls:
                return saving
            left_call = numbers[OUT, whole[CALLS, i]]
        if left_put <= 0.0:
            j += 1
            if j == n_puts:
                return saving
            left_put = numbers[OUT, whole[PUTS, j]]


@kernel
def evaluate(work: Work) -> float:
    """Cost of the split per share, inf if its longs can't cover its spread; fills USED. OUT and FREE must be right."""
    numbers, whole = work.numbers, work.whole
    total = 0.0
    for h in range(whole[COUNTS, N_HEDGES] + 1):
        for s in range(whole[COUNTS, N_COVERS] + 1):
            if work.lots[h, s] > 0.0:
                total += work.lots[h, s] * work.cost[h, s]
    if not fill_longs(work):
        return np.inf
    for i in range(whole[COUNTS, LEGS]):
        total += numbers[OUT, i] * numbers[NEED, i]
    return total + spread_cost(work) - straddle_saving(work)


@kernel
def settle(work: Work) -> None:
    """OUT and FREE from SPREAD and the lots."""
    numbers, whole = work.numbers, work.whole
    for i in range(whole[COUNTS, LEGS]):
        numbers[OUT, i] = numbers[SHORTS, i] - numbers[SPREAD, i]
        numbers[FREE, i] = numbers[LONGS, i]
    for h in range(whole[COUNTS, N_HEDGES] + 1):
        for s in range(whole[COUNTS, N_COVERS] + 1):
            if h > 0:
                numbers[FREE, whole[HEDGES, h - 1]] -= work.lots[h, s]
            if s > 0:
                numbers[OUT, whole[COVERS, s - 1]] -= work.lots[h, s]


@kernel
def alone_calls(work: Work, index: int) -> float:
    """Short contracts of CALLS[index] that are in no straddle."""
    left = work.numbers[OUT, work.whole[CALLS, index]]
    for other in range(work.whole[COUNTS, N_PUTS]):
        left -= work.pairs[index, other]
    return float(left)


@kernel
def alone_puts(work: Work, index: int) -> float:
    """Short contracts of PUTS[index] that are in no straddle."""
    left = work.numbers[OUT, work.whole[PUTS, index]]
    for other in range(work.whole[COUNTS, N_CALLS]):
        left -= work.pairs[other, index]
    return float(left)
