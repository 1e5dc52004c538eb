"""The cheapest permitted split of an inventory as groups that a person can read."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.margin.kernels import pairing as kernel
from pipeline.margin.kernels.splits import Inventory, Split
from pipeline.margin.rules import options
from pipeline.margin.rules.options import OptionTerms, Requirement

STOCK_LEG = -1


@dataclass(frozen=True, slots=True)
class OptionLeg:
    """One series that is held: its terms, signed contracts, and the order of its expiry."""

    terms: OptionTerms
    contracts: float
    expiry_rank: int = 0


@dataclass(frozen=True, slots=True)
class Block:
    """A permitted group: its requirement and its legs as (index of the leg or STOCK_LEG, signed quantity)."""

    requirement: Requirement
    legs: list[tuple[int, float]]


def pair(
    legs: list[OptionLeg], multiplier: float, spot: float, shares: float, rates: NDArray[np.float64]
) -> list[Block]:
    """Split `legs` (any order) and signed `shares` of their underlying into the groups with the least requirement.

    `spot` nan: the underlying has no price; then only what needs none is known, and blocks say so. Groups come in the
    order hedged lots, spread, straddles, naked, long options, shares that are left.
    """
    order = sorted(range(len(legs)), key=lambda i: (legs[i].terms.strike, not legs[i].terms.call, legs[i].expiry_rank))
    lots = math.floor(abs(shares) / multiplier) * (1.0 if shares >= 0.0 else -1.0) if legs else 0.0
    prices = [_lower_price(legs[i].terms, spot) for i in order]
    inventory = kernel.inventory_of(
        np.array([legs[i].contracts for i in order], dtype=np.float64),
        np.array([legs[i].terms.call for i in order], dtype=np.bool_),
        np.array([legs[i].terms.strike for i in order], dtype=np.float64),
        np.array([legs[i].expiry_rank for i in order], dtype=np.int64),
        np.array(prices, dtype=np.float64),
        spot,
        lots,
        rates,
    )
    split = kernel.empty_split(inventory)
    kernel.solve(inventory, split, abs(lots))
    context = _Context(order, legs, prices, multiplier, spot, rates, inventory, split)
    blocks = _lot_blocks(context, lots) + _spread_block(context) + _outside_blocks(context) + _long_blocks(context)
    rest = shares - lots * multiplier
    if rest:
        blocks.append(Block(options.shares(rest, spot, rates), [(STOCK_LEG, rest)]))
    return blocks


@dataclass(frozen=True, slots=True)
class _Context:
    order: list[int]
    legs: list[OptionLeg]
    prices: list[float]
    multiplier: float
    spot: float
    rates: NDArray[np.float64]
    inventory: Inventory
    split: Split

    def terms(self, place: int) -> OptionTerms:
        given = self.legs[self.order[place]].terms
        return OptionTerms(given.call, given.strike, self.prices[place])


def _lower_price(terms: OptionTerms, spot: float) -> float:
    """The premium; where it is unknown the intrinsic value, the least that it can be."""
    if not math.isnan(terms.price):
        return terms.price
    if math.isnan(spot):
        return 0.0
    return max(0.0, spot - terms.strike if terms.call else terms.strike - spot)


def _lot_blocks(context: _Context, lots: float) -> list[Block]:
    blocks = []
    table, inventory = context.split.lots, context.inventory
    sign = 1.0 if lots > 0.0 else -1.0
    for h, s in np.argwhere(table > 0.0):
        count = float(table[h, s])
        hedge = int(inventory.hedges[h - 1]) if h else None
        short = int(inventory.covers[s - 1]) if s else None
        requirement = options.lot(
            sign > 0.0,
            context.terms(hedge) if hedge is not None else None,
            context.terms(short) if short is not None else None,
            count,
            context.multiplier,
            context.spot,
            context.rates,
        )
        legs = [(STOCK_LEG, sign * count * context.multiplier)]
        legs += [(context.order[hedge], count)] if hedge is not None else []
        legs += [(context.order[short], -count)] if short is not None else []
        blocks.append(Block(requirement, legs))
    return blocks


def _spread_block(context: _Context) -> list[Block]:
    net = context.split.used - context.split.spread
    places = [int(i) for i in np.flatnonzero(net)]
    if not places:
        return []
    requirement = options.spread([(context.terms(i), float(net[i])) for i in places], context.multiplier)
    return [Block(requirement, [(context.order[i], float(net[i])) for i in places])]


def _outside_blocks(context: _Context) -> list[Block]:
    blocks = []
    inventory, naked = context.inventory, context.split.out.copy()
    for i, j in np.argwhere(context.split.pairs > 0.0):
        count = float(context.split.pairs[i, j])
        call, put = int(inventory.calls[i]), int(inventory.puts[j])
        naked[call] -= count
        naked[put] -= count
        requirement = options.straddle(
            context.terms(call), context.terms(put), count, context.multiplier, context.spot, context.rates
        )
        blocks.append(Block(requirement, [(context.order[call], -count), (context.order[put], -count)]))
    for i in np.flatnonzero(naked > 0.0).tolist():
        requirement = options.naked(context.terms(i), float(naked[i]), context.multiplier, context.spot, context.rates)
        blocks.append(Block(requirement, [(context.order[i], -float(naked[i]))]))
    return blocks


def _long_blocks(context: _Context) -> list[Block]:
    left = context.split.free - context.split.used
    return [
        Block(options.long_option(context.terms(i), float(left[i])), [(context.order[i], float(left[i]))])
        for i in np.flatnonzero(left > 0.0).tolist()
    ]
