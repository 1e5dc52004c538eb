"""Bars of a contract: its sessions, and its steps of time put together; coarser bars are made of finer ones. Pure."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, time, timedelta

import numpy as np

from pipeline.gateway.market import days, sessions, valuing
from pipeline.gateway.market.instruments import Instrument
from pipeline.gateway.market.past import NOTHING, Past
from pipeline.gateway.market.path import Array, Atoms, Whole, joined
from pipeline.gateway.market.prices import Market
from pipeline.gateway.market.sessions import Phase

DAY_S, WEEK_S, MONTH_S = 86_400, 7 * 86_400, 30 * 86_400
KEPT_SERIES = 64  # contracts and kinds of which daily bars are remembered
QUOTES = ("MIDPOINT", "BID", "ASK", "BID_ASK")


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar; `begin_s` is where it begins (UTC), `day` its trade date. Volume, wap and count are -1 for quotes."""

    begin_s: int
    day: date
    open: float
    high: float
    low: float
    close: float
    volume: float
    wap: float
    count: int


@dataclass(frozen=True, slots=True)
class Session:
    """One trade date of a contract: its spans in UTC ns, without those that are left out."""

    day: date
    regular: bool
    spans: tuple[tuple[int, int], ...]

    @property
    def begin_ns(self) -> int:
        return self.spans[0][0]

    @property
    def end_ns(self) -> int:
        return self.spans[-1][1]


def session(x: Instrument, day: date, regular: bool, always_from: date | None = None) -> Session | None:
    """The trade date's session; None when there is none. From `always_from` on the contract trades day and night."""
    if always_from is not None and day >= always_from:
        begin = days.ns_of(day, days.OPEN if day == always_from else time())
        return Session(day, regular, ((begin, days.ns_of(day + timedelta(days=1), time())),))
    spans = sessions.spans(sessions.kind_of(x), day)
    if x.expiry and x.sec_type != "BOND" and day > x.expiry_date:
        return None
    kept = [(begin, end) for begin, end, phase in spans if phase is Phase.OPEN or not regular]
    if regular and sessions.kind_of(x) == sessions.FUTURE and kept:
        kept = [(days.ns_of(day, days.OPEN), kept[0][1])]
    return Session(day, regular, _joined(kept)) if kept else None


def _joined(spans: list[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """Spans that touch are one."""
    found = spans[:1]
    for begin, end in spans[1:]:
        if begin == found[-1][1]:
            found[-1] = found[-1][0], end
        else:
            found.append((begin, end))
    return tuple(found)


class Charts:
    """Bars of every contract."""

    def __init__(self, past: Past, market: Market) -> None:
        self.past, self.market = past, market
        self._days: OrderedDict[tuple[int, str, bool], dict[date, Bar]] = OrderedDict()

    def serves(self, _what: str) -> bool:
        """It has bars of that kind."""
        return True

    def session(self, x: Instrument, day: date, regular: bool) -> Session | None:
        """As `session`, of days on which there are prices."""
        if not valuing.first_day(x, self.past.head) <= day:
            return None
        always = self.market.hours[sessions.kind_of(x)].always
        return session(x, day, regular, self.past.first_day if always else None)

    def back(self, x: Instrument, regular: bool, end_ns: int) -> Iterator[Session]:
        """Sessions that begin before `end_ns`, the newest first."""
        day = days.new_york(end_ns).date() + timedelta(days=1)
        first = valuing.first_day(x, self.past.head)
        while day >= first:
            found = self.session(x, day, regular)
            if found is not None and found.begin_ns < end_ns:
                yield found
            day -= timedelta(days=1)

    def atoms(self, x: Instrument, span: tuple[int, int], until_ns: int, step_s: int) -> Atoms:
        """Steps of 60, 5 or 1 s of the contract's process within a span, up to `until_ns` and to now."""
        begin_s, end_s = span[0] // days.NS, min(span[1], until_ns, self.market.now_ns + days.NS) // days.NS
        if end_s <= begin_s:
            return NOTHING
        process = self.market.driver(x)
        if step_s < 60:
            whole_end = -(-end_s // 60) * 60
            return self.past.seconds(process, begin_s, whole_end, step_s).within(begin_s, end_s)
        first, last = (days.new_york(s * days.NS).date() for s in (begin_s, end_s - 1))
        parts = [self.past.minutes(process, first)]
        if last != first:
            parts.append(self.past.minutes(process, last))
        return joined(parts).within(begin_s, end_s)

    def of_session(self, x: Instrument, kind: str, of: Session, begin_ns: int, until_ns: int, size_s: int) -> list[Bar]:
        """Bars of one session from `begin_ns` to before `until_ns`; of a day or more: one, of the whole session."""
        if size_s >= DAY_S:
            found = self._day(x, kind, of, until_ns)
            return [found] if found is not None else []
        step_s = 60 if size_s % 60 == 0 else 5 if size_s % 5 == 0 else 1
        bars: list[Bar] = []
        for begin, end in of.spans:
            if end <= begin_ns or begin >= until_ns:
                continue
            atoms = self.atoms(x, (max(begin, begin_ns), end), until_ns, step_s)
            bars += self._put_together(x, kind, of, atoms, size_s)
        return bars

    def _day(self, x: Instrument, kind: str, of: Session, until_ns: int) -> Bar | None:
        over = of.end_ns <= min(until_ns, self.past.began_ns)
        known = self._series(x, kind, of)
        if over and of.day in known:
            return known[of.day]
        parts = [self.atoms(x, span, until_ns, 60) for span in of.spans]
        atoms = joined(parts)
        bars = self._put_together(x, kind, of, atoms, 0)
        if over and bars:
            known[of.day] = bars[0]
        return bars[0] if bars else None

    def _series(self, x: Instrument, kind: str, of: Session) -> dict[date, Bar]:
        key = (x.con_id, kind, of.regular)
        found = self._days.setdefault(key, {})
        self._days.move_to_end(key)
        if len(self._days) > KEPT_SERIES:
            self._days.popitem(last=False)
        return found

    def _put_together(self, x: Instrument, kind: str, of: Session, atoms: Atoms, size_s: int) -> list[Bar]:
        """Bars of `size_s`, on the clock of New York; with 0 all of them in one."""
        if not len(atoms):
            return []
        begins, labels = bucket_starts(atoms.time, of, size_s)
        return bars_of(self.columns(x, kind, atoms), labels, begins, of.day)

    def columns(self, x: Instrument, kind: str, atoms: Atoms) -> Columns:
        """What the steps show of `kind`, on the contract's price grid."""
        values = valuing.contract_prices(self.market, x, atoms)
        rows = np.stack((values.open, values.high, values.low, values.close))
        if kind in QUOTES:
            shown = _quotes(x, kind, rows)
            none = np.full(len(atoms), -1.0)
            return Columns(shown, none, none, none)
        shown = valuing.on_grid(x, rows, "TRADES")
        first = float(self.market.first[self.market.index[self.market.driver(x)]]) * x.factor
        volume, count = valuing.volumes(x, atoms, first)
        return Columns(shown, volume, shown[1:].mean(axis=0), count)


@dataclass(frozen=True, slots=True)
class Columns:
    """Steps as they are shown: [open high low close, step], volume, average price, trades."""

    prices: Array
    volume: Array
    wap: Array
    count: Array


def _quotes(x: Instrument, kind: str, rows: Array) -> Array:
    """Of BID_ASK: average bid, highest ask, lowest bid, average ask, as TWS has it."""
    if kind != "BID_ASK":
        return valuing.on_grid(x, rows, kind)
    bid, ask = valuing.on_grid(x, rows, "BID"), valuing.on_grid(x, rows, "ASK")
    means = np.round(bid.mean(axis=0), 6), np.round(ask.mean(axis=0), 6)
    return np.stack((means[0], ask[1], bid[2], means[1]))


def bucket_starts(time: Whole, of: Session, size_s: int) -> tuple[Whole, Whole]:
    """Where bars of `size_s` on New York's clock begin among the steps, and their times; with 0 all are one bar.

    A bar does not begin before the span that it lies in.
    """
    span = np.array([begin // days.NS for begin, _ in of.spans])
    opened = span[np.clip(np.searchsorted(span, time, "right") - 1, 0, None)]
    if not size_s:
        return np.zeros(1, np.int64), opened[:1]
    shift = _shift_s(of.begin_ns)
    key = (time + shift) // size_s
    begins = np.flatnonzero((np.diff(key, prepend=key[0] - 1) != 0) | (np.diff(opened, prepend=opened[0]) != 0))
    return begins, np.maximum(key[begins] * size_s - shift, opened[begins])


def bars_of(columns: Columns, labels: Whole, begins: Whole, day: date) -> list[Bar]:
    """Steps put together from each of `begins` to the next."""
    ends = np.append(begins[1:], columns.prices.shape[1]) - 1
    high = np.maximum.reduceat(columns.prices[1], begins)
    low = np.minimum.reduceat(columns.prices[2], begins)
    opened, closed = columns.prices[0][begins], columns.prices[3][ends]
    if columns.volume[0] < 0:
        volume = wap = count = np.full(len(begins), -1.0)
    else:
        volume = np.add.reduceat(columns.volume, begins)
        count = np.add.reduceat(columns.count, begins)
        money = np.add.reduceat(columns.volume * columns.wap, begins)
        wap = np.where(volume > 0, np.round(money / np.maximum(volume, 1.0), 6), 0.0)
    rows = zip(*(c.tolist() for c in (labels, opened, high, low, closed, volume, wap, count)), strict=True)
    return [Bar(int(t), day, o, h, lo, c, v, w, int(n)) for t, o, h, lo, c, v, w, n in rows]


def merged(bars: list[Bar], label: Callable[[date], object]) -> list[Bar]:
    """Daily bars put together where `label` of their days is the same; each has the date of its last day."""
    groups: OrderedDict[object, list[Bar]] = OrderedDict()
    for bar in bars:
        groups.setdefault(label(bar.day), []).append(bar)
    return [_one(group) for group in groups.values()]


def _one(bars: list[Bar]) -> Bar:
    volume = sum(b.volume for b in bars)
    if bars[0].volume < 0:
        volume, wap, count = -1.0, -1.0, -1
    else:
        wap = round(sum(b.volume * b.wap for b in bars) / volume, 6) if volume else 0.0
        count = sum(b.count for b in bars)
    return Bar(
        bars[0].begin_s, bars[-1].day, bars[0].open, max(b.high for b in bars), min(b.low for b in bars),
        bars[-1].close, volume, wap, count,
    )  # fmt: skip


def _shift_s(ns: int) -> int:
    offset = days.new_york(ns).utcoffset()
    return int(offset.total_seconds()) if offset is not None else 0
