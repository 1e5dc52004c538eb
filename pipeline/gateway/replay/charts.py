"""Bars of replayed contracts from the files themselves: what had happened by the replay's time, and the days before."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Generator, Iterator
from datetime import date, timedelta
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from pipeline.gateway.market import bars, days
from pipeline.gateway.market.bars import DAY_S, QUOTES, Bar, Charts, Columns, Session
from pipeline.gateway.market.instruments import Instrument
from pipeline.gateway.market.past import NOTHING, Past
from pipeline.gateway.market.path import Atoms, joined
from pipeline.gateway.market.queries import Tick
from pipeline.gateway.replay import rows, steps
from pipeline.gateway.replay.layout import Series, Source
from pipeline.gateway.replay.market import Recorded
from pipeline.gateway.replay.recording import Files

KEPT = 64  # contracts and days whose rows are remembered
SERVED = ("TRADES", "MIDPOINT", "BID", "ASK", "BID_ASK", "SCHEDULE")
Rows = rows.Ticks | rows.Trades | rows.Quotes


class Beginning(Past):
    """What a replay has in place of a made past: where its files begin."""

    def __init__(self, market: Recorded, head: date) -> None:
        self.market, self.head, self.first_day = market, head, market.day.day
        self.began_ns = market.start_ns


class Recent(NamedTuple):
    """Rows of one contract, kind and day."""

    con_id: int
    what: str
    day: date
    bar_s: int


class RecordedCharts(Charts):
    """Bars of trades and quotes; nothing that the recording does not hold."""

    def __init__(self, market: Recorded, files: Files) -> None:
        self.recorded, self.files = market, files
        super().__init__(Beginning(market, files.days[0]), market)
        self._read: OrderedDict[Recent, Rows | None] = OrderedDict()

    def serves(self, what: str) -> bool:
        return what in SERVED

    def session(self, x: Instrument, day: date, regular: bool) -> Session | None:
        """Of the days on which the contract was recorded; a future's begins the evening before."""
        recorded = self._recorded(x)
        if day not in recorded and not (x.sec_type in ("FUT", "FOP") and day - timedelta(days=1) in recorded):
            return None
        return bars.session(x, day, regular)

    def back(self, x: Instrument, regular: bool, end_ns: int) -> Iterator[Session]:
        """Sessions that begin before `end_ns`, the newest first."""
        recorded = self._recorded(x)
        for day in sorted(recorded | {day + timedelta(days=1) for day in recorded}, reverse=True):
            found = self.session(x, day, regular)
            if found is not None and found.begin_ns < end_ns:
                yield found

    def atoms(self, x: Instrument, span: tuple[int, int], until_ns: int, step_s: int) -> Atoms:
        """Steps of trades within a span; what was recorded in minutes is there in minutes."""
        return self.steps(x, "TRADES", span[0], min(span[1], until_ns), step_s)

    def of_session(self, x: Instrument, kind: str, of: Session, begin_ns: int, until_ns: int, size_s: int) -> list[Bar]:
        """Bars of one session from `begin_ns` to before `until_ns`; of a day or more: one, of the whole session."""
        whole = size_s >= DAY_S
        step_s = 60 if size_s % 60 == 0 else 1
        found: list[Bar] = []
        parts: list[Atoms] = []
        for begin, end in of.spans:
            within = self.steps(x, kind, begin if whole else max(begin, begin_ns), min(end, until_ns), step_s)
            if whole:
                parts.append(within)
            else:
                found += self._grouped(x, kind, of, within, size_s, begin)
        return self._grouped(x, kind, of, joined(parts), 0, of.begin_ns) if whole else found

    def _grouped(self, x: Instrument, kind: str, of: Session, atoms: Atoms, size_s: int, begin_ns: int) -> list[Bar]:
        """Bars of `size_s` on New York's clock, none before `begin_ns`; with 0 all of the steps in one."""
        if not len(atoms):
            return []
        offset = days.new_york(of.begin_ns).utcoffset()
        shift = round(offset.total_seconds()) if offset is not None else 0
        key = (atoms.time + shift) // size_s if size_s else np.zeros(len(atoms), np.int64)
        begins = np.flatnonzero(np.diff(key, prepend=key[0] - 1))
        labels = np.maximum(key[begins] * size_s - shift, begin_ns // days.NS)
        if not size_s:
            labels = np.array([begin_ns // days.NS])
        return bars.bars_of(self.columns(x, kind, atoms), labels, begins, of.day)

    def columns(self, _x: Instrument, kind: str, atoms: Atoms) -> Columns:
        """The steps as they are; the average price of a step is that of its high, low and close."""
        prices = np.stack((atoms.open, atoms.high, atoms.low, atoms.close))
        if kind in QUOTES:
            none = np.full(len(atoms), -1.0)
            return Columns(prices, none, none, none)
        return Columns(prices, atoms.activity, np.round(prices[1:].mean(axis=0), 6), atoms.since)

    def steps(self, x: Instrument, kind: str, begin_ns: int, end_ns: int, step_s: int) -> Atoms:
        """Steps of `kind` that begin within a stretch of time and are over, or of ticks that have been played."""
        end_ns = min(end_ns, self.recorded.now_ns + 1)
        what = "quote" if kind in QUOTES else "trade"
        parts = []
        for day in sorted(self._recorded(x)):
            edges = days.ns_of(day, days.OPEN) - 12 * 3600 * days.NS, days.ns_of(day, days.OPEN) + 18 * 3600 * days.NS
            if edges[0] < end_ns and begin_ns < edges[1]:
                parts.append(self._steps_of(x, kind, what, day, step_s))
        return joined(parts).within(-(-begin_ns // days.NS), -(-end_ns // days.NS)) if parts else NOTHING

    def ticks(
        self, x: Instrument, what: str, regular: bool, start_ns: int, end_ns: int, count: int
    ) -> Generator[None, None, list[Tick]]:
        """As `queries.ticks`, each tick as recorded; of what was recorded in bars there are none."""
        found: list[Tick] = []
        kind = "trade" if what == "TRADES" else "quote"
        for day in sorted(self._recorded(x), reverse=not start_ns):
            session = self.session(x, day, regular)
            sources = [of for of in self._sources(x, day) if of.what == kind and of.bar_s == 0]
            if session is None or not sources:
                continue
            rows_of = self._rows(x, sources[0])
            assert isinstance(rows_of, rows.Ticks)
            played = min(end_ns, self.recorded.now_ns + 1)
            inside = np.zeros(rows_of.time_ns.size, dtype=np.bool_)
            for begin, end in session.spans:
                inside |= (rows_of.time_ns >= max(begin, start_ns)) & (rows_of.time_ns < min(end, played))
            fresh = steps.told(rows_of, inside, what, count if start_ns else -count)
            found = [*found, *fresh] if start_ns else [*fresh, *found]
            yield
            if len(found) >= count:
                break
        return found[:count] if start_ns else found[-count:]

    def _steps_of(self, x: Instrument, kind: str, what: str, day: date, step_s: int) -> Atoms:
        """One recorded day up to now: from bars no longer than a step where there are some, else from ticks."""
        now_ns = self.recorded.now_ns
        sources = [of for of in self._sources(x, day) if of.what == what and of.bar_s <= step_s]
        for of in sorted(sources, key=lambda of: -of.bar_s):
            found = self._rows(x, of)
            if isinstance(found, rows.Ticks):
                played = found.time_ns <= now_ns
                ticks = rows.Ticks(*(column[played] for column in _columns(found)))
                return (
                    steps.of_trade_ticks(ticks, step_s)
                    if what == "trade"
                    else steps.of_quote_ticks(ticks, step_s, kind)
                )
            if found is not None:
                over = found.time_ns + of.bar_s * days.NS <= now_ns
                if isinstance(found, rows.Quotes):
                    return steps.of_quote_bars(found, over, kind)
                return steps.of_trade_bars(found, over, x.sec_type != "IND")
        return NOTHING

    def _rows(self, x: Instrument, of: Source) -> Rows | None:
        key = Recent(x.con_id, of.what, of.day, of.bar_s)
        if key not in self._read:
            series = self.files.series_of(x.con_id)
            self._read[key] = self.files.folder.member(of, series) if series is not None else None
            if len(self._read) > KEPT:
                self._read.popitem(last=False)
        return self._read[key]

    def _recorded(self, x: Instrument) -> set[date]:
        return {of.day for of in self._sources(x, None)}

    def _sources(self, x: Instrument, day: date | None) -> list[Source]:
        """The files that may hold a contract, of one day or of all."""
        series = self.files.series_of(x.con_id)
        return [of for of in self.files.folder.sources if series is not None and _holds(of, series, day)]


def _holds(of: Source, series: Series, day: date | None) -> bool:
    same = (of.sec_type, of.market, of.symbol) == (series.sec_type, series.market, series.symbol)
    return same and of.under_month in ("", series.month) and (day is None or of.day == day)


def _columns(ticks: rows.Ticks) -> tuple[npt.NDArray[Any], ...]:
    return ticks.time_ns, ticks.kind, ticks.price, ticks.size, ticks.source
