"""Figures of class groups: every leg priced, the inventory split, the requirements added up."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.jit import kernel
from pipeline.margin.kernels import requirements
from pipeline.margin.kernels.losses import spread_loss
from pipeline.margin.kernels.pairing import empty_split, inventory_of, solve
from pipeline.margin.kernels.prices import bsm
from pipeline.margin.kernels.quotes import CLOSE, NOTHING, Quotes
from pipeline.margin.kernels.splits import Bools, Floats, Integers, Inventory, Split, lot_requirement

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
def split_figures(
    inventory: Inventory, split: Split, spot: float, long_stock: bool, rates: Floats, out: Floats
) -> bool:
    """out = (maintenance, initial, Reg T) per share of a split; False: no spot, so out is only a lower bound."""
    out[:] = 0.0
    blind = np.isnan(spot)
    whole = True
    for h in range(split.lots.shape[0]):
        for s in range(split.lots.shape[1]):
            units = split.lots[h, s]
            if units <= 0.0:
                continue
            if blind:
                whole = False
                continue
            hedge = inventory.strike[inventory.hedges[h - 1]] if h > 0 else np.nan
            short = inventory.strike[inventory.covers[s - 1]] if s > 0 else np.nan
            price = inventory.price[inventory.covers[s - 1]] if s > 0 else 0.0
            figures = lot_requirement(long_stock, spot, hedge, short, price, rates)
            for f in range(3):
                out[f] += units * figures[f]
    options = 0.0
    if split.spread.sum() > 0.0:
        options += spread_loss(inventory.strike, inventory.call, split.used - split.spread)[0]
    naked = split.out.copy()
    for i in range(inventory.calls.size):
        for j in range(inventory.puts.size):
            units = split.pairs[i, j]
            if units > 0.0:
                c, p = inventory.calls[i], inventory.puts[j]
                naked[c] -= units
                naked[p] -= units
                if blind:
                    options += units * (inventory.price[c] + inventory.price[p])
                else:
                    options += units * requirements.straddle(
                        inventory.need[c], inventory.price[c], inventory.need[p], inventory.price[p]
                    )
                whole = whole and not blind
    for i in range(naked.size):
        if naked[i] > 0.0:
            options += naked[i] * (inventory.price[i] if blind else inventory.need[i])
            whole = whole and not blind
    for f in range(3):
        out[f] += options
    return whole


@kernel
def lower_prices(legs: Legs, start: int, end: int, spot: float) -> Floats:
    """Option prices for requirements; an unknown one counts as its intrinsic value, the least that it can be."""
    prices = legs.price[start:end].copy()
    for i in range(prices.size):
        if np.isnan(prices[i]):
            sign = 1.0 if legs.call[start + i] else -1.0
            prices[i] = 0.0 if np.isnan(spot) else max(0.0, sign * (spot - legs.strike[start + i]))
    return prices


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
def option_runs(legs: Legs, start: int, end: int, runs: Integers) -> int:
    """runs[r] = first leg of each run of options with one multiplier; returns how many, runs[count] = end."""
    count = 0
    for leg in range(start, end):
        if legs.kind[leg] != OPTION:
            continue
        if count == 0 or legs.multiplier[leg] != legs.multiplier[runs[count - 1]]:
            runs[count] = leg
            count += 1
    runs[count] = end
    return count


@kernel
def _require(groups: Groups, legs: Legs, g: int) -> int:
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
    runs = np.empty(end - start + 1, dtype=np.int64)
    count = option_runs(legs, start, end, runs)
    bare = shares
    part = np.empty(3)
    for r in range(count):
        a, b = runs[r], runs[r + 1]
        lot = legs.multiplier[a]
        lots = np.floor(abs(bare) / lot) * np.sign(bare) if r == 0 else 0.0
        bare -= lots * lot
        inventory = inventory_of(
            legs.quantity[a:b],
            legs.call[a:b],
            legs.strike[a:b],
            legs.rank[a:b],
            lower_prices(legs, a, b, spot),
            spot,
            lots,
            rates,
        )
        split = empty_split(inventory)
        solve(inventory, split, abs(lots))
        if not split_figures(inventory, split, spot, lots > 0.0, rates, part):
            flags |= AT_LEAST
        figures[MAINTENANCE] += part[0] * lot * fx
        figures[INITIAL] += part[1] * lot * fx
        figures[REG_T] += part[2] * lot * fx
    if bare != 0.0:
        if np.isnan(spot):
            return flags | AT_LEAST
        one = requirements.long_share(spot, rates) if bare > 0.0 else requirements.short_share(spot, rates)
        figures[MAINTENANCE] += abs(bare) * one[0] * fx
        figures[INITIAL] += abs(bare) * one[1] * fx
        figures[REG_T] += abs(bare) * one[2] * fx
    return flags


@kernel
def revalue(which: Integers, groups: Groups, legs: Legs, quotes: Quotes) -> None:
    """Fill spot, figures and flags of the groups `which`, and price and flags of their legs."""
    for index in range(which.size):
        g = which[index]
        groups.figures[g, :] = 0.0
        groups.spot[g], flags = find_spot(groups, legs, quotes, g)
        if np.isnan(groups.fx[g]):  # nothing can be said in the base currency
            groups.flags[g] = AT_LEAST
            continue
        flags |= _value_legs(groups, legs, quotes, g)
        groups.flags[g] = flags | _require(groups, legs, g)


@kernel
def moved_groups(quotes: Quotes, slot_start: Integers, slot_groups: Integers, marked: Bools, which: Integers) -> int:
    """which[:n] = groups with a moved slot, each once, ascending; clears the moves. slot_start: CSR over slots."""
    marked[:] = False
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
    out[:, :, :] = 0.0
    flags[:] = 0
    for g in range(account.size):
        flags[account[g]] |= groups.flags[g]
        for f in range(FIGURES):
            out[account[g], segment[g], f] += groups.figures[g, f]
