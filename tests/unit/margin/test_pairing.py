"""The search against an enumeration of every permitted split of small random books."""

from __future__ import annotations

import itertools
import math
import random

import numpy as np
import pytest

from pipeline.margin.kernels import requirements
from pipeline.margin.rules.options import OptionTerms
from pipeline.margin.rules.pairing import OptionLeg, pair
from pipeline.margin.rules.rates import RateBook

SPOT = 100.0
RATES = RateBook().vector("TEST", "equity")
A, B = RATES[requirements.BASIC], RATES[requirements.FLOOR]
M, MI = RATES[requirements.LONG_MAINTENANCE], RATES[requirements.LONG_INITIAL]


def slow_naked(leg: OptionLeg, spot: float = SPOT) -> float:
    t = leg.terms
    if t.call:
        return t.price + max(A * spot - max(0, t.strike - spot), B * spot)
    return t.price + max(A * spot - max(0, spot - t.strike), B * t.strike)


def slow_max_loss(units: list[tuple[OptionLeg, int]]) -> float:
    worst = 0.0
    for x in [0.0, *(leg.terms.strike for leg, _ in units), 1e6]:
        total = 0.0
        for leg, sign in units:
            value = max(0.0, x - leg.terms.strike) if leg.terms.call else max(0.0, leg.terms.strike - x)
            total += sign * value
        worst = min(worst, total)
    return -worst


def coverable(shorts: list[OptionLeg], longs: list[OptionLeg]) -> bool:
    """Whether each short can be given a long of its right that expires no earlier; each long used, none twice."""
    for call in (True, False):
        ranks_short = sorted(leg.expiry_rank for leg in shorts if leg.terms.call == call)
        ranks_long = sorted(leg.expiry_rank for leg in longs if leg.terms.call == call)
        if len(ranks_short) != len(ranks_long):
            return False
        if any(s > k for s, k in zip(ranks_short, ranks_long, strict=True)):
            return False
    return True


def slow_outside(shorts: list[OptionLeg]) -> float:
    """Cheapest of all ways to straddle some of these shorts and leave the rest naked."""
    calls = [leg for leg in shorts if leg.terms.call]
    puts = [leg for leg in shorts if not leg.terms.call]
    best = math.inf
    few, many = (calls, puts) if len(calls) <= len(puts) else (puts, calls)
    for partners in itertools.permutations([*range(len(many)), *([-1] * len(few))], len(few)):
        total = sum(slow_naked(leg) for i, leg in enumerate(many) if i not in partners)
        for one, partner in zip(few, partners, strict=True):
            if partner < 0:
                total += slow_naked(one)
            else:
                big, small = sorted((one, many[partner]), key=slow_naked, reverse=True)
                total += slow_naked(big) + small.terms.price
        best = min(best, total)
    return best


def slow_lot(long_stock: bool, hedge: OptionLeg | None, short: OptionLeg | None) -> float:
    """Maintenance per share of a lot, written down again from the rules; inf where they permit no such lot."""
    stock = M * SPOT if long_stock else max(5.0, 0.3 * SPOT)
    if hedge is None and short is None:
        return stock
    if hedge is not None and hedge.terms.call == long_stock:
        return math.inf
    if short is not None and short.terms.call != long_stock:
        return math.inf
    sign = 1 if long_stock else -1
    if short is None:
        assert hedge is not None
        return min(0.1 * hedge.terms.strike + max(0, sign * (SPOT - hedge.terms.strike)), stock)
    itm = max(0, sign * (SPOT - short.terms.strike))
    if hedge is None:
        if not long_stock:
            return stock + itm
        k = short.terms.strike
        return max(itm + M * min(SPOT, k), min(SPOT, max(short.terms.price, stock)))
    if hedge.expiry_rank != short.expiry_rank:
        return math.inf
    kh, ks = hedge.terms.strike, short.terms.strike
    if kh == ks:
        return 0.1 * ks + itm
    if long_stock and kh < ks:
        return min(0.1 * kh + max(0, SPOT - kh), 0.25 * ks) + itm
    return math.inf


def slow_best(legs: list[OptionLeg], lots: int) -> float:
    """Least maintenance per share over every assignment of every unit."""
    shorts = [leg for leg in legs for _ in range(int(max(0, -leg.contracts)))]
    longs = [leg for leg in legs for _ in range(int(max(0, leg.contracts)))]
    count = abs(lots)
    hedge_choices = list(itertools.combinations_with_replacement(range(-1, len(longs)), count))
    best = math.inf
    for hedge_pick in hedge_choices:
        used = [h for h in hedge_pick if h >= 0]
        if len(set(used)) != len(used):
            continue
        free = [leg for i, leg in enumerate(longs) if i not in used]
        for cover_pick in itertools.product(range(-1, len(shorts)), repeat=count):
            covered = [s for s in cover_pick if s >= 0]
            if len(set(covered)) != len(covered):
                continue
            cost = sum(
                slow_lot(lots > 0, longs[h] if h >= 0 else None, shorts[s] if s >= 0 else None)
                for h, s in zip(hedge_pick, cover_pick, strict=True)
            )
            if cost >= best:
                continue
            rest = [leg for i, leg in enumerate(shorts) if i not in covered]
            best = min(best, cost + slow_options(rest, free))
    return best


def slow_options(shorts: list[OptionLeg], longs: list[OptionLeg]) -> float:
    best = math.inf
    for inside in itertools.product((False, True), repeat=len(shorts)):
        inner = [leg for leg, chosen in zip(shorts, inside, strict=True) if chosen]
        outside = slow_outside([leg for leg, chosen in zip(shorts, inside, strict=True) if not chosen])
        if outside >= best:
            continue
        if not inner:
            best = outside
            continue
        for picked in itertools.combinations(longs, len(inner)):
            if coverable(inner, list(picked)):
                loss = slow_max_loss([*((leg, -1) for leg in inner), *((leg, 1) for leg in picked)])
                best = min(best, outside + loss)
    return best


def price(call: bool, strike: float, rank: int) -> float:
    """Intrinsic and a time value that falls with the distance: no arbitrage between strikes."""
    value = max(0.0, SPOT - strike if call else strike - SPOT)
    return round(value + (4.0 + 2.0 * rank) * math.exp(-(((strike - SPOT) / 12.0) ** 2)), 2)


def random_book(rng: random.Random, series: int, ranks: int, largest: int) -> list[OptionLeg]:
    legs = []
    for _ in range(series):
        call, strike, rank = rng.random() < 0.5, rng.choice(range(80, 125, 5)), rng.randrange(ranks)
        if any((leg.terms.call, leg.terms.strike, leg.expiry_rank) == (call, strike, rank) for leg in legs):
            continue
        contracts = rng.choice([-1, 1]) * rng.randint(1, largest)
        legs.append(OptionLeg(OptionTerms(call, float(strike), price(call, strike, rank)), contracts, rank))
    return legs


def total(legs: list[OptionLeg], lots: int = 0) -> float:
    blocks = pair(legs, 100.0, SPOT, 100.0 * lots, RATES)
    return sum(block.requirement.maintenance for block in blocks)


@pytest.mark.parametrize("seed", range(8))
def test_options_alone_reach_the_optimum(seed: int) -> None:
    rng = random.Random(seed)
    for _ in range(25):
        legs = random_book(rng, rng.randint(1, 5), rng.choice([1, 1, 2]), 2)
        units = sum(abs(leg.contracts) for leg in legs)
        if units > 8:
            continue
        assert total(legs) == pytest.approx(100.0 * slow_best(legs, 0), abs=1e-6), legs


@pytest.mark.parametrize("seed", range(8))
def test_books_with_stock_reach_the_optimum(seed: int) -> None:
    rng = random.Random(1000 + seed)
    for _ in range(12):
        legs = random_book(rng, rng.randint(1, 4), rng.choice([1, 1, 2]), 1)
        lots = rng.choice([-2, -1, 1, 2])
        assert total(legs, lots) == pytest.approx(100.0 * slow_best(legs, lots), abs=1e-6), (legs, lots)


def test_nothing_held_requires_nothing() -> None:
    assert pair([], 100.0, SPOT, 0.0, RATES) == []


def test_every_unit_stands_in_exactly_one_group() -> None:
    rng = random.Random(5)
    for _ in range(40):
        legs = random_book(rng, 8, 3, 4)
        shares = rng.choice([-350.0, -100.0, 0.0, 90.0, 250.0])
        held = np.zeros(len(legs) + 1)
        for block in pair(legs, 100.0, SPOT, shares, RATES):
            for leg, quantity in block.legs:
                held[leg] += quantity
        assert held[:-1].tolist() == [leg.contracts for leg in legs]
        assert held[-1] == shares


def test_order_of_the_legs_does_not_matter() -> None:
    rng = random.Random(11)
    for _ in range(30):
        legs = random_book(rng, 7, 2, 3)
        shuffled = legs[:]
        rng.shuffle(shuffled)
        assert total(shuffled, 2) == pytest.approx(total(legs, 2), abs=1e-6)


def test_without_a_spot_spreads_are_known_and_naked_shorts_say_at_least() -> None:
    vertical = [OptionLeg(OptionTerms(True, 100.0, math.nan), -1), OptionLeg(OptionTerms(True, 110.0, math.nan), 1)]
    (block,) = pair(vertical, 100.0, math.nan, 0.0, RATES)
    assert block.requirement.maintenance == 1000.0
    assert not block.requirement.at_least
    (naked,) = pair(vertical[:1], 100.0, math.nan, 0.0, RATES)
    assert naked.requirement.at_least
    assert "no price" in naked.requirement.reason
