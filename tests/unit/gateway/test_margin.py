"""Requirements computed by hand from the published formulas."""

import pytest

from pipeline.gateway.broker import margin
from pipeline.gateway.broker.legs import Leg


def stock(symbol, shares, price):
    return Leg(symbol, "STK", shares, price, price)


def option(symbol, n, right, strike, price, under, expiry="20261218"):
    return Leg(symbol, "OPT", n, price, under, 100, expiry, strike, right)


def figures(*legs):
    found = margin.underlying(list(legs))
    return pytest.approx((found.initial, found.maintenance, found.reg_t))


def test_ordinary_long_stock():
    assert figures(stock("MSFT", 100, 100.0)) == (3300.0, 3000.0, 5000.0)


def test_broad_etf_and_house_rates():
    assert figures(stock("SPY", 100, 650.0)) == (16_250.0, 16_250.0, 32_500.0)
    assert figures(stock("TSLA", 100, 400.0)) == (17_600.0, 16_000.0, 20_000.0)
    assert figures(stock("AMD", 100, 180.0)) == (9_900.0, 9_000.0, 9_000.0)


@pytest.mark.parametrize(("price", "a_share"), [(1.0, 2.5), (4.99, 4.99), (5.0, 5.0), (10.0, 5.0), (50.0, 15.0)])
def test_short_stock_by_the_four_line_table(price, a_share):
    assert (100 * a_share, 100 * a_share, 50 * price) == figures(stock("KO", -100, price))


def test_naked_put_from_the_rule_book():
    """S 95, K 80, premium 2: 2 + max(0.2·95 − 15, 0.1·80) = 10 a unit."""
    assert figures(option("KO", -1, "P", 80.0, 2.0, 95.0)) == (1000.0,) * 3


def test_naked_call_and_the_floor():
    assert figures(option("KO", -1, "C", 130.0, 1.0, 100.0)) == (100 * (1.0 + 10.0),) * 3
    assert figures(option("KO", -1, "C", 102.0, 4.0, 100.0)) == (100 * (4.0 + 18.0),) * 3


def test_broad_index_straddle_from_the_rule_book():
    """S 433.35, K 435: put 7.2 + 65.0025 = 72.2025, and the call's 5.5 → 7,770.25."""
    call, put = option("SPX", -1, "C", 435.0, 5.5, 433.35), option("SPX", -1, "P", 435.0, 7.2, 433.35)
    assert figures(call, put) == (7770.25,) * 3


def test_covered_call_out_of_and_in_the_money():
    """Out: max(30 % of 100, min(100, max(2, 30))) = 30; in: 10 + 30 % of 90 = 37."""
    assert figures(stock("KO", 100, 100.0), option("KO", -1, "C", 110.0, 2.0, 100.0)) == (3000.0, 3000.0, 5000.0)
    assert figures(stock("KO", 100, 100.0), option("KO", -1, "C", 90.0, 11.0, 100.0)) == (3700.0, 3700.0, 5000.0)


def test_stock_beyond_the_covered_lots_keeps_its_own_margin():
    legs = stock("KO", 250, 100.0), option("KO", -2, "C", 110.0, 2.0, 100.0)
    assert figures(*legs) == (6000.0 + 1650.0, 6000.0 + 1500.0, 12_500.0)


def test_covered_put():
    legs = stock("KO", -100, 100.0), option("KO", -1, "P", 105.0, 6.0, 100.0)
    assert figures(*legs) == (3500.0, 3500.0, 5500.0)


@pytest.mark.parametrize(
    ("long", "short", "right", "expected"), [(100, 105, "C", 0.0), (105, 100, "C", 500.0), (95, 105, "P", 1000.0)]
)
def test_verticals_need_their_greatest_loss(long, short, right, expected):
    legs = option("KO", 1, right, long, 3.0, 100.0), option("KO", -1, right, short, 4.0, 100.0)
    assert (expected,) * 3 == figures(*legs)


def test_a_spread_never_needs_more_than_its_naked_shorts():
    short = option("KO", -1, "P", 60.0, 0.1, 100.0)
    naked = 100 * (0.1 + 6.0)
    assert (naked,) * 3 == figures(short, option("KO", 1, "P", 40.0, 0.05, 100.0))


def test_iron_condor_needs_one_side():
    legs = (
        option("SPX", 1, "P", 6150.0, 20.0, 6500.0), option("SPX", -1, "P", 6250.0, 30.0, 6500.0),
        option("SPX", -1, "C", 6700.0, 25.0, 6500.0), option("SPX", 1, "C", 6800.0, 12.0, 6500.0),
    )  # fmt: skip
    assert figures(*legs) == (10_000.0,) * 3


def test_calendar_covers_only_when_the_long_lives_longer():
    near, far = "20261218", "20270115"
    covered = option("KO", -1, "C", 100.0, 3.0, 100.0, near), option("KO", 1, "C", 100.0, 4.0, 100.0, far)
    assert figures(*covered) == (0.0,) * 3
    naked = option("KO", -1, "C", 100.0, 4.0, 100.0, far), option("KO", 1, "C", 100.0, 3.0, 100.0, near)
    assert figures(*naked) == (100 * 24.0,) * 3


def test_long_options_need_nothing():
    assert figures(option("KO", 5, "C", 100.0, 3.0, 100.0)) == (0.0,) * 3


def test_futures_by_table():
    securities, commodities = margin.account([Leg("ES", "FUT", -2, 6500.0, 6500.0, 50)])
    assert securities.maintenance == 0.0
    assert (commodities.initial, commodities.maintenance) == (pytest.approx(47_740.0), 43_400.0)


def test_order_of_positions_does_not_matter():
    legs = [
        stock("KO", 200, 100.0), option("KO", -3, "C", 105.0, 3.0, 100.0), option("KO", -2, "P", 95.0, 2.0, 100.0),
        option("KO", 1, "P", 85.0, 1.0, 100.0), option("KO", 2, "C", 115.0, 1.0, 100.0),
    ]  # fmt: skip
    assert margin.underlying(legs) == margin.underlying(legs[::-1])
