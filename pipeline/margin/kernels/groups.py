"""Figures of class groups: every leg priced, the inventory split, the requirements added up."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.jit import kernel
from pipeline.margin.kernels import requirements
from pipeline.margin.kernels.pairing import load, solve
from pipeline.margin.kernels.prices import bsm
from pipeline.margin.kernels.quotes import CLOSE, NOTHING, Quotes
from pipeline.margin.kernels.splits import (
    CALLS,
    COUNTS,
    COVERS,
    HEDGES,
    N_CALLS,
    N_COVERS,
    N_HEDGES,
    N_PUTS,
    NEED,
    PRICE,
    PUTS,
    STRIKE,
    Bools,
    Floats,
    Integers,
    Work,
    alone_calls,
    alone_puts,
    lot_requirement,
    spread_cost,
)

STOCK, OPTION, FUTURE, FUTURE_OPTION, OTHER = 0, 1, 2, 3, 4  # kinds of legs
AT_LEAST, STALE_INPUT, MODELLED = 1, 2, 4  # MarginFlag
# Columns of a group's figures.
INITIAL, MAINTENANCE, REG_T, VALUE, PNL, EQUITY_VALUE, OPTION_VALUE, GROSS, VARIATION = 0, 1, 2, 3, 4, 5, 6, 7, 8
FIGURES = 9


class Legs(NamedTuple):
    """Positions, those of a group together: first what is no option, then options by multiplier and strike."""

    slot: Integers
    kind: NDArray[np.uint8]
    quantity: Floats
    average_cost: Floats  # includes the multiplier, as TWS says it
    tws_price: Floats  # TWS's own mark of the portfolio
    reference: Floats  # futures: the mark that TWS's futures P&L stands for
    call: Bools
    strike: Floats
    rank: Integers
    multiplier: Floats
    years: Floats  # to expiry
    price: Floats  # filled
    flags: NDArray[np.uint16]  # filled


class Groups(NamedTuple):
    """Class groups: legs start[g]:start[g+1] of one account, one underlying, one currency."""

    start: Integers
    under_slot: Integers  # -1: the underlying is unknown
    rates: Floats  # [g, RATES]
    future_maintenance: Floats  # per contract; nan: no rate
    future_initial: Floats
    fx: Floats  # base currency per unit; nan: no rate
    spot: Floats  # filled
    figures: Floats  # [g, FIGURES] filled, in base currency
    flags: NDArray[np.uint16]  # filled


@kernel
def price_leg(legs: Legs, quotes: Quotes, leg: int, spot: float) -> None:
    """Fill price and flags: mark, else modelled from the last implied volatility, else close, else TWS's own."""
    slot = legs.slot[leg]
    price, source = quotes.mark[slot], quotes.source[slot]
    flags = 0
    if source in (NOTHING, CLOSE) and legs.kind[leg] == OPTION:
        vol = quotes.implied_vol[slot]
        if vol > 0.0 and spot > 0.0 and legs.years[leg] > 0.0:
            price = bsm(legs.call[leg], spot, legs.strike[leg], vol, legs.years[leg], 0.0, 0.0)
            flags = MODELLED
    if np.isnan(price):
        price = legs.tws_price[leg]
        flags = STALE_INPUT
        if np.isnan(price):
            flags = AT_LEAST
    legs.price[leg] = price
    legs.flags[leg] = flags


@kernel
def split_figures(work: Work, spot: float, long_stock: bool, rates: Floats, out: Floats) -> bool:
    """out = (maintenance, initial, Reg T) per share of a solved split; False: no spot, so out is a lower bound."""
    numbers, whole = work.numbers, work.whole
    n_calls, n_puts = whole[COUNTS, N_CALLS], whole[COUNTS, N_PUTS]
    out[0], out[1], out[2] = 0.0, 0.0, 0.0
    blind = np.isnan(spot)
    certain = True
    for h in range(whole[COUNTS, N_HEDGES] + 1):
        for s in range(whole[COUNTS, N_COVERS] + 1):
            units = work.lots[h, s]
            if units <= 0.0:
                continue
            certain = certain and not blind
            if not blind:
                hedge = numbers[STRIKE, whole[HEDGES, h - 1]] if h > 0 else np.nan
                short = numbers[STRIKE, whole[COVERS, s - 1]] if s > 0 else np.nan
                price = numbers[PRICE, whole[COVERS, s - 1]] if s > 0 else 0.0
                each = lot_requirement(long_stock, spot, hedge, short, price, rates)
                out[0] += units * each[0]
                out[1] += units * each[1]
                out[2] += units * each[2]
    options = spread_cost(work)
    for i in range(n_calls):
        for j in range(n_puts):
            units = work.pairs[i, j]
            if units > 0.0:
                c, p = whole[CALLS, i], whole[PUTS, j]
                certain = certain and not blind
                options += units * (numbers[PRICE, c] + numbers[PRICE, p] if blind else both(work, c, p))
    naked = PRICE if blind else NEED
    for i in range(n_calls):
        units = alone_calls(work, i)
        certain = certain and (units <= 0.0 or not blind)
        options += units * numbers[naked, whole[CALLS, i]]
    for j in range(n_puts):
        units = alone_puts(work, j)
        certain = certain and (units <= 0.0 or not blind)
        options += units * numbers[naked, whole[PUTS, j]]
    for f in range(3):
        out[f] += options
    return certain


@kernel
def both(work: Work, c: int, p: int) -> float:
    """Requirement of one straddle of two legs, per unit."""
    numbers = work.numbers
    return requirements.straddle(numbers[NEED, c], numbers[PRICE, c], numbers[NEED, p], numbers[PRICE, p])


@kernel
def find_spot(groups: Groups, legs: Legs, quotes: Quotes, g: int) -> tuple[float, int]:
    """Price of the underlying and flags: its mark, else from option computations, else TWS's own of the stock."""
    under = groups.under_slot[g]
    if under >= 0 and not np.isnan(quotes.mark[under]):
        return quotes.mark[under], 0
    for leg in range(groups.start[g], groups.start[g + 1]):
        price = quotes.under_price[legs.slot[leg]]
        if legs.kind[leg] == OPTION and price > 0.0:
            return price, MODELLED
    for leg in range(groups.start[g], groups.start[g + 1]):
        if legs.kind[leg] == STOCK and legs.tws_price[leg] > 0.0:
            return legs.tws_price[leg], STALE_INPUT
    return np.nan, 0


@kernel
def _value_legs(groups: Groups, legs: Legs, quotes: Quotes, g: int) -> int:
    """Price the legs of a group and add their values up; returns the flags."""
    figures, spot, flags = groups.figures[g], groups.spot[g], 0
    fx = groups.fx[g]
    for leg in range(groups.start[g], groups.start[g + 1]):
        price_leg(legs, quotes, leg, spot)
        flags |= legs.flags[leg]
        price, quantity, kind = legs.price[leg], legs.quantity[leg], legs.kind[leg]
        if np.isnan(price):
            continue
        value = quantity * legs.multiplier[leg] * price * fx
        figures[VALUE] += value
        figures[PNL] += value - quantity * legs.average_cost[leg] * fx
        if kind in (STOCK, OTHER):
            figures[EQUITY_VALUE] += value
            figures[GROSS] += abs(value)
        elif kind in (OPTION, FUTURE_OPTION):
            figures[OPTION_VALUE] += value
            figures[GROSS] += abs(value) if kind == OPTION else 0.0
        elif not np.isnan(legs.reference[leg]):
            figures[VARIATION] += quantity * legs.multiplier[leg] * (price - legs.reference[leg]) * fx
    return flags


@kernel
def _require(groups: Groups, legs: Legs, work: Work, g: int) -> int:
    """Add the requirements of a group; returns the flags."""
    start, end = groups.start[g], groups.start[g + 1]
    figures, spot, rates, fx, flags = groups.figures[g], groups.spot[g], groups.rates[g], groups.fx[g], 0
    shares = 0.0
    for leg in range(start, end):
        kind = legs.kind[leg]
        if kind == STOCK:
            shares += legs.quantity[leg]
        elif kind == FUTURE and not np.isnan(groups.future_maintenance[g]):
            contracts = abs(legs.quantity[leg])
            figures[MAINTENANCE] += contracts * groups.future_maintenance[g] * fx
            figures[INITIAL] += contracts * groups.future_initial[g] * fx
        elif kind != OPTION:
            flags |= AT_LEAST
    bare = shares
    part = work.cost[work.cost.shape[0] - 1]  # its last row is never a kind of lot: there are fewer hedges than legs
    a = start
    while a < end:
        if legs.kind[a] != OPTION:
            a += 1
            continue
        lot, b = legs.multiplier[a], a + 1
        while b < end and legs.kind[b] == OPTION and legs.multiplier[b] == lot:
            b += 1
        lots = np.floor(abs(bare) / lot) * np.sign(bare)
        bare -= lots * lot
        load(
            work,
            legs.quantity[a:b],
            legs.call[a:b],
            legs.strike[a:b],
            legs.rank[a:b],
            legs.price[a:b],
            spot,
            lots,
            rates,
        )
        solve(work, abs(lots))
        if not split_figures(work, spot, lots > 0.0, rates, part):
            flags |= AT_LEAST
        figures[MAINTENANCE] += part[0] * lot * fx
        figures[INITIAL] += part[1] * lot * fx
        figures[REG_T] += part[2] * lot * fx
        a = b
    if bare != 0.0:
        if np.isnan(spot):
            return flags | AT_LEAST
        one = requirements.long_share(spot, rates) if bare > 0.0 else requirements.short_share(spot, rates)
        figures[MAINTENANCE] += abs(bare) * one[0] * fx
        figures[INITIAL] += abs(bare) * one[1] * fx
        figures[REG_T] += abs(bare) * one[2] * fx
    return flags


@kernel
def revalue(which: Integers, groups: Groups, legs: Legs, quotes: Quotes, work: Work) -> None:
    """Fill spot, figures and flags of the groups `which`, and price and flags of their legs."""
    for index in range(which.size):
        g = which[index]
        for f in range(FIGURES):
            groups.figures[g, f] = 0.0
        groups.spot[g], flags = find_spot(groups, legs, quotes, g)
        if np.isnan(groups.fx[g]):  # nothing can be said in the base currency
            groups.flags[g] = AT_LEAST
            continue
        flags |= _value_legs(groups, legs, quotes, g)
        groups.flags[g] = flags | _require(groups, legs, work, g)


@kernel
def moved_groups(quotes: Quotes, slot_start: Integers, slot_groups: Integers, marked: Bools, which: Integers) -> int:
    """which[:n] = groups with a moved slot, each once, ascending; clears the moves. slot_start: CSR over slots."""
    for g in range(marked.size):
        marked[g] = False
    for slot in range(slot_start.size - 1):
        if quotes.moved[slot]:
            quotes.moved[slot] = False
            for at in range(slot_start[slot], slot_start[slot + 1]):
                marked[slot_groups[at]] = True
    count = 0
    for g in range(marked.size):
        if marked[g]:
            which[count] = g
            count += 1
    return count


@kernel
def add_up(groups: Groups, account: Integers, segment: Integers, out: Floats, flags: NDArray[np.uint16]) -> None:
    """out[a, s, :] = sum of the figures of account a in segment s (0 securities, 1 commodities); flags[a] united."""
    for a in range(flags.size):
        flags[a] = 0
        for f in range(FIGURES):
            out[a, 0, f] = 0.0
            out[a, 1, f] = 0.0
    for g in range(account.size):
        flags[account[g]] |= groups.flags[g]
        for f in range(FIGURES):
            out[account[g], segment[g], f] += groups.figures[g, f]
