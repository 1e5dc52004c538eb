"""Requirements that brokers and exchanges have printed, copied here as numbers."""

import pytest

from pipeline.gateway.broker import lending, margin, scans, spreads
from pipeline.gateway.broker.legs import Leg


def stock(symbol, shares, price):
    return Leg(symbol, "STK", shares, price, price)


def option(symbol, n, right, strike, price, under, expiry="20261218"):
    return Leg(symbol, "OPT", n, price, under, 100, expiry, strike, right)


def of(*legs):
    return margin.underlying(list(legs))


@pytest.mark.parametrize(
    ("symbol", "right", "strike", "n", "price", "under", "printed", "tolerance"),
    [
        ("SPY", "C", 300, -1, 115.75, 415.0, 19_837.0, 0.015),
        ("SPY", "P", 430, -1, 16.80, 415.0, 9_929.0, 0.015),
        ("SPX", "C", 5000, -1, 0.05, 4550.0, 45_537.0, 0.015),
        ("KO", "C", 192, -2, 14.0, 196.0, 10_640.0, 1e-6),
        ("KO", "P", 207, -2, 4.68, 192.0, 8_616.0, 1e-6),
        ("SPY", "P", 300, -1, 0.02, 410.0, 3_000.0, 0.01),
        ("SPX", "P", 45, -1, 2.85, 43.34, 935.0, 0.001),
        ("KO", "C", 30, -1, 0.05, 26.38, 269.0, 0.001),
    ],
)
def test_naked_options(symbol, right, strike, n, price, under, printed, tolerance):
    need = of(option(symbol, n, right, strike, price, under))
    assert (need.initial, need.maintenance) == pytest.approx((printed, printed), rel=tolerance)


SPY = 410.0


@pytest.mark.parametrize(
    ("legs", "printed"),
    [
        ([(-1, "C", 300, 112.0), (1, "C", 310, 100.0)], 1_000.0),  # bear call spread
        ([(1, "P", 300, 0.02), (-2, "P", 310, 0.03), (1, "P", 320, 0.05)], 0.0),  # long butterfly
        ([(-1, "P", 300, 0.02), (2, "P", 310, 0.03), (-1, "P", 320, 0.05)], 1_000.0),  # short butterfly
        ([(1, "P", 300, 0.02), (-1, "P", 310, 0.03), (-1, "C", 320, 92.0), (1, "C", 330, 82.0)], 1_000.0),  # condor
        (
            [(-1, "C", 300, 112.0), (1, "C", 310, 102.0), (1, "P", 300, 0.02), (-1, "P", 310, 0.03)],
            1_000.0,
        ),  # short box
        ([(1, "C", 300, 112.0), (-1, "C", 310, 102.0), (-1, "P", 300, 0.02), (1, "P", 310, 0.03)], 0.0),  # long box
        ([(1, "P", 400, 4.0), (-1, "P", 410, 8.0), (-1, "C", 410, 8.0), (1, "C", 420, 4.0)], 1_000.0),  # iron butterfly
    ],
)
def test_spreads(legs, printed):
    need = of(*(option("SPY", n, right, strike, price, SPY) for n, right, strike, price in legs))
    assert need.maintenance == pytest.approx(printed, abs=0.01)


def test_two_spreads_and_one_naked_call():
    """Call and put spread as one iron condor: 500; the second call 300 + max(20 − 5, 10)·100 = 1,800."""
    legs = [(-2, "C", 105, 3.0), (1, "C", 110, 1.5), (-1, "P", 95, 2.5), (1, "P", 90, 1.2)]
    assert of(*(option("KO", n, r, k, p, 100.0) for n, r, k, p in legs)).maintenance == pytest.approx(2_300.0)


def test_unequal_wings_need_the_wider_side():
    legs = [(-1, "C", 105, 3.0), (1, "C", 115, 0.7), (-1, "P", 95, 2.5), (1, "P", 80, 0.3)]
    assert of(*(option("KO", n, r, k, p, 100.0) for n, r, k, p in legs)).maintenance == pytest.approx(1_500.0)


def test_bear_put_ladder():
    legs = [(1, "P", 552, 3.484), (-1, "P", 548, 0.02), (-1, "P", 544, 0.0)]
    need = of(*(option("KO", n, r, k, p, 548.343) for n, r, k, p in legs))
    assert need.maintenance == pytest.approx(10_532.56, abs=0.01)


def test_jelly_roll_leaves_the_far_call_naked():
    near, far = "20240621", "20240719"
    need = of(
        option("SPY", 1, "C", 542, 3.047, 542.0, near), option("SPY", -1, "P", 542, 2.994, 542.0, near),
        option("SPY", -1, "C", 542, 6.972, 542.0, far), option("SPY", 1, "P", 542, 6.075, 542.0, far),
    )  # fmt: skip
    assert need.maintenance == pytest.approx(11_589.0, rel=0.01)


def test_the_search_finds_what_pairing_by_saving_misses():
    """The far long saves most against the near short, but then the far short is naked: 3,100 and not 600."""
    legs = [
        option("KO", -1, "C", 90.0, 11.0, 100.0, "20270115"), option("KO", -1, "C", 95.0, 7.0, 100.0, "20261218"),
        option("KO", 1, "C", 95.0, 8.0, 100.0, "20270115"), option("KO", 1, "C", 96.0, 6.5, 100.0, "20261218"),
    ]  # fmt: skip
    assert of(*legs).maintenance == pytest.approx(600.0)
    assert of(*legs[::-1]).maintenance == pytest.approx(600.0)


def test_covered_calls_far_out():
    need = of(stock("SPY", 200, 418.78), option("SPY", -2, "C", 500, 0.04, 418.78))
    assert need.initial == pytest.approx(20_939.0, rel=0.001)


def test_conversion():
    legs = stock("KO", 100, 524.63), option("KO", -1, "C", 524, 2.29, 524.63), option("KO", 1, "P", 524, 0.827, 524.63)
    need = of(*legs)
    assert (need.initial, need.maintenance) == pytest.approx((26_295.0, 5_303.0), abs=1.0)


def test_reverse_conversion_charges_what_the_put_is_inside():
    legs = stock("KO", -100, 100.0), option("KO", 1, "C", 105, 1.0, 100.0), option("KO", -1, "P", 105, 6.0, 100.0)
    assert of(*legs).maintenance == pytest.approx(100 * (10.5 + 5.0))


def test_protective_call_on_short_stock():
    need = of(stock("KO", -100, 411.286), option("KO", 1, "C", 300, 112.0, 411.286))
    assert (need.initial, need.maintenance) == pytest.approx((12_338.58, 3_000.0), abs=0.01)


def test_protective_put():
    """A tenth of the strike and what it is outside, 9.5 + 5; the stock alone needs 30."""
    need = of(stock("KO", 100, 100.0), option("KO", 1, "P", 95, 1.0, 100.0))
    assert (need.initial, need.maintenance) == pytest.approx((3_300.0, 1_450.0))


def test_collars_half_the_stock_at_first():
    legs = stock("KO", 10_000, 97.73), option("KO", 100, "P", 95, 1.02, 97.73), option("KO", -100, "C", 105, 0.4, 97.73)
    need = of(*legs)
    assert need.initial == pytest.approx(488_650.0)  # the printed deposit of 494,850 less 10,200 paid and 4,000 earned
    assert need.maintenance == pytest.approx(10_000 * min(9.5 + 2.73, 26.25))


@pytest.mark.parametrize(
    ("years", "rate"), [(0.5, 0.01), (2.0, 0.02), (4.0, 0.03), (9.0, 0.04), (15.0, 0.05), (29.0, 0.06)]
)
def test_treasuries_by_years_to_maturity(years, rate):
    leg = Leg("US-T", "BOND", 100, 98.5, 98.5, 10, years=years, treasury=True)
    assert lending.bond(leg).maintenance == pytest.approx(98_500.0 * rate)


def test_corporate_bonds_need_a_tenth():
    assert lending.bond(Leg("AAPL", "BOND", 100, 98.5, 98.5, 10, years=20.0)).initial == pytest.approx(9_850.0)


def test_a_debt_is_secured_by_the_currency_with_the_lowest_rate():
    """39,000 francs' worth owed: 30,000 against the euro, 9,000 against the dollar, both at 3 %."""
    assert lending.currencies({"USD": 50_000.0, "EUR": 36_000.0, "CHF": -30_000.0}) == pytest.approx(900.0)
    assert lending.currencies({"USD": 10_000.0, "MXN": -20_000.0}) == pytest.approx(1_000.0)
    assert lending.currencies({"USD": 10_000.0, "EUR": 5_000.0}) == 0.0


def future(symbol, n, price, multiplier, expiry):
    return Leg(symbol, "FUT", n, price, price, multiplier, expiry)


def test_months_against_each_other_need_the_calendar_rate():
    near, far = future("ES", 5, 6500.0, 50, "20261218"), future("ES", -5, 6540.0, 50, "20270319")
    assert scans.commodities([near, far]).maintenance == pytest.approx(5 * 650.0)
    odd = scans.commodities([near, future("ES", -3, 6540.0, 50, "20270319")])
    assert odd.maintenance == pytest.approx(2 * 21_700.0 + 3 * 650.0)


def fop(n, right, strike, price, years=0.1):
    return Leg("ES", "FOP", n, price, 6500.0, 50, "20261218", strike, right, years)


def test_a_long_option_on_a_future_never_needs_more_than_its_value():
    assert scans.commodities([fop(2, "P", 6300.0, 60.0)]).maintenance <= 2 * 50 * 60.0


def test_a_short_option_on_a_future_needs_less_than_the_future_and_more_than_the_least():
    need = scans.commodities([fop(-1, "C", 6600.0, 90.0)]).maintenance
    assert 0.02 * 21_700.0 < need < 21_700.0


def test_a_covered_call_on_a_future_needs_less_than_the_future_alone():
    covered = scans.commodities([future("ES", 1, 6500.0, 50, "20261218"), fop(-1, "C", 6500.0, 110.0)])
    assert covered.maintenance < 21_700.0
    assert covered.initial == pytest.approx(1.10 * covered.maintenance)


def test_implied_volatility_gives_the_price_back():
    leg = fop(1, "C", 6600.0, 90.0)
    assert scans.black(6500.0, 6600.0, 0.1, scans.implied(leg), "C") == pytest.approx(90.0, abs=1e-4)


def test_a_wide_book_is_searched_within_bounds():
    """Forty series: as cheap as the parts alone at most, and never a loop without an end."""
    legs = [
        option("KO", n, right, 80.0 + 2 * k, 3.0 + k % 5, 100.0, expiry)
        for k, (n, right, expiry) in enumerate(
            [(s, r, e) for s in (-3, 2, -1, 4, -2) for r in "CP" for e in ("20261218", "20270115") for _ in (0, 1)]
        )
    ]
    need = of(*legs).maintenance
    assert 0 < need <= sum(-leg.quantity * spreads.naked(leg) for leg in legs if leg.quantity < 0)


def test_a_large_hedged_book_is_judged_in_a_bounded_number_of_ways(monkeypatch):
    """Forty series on 2,400 shares: never more than each part by itself, and few evaluations."""
    judged = []
    search = spreads.requirement
    monkeypatch.setattr(spreads, "requirement", lambda *a: judged.append(1) or search(*a))
    legs = [stock("KO", 2_400, 100.0)]
    for n, expiry in enumerate(("20261218", "20270115")):
        for k in range(10):
            legs += [
                option("KO", (-3, 2, -1, 4, -2)[(k + n + m) % 5], right, 80.0 + 4 * k, 5.0 + k % 3, 100.0, expiry)
                for m, right in enumerate("CP")
            ]
    need = of(*legs).maintenance
    apart = of(legs[0]).maintenance + sum(-leg.quantity * spreads.naked(leg) for leg in legs[1:] if leg.quantity < 0)
    assert 0 < need < apart
    assert len(judged) <= 32
