"""Questions about the past, answered piece by piece: bars of a duration, ticks, a histogram. Pure generators.

Each yields after a piece of work that takes some milliseconds, so that whoever runs it can do other things in between;
what it returns is the answer.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TypeVar

import numpy as np

from pipeline.gateway.market import combo_bars, days, dividends, valuing
from pipeline.gateway.market.bars import DAY_S, MONTH_S, QUOTES, WEEK_S, Bar, Charts, Session, merged
from pipeline.gateway.market.instruments import Instrument

BAR_SIZES = {
    "1 secs": 1, "5 secs": 5, "10 secs": 10, "15 secs": 15, "30 secs": 30, "1 min": 60, "2 mins": 120, "3 mins": 180,
    "5 mins": 300, "10 mins": 600, "15 mins": 900, "20 mins": 1200, "30 mins": 1800, "1 hour": 3600, "2 hours": 7200,
    "3 hours": 10_800, "4 hours": 14_400, "8 hours": 28_800, "1 day": 86_400, "1W": 604_800, "1M": 2_592_000,
}  # fmt: skip
VOLATILITIES = ("HISTORICAL_VOLATILITY", "OPTION_IMPLIED_VOLATILITY")
HISTORY_DAYS = 30  # over which a historical volatility is measured
SLICE_S = 240  # seconds of ticks looked through at a time
TICK_SESSIONS = 5  # how far ticks are looked for

T = TypeVar("T")
Work = Generator[None, None, "list[Bar]"]
Tick = tuple[int, float, float, float, float]  # UTC s, price or bid, ask, size or bid size, ask size


@dataclass(frozen=True, slots=True)
class Duration:
    """So many seconds (S), trading days (D), weeks (W), months (M) or years (Y)."""

    count: int
    unit: str


@dataclass(frozen=True, slots=True)
class Chart:
    """Bars of `what` of a contract: which size, and of which hours."""

    x: Instrument
    what: str
    size: str
    regular: bool
    legs: combo_bars.Legs = ()  # of a combination; `x` is the first of them

    @property
    def size_s(self) -> int:
        return BAR_SIZES[self.size]


@dataclass(frozen=True, slots=True)
class Stretch:
    """Sessions, the oldest first, and the time from which the first of them counts."""

    sessions: list[Session]
    begin_ns: int


def stretch(charts: Charts, x: Instrument, regular: bool, end_ns: int, duration: Duration) -> Stretch:
    """The sessions of a duration that ends before `end_ns`."""
    back = charts.back(x, regular, end_ns)
    if duration.unit == "S":
        return _seconds(back, duration.count, end_ns)
    found: list[Session] = []
    for session in back:
        if found and _enough(duration, found[0].day, session.day, len(found)):
            break
        found.append(session)
    return Stretch(found[::-1], found[-1].begin_ns if found else 0)


def _enough(duration: Duration, newest: date, day: date, count: int) -> bool:
    if duration.unit == "D":
        return count >= duration.count
    if duration.unit == "W":
        return day <= newest - timedelta(days=7 * duration.count)
    return day <= months_before(newest, duration.count * (12 if duration.unit == "Y" else 1))


def months_before(day: date, months: int) -> date:
    """The same day so many months earlier, or that month's last."""
    years, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    following = date(years + (month + 1) // 12, (month + 1) % 12 + 1, 1)
    last = date.fromordinal(following.toordinal() - 1).day
    return date(years, month + 1, min(day.day, last))


def _seconds(back: Iterator[Session], seconds: int, end_ns: int) -> Stretch:
    left, begin, found = seconds * days.NS, 0, []
    for session in back:
        found.append(session)
        for first, last in reversed(session.spans):
            length = min(last, end_ns) - first
            if length <= 0:
                continue
            begin = first + max(length - left, 0)
            left -= length
            if left <= 0:
                return Stretch(found[::-1], begin)
    return Stretch(found[::-1], begin)


def bars(charts: Charts, chart: Chart, of: Stretch, end_ns: int) -> Work:
    """All bars from the stretch's beginning to before `end_ns`."""
    found: list[Bar] = []
    kind = chart.what if chart.what in QUOTES else "TRADES"
    for session in of.sessions:
        size_s = min(chart.size_s, DAY_S)
        if chart.legs:
            found += combo_bars.of_session(charts, chart.legs, chart.what, session, of.begin_ns, end_ns, size_s)
        else:
            fresh = charts.of_session(chart.x, kind, session, of.begin_ns, end_ns, size_s)
            found += shown(charts, chart, fresh)
        yield
    if chart.size_s == WEEK_S:
        return merged(found, lambda day: day.isocalendar()[:2])
    return merged(found, lambda day: (day.year, day.month)) if chart.size_s == MONTH_S else found


def shown(charts: Charts, chart: Chart, found: list[Bar]) -> list[Bar]:
    """Bars of trades as `what` shows them."""
    if chart.what == "ADJUSTED_LAST":
        return [_adjusted(charts, chart.x, bar) for bar in found]
    if chart.what == "FEE_RATE":
        return [_fee(chart.x, bar) for bar in found]
    return [_volatility(charts, chart, bar) for bar in found] if chart.what in VOLATILITIES else found


def _adjusted(charts: Charts, x: Instrument, bar: Bar) -> Bar:
    """Without the falls that dividends paid later have made."""
    factor = 1.0
    for when, amount in dividends.between(x.symbol, bar.day + timedelta(days=1), charts.past.today):
        before = days.business_day_before(when)
        factor *= 1.0 - amount / (charts.past.close(charts.market.driver(x), before) * x.factor)
    o, h, lo, c = (round(price * factor, 2) for price in (bar.open, bar.high, bar.low, bar.close))
    return Bar(bar.begin_s, bar.day, o, h, lo, c, bar.volume, round(bar.wap * factor, 6), bar.count)


def _fee(x: Instrument, bar: Bar) -> Bar:
    rate = round(0.25 + (x.con_id % 97 + bar.day.toordinal() % 7) / 400.0, 4)
    return Bar(bar.begin_s, bar.day, rate, rate, rate, rate, -1.0, -1.0, -1)


def _volatility(charts: Charts, chart: Chart, bar: Bar) -> Bar:
    process, x = charts.market.driver(chart.x), chart.x
    if chart.what == "OPTION_IMPLIED_VOLATILITY":
        values = [_implied(charts, process, p / x.factor) for p in (bar.open, bar.high, bar.low, bar.close)]
    else:
        spent, before = _spent(charts, process, bar.day)
        prices = [bar.open, bar.high, bar.low, bar.close]
        values = [_yearly(spent, p / x.factor / before) for p in prices]
        if bar.low < before * x.factor < bar.high:
            values.append(_yearly(spent, 1.0))
    o, c = round(values[0], 8), round(values[3], 8)
    return Bar(bar.begin_s, bar.day, o, round(max(values), 8), round(min(values), 8), c, -1.0, -1.0, -1)


def _implied(charts: Charts, process: str, level: float) -> float:
    """At the money, over a month."""
    month = np.array([30.0 / 365.0])
    return math.sqrt(float(charts.market.smile(process, level).at_the_money(month)[0] / month[0]))


def _spent(charts: Charts, process: str, day: date) -> tuple[float, float]:
    """Sum of the squared moves of the days before `day`, and the last close before it."""
    closes: list[float] = []
    while len(closes) < HISTORY_DAYS and day > charts.past.head:
        day = days.business_day_before(day)
        closes.append(charts.past.close(process, day))
    moves = np.diff(np.log(closes)) if len(closes) > 1 else np.zeros(1)
    return float(np.sum(moves**2)), closes[0] if closes else math.nan


def _yearly(spent: float, ratio: float) -> float:
    return math.sqrt((spent + math.log(ratio) ** 2) / HISTORY_DAYS * 252.0)


def histogram(charts: Charts, x: Instrument, of: Stretch, end_ns: int) -> Generator[None, None, dict[float, float]]:
    """Volume by price, in the order of prices: of each minute at its close."""
    counted: Counter[float] = Counter()
    for session in of.sessions:
        for span in session.spans:
            atoms = charts.atoms(x, (max(span[0], of.begin_ns), span[1]), end_ns, 60)
            if len(atoms):
                columns = charts.columns(x, "TRADES", atoms)
                weight = columns.count if x.sec_type == "IND" else columns.volume
                for price, volume in zip(columns.prices[3].tolist(), weight.tolist(), strict=True):
                    counted[price] += volume
        yield
    return {price: volume for price, volume in sorted(counted.items()) if volume}


def ticks(
    charts: Charts, x: Instrument, what: str, regular: bool, start_ns: int, end_ns: int, count: int
) -> Generator[None, None, list[Tick]]:
    """Up to `count` ticks from `start_ns` on, or where that is 0 the last ones before `end_ns`; the oldest first."""
    found: list[Tick] = []
    for begin, end in _slices(charts, x, regular, start_ns, end_ns):
        fresh = _ticks_of(charts, x, what, begin, end)
        found = [*found, *fresh] if start_ns else [*fresh, *found]
        yield
        if len(found) >= count:
            break
    return found[:count] if start_ns else found[-count:]


def _slices(charts: Charts, x: Instrument, regular: bool, start_ns: int, end_ns: int) -> Iterator[tuple[int, int]]:
    """Pieces of the sessions: forwards from `start_ns`, or backwards from `end_ns` where that is 0."""
    size = SLICE_S * days.NS
    for session in _forwards(charts, x, regular, start_ns) if start_ns else _some(charts.back(x, regular, end_ns)):
        for begin, last in session.spans if start_ns else reversed(session.spans):
            first, until = max(begin, start_ns), min(last, end_ns)
            pieces = [(at, min(at + size, until)) for at in range(first, until, size)]
            yield from pieces if start_ns else pieces[::-1]


def _some(found: Iterator[Session]) -> Iterator[Session]:
    return (session for _, session in zip(range(TICK_SESSIONS), found, strict=False))


def _forwards(charts: Charts, x: Instrument, regular: bool, start_ns: int) -> Iterator[Session]:
    day, count = days.new_york(start_ns).date(), 0
    while count < TICK_SESSIONS and day <= charts.past.today + timedelta(days=1):
        session = charts.session(x, day, regular)
        if session is not None and session.end_ns > start_ns:
            count += 1
            yield session
        day += timedelta(days=1)


def _ticks_of(charts: Charts, x: Instrument, what: str, begin_ns: int, end_ns: int) -> list[Tick]:
    atoms = charts.atoms(x, (begin_ns, end_ns), end_ns, 1)
    if not len(atoms):
        return []
    times = atoms.time.tolist()
    if what == "TRADES":
        columns = charts.columns(x, what, atoms)
        sizes = columns.count if x.sec_type == "IND" else columns.volume
        rows = zip(times, columns.prices[3].tolist(), sizes.tolist(), strict=True)
        return [(t, price, 0.0, size, 0.0) for t, price, size in rows if size > 0]
    values = valuing.contract_prices(charts.market, x, atoms).close
    if what == "MIDPOINT":
        mids = valuing.on_grid(x, values, "MIDPOINT").tolist()
        return [(t, mid, 0.0, 0.0, 0.0) for t, mid in _changes(times, mids)]
    pairs = zip(*(valuing.on_grid(x, values, side).tolist() for side in ("BID", "ASK")), strict=True)
    return [(t, bid, ask, *_sizes(t, x.con_id)) for t, (bid, ask) in _changes(times, list(pairs))]


def _changes(times: list[int], values: list[T]) -> list[tuple[int, T]]:
    return [(t, v) for n, (t, v) in enumerate(zip(times, values, strict=True)) if not n or v != values[n - 1]]


def _sizes(time_s: int, con_id: int) -> tuple[float, float]:
    mixed = (time_s * 2654435761 + con_id) % 2**32
    return 100.0 * (1 + mixed % 9), 100.0 * (1 + mixed // 16 % 9)


def latest(charts: Charts, chart: Chart, since_s: int, now_ns: int) -> list[Bar]:
    """The bars that begin from `since_s` on, as they are now; of a week or a month the present one."""
    days_back = 1 if chart.size_s <= DAY_S else 6 if chart.size_s == WEEK_S else 24
    sessions = [s for _, s in zip(range(days_back), charts.back(chart.x, chart.regular, now_ns), strict=False)][::-1]
    begin_ns = since_s * days.NS if chart.size_s <= DAY_S else sessions[0].begin_ns if sessions else 0
    work = bars(charts, chart, Stretch(sessions, begin_ns), now_ns)
    while True:
        try:
            next(work)
        except StopIteration as done:
            found: list[Bar] = done.value
            return found[-1:] if chart.size_s > DAY_S else [bar for bar in found if bar.begin_s >= since_s]
