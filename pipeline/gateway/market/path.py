"""One price over one calendar day in New York: seeded minutes between given prices, and their seconds. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from pipeline.gateway.market import sessions

Array = npt.NDArray[np.float64]
Whole = npt.NDArray[np.int64]
DAY_MINUTES = 1440
OPEN_MINUTE, CLOSE_MINUTE, HALF_MINUTE = 570, 960, 780
SESSION_MINUTES = 390
QUIET = 0.08  # variance and volume of a minute outside of the session, against the session's mean
REACH = 0.55  # how far a minute goes beyond its open and close, in standard deviations
COLUMNS = ("open", "high", "low", "close", "activity", "since")


@dataclass(frozen=True, slots=True)
class Atoms:
    """Equal steps of time: where each begins (UTC s), its four prices, and its share of a usual day's trading.

    `since` is the share from the beginning of the step's minute to the step's end.
    """

    time: Whole
    open: Array
    high: Array
    low: Array
    close: Array
    activity: Array
    since: Array

    def __len__(self) -> int:
        return len(self.time)

    @classmethod
    def of(cls, time: Whole, rows: Array) -> Atoms:
        """From rows open, high, low, close, activity; `since` as of whole minutes."""
        return cls(time, rows[0], rows[1], rows[2], rows[3], rows[4], rows[4])

    def within(self, begin_s: int, end_s: int) -> Atoms:
        """Those that begin from `begin_s` to before `end_s`."""
        first, last = np.searchsorted(self.time, (begin_s, end_s))
        return self.take(slice(int(first), int(last)))

    def take(self, rows: slice | npt.NDArray[np.bool_]) -> Atoms:
        columns = (self.open, self.high, self.low, self.close, self.activity, self.since)
        return Atoms(self.time[rows], *(column[rows] for column in columns))


def joined(parts: Sequence[Atoms]) -> Atoms:
    """All of them, one after the other; at least one."""
    return Atoms(
        np.concatenate([p.time for p in parts]),
        *(np.concatenate([getattr(p, name) for p in parts]) for name in COLUMNS),
    )


@cache
def variance(flat: bool) -> Array:
    """Variance of each minute of a day against the session's mean; `flat` for currencies, which have no session."""
    pattern = np.full(DAY_MINUTES, QUIET)
    if flat:
        pattern[:] = 0.27
        return pattern
    shares = [sessions.day_variance((m + 0.5) / SESSION_MINUTES) for m in range(SESSION_MINUTES)]
    pattern[OPEN_MINUTE:CLOSE_MINUTE] = shares
    return pattern


@cache
def pace(flat: bool) -> Array:
    """Share of a day's trading in each minute of a day, before chance; the session's sum is 1."""
    pattern = np.full(DAY_MINUTES, 0.03)
    shares = [sessions.day_volume((m + 0.5) / SESSION_MINUTES) for m in range(SESSION_MINUTES)]
    pattern[OPEN_MINUTE:CLOSE_MINUTE] = [1.0] * SESSION_MINUTES if flat else shares
    share: Array = pattern / pattern[OPEN_MINUTE:CLOSE_MINUTE].sum()
    return share


def stretch(key: Sequence[int], first: int, last: int, begin: float, end: float, day_vol: float, flat: bool) -> Array:
    """Minutes `first` to `last` of a day from price `begin` to price `end`: rows open, high, low, close, activity."""
    count = last - first
    draws = np.random.default_rng([*key, first])
    chance = draws.standard_normal((4, count))
    sigma = day_vol * np.sqrt(variance(flat)[first:last] / SESSION_MINUTES)
    walk, spent = np.cumsum(sigma * chance[0]), np.cumsum(sigma * sigma)
    close = begin * np.exp(walk + (np.log(end / begin) - walk[-1]) * spent / spent[-1])
    close[-1] = end
    opened = np.concatenate(([begin], close[:-1]))
    reach = REACH * sigma * close
    high = np.maximum(opened, close) + reach * np.abs(chance[1])
    low = np.minimum(opened, close) - reach * np.abs(chance[2])
    activity = pace(flat)[first:last] * np.exp(0.5 * chance[3] - 0.125)
    return np.stack((opened, high, low, close, activity))


def split(atoms: Atoms, count: int, step_s: int, key: Sequence[int]) -> Atoms:
    """Each atom in `count` of `step_s` seconds that together have its four prices and its activity; count ≥ 2.

    The seconds of an atom depend on the key and on its time alone.
    """
    parts = [_split_one(atoms, n, count, key) for n in range(len(atoms))]
    if not parts:
        return atoms
    time = (atoms.time[:, None] + step_s * np.arange(count)).ravel()
    return Atoms.of(time, np.concatenate(parts, axis=1))


def _split_one(atoms: Atoms, n: int, count: int, key: Sequence[int]) -> Array:
    begin, high, low, end = atoms.open[n], atoms.high[n], atoms.low[n], atoms.close[n]
    draws = np.random.default_rng([*key, int(atoms.time[n])])
    slots = np.sort(draws.permutation(count)[:2])
    first, second = (low, high) if draws.random() < (0.8 if end > begin else 0.2) else (high, low)
    places = np.array([0.0, slots[0] + 0.5, slots[1] + 0.5, count])
    close = np.interp(np.arange(1, count + 1), places, (begin, first, second, end))
    noise = 0.15 * (high - low) * draws.standard_normal(count)
    close = np.clip(close + noise, low, high)
    close[-1] = end
    opened = np.concatenate(([begin], close[:-1]))
    highs, lows = np.maximum(opened, close), np.minimum(opened, close)
    highs[slots[0 if first == high else 1]] = high
    lows[slots[1 if first == high else 0]] = low
    weight = draws.exponential(size=count)
    return np.stack((opened, highs, lows, close, atoms.activity[n] * weight / weight.sum()))


def since_minute(atoms: Atoms) -> Array:
    """Activity up to the end of each step since its minute began; the first step begins a minute."""
    total = np.cumsum(atoms.activity)
    minute = atoms.time // 60
    begins = np.flatnonzero(np.diff(minute, prepend=-1))
    before = np.concatenate(([0.0], total))[begins]
    sizes = np.diff(np.append(begins, len(minute)))
    since: Array = total - np.repeat(before, sizes)
    return since
