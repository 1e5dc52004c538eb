"""Every price of the market at any time until now: made up to the start of the market, seen since then.

Pure and seeded: the past before the start depends on the seed, the price's name and the day alone, and ends in the
market's own closing prices. Coarser steps always contain the finer ones.
"""

from __future__ import annotations

import itertools
import math
import zlib
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from datetime import date, time, timedelta
from typing import Any, TypeVar

import numpy as np

from pipeline.gateway.market import days, path, sessions
from pipeline.gateway.market.live import FINE_S, Live
from pipeline.gateway.market.path import CLOSE_MINUTE, DAY_MINUTES, HALF_MINUTE, OPEN_MINUTE, Array, Atoms
from pipeline.gateway.market.prices import Market

YEARS = 6  # the past begins so many years before the market
YEAR_DAYS = 252.0
KEPT_DAYS = 512  # days of minutes that are remembered, over all prices
KEPT_MINUTES = 4096  # minutes cut into seconds that are remembered
DRIFT = 0.00015  # of a day's logarithm
GAP_SHARE = 0.3  # of a day's move that has happened by the open
WALK, EDGE, SECONDS = 1, 2, 3  # what random numbers are for
NOTHING = Atoms(np.empty(0, np.int64), *(np.empty(0) for _ in range(6)))
Kept = TypeVar("Kept")


class Past:
    """The prices of a market's processes, back from its first day, and on as it moves."""

    def __init__(self, market: Market) -> None:
        self.market = market
        self.began_ns = market.now_ns
        self.first_day = days.new_york(self.began_ns).date()
        self.anchor = _day_before(self.first_day)
        fixed = market.fixings.get(f"{self.anchor:%Y%m%d}")  # of a market that goes on after a weekend
        self._anchor_close = market.close.copy() if fixed is None else np.array(fixed)
        self._first_spot = market.spot.copy()
        self.head = days.business_day(date(self.first_day.year - YEARS, self.first_day.month, 1))
        self.live = Live(market.now_ns, market.spot)
        before = self.head.toordinal() - 10
        dates = (date.fromordinal(n) for n in range(self.anchor.toordinal(), before, -1))
        self._calendar = [day for day in dates if days.is_business_day(day)]
        self._years = range(self._calendar[-1].year, self.anchor.year + 1)
        place = np.array([(day.year - self._years[0], day.timetuple().tm_yday) for day in self._calendar])
        self._places = place[:, 0], place[:, 1]
        self._closes: dict[str, dict[date, float]] = {}
        self._edges: dict[tuple[str, date], tuple[float, float]] = {}
        self._minutes: OrderedDict[tuple[str, date], Atoms] = OrderedDict()
        self._seconds: OrderedDict[tuple[str, int, int], Atoms] = OrderedDict()
        market.observers.append(self._observe)

    def _observe(self) -> None:
        """Prices as the exchanges show them: of what is halted the one at which it stands."""
        market = self.market
        self.live.observe(market.now_ns, market.views[sessions.STOCK].spot if market.halts else market.spot)

    @property
    def today(self) -> date:
        return days.new_york(self.market.now_ns).date()

    def daily_vol(self, process: str) -> float:
        return float(self.market.vol[self.market.index[process]]) / math.sqrt(YEAR_DAYS)

    def close(self, process: str, day: date) -> float:
        """The price at the session's end of a business day since `head`; of today what it is now."""
        if day >= self.first_day:
            seen = self.live.last(day)
            prices = self.market.spot if day == self.today else self._first_spot if seen is None else seen
            return float(prices[self.market.index[process]])
        if process not in self._closes:
            self._closes[process] = self._walk(process)
        return self._closes[process][day]

    def minutes(self, process: str, day: date) -> Atoms:
        """The minutes of one calendar day, up to now; empty where there is no price at all."""
        if day < self.head or day > self.today:
            return NOTHING
        if day >= self.first_day:
            return self._seen(process, day)
        return _remember(self._minutes, (process, day), KEPT_DAYS, lambda: self._made(process, day, DAY_MINUTES))

    def seconds(self, process: str, begin_s: int, end_s: int, step_s: int) -> Atoms:
        """Steps of 5 seconds or of 1 second from `begin_s` to before `end_s`, both whole minutes, up to now."""
        fives = [self._fives(process, minute) for minute in range(begin_s // 60 * 60, end_s, 60)]
        atoms = path.joined(fives) if fives else NOTHING
        if not len(atoms):
            return atoms
        if step_s != FINE_S:
            atoms = path.split(atoms, FINE_S, 1, self._key(process, SECONDS, 1))
        return replace(atoms, since=path.since_minute(atoms))

    # Days that were seen.

    def _seen(self, process: str, day: date) -> Atoms:
        n, kept = self.market.index[process], self.live.minutes(day)
        begin_s = days.ns_of(day, time()) // days.NS
        if kept is None:
            known = [] if self.live.last(day) is None else [(CLOSE_MINUTE, self.close(process, day))]
            return self._between(process, day, known) if known else NOTHING
        rows = kept[:, :, n]
        there = ~np.isnan(rows[:, 0])
        time_s = begin_s + 60 * np.arange(DAY_MINUTES)
        activity = self._activity(process, day)
        seen = Atoms.of(time_s[there], np.stack((*rows[there].T, activity[there])))
        if day != self.first_day:
            return seen
        before = self._between(process, day, [])
        return path.joined([before.within(0, int(seen.time[0])), seen])

    def _between(self, process: str, day: date, known: list[tuple[int, float]]) -> Atoms:
        """A day of which only some prices are known: `known`, or how the market began."""
        if known:
            begin = self.close(process, max(_day_before(day), self.head))
            return self._stitched(process, day, [(0, begin), *known, (DAY_MINUTES, known[-1][1])])
        moment = days.new_york(self.began_ns)
        minute = max(moment.hour * 60 + moment.minute, 1)
        spot = float(self._first_spot[self.market.index[process]])
        return self._stitched(process, day, [(0, self._last_before(process, day)), (minute, spot)])

    def _activity(self, process: str, day: date) -> Array:
        flat = self._flat(process)
        chance = np.random.default_rng(self._key(process, EDGE, day.toordinal(), 7)).standard_normal(DAY_MINUTES)
        activity: Array = path.pace(flat) * np.exp(0.5 * chance - 0.125)
        return activity

    # Days that were made.

    def _made(self, process: str, day: date, until: int) -> Atoms:
        """A calendar day before the market began: nights, session and evening, as far as they are traded at all."""
        if not days.is_business_day(day):
            following = day + timedelta(days=1)
            if not days.is_business_day(following):
                return NOTHING
            begin, _ = self._edge(process, following)
            return self._stitched(process, day, [(CLOSE_MINUTE, begin), (DAY_MINUTES, begin)])
        closes = HALF_MINUTE if days.is_half_day(day) else CLOSE_MINUTE
        opened, last = self._opening(process, day), self._edge(process, day)[1]
        nodes = [(0, self._last_before(process, day)), (OPEN_MINUTE, opened), (closes, self.close(process, day))]
        return self._stitched(process, day, [*nodes, (until, last)])

    def _stitched(self, process: str, day: date, nodes: list[tuple[int, float]]) -> Atoms:
        key, vol, flat = self._key(process, EDGE, day.toordinal()), self.daily_vol(process), self._flat(process)
        parts = [
            path.stretch(key, a, b, begin, end, vol, flat)
            for (a, begin), (b, end) in itertools.pairwise(nodes)
            if b > a
        ]
        rows = np.concatenate(parts, axis=1)
        begin_s = days.ns_of(day, time()) // days.NS
        return Atoms.of(begin_s + 60 * np.arange(nodes[0][0], nodes[0][0] + rows.shape[1]), rows)

    def _walk(self, process: str) -> dict[date, float]:
        """Closes back from the anchor: each year has its own random numbers, shared in part with the whole market."""
        n = self.market.index[process]
        share, vol = float(self.market.correlation[n]), self.daily_vol(process)
        own = math.sqrt(max(1.0 - share * share, 0.0))
        moves = np.stack([share * self._year("", year) + own * self._year(process, year) for year in self._years])
        steps = vol * moves[self._places] + DRIFT
        closes = float(self._anchor_close[n]) * np.exp(-np.concatenate(([0.0], np.cumsum(steps[:-1]))))
        return dict(zip(self._calendar, closes.tolist(), strict=True))

    def _year(self, name: str, year: int) -> Array:
        return np.random.default_rng(self._key(name, WALK, year)).standard_normal(367)

    def _edge(self, process: str, day: date) -> tuple[float, float]:
        """Prices at both ends of a business day's 24 hours: midnight before it, midnight after it."""
        key = (process, day)
        if key not in self._edges:
            if len(self._edges) > 4 * KEPT_DAYS:
                self._edges.clear()
            before = max(_day_before(day), self.head - timedelta(days=5))
            chance = np.random.default_rng(self._key(process, EDGE, day.toordinal())).standard_normal(2)
            nudge = 0.12 * self.daily_vol(process)
            begin = self.close(process, days.business_day(before)) * math.exp(nudge * chance[0])
            self._edges[key] = begin, self.close(process, day) * math.exp(nudge * chance[1])
        return self._edges[key]

    def _last_before(self, process: str, day: date) -> float:
        """The price at midnight before `day`: the end of the day before, or of the evening that follows a weekend."""
        yesterday = day - timedelta(days=1)
        if days.is_business_day(yesterday) and yesterday >= self.head:
            return self._edge(process, yesterday)[1]
        return (
            self._edge(process, day)[0]
            if days.is_business_day(day) and day < self.first_day
            else self.close(process, _day_before(day))
        )

    def _opening(self, process: str, day: date) -> float:
        before, after = self.close(process, _day_before(day)), self.close(process, day)
        chance = np.random.default_rng(self._key(process, EDGE, day.toordinal(), 3)).standard_normal()
        return before * math.pow(after / before, GAP_SHARE) * math.exp(0.3 * self.daily_vol(process) * float(chance))

    # Seconds.

    def _fives(self, process: str, minute_s: int) -> Atoms:
        key = (process, minute_s, FINE_S)
        if minute_s + 60 > self.live.began_s:
            time_s, rows = self.live.fine(minute_s, minute_s + 60)
            if len(time_s):
                n = self.market.index[process]
                day = days.new_york(minute_s * days.NS)
                share = float(self._activity(process, day.date())[day.hour * 60 + day.minute]) / 12.0
                return Atoms.of(time_s, np.stack((*rows[:, :, n].T, np.full(len(time_s), share))))
        return _remember(self._seconds, key, KEPT_MINUTES, lambda: self._cut(process, minute_s))

    def _cut(self, process: str, minute_s: int) -> Atoms:
        minutes = self.minutes(process, days.new_york(minute_s * days.NS).date()).within(minute_s, minute_s + 60)
        return path.split(minutes, 60 // FINE_S, FINE_S, self._key(process, SECONDS)) if len(minutes) else NOTHING

    def _flat(self, process: str) -> bool:
        return "." in process  # a currency pair

    def _key(self, name: str, *what: int) -> tuple[int, ...]:
        return (self.market.seed, zlib.crc32(name.encode()), *what)


def _day_before(day: date) -> date:
    day -= timedelta(days=1)
    while not days.is_business_day(day):
        day -= timedelta(days=1)
    return day


def _remember(table: OrderedDict[Any, Kept], key: Any, most: int, make: Callable[[], Kept]) -> Kept:
    """The table's entry, made when it is missing; the one that was used longest ago goes."""
    if key in table:
        table.move_to_end(key)
        return table[key]
    found = table[key] = make()
    if len(table) > most:
        table.popitem(last=False)
    return found
