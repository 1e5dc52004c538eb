"""Requests of the past by the genuine client, answers through its decoder, at every version that matters."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from ibapi.contract import ComboLeg, Contract

from pipeline.gateway import keeping
from pipeline.gateway.answers.history import History
from pipeline.gateway.asks import period, reading
from pipeline.gateway.asks.request import BadRequest
from pipeline.gateway.limits import Limits
from pipeline.gateway.market import days
from pipeline.gateway.market.queries import Duration
from pipeline.gateway.quota import Quota
from tests.unit.gateway.desk import Desk

VERSIONS = [157, 163, 170, 176, 178, 182, 187, 193, 195, 196, 198, 200]
every_version = pytest.mark.parametrize("sv", VERSIONS)


class Asking(Desk):
    """One client whose questions are worked on until all are answered."""

    def __init__(self, brokerage, encoder, heard, sv=200):
        super().__init__(brokerage, heard, encoder)
        self.now_s, self.session = 100.0, self.client(sv)
        self.front.cycle(self.now_s)

    def answer(self, call):
        """What is heard in answer; a refusal comes as its error."""
        self.front.cycle(self.now_s)
        self.ask(self.session, call)
        return self.listen()

    def listen(self):
        """Cycles of no time until all work is done, and what was sent meanwhile."""
        history = next(area for area in self.front.areas if isinstance(area, History))
        self.front.cycle(self.now_s)
        while history.busy:
            self.front.cycle(self.now_s)
        return self.hear(self.session)

    def go_on(self, steps):
        market = self.house.brokerage.market
        market.advance(market.step + steps)

    def error(self, call):
        return [row[2:4] for row in self.answer(call).named("error")]


@pytest.fixture(scope="module")
def running():
    """A broker whose market has gone on for thirty seconds, and goes on from test to test."""
    found = keeping.begin(date(2026, 11, 23), 7, 1.0)
    found.market.advance(600)
    return found


@pytest.fixture
def watched(running):
    """The market without those who watched it in other tests."""
    count = len(running.market.observers)
    yield running
    del running.market.observers[count:]


@pytest.fixture
def desk(watched, encoder, heard):
    return Asking(watched, encoder, heard)


@pytest.fixture(params=VERSIONS)
def versioned(request, watched, encoder, heard):
    return Asking(watched, encoder, heard, request.param)


def stock(**changes):
    found = Contract()
    found.conId, found.symbol, found.secType, found.exchange, found.currency = 265598, "AAPL", "STK", "SMART", "USD"
    for name, value in changes.items():
        setattr(found, name, value)
    return found


def contract(con_id, exchange):
    found = Contract()
    found.conId, found.exchange = con_id, exchange
    return found


def bars(
    end="20261120 16:00:00 US/Eastern", duration="1 D", size="1 hour", what="TRADES", rth=1, form=1, keep=False, of=None
):
    return lambda c: c.reqHistoricalData(9, of or stock(), end, duration, size, what, rth, form, keep, [])


def test_bars_at_every_version(versioned):
    calls = versioned.answer(bars())
    rows = [bar for _, bar in calls.named("historicalData")]
    assert [bar.date for bar in rows] == [
        "20261120 09:30:00 US/Eastern", *(f"20261120 {hour}:00:00 US/Eastern" for hour in range(10, 16)),
    ]  # fmt: skip
    assert calls.named("historicalDataEnd") == [(9, "20261119 16:00:00 US/Eastern", "20261120 16:00:00 US/Eastern")]
    assert all(bar.low <= bar.wap <= bar.high or isinstance(bar.wap, Decimal) for bar in rows)
    assert rows[-1].close == pytest.approx(
        versioned.house.brokerage.market.closing(versioned.house.brokerage.universe.stock("AAPL")), abs=0.011
    )
    assert {type(bar.volume) for bar in rows} == {Decimal}
    assert rows[0].volume > 0 < rows[0].barCount


def test_the_other_layouts_at_every_version(versioned):
    desk, x = versioned, stock()
    ((req_id, text),) = desk.answer(lambda c: c.reqHeadTimeStamp(9, x, "TRADES", 1, 1)).named("headTimestamp")
    assert (req_id, text) == (9, "20201102-14:30:00")
    ((_, seconds),) = desk.answer(lambda c: c.reqHeadTimeStamp(9, x, "TRADES", 1, 2)).named("headTimestamp")
    assert int(seconds) == datetime(2020, 11, 2, 14, 30, tzinfo=UTC).timestamp()
    ((_, rows),) = desk.answer(lambda c: c.reqHistogramData(10, x, True, "2 days")).named("histogramData")
    assert [row.price for row in rows] == sorted(row.price for row in rows)
    assert sum(row.size for row in rows) > 1_000_000
    end = "20261120-20:00:00"
    mids, done = _ticks(desk, "", end, "MIDPOINT")
    assert done
    quotes, done = _ticks(desk, "", end, "BID_ASK")
    assert all(q.priceBid < q.priceAsk and q.sizeBid > 0 for q in quotes)
    trades, done = _ticks(desk, end, "", "TRADES")
    assert trades[0].time >= datetime(2026, 11, 20, 20, tzinfo=UTC).timestamp() > mids[-1].time
    assert {t.exchange for t in trades} == {"NASDAQ"}
    if desk.session.sv >= 170:  # the genuine client asks for schedules from there on
        ((_, start, last, zone, sessions),) = desk.answer(bars(duration="3 D", size="1 day", what="SCHEDULE")).named(
            "historicalSchedule"
        )
        assert (start, last, zone) == ("20261118-09:30:00", "20261120-16:00:00", "US/Eastern")
        assert [s.refDate for s in sessions] == ["20261118", "20261119", "20261120"]


CALLBACKS = {"MIDPOINT": "historicalTicks", "BID_ASK": "historicalTicksBidAsk", "TRADES": "historicalTicksLast"}


def _ticks(desk, start, end, what):
    calls = desk.answer(lambda c: c.reqHistoricalTicks(11, stock(), start, end, 20, what, 1, False, []))
    ((req_id, rows, done),) = calls.named(CALLBACKS[what])
    assert (req_id, len(rows)) == (11, 20)
    return rows, done


def test_bars_that_are_kept_up_to_date(versioned):
    desk = versioned
    calls = desk.answer(bars(end="", size="5 secs", duration="60 S", keep=True))
    before = [bar for _, bar in calls.named("historicalData")]
    assert len(before) >= 6
    desk.go_on(300)
    desk.now_s += 3.0
    updates = [bar for _, bar in desk.listen().named("historicalDataUpdate")]
    assert updates[0].date == before[-1].date
    assert len(updates) >= 3
    assert updates[1].open == pytest.approx(updates[0].close, abs=0.0101)
    assert all(bar.low <= min(bar.open, bar.close) <= max(bar.open, bar.close) <= bar.high for bar in updates)
    assert not desk.listen().named("historicalDataUpdate")  # nothing new, nothing said
    assert desk.error(lambda c: c.cancelHistoricalData(9))[0][0] == 162
    desk.go_on(300)
    desk.now_s += 3.0
    assert not desk.listen().calls
    assert desk.error(lambda c: c.cancelHistoricalData(9)) == [(366, "No historical data query found for ticker id:9")]


@pytest.mark.parametrize(
    ("changes", "code", "text"),
    [
        ({"end": "yesterday"}, 10314, "End Date/Time: The date, time"),
        ({"end": "20261120 16:00:00 Nowhere/Land"}, 10314, "End Date/Time"),
        ({"end": "20261320 16:00:00 UTC"}, 10314, "End Date/Time"),
        ({"duration": ""}, 321, "duration not specified"),
        ({"duration": "1 X"}, 321, "integer{SPACE}unit (S|D|W|M|Y)"),
        ({"duration": "366 D"}, 321, "longer than 365 days must be made in years"),
        ({"duration": "29 S"}, 321, "requested duration is invalid"),
        ({"duration": "90000 S"}, 321, "greater than 86400 seconds"),
        ({"size": "7 mins"}, 321, "Historical data bar size setting is invalid. Legal ones are: 1 secs, 5 secs"),
        ({"what": "WEATHER"}, 321, "What to show field is missing or incorrect."),
        ({"form": 9}, 321, "Date formatting selection of 9 rejected."),
        ({"what": "SCHEDULE"}, 321, "Only daily resolution"),
        ({"what": "ADJUSTED_LAST"}, 321, "End date not supported with adjusted last"),
        ({"keep": True}, 321, "End date not supported with live updates"),
        ({"keep": True, "end": "", "what": "BID_ASK"}, 321, "Source price not supported with live updates"),
        ({"size": "1 secs"}, 162, "Historical Market Data Service error message:invalid step: 1"),
        ({"size": "1 min", "duration": "1 Y", "rth": 0}, 162, "Time length exceed max."),
        ({"of": stock(conId=1)}, 200, "No security definition"),
        ({"of": stock(conId=0, symbol="EUR", secType="CASH", exchange="IDEALPRO")}, 162,
         "No historical market data for EUR/CASH@FXSUBPIP Last 3600"),
        ({"of": contract(416904, "CBOE"), "what": "BID"}, 162, "No historical market data for SPX/IND@CBOE Bid 3600"),
        ({"end": "20150101 16:00:00 US/Eastern"}, 162, "HMDS query returned no data: AAPL@SMART Trades"),
    ],
)  # fmt: skip
def test_what_is_refused(desk, changes, code, text):
    ((found, said),) = desk.error(bars(**changes))
    assert found == code
    assert text in said


def test_a_request_in_full(encoder):
    leg = ComboLeg()
    leg.conId, leg.ratio, leg.action, leg.exchange = 265598, 2, "SELL", "SMART"
    combo = stock(secType="BAG", comboLegs=[leg])
    for sv in VERSIONS:
        client = encoder(sv)
        bars(of=combo, end="20261120-20:00:00", keep=True, form=2, rth=0)(client)
        asked = reading.decode(client.sent[0], sv)
        assert (asked.req_id, asked.end, asked.bar_size, asked.duration) == (9, "20261120-20:00:00", "1 hour", "1 D")
        assert (asked.what, asked.regular, asked.date_format, asked.keep_up_to_date) == ("TRADES", False, 2, True)
        assert asked.contract.legs == ((265598, 2, "SELL", "SMART"),)


def combination(*legs):
    found = stock(conId=0, symbol="ES", secType="BAG", exchange="CME", comboLegs=[])
    for con_id, action in legs:
        leg = ComboLeg()
        leg.conId, leg.ratio, leg.action, leg.exchange = con_id, 1, action, "CME"
        found.comboLegs.append(leg)
    return found


def test_a_combination(desk):
    near, far = desk.brokerage.universe.futures("ES")[:2]
    calls = desk.answer(bars(of=combination((near.con_id, "SELL"), (far.con_id, "BUY")), what="MIDPOINT"))
    rows = [bar for _, bar in calls.named("historicalData")]
    assert rows[0].date.endswith("US/Central")
    assert all(10.0 < bar.low <= bar.close <= bar.high < 200.0 for bar in rows)
    assert desk.error(bars(of=combination((near.con_id, "SELL"), (1, "BUY"))))[0][0] == 200
    assert desk.error(bars(of=combination((near.con_id, "SELL")), what="FEE_RATE"))[0][0] == 162
    assert desk.error(bars(of=combination((near.con_id, "SELL")), keep=True, end=""))[0][0] == 321


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("20261120 16:00:00 US/Eastern", datetime(2026, 11, 20, 21, tzinfo=UTC)),
        ("20261120-16:00:00", datetime(2026, 11, 20, 16, tzinfo=UTC)),
        ("20261120 16:00:00", datetime(2026, 11, 20, 21, tzinfo=UTC)),
        ("20260720 16:00:00 UTC", datetime(2026, 7, 20, 16, tzinfo=UTC)),
        ("20260720 16:00:00 EST", datetime(2026, 7, 20, 20, tzinfo=UTC)),
        ("16:00:00", datetime(2026, 11, 23, 21, tzinfo=UTC)),
    ],
)
def test_times(text, moment):
    now = days.ns_of(date(2026, 11, 23), days.OPEN)
    assert period.moment_ns(1, text, now, "End") == int(moment.timestamp()) * days.NS


def test_durations_and_sizes():
    assert period.duration(1, "3600") == Duration(3600, "S")
    assert period.duration(1, "1 y") == Duration(1, "Y")
    assert [period.bar_size(1, text) for text in ("1 week", "1M", "1 month", "1 min", "1 DAY")] == [
        "1W",
        "1M",
        "1M",
        "1 min",
        "1 day",
    ]


def test_formats_and_kinds(desk):
    rows = [bar.date for _, bar in desk.answer(bars(form=2)).named("historicalData")]
    assert int(rows[0]) == datetime(2026, 11, 20, 14, 30, tzinfo=UTC).timestamp()
    rows = desk.answer(bars(size="1 day", duration="2 D", form=2)).named("historicalData")
    assert [bar.date for _, bar in rows] == ["20261119", "20261120"]
    ((_, bar),) = desk.answer(bars(size="1 day", what="MIDPOINT")).named("historicalData")
    assert (bar.volume, bar.wap, bar.barCount) == (-1, -1, -1)
    es = desk.house.brokerage.universe.future("ES")
    calls = desk.answer(bars(size="1 hour", of=contract(es.con_id, "CME"), rth=0))
    assert calls.named("historicalData")[0][1].date == "20261119 17:00:00 US/Central"
    for what in ("BID_ASK", "HISTORICAL_VOLATILITY", "OPTION_IMPLIED_VOLATILITY", "FEE_RATE"):
        assert len(desk.answer(bars(what=what)).named("historicalData")) == 7
    adjusted = desk.answer(bars(what="ADJUSTED_LAST", end="", size="1 day", duration="1 Y"))
    assert len(adjusted.named("historicalData")) > 250
    assert desk.answer(bars(end="", size="1 day", duration="1 D")).named("historicalData")[0][1].date == "20261123"


def test_one_question_an_id_and_fifty_in_all(desk):
    for n in range(50):
        desk.front.answer(desk.session, _decoded(desk, n))
    with pytest.raises(BadRequest) as busy:
        desk.front.answer(desk.session, _decoded(desk, 50))
    assert (busy.value.code, "Only 50 simultaneous" in busy.value.text) == (322, True)
    with pytest.raises(BadRequest) as same:
        desk.front.answer(desk.session, _decoded(desk, 7))
    assert "Duplicate ticker ID" in same.value.text
    desk.front.forget(desk.session)
    desk.front.answer(desk.session, _decoded(desk, 50))
    with pytest.raises(BadRequest) as cancelled:
        desk.front.answer(desk.session, reading.decode(b"25\0001\00050\0", 200))
    assert cancelled.value.text.endswith("API historical data query cancelled: 50")
    assert not desk.listen().calls


def _decoded(desk, req_id):
    client = desk.encoder(200)
    client.reqHistoricalData(req_id, stock(), "", "1 Y", "1 day", "TRADES", 1, 1, False, [])
    return reading.decode(client.sent[0], 200)


def test_small_bars_are_paced_and_large_ones_are_not(desk):
    small = bars(size="30 secs", duration="600 S")
    assert desk.error(small) == []
    assert desk.error(small) == [
        (162, "Historical Market Data Service error message:Historical data request pacing violation")
    ]
    desk.now_s += 15.1
    assert desk.error(small) == []
    assert desk.error(bars()) == desk.error(bars()) == []


def test_quota():
    quota = Quota(Limits())
    assert [quota.allows(0.0, n, "same") for n in range(6)] == [True] * 5 + [False]
    assert quota.allows(2.1, 6, "same")
    assert not quota.allows(3.0, 6, "other")
    assert quota.allows(17.2, 6, "other")
    for n in range(53):
        assert quota.allows(20.0 + 3 * n, 100 + n, n)
    assert not quota.allows(300.0, "x", "x")
    assert quota.allows(601.0, "x", "x", 2)
    assert Quota(Limits(history_identical_s=0.0)).allows(0.0, 1, 1)


def test_ticks_and_periods_that_are_refused(desk):
    x, end = stock(), "20261120-20:00:00"
    ask = lambda start, end, count, what, of=x: desk.error(  # noqa: E731
        lambda c: c.reqHistoricalTicks(9, of, start, end, count, what, 1, False, [])
    )[0]
    assert ask("", "", 10, "TRADES")[0] == ask(end, end, 10, "TRADES")[0] == ask("", end, 1001, "TRADES")[0] == 321
    assert ask("x", "", 10, "TRADES")[1].startswith("Start Date/Time: The date")
    assert ask("", end, 10, "ASK")[0] == 321
    assert ask("", end, 10, "BID_ASK", contract(416904, "CBOE"))[0] == 10187
    assert desk.error(lambda c: c.reqHistogramData(9, x, True, "soon"))[0][0] == 320
    assert desk.error(lambda c: c.reqHistogramData(9, x, True, "9 years"))[0][0] == 321
    assert desk.error(lambda c: c.reqHeadTimeStamp(9, contract(12087792, "IDEALPRO"), "TRADES", 1, 1))[0][0] == 162
