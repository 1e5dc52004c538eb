"""Margin of a book under the published rules of a Reg T margin account, in plain loops. Pure.

An implementation of its own: it shares no code and no table with the margin engine of this project, so that the two
can be compared. Stocks by rate, short options by premium + max(a·S − out of the money, b·S or b·K), long stock against
short calls, spreads by their greatest loss, short straddles by the larger side, futures by table.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from pipeline.gateway.broker import rates


@dataclass(frozen=True, slots=True)
class Leg:
    """A position for the margin: `under` is the price of the underlying, `value` that of one unit."""

    symbol: str
    sec_type: str
    quantity: int
    price: float
    under: float
    multiplier: int = 1
    expiry: str = ""
    strike: float = 0.0
    right: str = ""


@dataclass(frozen=True, slots=True)
class Requirement:
    """Initial, maintenance and Reg T margin."""

    initial: float = 0.0
    maintenance: float = 0.0
    reg_t: float = 0.0

    def __add__(self, other: Requirement) -> Requirement:
        return Requirement(self.initial + other.initial, self.maintenance + other.maintenance, self.reg_t + other.reg_t)


@dataclass(slots=True)
class _Series:
    """Contracts of one option series that are still to be grouped."""

    leg: Leg
    left: int  # contracts, positive


def account(legs: Iterable[Leg]) -> tuple[Requirement, Requirement]:
    """Requirement of the securities and of the commodities segment."""
    by_symbol: dict[str, list[Leg]] = defaultdict(list)
    commodities = Requirement()
    for leg in legs:
        if leg.sec_type == "FUT":
            commodities += future(leg)
        elif leg.quantity:
            by_symbol[leg.symbol].append(leg)
    securities = Requirement()
    for symbol in sorted(by_symbol):
        securities += underlying(by_symbol[symbol])
    return securities, commodities


def future(leg: Leg) -> Requirement:
    maintenance = abs(leg.quantity) * rates.FUTURES[leg.symbol]
    return Requirement(maintenance * rates.INITIAL_OF_MAINTENANCE, maintenance, 0.0)


def stock(symbol: str, shares: float, price: float) -> Requirement:
    """Stock alone: long by rate, short by the four-line table; Reg T is half the value either way."""
    value = abs(shares) * price
    if shares >= 0:
        initial, maintenance = rates.long_rates(symbol)
        return Requirement(value * initial, value * maintenance, value * rates.REG_T_STOCK)
    house = -shares * rates.short_per_share(symbol, price)
    return Requirement(house, house, value * rates.REG_T_STOCK)


def naked(leg: Leg) -> float:
    """Requirement of one uncovered short contract."""
    a = rates.INDEX_OPTION if leg.symbol in rates.BROAD_INDICES else rates.EQUITY_OPTION
    if leg.right == "C":
        out = max(0.0, leg.strike - leg.under)
        risk = max(a * leg.under - out, rates.OPTION_FLOOR * leg.under)
    else:
        out = max(0.0, leg.under - leg.strike)
        risk = max(a * leg.under - out, rates.OPTION_FLOOR * leg.strike)
    return leg.multiplier * (leg.price + risk)


def covered_call(call: Leg) -> Requirement:
    """One short call against its lot of long shares (IBKR's formula, initial and maintenance alike)."""
    s, k = call.under, call.strike
    rate = rates.long_rates(call.symbol)[1]
    first = max(0.0, s - k) + rate * min(s, k)
    per_share = max(first, min(s, max(call.price, rate * s)))
    house = call.multiplier * per_share
    return Requirement(house, house, call.multiplier * s * rates.REG_T_STOCK)


def covered_put(put: Leg) -> Requirement:
    """One short put against its lot of short shares: the stock's margin and what the put is in the money."""
    s, inner = put.under, max(0.0, put.strike - put.under)
    house = put.multiplier * (rates.short_per_share(put.symbol, s) + inner)
    return Requirement(house, house, put.multiplier * (s * rates.REG_T_STOCK + inner))


def underlying(legs: list[Leg]) -> Requirement:
    """The cheapest of a few ways to hold the positions in one name: with and without stock covering shorts."""
    shares = sum(leg.quantity for leg in legs if leg.sec_type == "STK")
    options = [leg for leg in legs if leg.sec_type == "OPT"]
    spot = next((leg.under for leg in legs), 0.0)
    right = "C" if shares > 0 else "P"
    shorts = [leg for leg in options if leg.quantity < 0 and leg.right == right]
    multiplier = shorts[0].multiplier if shorts else 100
    lots = min(abs(shares) // multiplier, -sum(leg.quantity for leg in shorts))
    best: Requirement | None = None
    for highest_first in (False, True):
        order = sorted(shorts, key=lambda leg: (leg.strike, leg.expiry), reverse=highest_first)
        for count in range(lots + 1):
            found = _with_cover(legs[0].symbol, shares, spot, options, order, count)
            if best is None or (found.maintenance, found.initial) < (best.maintenance, best.initial):
                best = found
    assert best is not None
    return best


def _with_cover(symbol: str, shares: int, spot: float, options: list[Leg], order: list[Leg], count: int) -> Requirement:
    """Requirement when `count` short contracts, taken in `order`, are covered by the stock."""
    used: dict[int, int] = {}
    total, left = Requirement(), count
    for leg in order:
        n = min(left, -leg.quantity)
        if n:
            one = covered_call(leg) if shares > 0 else covered_put(leg)
            total += Requirement(n * one.initial, n * one.maintenance, n * one.reg_t)
            used[id(leg)] = n
            shares += -n * leg.multiplier if shares > 0 else n * leg.multiplier
            left -= n
    total += stock(symbol, shares, spot)
    shorts = [_Series(leg, -leg.quantity - used.get(id(leg), 0)) for leg in options if leg.quantity < 0]
    longs = [_Series(leg, leg.quantity) for leg in options if leg.quantity > 0]
    requirement = options_only(shorts, longs)
    return total + Requirement(requirement, requirement, requirement)


def options_only(shorts: list[_Series], longs: list[_Series]) -> float:
    """Pair each short with the long that saves most, one spread for each expiry, then straddles, then naked."""
    pairs = sorted(_pairs(shorts, longs), key=lambda pair: -pair[0])
    spreads: dict[str, list[tuple[Leg, int]]] = defaultdict(list)
    uncovered: dict[str, float] = defaultdict(float)
    for saving, short, long in pairs:
        n = min(short.left, long.left)
        if saving <= 0.0 or n == 0:
            continue
        short.left -= n
        long.left -= n
        spreads[short.leg.expiry] += [(short.leg, -n), (long.leg, n)]
        uncovered[short.leg.expiry] += n * naked(short.leg)
    total = sum(min(uncovered[expiry], greatest_loss(legs)) for expiry, legs in spreads.items())
    return total + _straddles([x for x in shorts if x.left])


def _pairs(shorts: list[_Series], longs: list[_Series]) -> Iterable[tuple[float, _Series, _Series]]:
    """Saving of each permitted pair: same right, the long lives at least as long as the short."""
    for short in shorts:
        alone = naked(short.leg)
        for long in longs:
            if long.leg.right == short.leg.right and long.leg.expiry >= short.leg.expiry:
                gap = long.leg.strike - short.leg.strike
                width = max(0.0, gap if short.leg.right == "C" else -gap)
                yield alone - width * short.leg.multiplier, short, long


def greatest_loss(legs: list[tuple[Leg, int]]) -> float:
    """Largest loss at expiry, intrinsic values alone; counts balance, so the strikes and 0 are enough."""
    worst = 0.0
    for spot in {0.0, *(leg.strike for leg, _ in legs)}:
        worth = 0.0
        for leg, n in legs:
            inner = spot - leg.strike if leg.right == "C" else leg.strike - spot
            worth += n * leg.multiplier * max(0.0, inner)
        worst = min(worst, worth)
    return -worst


def _straddles(shorts: list[_Series]) -> float:
    """Naked shorts; a call and a put together need the larger side and the other's market value."""
    calls = sorted((x for x in shorts if x.leg.right == "C"), key=lambda x: -naked(x.leg))
    puts = sorted((x for x in shorts if x.leg.right == "P"), key=lambda x: -naked(x.leg))
    total = 0.0
    while calls and puts:
        call, put = calls[0], puts[0]
        n = min(call.left, put.left)
        one, other = naked(call.leg), naked(put.leg)
        smaller = put.leg if one >= other else call.leg
        total += n * (max(one, other) + smaller.multiplier * smaller.price)
        for side in (calls, puts):
            side[0].left -= n
            if not side[0].left:
                side.pop(0)
    return total + sum(x.left * naked(x.leg) for x in calls + puts)
