"""What a market does over days: it opens, closes, halts, pays dividends, expires, lists, and is kept and restored."""

from datetime import date, time, timedelta

import numpy as np
import pytest

from pipeline.gateway import keeping
from pipeline.gateway.market import days, dividends, listing, moves, sessions, universe
from pipeline.gateway.market.days import NS
from pipeline.gateway.market.prices import STEP_S, Market
from pipeline.gateway.market.sessions import Phase

DAY = date(2026, 11, 23)  # a Monday
FAST = 12_000.0  # ten minutes a step


def begun(day=DAY, clock=1200.0, seed=7, hours="calendar") -> Market:
    """A market that opens on `day`; at 1200× a step is a market minute."""
    return Market(universe.build(day), seed, days.ns_of(day, days.OPEN), clock, hours)


def run_to(market, day, at) -> None:
    seconds = (days.ns_of(day, at) - market.start_ns) / NS
    market.advance(round(seconds / STEP_S / market.clock))


def rolled(market, day) -> None:
    """Go on to 09:31 of `day`, rolling every business day on the way as the server does."""
    while market.universe.day < day:
        following = days.next_business_day(market.universe.day)
        run_to(market, following, time(9, 31))
        market.roll_day()


@pytest.mark.parametrize(
    ("kind", "day", "at", "phase"),
    [
        (sessions.STOCK, DAY, time(3, 59), Phase.CLOSED),
        (sessions.STOCK, DAY, time(4), Phase.PRE),
        (sessions.STOCK, DAY, time(9, 30), Phase.OPEN),
        (sessions.STOCK, DAY, time(16), Phase.POST),
        (sessions.STOCK, DAY, time(20), Phase.CLOSED),
        (sessions.STOCK, date(2026, 11, 26), time(12), Phase.CLOSED),  # Thanksgiving
        (sessions.STOCK, date(2026, 11, 27), time(13, 30), Phase.POST),  # a half day
        (sessions.STOCK, date(2026, 11, 28), time(12), Phase.CLOSED),
        (sessions.OPTION, DAY, time(9, 29), Phase.CLOSED),
        (sessions.OPTION, DAY, time(15, 59), Phase.OPEN),
        (sessions.OPTION, date(2026, 11, 27), time(13), Phase.CLOSED),
        (sessions.FUTURE, date(2026, 11, 22), time(17, 59), Phase.CLOSED),
        (sessions.FUTURE, date(2026, 11, 22), time(18), Phase.OPEN),
        (sessions.FUTURE, DAY, time(17, 30), Phase.CLOSED),
        (sessions.FUTURE, DAY, time(18), Phase.OPEN),
        (sessions.FUTURE, date(2026, 11, 26), time(12), Phase.OPEN),
        (sessions.FUTURE, date(2026, 11, 26), time(14), Phase.CLOSED),
        (sessions.FUTURE, date(2026, 12, 25), time(12), Phase.CLOSED),
        (sessions.FUTURE, date(2026, 11, 27), time(18), Phase.CLOSED),
        (sessions.PAIR, date(2026, 11, 22), time(17, 15), Phase.OPEN),
        (sessions.PAIR, DAY, time(17, 5), Phase.CLOSED),
        (sessions.PAIR, date(2026, 11, 27), time(17), Phase.CLOSED),
        (sessions.BOND, DAY, time(8), Phase.OPEN),
        (sessions.BOND, DAY, time(17), Phase.CLOSED),
    ],
)
def test_exchanges_keep_their_hours(kind, day, at, phase):
    assert sessions.Hours(kind, False).phase(days.ns_of(day, at)) is phase


def test_phases_follow_the_clock_and_always_never_closes():
    market, ever = begun(), begun(hours="always")
    stock, pair = market.universe.stock("AAPL"), market.universe.by_con_id[12087792]
    assert market.phase(stock) is Phase.OPEN
    for m in (market, ever):
        run_to(m, DAY, time(21))
    assert (market.phase(stock), market.phase(pair)) == (Phase.CLOSED, Phase.OPEN)
    assert ever.phase(stock) is Phase.OPEN
    assert (ever.volume_factor(stock), ever.spread_factor(stock)) == (1.0, 1.0)
    assert market.volume_factor(stock) == 0.0


@pytest.mark.parametrize("pattern", [sessions.day_variance, sessions.day_volume])
def test_a_day_is_lively_at_its_ends_and_one_on_average(pattern):
    shares = (np.arange(3900) + 0.5) / 3900
    found = np.array([pattern(share) for share in shares])
    assert found.mean() == pytest.approx(1.0, abs=0.02)
    assert found[0] > 2.0 * found[1950] < found[-1]


def test_spreads_are_widest_at_the_open():
    market = begun()
    stock = market.universe.stock("AAPL")
    at_open = market.spread_factor(stock)
    run_to(market, DAY, time(12))
    midday = market.spread_factor(stock)
    run_to(market, DAY, time(18))
    assert at_open > 2.5 > midday == pytest.approx(1.0, abs=0.05)
    assert market.spread_factor(stock) == 4.0


def test_trades_are_more_frequent_after_the_open_than_at_midday():
    brokerage = keeping.begin(DAY, 7, 1200.0)
    market, tape, printed = brokerage.market, brokerage.tape, []
    stock = market.universe.stock("AAPL")
    tape.trades.append(lambda *trade: printed.append(trade))
    counts = []
    for at in (time(9, 30), time(12, 30)):
        run_to(market, DAY, at)
        printed.clear()
        for _ in range(800):
            tape.event(stock)
        counts.append(len(printed))
    assert counts[0] > 2.0 * counts[1] > 0


def test_moves_are_larger_after_the_open_than_at_midday():
    """Twenty days side by side, one seed each; a step is ten seconds."""
    first, middle = [], []
    for seed in range(20):
        market = begun(clock=200.0, seed=seed)
        for moves_of, at in ((first, time(9, 30)), (middle, time(12, 30))):
            run_to(market, DAY, at)
            begin = market.step
            for step in range(begin + 1, begin + 91):
                before = market.spot
                market.advance(step)
                moves_of.append(np.log(market.spot / before)[: len(listing.STOCKS)])
    ratio = np.std(first) / np.std(middle)
    assert 1.4 < ratio < 2.2


def test_what_is_closed_stands_still_and_opens_with_a_gap():
    market = begun()
    pick = market.universe
    stock, option, index, es = (
        pick.stock("AAPL"), pick.option("AAPL", 0, 245.0, "C"), pick.stock("SPX"), pick.future("ES"),
    )  # fmt: skip
    run_to(market, DAY, time(20, 5))
    evening = [market.theory(x).mid for x in (stock, option, index, es)]
    run_to(market, DAY + timedelta(days=1), time(3, 55))
    night = [market.theory(x).mid for x in (stock, option, index, es)]
    assert night[:3] == evening[:3]
    assert night[3] != evening[3]  # futures go on
    run_to(market, DAY + timedelta(days=1), time(9, 31))
    morning = [market.theory(x).mid for x in (stock, option, index, es)]
    assert all(a != b for a, b in zip(evening, morning, strict=True))
    assert abs(morning[0] / evening[0] - 1.0) < 0.05


def test_a_stock_that_leaps_is_halted_for_five_minutes():
    market = begun(clock=20.0)  # a second a step
    n = market.index["TSLA"]
    stock, other, option = (
        market.universe.stock("TSLA"), market.universe.stock("AAPL"), market.universe.option("TSLA", 0, 400.0, "C"),
    )  # fmt: skip
    market.advance(100)
    before = market.price("TSLA")
    market._moves.jumps = lambda step, chance: [(n, 2.0)] if step == 100 else []
    market.advance(120)
    assert [market.halted(x) for x in (stock, option, other)] == [2, 1, 0]
    assert market.volume_factor(stock) == 0.0
    assert market.theory(stock).mid == pytest.approx(before * np.exp(0.05), rel=2e-3)
    standing = market.theory(stock).mid
    market.advance(390)
    assert market.theory(stock).mid == standing
    market.advance(101 + 300 + 60)
    assert market.halted(stock) == 0
    assert market.theory(stock).mid / before == pytest.approx(np.exp(0.11), rel=0.02)


def test_jumps_come_as_often_as_they_should_and_never_at_night():
    market = begun(clock=1200.0)
    leaps = []
    for seed in range(6):
        drawn = moves.Moves(seed, market.correlation, len(listing.STOCKS))
        for step in range(4000):
            drawn.at(step)
            leaps += drawn.jumps(step, 1e-3)
    assert len(leaps) == pytest.approx(6 * 4000 * 15 * 1e-3, rel=0.2)
    assert {n for n, _ in leaps} == set(range(15))
    run_to(market, DAY, time(21))
    assert market._chance == 0.0


def test_rare_jumps_are_found_like_common_ones():
    drawn = moves.Moves(3, begun().correlation, len(listing.STOCKS))
    for step in range(3000):
        drawn.at(step)
        rare = drawn.jumps(step, 9e-5)
        assert rare == [found for found in drawn.jumps(step, 1.1e-4) if found in rare]
        assert rare == [
            (n, float(drawn._sizes[step % moves.BLOCK, n]))
            for n in np.flatnonzero(drawn._dice[step % moves.BLOCK] < 9e-5).tolist()
        ]


def test_a_share_loses_its_dividend_on_the_ex_date():
    day = date(2026, 11, 30)
    market = begun(day)
    ((ex, paid), *_) = market.dividends("KO")
    assert (ex, paid) == (date(2026, 12, 1), 0.51)
    run_to(market, day, time(20, 5))
    stock = market.universe.stock("KO")
    evening = market.theory(stock).mid
    while days.new_york(market.now_ns).date() == day:
        price = market.price("KO")
        market.advance(market.step + 1)
    market.advance(market.step + 1)
    assert market.price("KO") == pytest.approx(price - 0.51, abs=0.05)
    assert market.theory(stock).mid == evening


def test_dividends_fall_on_business_days_and_stop_after_a_year():
    rows = begun().dividends("AAPL")
    assert [amount for _, amount in rows] == [0.26] * 4
    assert all(days.is_business_day(day) and DAY <= day <= DAY + timedelta(days=365) for day, _ in rows)
    assert begun().dividends("TSLA") == []


def test_a_fund_gathers_its_dividend_and_pays_it():
    ex = dividends.between("SPY", DAY, date(2027, 1, 1))[0][0]
    gathered = [dividends.accrued("SPY", ex + timedelta(days=n)) for n in (-30, -1, 0)]
    assert 0.0 < gathered[0] < gathered[1] < 1.85
    assert gathered[2] == 0.0


def test_futures_stand_on_a_curve():
    market = begun()
    curve = {
        symbol: [market.theory(x).mid for x in market.universe.futures(symbol)] for symbol in ("ES", "NQ", "CL", "GC")
    }
    for symbol in ("ES", "NQ", "GC"):  # interest above what they earn
        assert curve[symbol] == sorted(curve[symbol])
    assert curve["CL"] == sorted(curve["CL"], reverse=True)
    assert len(curve["CL"]) == 4


def test_currencies_are_worth_what_their_pairs_say():
    market = begun()
    market.advance(500)
    assert market.fx("USD") == 1.0
    assert market.fx("EUR") == market.price("EUR.USD")
    assert market.fx("JPY") == pytest.approx(1.0 / market.price("USD.JPY"))
    with pytest.raises(KeyError):
        market.fx("SEK")


def test_expired_contracts_leave_and_new_ones_are_listed():
    market = begun(date(2026, 12, 17), FAST)
    pick = market.universe
    # The first day lists what lives ten days at least, so December's options come by hand.
    pick.list_options("AAPL", "20261218", 245.0)
    market.worths.group()
    call, put = pick.option("AAPL", 0, 245.0, "C"), pick.option("AAPL", 0, 245.0, "P")
    before = {x.expiry for x in pick.options("AAPL")}
    rolled(market, date(2026, 12, 21))
    assert {call, put} <= set(pick.expired(date(2026, 12, 21)))
    assert not pick.lives(call)
    assert {x.expiry for x in pick.options("AAPL")} == before - {"20261218"}
    close = market.fixings["20261218"][market.index["AAPL"]]
    assert market.settlement(call) == pytest.approx(max(close - 245.0, 0.0))
    assert market.settlement(put) == pytest.approx(max(245.0 - close, 0.0))
    assert market.theory(call).mid == market.settlement(call)
    assert call.con_id in pick.by_con_id
    rolled(market, date(2027, 1, 11))
    assert {x.expiry for x in pick.options("SPX")} == {"20270115", "20270219", "20270319"}


def test_what_has_ended_is_worth_its_settlement_at_once():
    market = begun(date(2026, 12, 7), FAST)
    front, later = market.universe.futures("ES")[:2]
    run_to(market, date(2026, 12, 18), time(15, 50))
    assert (market.phase(front), market.ended(front)) == (Phase.OPEN, False)
    run_to(market, date(2026, 12, 20), time(22))
    assert (market.phase(front), market.phase(later)) == (Phase.CLOSED, Phase.OPEN)
    assert market.theory(front).mid == market.settlement(front)
    assert market.settlement(front) == pytest.approx(market.fixings["20261218"][market.index["SPX"]], rel=1e-4)


def test_new_strikes_stand_around_the_present_price():
    market = begun(date(2026, 12, 9), FAST)
    market.spot = market.spot * 1.3
    rolled(market, date(2027, 1, 11))
    fresh = [x.strike for x in market.universe.options("AAPL") if x.expiry == "20270319"]
    assert min(fresh) < market.price("AAPL") < max(fresh)
    assert all(strike % 5.0 == 0.0 for strike in fresh)


def test_yesterdays_close_is_the_price_at_the_close():
    market = begun()
    stock = market.universe.stock("AAPL")
    run_to(market, DAY, time(16))
    at_close = market.theory(stock).mid
    rolled(market, DAY + timedelta(days=1))
    assert market.closing(stock) == pytest.approx(at_close, abs=0.006)
    assert market.fixings == {"20261123": pytest.approx(market.close.tolist())}


def test_a_kept_market_knows_what_was_listed_and_goes_on_alike():
    market = begun(date(2026, 12, 9), FAST)
    market.spot = market.spot * 1.2
    rolled(market, date(2027, 1, 12))
    again = begun(date(2026, 12, 9), FAST)
    again.restore(market.dump())
    assert list(again.universe.by_con_id) == list(market.universe.by_con_id)
    assert again.universe.day == market.universe.day
    for m in (market, again):
        m.advance(market.step + 700 if m is market else again.step + 700)
    for x in market.universe.living():
        assert again.theory(x) == market.theory(x)
        assert again.closing(x) == market.closing(x)


def test_a_bond_falls_as_yields_rise_and_is_redeemed_at_par():
    market = begun()
    bond = next(x for x in market.universe.by_con_id.values() if x.cusip == "91282CPJ4")
    low, high = (market.worth(bond, level, market.now_ns) for level in (85.0, 95.0))
    assert low < market.theory(bond).mid < high
    assert 90.0 < market.theory(bond).mid < 105.0
    near = days.ns_of(bond.expiry_date - timedelta(days=20), time(12))
    assert market.worth(bond, 89.5, near) == pytest.approx(100.0, abs=0.2)
