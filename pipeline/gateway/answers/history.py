"""Answers about the past: bars, kept up to date too, schedules, ticks, the first time, histograms."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.gateway.answers import dates, offers
from pipeline.gateway.answers.area import Answer, Area, House, PlainAnswer
from pipeline.gateway.asks import period
from pipeline.gateway.asks.history import HeadTimestamp, Histogram, HistoricalData, HistoricalTicks
from pipeline.gateway.asks.request import BadRequest, Request
from pipeline.gateway.market import days, queries, valuing
from pipeline.gateway.market.bars import DAY_S, Bar, Charts
from pipeline.gateway.market.instruments import Description, Instrument
from pipeline.gateway.market.queries import Chart, Stretch
from pipeline.gateway.quota import Quota
from pipeline.gateway.replay.charts import RecordedCharts
from pipeline.gateway.session import Session
from pipeline.gateway.tells import history as tell

PIECES_A_CYCLE = 4  # pieces of work between two looks at the sockets
UPDATE_EVERY_S = 2.0
MOST_TICKS = 1_000
PACED_UP_TO_S = 30  # TWS paces requests for bars of up to half a minute

Key = tuple[Session, int]
Tell = Callable[[Any], None]


@dataclass
class Job:
    """A question that is being worked on, and what becomes of its answer."""

    work: Generator[None, None, Any]
    tell: Tell


@dataclass
class Kept:
    """Bars that are kept up to date: what was told last, and when."""

    chart: Chart
    date_format: int
    since_s: int
    told: dict[int, Bar]
    at_s: float


class History(Area):
    """All questions about the past; they are worked on piece by piece, and answered when they are ready."""

    def __init__(self, house: House) -> None:
        super().__init__(house)
        self.charts = house.history
        self._quota = Quota(house.limits)
        self._jobs: dict[Key, Job] = {}
        self._kept: dict[Key, Kept] = {}
        self._now_s = 0.0

    def answers(self) -> Mapping[type[Request], Answer]:
        return {
            HistoricalData: self._data,
            HeadTimestamp: self._head,
            HistoricalTicks: self._ticks,
            Histogram: self._histogram,
        }

    def plain(self) -> Mapping[str, PlainAnswer]:
        return {
            "cancelHistoricalData": self._cancel,
            "cancelHeadTimestamp": lambda _session, _req_id: None,
            "cancelHistogram": self._drop,
        }

    def cycle(self, now_s: float) -> None:
        self._now_s = now_s
        for key in itertools.islice(list(self._jobs), PIECES_A_CYCLE):
            job = self._jobs.pop(key)
            try:
                next(job.work)
            except StopIteration as done:
                job.tell(done.value)
            else:
                self._jobs[key] = job  # behind the others
        for key, kept in self._kept.items():
            if now_s - kept.at_s >= UPDATE_EVERY_S:
                kept.at_s = now_s
                self._update(key, kept)

    @property
    def busy(self) -> int:
        """Questions without an answer yet."""
        return len(self._jobs)

    def forget(self, session: Session) -> None:
        self._jobs = {key: job for key, job in self._jobs.items() if key[0] is not session}
        self._kept = {key: kept for key, kept in self._kept.items() if key[0] is not session}

    # Bars.

    def _data(self, session: Session, asked: HistoricalData) -> None:
        end_ns = self._end(asked.req_id, asked.end, "End Date/Time")
        duration = period.duration(asked.req_id, asked.duration)
        size = offers.checked(asked)
        legs = offers.legs(asked, self.house.brokerage.universe) if asked.contract.sec_type == "BAG" else ()
        x = legs[0][0] if legs else self._one(asked.req_id, asked.contract, asked.include_expired)
        if not legs:
            self._has(asked.req_id, x, asked.what, size)
        self._room(session, asked, queries.BAR_SIZES[size])
        chart = Chart(x, asked.what, size, asked.regular, legs)
        charts = self._charts(asked.req_id, x, asked.what)
        of = queries.stretch(charts, x, asked.regular, end_ns, duration)
        if asked.what == "SCHEDULE":
            self._schedule(session, asked.req_id, x, of)
            return
        offers.bounded(asked.req_id, chart, of, end_ns, duration)
        job = queries.bars(charts, chart, of, end_ns)
        edges = (dates.begin_ns(end_ns, duration, of), end_ns)
        self._jobs[session, asked.req_id] = Job(job, lambda bars: self._tell(session, asked, chart, bars, edges))

    def _tell(
        self, session: Session, asked: HistoricalData, chart: Chart, bars: list[Bar], edges: tuple[int, int]
    ) -> None:
        if not bars and not asked.keep_up_to_date:
            self.house.error(session, asked.req_id, 162, offers.SERVICE + offers.no_data(chart.x, chart.what))
            return
        start, end = (dates.text(chart.x, ns // days.NS) for ns in edges)
        rows = [(self._label(chart, asked.date_format, bar), bar) for bar in bars]
        session.send(*tell.historical_data(session.sv, asked.req_id, start, end, rows))
        if asked.keep_up_to_date:
            since_s = bars[-1].begin_s if bars else edges[1] // days.NS
            told = {bar.begin_s: bar for bar in bars[-1:]}
            self._kept[session, asked.req_id] = Kept(chart, asked.date_format, since_s, told, self._now_s)

    def _update(self, key: Key, kept: Kept) -> None:
        assert self.charts is not None
        session, req_id = key
        for bar in queries.latest(self.charts, kept.chart, kept.since_s, self.charts.market.now_ns):
            if kept.told.get(bar.begin_s) != bar:
                kept.told = {bar.begin_s: bar}
                kept.since_s = max(kept.since_s, bar.begin_s)
                text = self._label(kept.chart, kept.date_format, bar)
                session.send(tell.historical_data_update(req_id, text, bar))

    def _label(self, chart: Chart, date_format: int, bar: Bar) -> str:
        if chart.size_s >= DAY_S:
            return f"{bar.day:%Y%m%d}"
        return str(bar.begin_s) if date_format == 2 else dates.text(chart.x, bar.begin_s)

    def _schedule(self, session: Session, req_id: int, x: Instrument, of: Stretch) -> None:
        rows = [(dates.dashed(x, s.begin_ns), dates.dashed(x, s.end_ns), f"{s.day:%Y%m%d}") for s in of.sessions]
        if not rows:
            raise BadRequest(req_id, 162, offers.SERVICE + offers.no_data(x, "SCHEDULE"))
        session.send(tell.schedule(req_id, rows[0][0], rows[-1][1], dates.zone(x), rows))

    def _cancel(self, session: Session, req_id: int) -> None:
        key = (session, req_id)
        if self._jobs.pop(key, None) is None and self._kept.pop(key, None) is None:
            raise BadRequest(req_id, 366, f"No historical data query found for ticker id:{req_id}")
        raise BadRequest(req_id, 162, f"{offers.SERVICE}API historical data query cancelled: {req_id}")

    def _drop(self, session: Session, req_id: int) -> None:
        self._jobs.pop((session, req_id), None)

    # The other questions.

    def _head(self, session: Session, asked: HeadTimestamp) -> None:
        what = offers.known(asked.req_id, asked.what)
        x = self._one(asked.req_id, asked.contract, asked.include_expired)
        self._has(asked.req_id, x, what, "1 day")
        charts = self._charts(asked.req_id, x, what)
        day = valuing.first_day(x, charts.past.head)
        found = charts.session(x, day, asked.regular)
        while found is None:
            day = days.next_business_day(day)
            found = charts.session(x, day, asked.regular)
        session.send(tell.head_timestamp(asked.req_id, dates.head(found.begin_ns, asked.date_format)))

    def _histogram(self, session: Session, asked: Histogram) -> None:
        x = self._one(asked.req_id, asked.contract, asked.include_expired)
        duration = dates.histogram_period(asked.req_id, asked.period)
        self._has(asked.req_id, x, "TRADES", "1 min")
        charts, now_ns = self._charts(asked.req_id, x, "TRADES"), self.house.brokerage.market.now_ns
        of = queries.stretch(charts, x, asked.regular, now_ns, duration)

        def answer(found: dict[float, float]) -> None:
            session.send(tell.histogram(asked.req_id, list(found.items())))

        self._jobs[session, asked.req_id] = Job(queries.histogram(charts, x, of, now_ns), answer)

    def _ticks(self, session: Session, asked: HistoricalTicks) -> None:
        if asked.what not in ("TRADES", "BID_ASK", "MIDPOINT"):
            raise period.refused(asked.req_id, "What to show field is missing or incorrect.")
        if bool(asked.start) == bool(asked.end):
            raise period.refused(asked.req_id, "Please specify either a start or an end date/time")
        if not 0 < asked.count <= MOST_TICKS:
            raise period.refused(asked.req_id, f"Number of ticks must be between 1 and {MOST_TICKS}")
        x = self._one(asked.req_id, asked.contract, asked.include_expired)
        if not offers.offered(x, asked.what):
            text = f"Failed to request historical ticks:{offers.no_market_data(x, asked.what, '1s')}"
            raise BadRequest(asked.req_id, 10187, text)
        start_ns = self._end(asked.req_id, asked.start, "Start Date/Time") if asked.start else 0
        end_ns = self._end(asked.req_id, asked.end, "End Date/Time")
        self._room(session, asked, 1)
        charts = self._charts(asked.req_id, x, asked.what)
        edges = (start_ns, end_ns)
        work = (
            charts.ticks(x, asked.what, asked.regular, *edges, asked.count)
            if isinstance(charts, RecordedCharts)
            else queries.ticks(charts, x, asked.what, asked.regular, *edges, asked.count)
        )
        self._jobs[session, asked.req_id] = Job(work, lambda rows: session.send(_tick_frame(asked, x, rows)))

    # What is refused.

    def _end(self, req_id: int, text: str, what: str) -> int:
        """The time that is named, at most the present one, of which the last second counts."""
        now_ns = self.house.brokerage.market.now_ns
        latest = (now_ns // days.NS + 1) * days.NS
        return min(period.moment_ns(req_id, text, now_ns, what), latest) if text.strip() else latest

    def _one(self, req_id: int, wanted: Description, expired: bool) -> Instrument:
        if wanted.sec_type == "BAG":
            raise BadRequest(req_id, 162, f"{offers.SERVICE}No historical market data for {wanted.symbol}/BAG@SMART")
        if wanted.sec_type == "CONTFUT":
            wanted = self.house.brokerage.universe.front(wanted)
        if expired:
            found = self.house.brokerage.universe.find(wanted, expired=True)
            if len(found) == 1:
                return found[0]
        return self.house.one(req_id, wanted)

    def _charts(self, req_id: int, x: Instrument, what: str) -> Charts:
        if self.charts is None or not self.charts.serves(what):
            raise BadRequest(req_id, 162, offers.SERVICE + offers.no_data(x, what))
        return self.charts

    def _has(self, req_id: int, x: Instrument, what: str, size: str) -> None:
        if not offers.offered(x, what):
            raise BadRequest(req_id, 162, offers.SERVICE + offers.no_market_data(x, what, size))

    def _room(self, session: Session, asked: HistoricalData | HistoricalTicks, size_s: int) -> None:
        busy = "Error processing request.-'bM' : cause - "
        if (session, asked.req_id) in self._jobs or (session, asked.req_id) in self._kept:
            raise BadRequest(asked.req_id, 322, f"{busy}Duplicate ticker ID for API historical data query")
        most = self.house.limits.history_open
        if len(self._jobs) + len(self._kept) >= most:
            text = f"{busy}Only {most} simultaneous API historical data requests allowed."
            raise BadRequest(asked.req_id, 322, text)
        same = (asked.contract, asked.what)
        whole = (type(asked).__name__, repr(asked).partition(",")[2])  # all but its id
        cost = 2 if asked.what == "BID_ASK" else 1
        if size_s <= PACED_UP_TO_S and not self._quota.allows(self._now_s, whole, same, cost):
            raise BadRequest(asked.req_id, 162, f"{offers.SERVICE}Historical data request pacing violation")


def _tick_frame(asked: HistoricalTicks, x: Instrument, rows: list[queries.Tick]) -> bytes:
    if asked.what == "MIDPOINT":
        return tell.ticks(asked.req_id, [row[:2] for row in rows], True)
    if asked.what == "BID_ASK":
        sized = [(t, b, a, 0.0, 0.0) for t, b, a, _, _ in rows] if asked.ignore_size else rows
        return tell.ticks_bid_ask(asked.req_id, sized, True)
    where = x.primary or x.exchange
    return tell.ticks_last(asked.req_id, [(t, price, size, where) for t, price, _, size, _ in rows], True)
