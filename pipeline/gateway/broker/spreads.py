"""Margin of the options on one underlying that no stock hedges: spreads, straddles, naked shorts. Pure, plain loops.

Which shorts and longs make the one spread of an expiry is begun with the pairs that save most, and bettered by taking
single contracts in and out as long as that helps.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from pipeline.gateway.broker import rates
from pipeline.gateway.broker.legs import Leg

MOST_TRIALS, FEW_TRIALS = 150, 50  # of single contracts taken in or out; the fewer for a large book


@dataclass(frozen=True, slots=True)
class Pair:
    """A short and a long that may stand in one spread, by their places in the two lists."""

    short: int
    long: int
    saving: float


Count = dict[tuple[int, int], int]  # (short, long) → contracts in the spread


def naked(leg: Leg) -> float:
    """Requirement of one uncovered short contract."""
    a = rates.INDEX_OPTION if leg.symbol in rates.BROAD_INDICES else rates.EQUITY_OPTION
    floor = leg.under if leg.right == "C" else leg.strike
    return leg.multiplier * (leg.price + max(a * leg.under - leg.outer, rates.OPTION_FLOOR * floor))


def requirement(options: Iterable[tuple[Leg, int]], trials: int = MOST_TRIALS) -> float:
    """What the options need, each with its signed number of contracts; `trials` 0: paired by saving alone."""
    legs = list(options)
    book = _Book([(leg, -n) for leg, n in legs if n < 0], [(leg, n) for leg, n in legs if n > 0])
    return book.best(trials)


class _Book:
    """Shorts and longs of one underlying, and the search for the cheapest way to group them."""

    def __init__(self, shorts: list[tuple[Leg, int]], longs: list[tuple[Leg, int]]) -> None:
        self.shorts, self.longs = shorts, longs
        self.alone = [naked(leg) for leg, _ in shorts]
        self.pairs = sorted(self._pairs(), key=lambda pair: -pair.saving)
        self.by_right = {right: [n for n, (leg, _) in enumerate(shorts) if leg.right == right] for right in "CP"}

    def _pairs(self) -> Iterable[Pair]:
        """Permitted pairs: same right, the long lives at least as long as the short."""
        for s, (short, _) in enumerate(self.shorts):
            for n, (long, _) in enumerate(self.longs):
                if long.right == short.right and long.expiry >= short.expiry:
                    gap = long.strike - short.strike
                    width = max(0.0, gap if short.right == "C" else -gap)
                    yield Pair(s, n, self.alone[s] - width * short.multiplier)

    def best(self, trials: int) -> float:
        if not self.shorts:
            return 0.0
        chosen = self._greedy()
        cost = self._cost(chosen)
        bettered = bool(self.pairs)
        while bettered and trials > 0:
            bettered = False
            for changed in self._neighbours(chosen):
                trials -= 1
                if trials < 0:
                    break
                found = self._cost(changed)
                if found < cost - 1e-9:
                    chosen, cost, bettered = changed, found, True
                    break
        return cost

    def _greedy(self, begun: Count | None = None) -> Count:
        """The pairs that save most, after those of `begun`."""
        left_short, left_long = [n for _, n in self.shorts], [n for _, n in self.longs]
        chosen: Count = dict(begun or {})
        for (s, m), n in chosen.items():
            left_short[s] -= n
            left_long[m] -= n
        for pair in self.pairs:
            n = min(left_short[pair.short], left_long[pair.long])
            if n and pair.saving > 0.0:
                chosen[pair.short, pair.long] = chosen.get((pair.short, pair.long), 0) + n
                left_short[pair.short] -= n
                left_long[pair.long] -= n
        return chosen

    def _neighbours(self, chosen: Count) -> Iterable[Count]:
        """One pair more, one less, or a pair in another's place and what that sets free paired anew."""
        for pair in self.pairs:
            key = pair.short, pair.long
            if self._fits(chosen, key):
                yield {**chosen, key: chosen.get(key, 0) + 1}
            for other, n in chosen.items():
                if other != key and (other[0] == key[0] or other[1] == key[1]):
                    without = {k: v for k, v in {**chosen, other: n - 1}.items() if v}
                    if self._fits(without, key):
                        yield self._greedy({**without, key: without.get(key, 0) + 1})
        for key, n in chosen.items():
            yield {k: v for k, v in {**chosen, key: n - 1}.items() if v}

    def _fits(self, chosen: Count, key: tuple[int, int]) -> bool:
        short = sum(n for (s, _), n in chosen.items() if s == key[0])
        long = sum(n for (_, m), n in chosen.items() if m == key[1])
        return short < self.shorts[key[0]][1] and long < self.longs[key[1]][1]

    def _cost(self, chosen: Count) -> float:
        """One spread for each expiry of its shorts, and what is left over."""
        spreads: dict[str, list[tuple[Leg, int]]] = defaultdict(list)
        uncovered: dict[str, float] = defaultdict(float)
        left = [n for _, n in self.shorts]
        for (s, m), n in chosen.items():
            short, long = self.shorts[s][0], self.longs[m][0]
            spreads[short.expiry] += [(short, -n), (long, n)]
            uncovered[short.expiry] += n * self.alone[s]
            left[s] -= n
        total = sum(min(uncovered[expiry], greatest_loss(legs)) for expiry, legs in spreads.items())
        return total + self._straddles(left)

    def _straddles(self, left: list[int]) -> float:
        """Naked shorts; a call and a put together need the larger side and the other's market value."""
        sides = []
        for right in "CP":
            rows = [(self.alone[n], self.shorts[n][0], left[n]) for n in self.by_right[right] if left[n]]
            sides.append(sorted(rows, key=lambda row: -row[0]))
        calls, puts = sides
        total = 0.0
        while calls and puts:
            (one, call, n_call), (other, put, n_put) = calls[0], puts[0]
            n = min(n_call, n_put)
            smaller = put if one >= other else call
            total += n * (max(one, other) + smaller.multiplier * smaller.price)
            calls[0], puts[0] = (one, call, n_call - n), (other, put, n_put - n)
            calls, puts = [row for row in calls if row[2]], [row for row in puts if row[2]]
        return total + sum(alone * n for alone, _, n in calls + puts)


def greatest_loss(legs: list[tuple[Leg, int]]) -> float:
    """Largest loss at expiry, intrinsic values alone; counts balance, so the strikes and 0 are enough."""
    slopes: dict[tuple[float, float], int] = defaultdict(int)  # strike, direction → units
    for leg, n in legs:
        slopes[leg.strike, 1.0 if leg.right == "C" else -1.0] += n * leg.multiplier
    worst = 0.0
    for spot in {0.0, *(strike for strike, _ in slopes)}:
        worth = 0.0
        for (strike, sign), units in slopes.items():
            inner = sign * (spot - strike)
            if inner > 0.0:
                worth += units * inner
        worst = min(worst, worth)
    return -worst
