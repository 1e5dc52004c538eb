"""The past ends where the market begins, every step contains the finer ones, and nothing depends on who asks."""

from datetime import date

import numpy as np
import pytest

from pipeline.gateway.market import days, queries, universe
from pipeline.gateway.market.bars import DAY_S, QUOTES, Charts, merged
from pipeline.gateway.market.past import Past
from pipeline.gateway.market.prices import Market
from pipeline.gateway.market.queries import Chart, Duration

DAY = date(2026, 11, 23)


def market(seed=7, clock=20.0, steps=0, hours="calendar"):
    found = Market(universe.build(DAY), seed, days.ns_of(DAY, days.OPEN), clock, hours)
    charts = Charts(Past(found), found)
    found.advance(steps)
    return charts


@pytest.fixture(scope="module")
def charts():
    """Some six minutes after the open, market time going on at 20 times."""
    return market(steps=360)


def run(work):
    while True:
        try:
            next(work)
        except StopIteration as done:
            return done.value


def ask(charts, x, size, duration, what="TRADES", regular=True, end_ns=None):
    end_ns = end_ns or charts.market.now_ns + days.NS
    chart = Chart(x, what, size, regular)
    return run(queries.bars(charts, chart, queries.stretch(charts, x, regular, end_ns, duration), end_ns))


def some_of_each(charts):
    of = charts.market.universe
    found = [of.stock("AAPL"), of.stock("SPY"), of.future("ES"), of.stock("SPX"), of.by_con_id[12087792]]
    found += [of.option("AAPL", 0, 245.0, "C"), of.option("AAPL", 0, 245.0, "P")]
    return found + [next(x for x in of.living() if x.sec_type == kind) for kind in ("BOND", "FOP")]


def test_the_last_close_is_the_markets_own(charts):
    for x in some_of_each(charts):
        (yesterday, today) = ask(charts, x, "1 day", Duration(2, "D"), "MIDPOINT" if x.sec_type == "CASH" else "TRADES")
        assert yesterday.day == date(2026, 11, 20)
        step = universe.price_step(x.rule_id, yesterday.close)
        if x.sec_type in ("STK", "IND", "OPT") and x.stock_type != "ETF":  # the others' close is of another moment
            assert yesterday.close == pytest.approx(charts.market.closing(x), abs=1.001 * step)
        assert today.close == pytest.approx(charts.market.theory(x).mid, abs=1.001 * step, rel=0.0015)


def test_closes_go_back_five_years_at_the_right_volatility(charts):
    closes = [charts.past.close("AAPL", day) for day in _business_days(date(2021, 11, 22), date(2026, 11, 20))]
    assert len(closes) > 1250
    moves = np.diff(np.log(closes))
    assert moves.std() * np.sqrt(252) == pytest.approx(0.27, rel=0.08)
    other = np.diff(
        np.log([charts.past.close("MSFT", d) for d in _business_days(date(2021, 11, 22), date(2026, 11, 20))])
    )
    assert np.corrcoef(moves, other)[0, 1] == pytest.approx(0.72 * 0.75, abs=0.08)


def _business_days(first, last):
    return [
        d
        for d in (date.fromordinal(n) for n in range(first.toordinal(), last.toordinal() + 1))
        if days.is_business_day(d)
    ]


@pytest.mark.parametrize("what", ["TRADES", "ASK"])
@pytest.mark.parametrize("regular", [True, False])
def test_coarser_bars_are_made_of_finer_ones(charts, what, regular):
    for x in some_of_each(charts)[::3]:
        fine = ask(charts, x, "1 min", Duration(2, "D"), what, regular)
        for size in ("5 mins", "4 hours"):
            of = {}
            for bar in fine:
                of.setdefault((bar.day, _bucket(bar.begin_s, queries.BAR_SIZES[size])), []).append(bar)
            coarse = ask(charts, x, size, Duration(2, "D"), what, regular)
            assert len(coarse) == len(of)
            for bar, parts in zip(coarse, of.values(), strict=True):
                _is_made_of(bar, parts)
        daily = ask(charts, x, "1 day", Duration(2, "D"), what, regular)
        for bar in daily:
            _is_made_of(bar, [part for part in fine if part.day == bar.day])
        _is_made_of(merged(daily, lambda _day: 0)[0], fine)


def _bucket(begin_s, size_s):
    return (begin_s + int(days.new_york(begin_s * days.NS).utcoffset().total_seconds())) // size_s


def _is_made_of(bar, parts):
    assert (bar.open, bar.close) == (parts[0].open, parts[-1].close)
    assert (bar.high, bar.low) == (max(p.high for p in parts), min(p.low for p in parts))
    assert bar.low <= min(bar.open, bar.close) <= max(bar.open, bar.close) <= bar.high
    if bar.volume >= 0:
        assert (bar.volume, bar.count) == (sum(p.volume for p in parts), sum(p.count for p in parts))
        assert bar.volume == 0 or bar.low - 1e-6 <= bar.wap <= bar.high + 1e-6
    else:
        assert (bar.volume, bar.wap, bar.count) == (-1.0, -1.0, -1)


@pytest.mark.parametrize("ago", [0, 1])  # what was seen, and what was made
def test_seconds_add_up_to_minutes(charts, ago):
    end_ns = (
        charts.market.now_ns // (60 * days.NS) * 60 * days.NS
        if ago == 0
        else days.ns_of(date(2026, 11, 20), days.CLOSE)
    )
    for x in (charts.market.universe.stock("NVDA"), charts.market.universe.option("TSLA", 1, 400.0, "P")):
        minutes = ask(charts, x, "1 min", Duration(180, "S"), end_ns=end_ns)
        assert len(minutes) == 3
        for size in ("1 secs", "5 secs", "10 secs", "30 secs"):
            fine = ask(charts, x, size, Duration(180, "S"), end_ns=end_ns)
            assert len(fine) == 180 // queries.BAR_SIZES[size]
            for minute in minutes:
                _is_made_of(minute, [bar for bar in fine if bar.begin_s // 60 == minute.begin_s // 60])


def test_trading_is_busiest_at_both_ends_of_the_day(charts):
    volumes = np.zeros(13)
    for bar in ask(charts, charts.market.universe.stock("AAPL"), "30 mins", Duration(20, "D")):
        volumes[(_bucket(bar.begin_s, 1800) - 19) % 48] += bar.volume
    assert volumes[0] > 1.8 * volumes[6] < volumes[-1]


def test_the_past_is_the_same_for_whoever_asks_and_whenever():
    early, late = market(), market(steps=100)
    x = early.market.universe.stock("KO")
    end = days.ns_of(date(2026, 11, 20), days.CLOSE)
    ask(late, late.market.universe.stock("XOM"), "1 day", Duration(3, "M"))
    assert ask(early, x, "15 mins", Duration(5, "D"), end_ns=end) == ask(
        late, x, "15 mins", Duration(5, "D"), end_ns=end
    )
    other = market(seed=8)
    assert ask(early, x, "1 day", Duration(5, "D"), end_ns=end) != ask(other, x, "1 day", Duration(5, "D"), end_ns=end)


def test_what_the_market_did_is_what_the_bars_say():
    """Prices noted at every step against the bars of 5 seconds and of a minute."""
    found = market(clock=10.0)
    seen = []
    found.market.observers.append(lambda: seen.append((found.market.now_ns // days.NS, found.market.price("JPM"))))
    found.market.advance(600)
    x = found.market.universe.stock("JPM")
    for size, size_s in (("5 secs", 5), ("1 min", 60)):
        of = {}
        for second, price in seen:
            of.setdefault(second // size_s, []).append(round(price, 2))
        bars = ask(found, x, size, Duration(1, "D"))
        assert [bar.begin_s // size_s for bar in bars] == sorted(of)
        for bar in bars[1:]:
            prices = of[bar.begin_s // size_s]
            assert bar.close == prices[-1]
            assert bar.high >= max(prices)
            assert bar.low <= min(prices)
            assert bar.high == max(bar.open, *prices)


def test_a_put_rises_as_its_stock_falls(charts):
    of = charts.market.universe
    stock = ask(charts, of.stock("AAPL"), "30 mins", Duration(10, "D"))
    put = ask(charts, of.option("AAPL", 0, 245.0, "P"), "30 mins", Duration(10, "D"))
    moves = [np.diff([bar.close for bar in bars]) for bars in (stock, put)]
    assert np.corrcoef(*moves)[0, 1] < -0.8


def test_days_weeks_and_months(charts):
    x = charts.market.universe.stock("MSFT")
    daily = ask(charts, x, "1 day", Duration(3, "M"))
    assert all(days.is_business_day(bar.day) for bar in daily)
    assert daily[0].day == date(2026, 8, 24)
    weekly, monthly = ask(charts, x, "1W", Duration(3, "M")), ask(charts, x, "1M", Duration(1, "Y"))
    assert [bar.day for bar in weekly][-3:] == [date(2026, 11, 13), date(2026, 11, 20), DAY]
    assert [bar.day.month for bar in monthly][:3] == [11, 12, 1]
    assert weekly[-2].volume == sum(bar.volume for bar in daily if date(2026, 11, 16) <= bar.day <= date(2026, 11, 20))
    assert weekly[-2].high == max(bar.high for bar in daily if date(2026, 11, 16) <= bar.day <= date(2026, 11, 20))


def test_a_market_that_never_closes_has_one_session_a_day():
    found = market(clock=20_000.0, steps=100, hours="always")
    bars = ask(found, found.market.universe.stock("KO"), "1 hour", Duration(1, "D"))
    assert len(bars) >= 10
    assert bars[-1].begin_s > days.ns_of(DAY, days.CLOSE) // days.NS


def test_volatilities_and_adjusted_prices(charts):
    x = charts.market.universe.stock("AAPL")
    implied = ask(charts, x, "1 day", Duration(20, "D"), "OPTION_IMPLIED_VOLATILITY")
    historical = ask(charts, x, "1 day", Duration(20, "D"), "HISTORICAL_VOLATILITY")
    for bar in implied + historical:
        assert 0.05 < bar.low <= bar.open <= bar.high < 1.0
    raw, adjusted = (ask(charts, x, "1 day", Duration(1, "Y"), what) for what in ("TRADES", "ADJUSTED_LAST"))
    assert raw[-1] == adjusted[-1]
    paid = charts.market.universe and sum(amount for _, amount in _paid("AAPL"))
    assert 1.0 - adjusted[0].close / raw[0].close == pytest.approx(paid / raw[0].close, rel=0.6)
    assert adjusted[0].close < raw[0].close


def _paid(symbol):
    from pipeline.gateway.market import dividends

    return dividends.between(symbol, date(2025, 11, 24), DAY)


def test_ticks_lie_within_their_bars(charts):
    x = charts.market.universe.stock("AAPL")
    end_ns = days.ns_of(date(2026, 11, 20), days.CLOSE)
    rows = run(queries.ticks(charts, x, "TRADES", True, 0, end_ns, 1000))
    assert len(rows) == 1000
    assert [row[0] for row in rows] == sorted(row[0] for row in rows)
    bars = {bar.begin_s // 60: bar for bar in ask(charts, x, "1 min", Duration(1, "D"), end_ns=end_ns)}
    assert all(bars[t // 60].low <= price <= bars[t // 60].high for t, price, *_ in rows)
    forwards = run(queries.ticks(charts, x, "TRADES", True, rows[0][0] * days.NS, end_ns, 1000))
    assert forwards == rows
    quotes = run(queries.ticks(charts, x, "BID_ASK", True, 0, end_ns, 50))
    assert all(bid < ask for _, bid, ask, *_ in quotes)
    mids = run(queries.ticks(charts, x, "MIDPOINT", True, 0, end_ns, 50))
    assert len(mids) == len(quotes) == 50


def test_a_histogram_has_the_volume_of_its_bars(charts):
    x = charts.market.universe.stock("INTC")
    end_ns = days.ns_of(date(2026, 11, 20), days.CLOSE)
    of = queries.stretch(charts, x, True, end_ns, Duration(3, "D"))
    found = run(queries.histogram(charts, x, of, end_ns))
    assert sum(found.values()) == sum(bar.volume for bar in ask(charts, x, "1 day", Duration(3, "D"), end_ns=end_ns))
    assert list(found) == sorted(found)


@pytest.mark.parametrize("what", ["MIDPOINT", "BID", "ASK"])
def test_a_combination_is_the_sum_of_its_legs(charts, what):
    of = charts.market.universe
    near, far = of.futures("ES")[:2]
    legs = ((near, -1), (far, 2))
    fine, hours, daily = (
        run(queries.bars(charts, Chart(near, what, size, True, legs), stretch, charts.market.now_ns))
        for size in ("1 min", "1 hour", "1 day")
        for stretch in [queries.stretch(charts, near, True, charts.market.now_ns, Duration(2, "D"))]
    )
    sold = {"BID": "ASK", "ASK": "BID"}.get(what, what)
    one, two = ask(charts, near, "1 min", Duration(2, "D"), sold), ask(charts, far, "1 min", Duration(2, "D"), what)
    assert fine[0].open == pytest.approx(2 * two[0].open - one[0].open)
    assert fine[-2].close == pytest.approx(2 * two[len(fine) - 2].close - one[len(fine) - 2].close)
    for day in daily:
        _is_made_of(day, [bar for bar in fine if bar.day == day.day])
    assert max(bar.high for bar in hours) == max(bar.high for bar in fine)


def test_what_is_remembered_has_a_bound(charts):
    from pipeline.gateway.market import past

    for symbol in ("AAPL", "MSFT", "NVDA"):
        ask(
            charts,
            charts.market.universe.stock(symbol),
            "1 day",
            Duration(1, "Y"),
            "BID" if symbol == "NVDA" else "TRADES",
        )
    assert len(charts.past._minutes) <= past.KEPT_DAYS
    assert QUOTES
    assert DAY_S == 86_400
