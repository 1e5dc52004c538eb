"""The cheapest permitted split of an inventory as groups that a person can read."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.margin.kernels import pairing as kernel
from pipeline.margin.kernels import splits
from pipeline.margin.kernels.splits import Work, new_work
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
    work = new_work(len(legs))
    kernel.load(
        work,
        np.array([legs[i].contracts for i in order], dtype=np.float64),
        np.array([legs[i].terms.call for i in order], dtype=np.bool_),
        np.array([legs[i].terms.strike for i in order], dtype=np.float64),
        np.array([legs[i].expiry_rank for i in order], dtype=np.int64),
        np.array([legs[i].terms.price for i in order], dtype=np.float64),
        spot,
        lots,
        rates,
    )
    kernel.solve(work, abs(lots))
    context = _Context(order, legs, multiplier, spot, rates, work)
    blocks = _lot_blocks(context, lots) + _spread_block(context) + _outside_blocks(context) + _long_blocks(context)
    rest = shares - lots * multiplier
    if rest:
        blocks.append(Block(options.shares(rest, spot, rates), [(STOCK_LEG, rest)]))
    return blocks


@dataclass(frozen=True, slots=True)
class _Context:
    order: list[int]
    legs: list[OptionLeg]
    multiplier: float
    spot: float
    rates: NDArray[np.float64]
    work: Work

    def count(self, column: int) -> int:
        return int(self.work.whole[splits.COUNTS, column])

    def terms(self, place: int) -> OptionTerms:
        given = self.legs[self.order[place]].terms
        return OptionTerms(given.call, given.strike, float(self.work.numbers[splits.PRICE, place]))


def _lot_blocks(context: _Context, lots: float) -> list[Block]:
    blocks = []
    whole = context.work.whole
    table = context.work.lots[: context.count(splits.N_HEDGES) + 1, : context.count(splits.N_COVERS) + 1]
    sign = 1.0 if lots > 0.0 else -1.0
    for h, s in np.argwhere(table > 0.0):
        count = float(table[h, s])
        hedge = int(whole[splits.HEDGES, h - 1]) if h else None
        short = int(whole[splits.COVERS, s - 1]) if s else None
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
    numbers = context.work.numbers[:, : context.count(splits.LEGS)]
    net = numbers[splits.USED] - numbers[splits.SPREAD]
    places = [int(i) for i in np.flatnonzero(net)]
    if not places:
        return []
    requirement = options.spread([(context.terms(i), float(net[i])) for i in places], context.multiplier)
    return [Block(requirement, [(context.order[i], float(net[i])) for i in places])]


def _outside_blocks(context: _Context) -> list[Block]:
    blocks = []
    whole = context.work.whole
    naked = context.work.numbers[splits.OUT, : context.count(splits.LEGS)].copy()
    pairs = context.work.pairs[: context.count(splits.N_CALLS), : context.count(splits.N_PUTS)]
    for i, j in np.argwhere(pairs > 0.0):
        count = float(pairs[i, j])
        call, put = int(whole[splits.CALLS, i]), int(whole[splits.PUTS, j])
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
    numbers = context.work.numbers[:, : context.count(splits.LEGS)]
    left = numbers[splits.FREE] - numbers[splits.USED]
    return [
        Block(options.long_option(context.terms(i), float(left[i])), [(context.order[i], float(left[i]))])
        for i in np.flatnonzero(left > 0.0).tolist()
    ]
