import math
from datetime import date

import pytest

from pipeline import config
from pipeline.gateway.answers.area import House
from pipeline.gateway.market import days, queries
from pipeline.gateway.market.queries import Chart, Duration
from pipeline.gateway.replay import opening
from pipeline.gateway.replay.flow import Playing
from tests.unit.gateway import recordings

OPEN_S = 1381152600  # 2013-10-07 09:30 in New York


class Past:
    """A replay played to its end (or not at all), and its bars."""

    def __init__(self, directory, played: bool = True, day: date | None = None) -> None:
        self.settings = config.Gateway(replay=str(directory), replay_speed=math.inf, replay_wait=0)
        self.brokerage = opening.brokerage(self.settings, day)
        lines = Playing(self.brokerage, self.settings, lambda: None)
        while played and not lines.over:
            lines.flow(0.25)
        charts = House(self.brokerage, lines, self.settings.limits, self.settings).history
        assert charts is not None
        self.charts = charts

    def bars(self, x, what: str, size: str, duration: Duration = Duration(1, "D")) -> list:  # noqa: B008
        end_ns = self.brokerage.market.now_ns + days.NS
        chart = Chart(x, what, size, False)
        work = queries.bars(self.charts, chart, queries.stretch(self.charts, x, False, end_ns, duration), end_ns)
        while True:
            try:
                next(work)
            except StopIteration as done:
                return done.value


@pytest.fixture
def past(tmp_path) -> Past:
    recordings.ibm(tmp_path)
    recordings.ibm(tmp_path, "20131008")
    return Past(tmp_path)


def shown(bars) -> list[tuple]:
    return [(b.begin_s, b.open, b.high, b.low, b.close, b.volume) for b in bars]


def test_minutes_are_the_files_bars_of_what_is_over(past):
    x = past.brokerage.universe.stock("IBM")
    day = 86_400
    first = (OPEN_S, 181.52, 181.6, 181.52, 181.6, 573.0)
    second = (OPEN_S + 60, 181.6, 181.8, 181.5, 181.7, 1000.0)
    assert shown(past.bars(x, "TRADES", "1 min", Duration(2, "D"))) == [first, second]  # today's minute isn't over
    assert past.bars(x, "TRADES", "1 min")[:1] == []
    assert past.brokerage.market.now_ns // days.NS == OPEN_S + day + 2


def test_seconds_are_put_together_from_the_ticks(past):
    x = past.brokerage.universe.stock("IBM")
    begin = OPEN_S + 86_400
    found = past.bars(x, "TRADES", "1 secs")
    assert shown(found) == [
        (begin, 181.52, 181.52, 181.52, 181.52, 566.0), (begin + 2, 181.6, 181.6, 181.6, 181.6, 7.0),
    ]  # fmt: skip
    assert [bar.count for bar in found] == [2, 1]
    five = past.bars(x, "TRADES", "5 secs")
    assert shown(five) == [(begin, 181.52, 181.6, 181.52, 181.6, 573.0)]


def test_a_day_is_one_bar(past):
    x = past.brokerage.universe.stock("IBM")
    found = past.bars(x, "TRADES", "1 day", Duration(5, "D"))
    assert [bar.day for bar in found] == [date(2013, 10, 7)]
    assert shown(found)[0][1:] == (181.52, 181.8, 181.5, 181.7, 1573.0)


def test_quotes_are_bars_too(past):
    x = past.brokerage.universe.stock("IBM")
    (minute,) = past.bars(x, "BID", "1 min", Duration(2, "D"))
    assert (minute.open, minute.high, minute.low, minute.close, minute.volume) == (180.01, 181.0, 180.01, 181.0, -1)
    (minute,) = past.bars(x, "BID_ASK", "1 min", Duration(2, "D"))
    assert (minute.high, minute.low) == (183.63, 180.01)
    seconds = past.bars(x, "MIDPOINT", "1 secs")
    assert [bar.close for bar in seconds] == [
        pytest.approx((180.01 + 183.63) / 2), pytest.approx((180.01 + 183.62) / 2), pytest.approx((181 + 183.62) / 2),
    ]  # fmt: skip


def test_before_the_first_row_there_is_nothing(tmp_path):
    recordings.ibm(tmp_path)
    past = Past(tmp_path, played=False)
    x = past.brokerage.universe.stock("IBM")
    assert past.bars(x, "TRADES", "1 min") == []


def test_days_before_the_one_that_is_played_are_history(tmp_path):
    recordings.ibm(tmp_path)
    recordings.ibm(tmp_path, "20131008")
    past = Past(tmp_path, played=False, day=date(2013, 10, 8))
    x = past.brokerage.universe.stock("IBM")
    assert [b.begin_s for b in past.bars(x, "TRADES", "1 min", Duration(2, "D"))] == [OPEN_S, OPEN_S + 60]


def test_futures_and_options_have_bars(tmp_path):
    recordings.es(tmp_path)
    past = Past(tmp_path)
    front = past.brokerage.universe.future("ES")
    (bar,) = past.bars(front, "ASK", "1 min")
    assert (bar.begin_s, bar.close, bar.high) == (1578290400, 3223.25, 3224.25)
    option = next(x for x in past.brokerage.universe.by_con_id.values() if x.sec_type == "FOP")
    assert past.bars(option, "BID", "1 min")[0].close == 54.75


def ticks(past, what: str, **asked) -> list:
    x = past.brokerage.universe.stock("IBM")
    start_ns, end_ns = asked.get("start", 0) * days.NS, past.brokerage.market.now_ns + days.NS
    work = past.charts.ticks(x, what, asked.get("regular", False), start_ns, end_ns, asked.get("count", 100))
    while True:
        try:
            next(work)
        except StopIteration as done:
            return done.value


def test_historical_ticks_are_the_rows_of_the_files(past):
    a_day = [(OPEN_S, 181.52, 0.0, 283.0, 0.0), (OPEN_S, 181.52, 0.0, 283.0, 0.0), (OPEN_S + 2, 181.6, 0.0, 7.0, 0.0)]
    both = [*a_day, *((t + 86_400, *rest) for t, *rest in a_day)]
    assert ticks(past, "TRADES") == both
    assert ticks(past, "TRADES", count=2) == both[-2:]
    assert ticks(past, "TRADES", start=OPEN_S, count=4) == both[:4]
    assert ticks(past, "TRADES", start=OPEN_S + 1, count=1) == both[2:3]
    quotes = ticks(past, "BID_ASK", start=OPEN_S, count=2)
    assert quotes == [(OPEN_S, 180.01, 183.63, 300.0, 100.0)] * 2
    assert ticks(past, "MIDPOINT", count=1)[0][:2] == (OPEN_S + 86_402, 182.31)


def test_there_are_no_ticks_of_what_was_recorded_in_bars(tmp_path):
    recordings.goog(tmp_path)
    past = Past(tmp_path)
    work = past.charts.ticks(past.brokerage.universe.stock("GOOG"), "TRADES", False, 0, 1 << 62, 10)
    with pytest.raises(StopIteration) as done:
        next(work)
    assert done.value.value == []


def test_only_what_was_recorded_is_served(past):
    assert past.charts.serves("TRADES")
    assert not past.charts.serves("HISTORICAL_VOLATILITY")
    assert not past.charts.serves("ADJUSTED_LAST")


def test_a_bad_row_is_counted_once_although_it_is_read_again(tmp_path):
    recordings.ibm(tmp_path)
    bars = ["34200000,1815200,1816000,1815200,1816000,573", "nonsense"]
    member = {"20131008_ibm_minute_trade.csv": bars}
    recordings.write(tmp_path, "equity/usa/minute/ibm/20131008_trade.zip", member)
    past = Past(tmp_path)
    x = past.brokerage.universe.stock("IBM")
    faults = past.brokerage.market.recording.faults
    assert faults.count == 1
    past.bars(x, "TRADES", "1 min", Duration(2, "D"))
    assert faults.count == 1
