"""Margin of stock with the options that hedge it: covered, protective, collar, conversion. Pure, plain loops."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pipeline.gateway.broker import rates, spreads
from pipeline.gateway.broker.legs import Leg, Requirement

MOST_LOTS, FEW_LOTS = 24, 6  # so many numbers of covered lots are tried
SMALL = 8  # series: up to here each way to hedge is judged with the best spreads of the rest
EVALUATIONS, EVALUATIONS_SMALL = 30, 300  # ways to hedge that are judged


def stock(symbol: str, shares: float, price: float) -> Requirement:
    """Stock alone: long by rate, short by the four-line table; Reg T is half the value either way."""
    value = abs(shares) * price
    if shares >= 0:
        initial, maintenance = rates.long_rates(symbol)
        return Requirement(value * initial, value * maintenance, value * rates.REG_T_STOCK)
    house = -shares * rates.short_per_share(symbol, price)
    return Requirement(house, house, value * rates.REG_T_STOCK)


def covered_call(call: Leg) -> Requirement:
    """One short call against its lot of long shares (IBKR's formula, initial and maintenance alike)."""
    s, k = call.under, call.strike
    rate = rates.long_rates(call.symbol)[1]
    first = call.inner + rate * min(s, k)
    house = call.multiplier * max(first, min(s, max(call.price, rate * s)))
    return Requirement(house, house, call.multiplier * s * rates.REG_T_STOCK)


def covered_put(put: Leg) -> Requirement:
    """One short put against its lot of short shares: the stock's margin and what the put is in the money."""
    s = put.under
    house = put.multiplier * (rates.short_per_share(put.symbol, s) + put.inner)
    return Requirement(house, house, put.multiplier * (s * rates.REG_T_STOCK + put.inner))


def protected(option: Leg) -> Requirement:
    """A long put against long shares, or a long call against short ones: a tenth of the strike and what is outside."""
    lot = option.multiplier
    alone = stock(option.symbol, lot if option.right == "P" else -lot, option.under)
    hedged = lot * (rates.HEDGED * option.strike + option.outer)
    return Requirement(alone.initial, min(hedged, alone.maintenance), alone.reg_t)


def conversion(long: Leg, short: Leg) -> Requirement:
    """Stock, a long option against it and a short one of the same expiry on the other side.

    One strike: conversion, or its reverse with short stock. Two: a collar, which needs a quarter of the call's strike
    at most. What the short is in the money is charged in each.
    """
    lot = short.multiplier
    need = rates.HEDGED * long.strike + (long.outer if short.strike != long.strike else 0.0)
    if short.right == "C" and short.strike > long.strike:
        need = min(need, rates.COLLAR * short.strike)
    initial = lot * (rates.REG_T_STOCK * short.under + short.inner)
    return Requirement(initial, lot * (need + short.inner), initial)


@dataclass(frozen=True, slots=True)
class Hedge:
    """A way to hold one lot of stock: the options it takes, by their place, and what it needs."""

    takes: tuple[int, ...]
    need: Requirement


class Holding:
    """Stock and options on one underlying, and the search for the cheapest hedges."""

    def __init__(self, legs: list[Leg]) -> None:
        self.symbol, self.spot = legs[0].symbol, legs[0].under
        self.shares = sum(leg.quantity for leg in legs if leg.sec_type == "STK")
        self.options = [leg for leg in legs if leg.sec_type != "STK"]
        self.lot = self.options[0].multiplier if self.options else 100
        self.lots = abs(self.shares) // self.lot
        self.side = 1 if self.shares > 0 else -1
        self.hedges = list(self._hedges())
        self.small = len(self.options) <= SMALL
        self.left = EVALUATIONS_SMALL if self.small else EVALUATIONS
        self._known: dict[tuple[int, ...], float] = {}

    def _hedges(self) -> Iterable[Hedge]:
        covering, guarding = ("C", "P") if self.side > 0 else ("P", "C")
        for n, leg in enumerate(self.options):
            if leg.quantity < 0 and leg.right == covering:
                yield Hedge((n,), covered_call(leg) if self.side > 0 else covered_put(leg))
            elif leg.quantity > 0 and leg.right == guarding:
                yield Hedge((n,), protected(leg))
                for m, short in enumerate(self.options):
                    if short.quantity < 0 and short.right == covering and short.expiry == leg.expiry:
                        gap = (short.strike - leg.strike) * self.side
                        if gap == 0 or (gap > 0 and self.side > 0):
                            yield Hedge((n, m), conversion(leg, short))

    def best(self) -> Requirement:
        """The cheapest found: covered lots in both orders of strike, then single hedges changed while that helps."""
        chosen, need = max(self._starts(), key=lambda found: (-found[1].maintenance, -found[1].initial))
        bettered = bool(self.hedges and self.lots)
        while bettered and self.left > 0:
            bettered = False
            for changed in self._neighbours(chosen):
                if self.left <= 0:
                    break
                found = self._need(changed)
                if (found.maintenance, found.initial) < (need.maintenance - 1e-9, need.initial):
                    chosen, need, bettered = changed, found, True
        return need if self.small else self._need(chosen, spreads.FEW_TRIALS)

    def _starts(self) -> Iterable[tuple[dict[int, int], Requirement]]:
        yield {}, self._need({})
        cover = [n for n, hedge in enumerate(self.hedges) if len(hedge.takes) == 1 and self._short(hedge)]
        most = min(self.lots, sum(-self.options[self.hedges[n].takes[0]].quantity for n in cover))
        tried = MOST_LOTS if self.small else FEW_LOTS
        counts = sorted({max(1, most * n // tried) for n in range(1, tried + 1)}) if most else []
        for highest_first in (False, True):
            order = sorted(cover, key=self._strike, reverse=highest_first)
            for count in counts:
                chosen, left = {}, count
                for n in order:
                    chosen[n] = min(left, -self.options[self.hedges[n].takes[0]].quantity)
                    left -= chosen[n]
                yield chosen, self._need(chosen)

    def _short(self, hedge: Hedge) -> bool:
        return self.options[hedge.takes[0]].quantity < 0

    def _strike(self, n: int) -> tuple[float, str]:
        leg = self.options[self.hedges[n].takes[0]]
        return leg.strike, leg.expiry

    def _neighbours(self, chosen: dict[int, int]) -> Iterable[dict[int, int]]:
        """As many of one hedge more as there is room for, one more, one fewer, or one hedge instead of another."""
        for n in range(len(self.hedges)):
            room = self._room(chosen, n)
            for more in sorted({room, 1} - {0}, reverse=True):
                if more <= room:
                    yield {**chosen, n: chosen.get(n, 0) + more}
            for other, count in list(chosen.items()):
                if not count:
                    continue
                fewer = {**chosen, other: count - 1}
                if other == n:
                    yield fewer
                    continue
                none = {**chosen, other: 0}
                if count > 1 and self._room(none, n):
                    yield {**none, n: none.get(n, 0) + self._room(none, n)}
                if self._room(fewer, n):
                    yield {**fewer, n: fewer.get(n, 0) + 1}

    def _room(self, chosen: dict[int, int], n: int) -> int:
        used = self._used(chosen)
        free = [abs(self.options[place].quantity) - used[place] for place in self.hedges[n].takes]
        return min([self.lots - sum(chosen.values()), *free])

    def _used(self, chosen: dict[int, int]) -> list[int]:
        used = [0] * len(self.options)
        for n, count in chosen.items():
            for place in self.hedges[n].takes:
                used[place] += count
        return used

    def _need(self, chosen: dict[int, int], trials: int = 0) -> Requirement:
        """What everything needs when these hedges are made; a large book's spreads are searched only on demand."""
        self.left -= 1
        used = self._used(chosen)
        rest = self.side * (abs(self.shares) - self.lot * sum(chosen.values()))
        total = stock(self.symbol, rest, self.spot)
        for n, count in chosen.items():
            total += self.hedges[n].need.times(count)
        key = tuple(used)
        if key not in self._known or trials:
            left = (
                (leg, leg.quantity + (n if leg.quantity < 0 else -n)) for leg, n in zip(self.options, used, strict=True)
            )
            self._known[key] = spreads.requirement(left, spreads.MOST_TRIALS if self.small else trials)
        options = self._known[key]
        return total + Requirement(options, options, options)
