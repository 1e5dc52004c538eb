"""When each kind of contract trades, and how lively it is at that time. Pure: every time is UTC ns of the market."""

from __future__ import annotations

import math
from datetime import date, time, timedelta
from enum import IntEnum
from functools import cache

from pipeline.gateway.market import days
from pipeline.gateway.market.instruments import Instrument

STOCK, OPTION, FUTURE, PAIR, BOND = "stock", "option", "future", "pair", "bond"
KINDS = (STOCK, OPTION, FUTURE, PAIR, BOND)
OF_TYPE = {"STK": STOCK, "OPT": OPTION, "IND": OPTION, "FUT": FUTURE, "FOP": FUTURE, "CASH": PAIR, "BOND": BOND}
EVER = 1 << 62


class Phase(IntEnum):
    """What a market does at one moment."""

    CLOSED = 0
    PRE = 1
    OPEN = 2
    POST = 3


Span = tuple[int, int, Phase]  # from, until (UTC ns), phase


def kind_of(x: Instrument) -> str:
    return OF_TYPE[x.sec_type]


@cache
def spans(kind: str, day: date) -> tuple[Span, ...]:
    """The spans of one trade date, in order; a future's or a pair's begins the evening before."""
    if kind in (FUTURE, PAIR):
        return _round_the_clock(kind, day)
    if not days.is_business_day(day):
        return ()
    half = days.is_half_day(day)
    if kind == BOND:
        return (_span(day, time(8), day, time(14 if half else 17), Phase.OPEN),)
    close = time(13) if half else days.CLOSE
    regular = _span(day, days.OPEN, day, close, Phase.OPEN)
    if kind == OPTION:
        return (regular,)
    early = _span(day, time(4), day, days.OPEN, Phase.PRE)
    return early, regular, _span(day, close, day, time(17 if half else 20), Phase.POST)


def _round_the_clock(kind: str, day: date) -> tuple[Span, ...]:
    if day.weekday() > 4 or days.is_closed_everywhere(day):
        return ()
    before = day - timedelta(days=1)
    if kind == PAIR:
        return (_span(before, time(17, 15), day, time(17), Phase.OPEN),)
    until = time(17) if days.is_business_day(day) else time(13)
    return (_span(before, time(18), day, until, Phase.OPEN),)


def _span(first: date, opens: time, last: date, closes: time, phase: Phase) -> Span:
    return days.ns_of(first, opens), days.ns_of(last, closes), phase


def at(kind: str, now_ns: int) -> Span:
    """The span that holds `now_ns`; closed ones last until the next opening."""
    today = days.new_york(now_ns).date()
    opening, closed_since = EVER, 0
    for offset in range(-5, 8):
        for begin, end, phase in spans(kind, today + timedelta(days=offset)):
            if begin <= now_ns < end:
                return begin, end, phase
            if end <= now_ns:
                closed_since = max(closed_since, end)
            elif begin > now_ns:
                opening = min(opening, begin)
    return closed_since, opening, Phase.CLOSED


class Hours:
    """The phase of one kind as time goes on; with `always` it never closes."""

    def __init__(self, kind: str, always: bool) -> None:
        self.kind, self.always = kind, always
        self._span: Span = (0, EVER, Phase.OPEN) if always else (0, 0, Phase.CLOSED)

    def phase(self, now_ns: int) -> Phase:
        return self.span(now_ns)[2]

    def span(self, now_ns: int) -> Span:
        if not self._span[0] <= now_ns < self._span[1]:
            self._span = at(self.kind, now_ns)
        return self._span

    def elapsed(self, now_ns: int) -> float:
        """Share of the present span that is over, 0 to 1; in the middle when it never closes."""
        begin, end, _ = self.span(now_ns)
        return 0.5 if self.always else (now_ns - begin) / max(end - begin, 1)


# A day's pattern: a level, a decay after the open and a rise before the close, each with a mean of 1 over the session.


def day_variance(elapsed: float) -> float:
    """Variance of a stock's move against the session's mean: most after the open, more again before the close."""
    return 0.70 + 2.75 * math.exp(-elapsed / 0.08) + 1.60 * math.exp((elapsed - 1.0) / 0.05)


def day_volume(elapsed: float) -> float:
    """Traded volume against the session's mean."""
    return 0.72 + 2.40 * math.exp(-elapsed / 0.06) + 2.72 * math.exp((elapsed - 1.0) / 0.05)


def day_spread(elapsed: float) -> float:
    """Spread against that of midday: wide for some minutes after the open."""
    return 1.0 + 2.2 * math.exp(-elapsed / 0.03) + 0.3 * math.exp((elapsed - 1.0) / 0.02)


OUTSIDE = {Phase.PRE: 0.08, Phase.POST: 0.05, Phase.CLOSED: 0.02}  # variance of a stock against the session's mean


def variance(kind: str, hours: Hours, now_ns: int) -> float:
    """Variance of a price of this kind against the mean of New York's session; 6.5 hours of 1 make a day."""
    if hours.always:
        return 1.0
    phase = hours.phase(now_ns)
    if kind in (STOCK, OPTION, BOND):
        return day_variance(hours.elapsed(now_ns)) if phase is Phase.OPEN else OUTSIDE[phase]
    if phase is Phase.CLOSED:
        return 0.0
    hour = days.new_york(now_ns).hour
    if kind == FUTURE:
        return 0.53 if 8 <= hour < 16 else 0.15
    return 0.45 if 3 <= hour < 12 else 0.165


def volume_factor(hours: Hours, now_ns: int) -> float:
    """Pace of trading against a session's mean: 0 while closed."""
    phase = hours.phase(now_ns)
    if hours.always:
        return 1.0
    if phase is not Phase.OPEN:
        return 0.0 if phase is Phase.CLOSED else 0.05
    if hours.kind in (STOCK, OPTION):
        return day_volume(hours.elapsed(now_ns))
    return variance(hours.kind, hours, now_ns) / 0.5 if hours.kind in (FUTURE, PAIR) else 1.0


def spread_factor(hours: Hours, now_ns: int) -> float:
    """Width of the quotes against that of midday."""
    phase = hours.phase(now_ns)
    if hours.always:
        return 1.0
    if phase is not Phase.OPEN:
        return 4.0
    if hours.kind in (STOCK, OPTION):
        return day_spread(hours.elapsed(now_ns))
    return 1.0 if variance(hours.kind, hours, now_ns) > 0.4 or hours.kind == BOND else 1.6
