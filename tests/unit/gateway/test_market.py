import math
from datetime import date

import numpy as np
import pytest

from pipeline.gateway import keeping
from pipeline.gateway.market import days, surface
from pipeline.gateway.market.days import NS

DAY = date(2026, 11, 23)
RATE = 0.04


def path(seed: int, steps: list[int], watch: bool = False) -> np.ndarray:
    market = keeping.begin(DAY, seed, 1.0).market
    for step in steps:
        market.advance(step)
        if watch:
            for x in market.universe.options("AAPL"):
                market.theory(x)
    return market.spot


def test_same_seed_same_path_whoever_looks():
    assert np.array_equal(path(7, [3000]), path(7, [1, 17, 1024, 1025, 3000], watch=True))
    assert not np.array_equal(path(7, [3000]), path(8, [3000]))


def test_market_day_begins_at_the_open_in_market_time():
    market = keeping.begin(date(2026, 11, 22), 7, 60.0).market
    assert days.new_york(market.now_ns).isoformat() == "2026-11-23T09:30:00-05:00"
    market.advance(20)  # one real second at 60×
    assert market.now_ns - market.start_ns == 60 * NS


def test_prices_move_together_as_correlated():
    market = keeping.begin(DAY, 7, 60.0).market
    logs = []
    for step in range(0, 8000, 4):
        market.advance(step)
        logs.append(np.log(market.spot))
    moves = np.diff(np.array(logs), axis=0)
    pairs = np.corrcoef(moves.T)
    a, spx, ndx = (market.index[name] for name in ("AAPL", "SPX", "NDX"))
    assert pairs[a, spx] == pytest.approx(0.72, abs=0.05)
    assert pairs[spx, ndx] == pytest.approx(0.92, abs=0.03)
    year = 252 * 6.5 * 3600
    assert moves[:, a].std() * math.sqrt(year / (4 * 0.05 * 60)) == pytest.approx(0.27, rel=0.05)


@pytest.mark.parametrize("symbol", ["AAPL", "TSLA", "SPX"])
@pytest.mark.parametrize("step", [0, 4000, 12_000])
def test_option_surface_is_free_of_arbitrage(symbol, step):
    market = keeping.begin(DAY, 7, 20.0).market
    market.advance(step)
    options = market.universe.options(symbol)
    by = {(x.expiry, x.strike, x.right): market.theory(x).mid for x in options}
    expiries, strikes = sorted({x.expiry for x in options}), sorted({x.strike for x in options})
    for expiry in expiries:
        calls = np.array([by[expiry, k, "C"] for k in strikes])
        puts = np.array([by[expiry, k, "P"] for k in strikes])
        assert (np.diff(calls) <= 1e-9).all()
        assert (np.diff(puts) >= -1e-9).all()
        assert (np.diff(calls, 2) >= -1e-6).all()
        assert (np.diff(puts, 2) >= -2e-2).all()  # the American premium is an approximation
        assert (np.abs(np.diff(calls)) <= np.diff(strikes) + 1e-9).all()
    for right in "CP":
        for k in strikes:
            if symbol == "SPX" and (k < 6500.0) == (right == "C"):
                continue  # a European option in the money may lose by waiting
            assert by[expiries[1], k, right] >= by[expiries[0], k, right] - 1e-9


def test_american_put_is_never_below_intrinsic_nor_below_european():
    strike = np.array([80.0, 100.0, 120.0, 160.0])
    years, call = np.full(4, 0.5), np.zeros(4, bool)
    american = surface.price_class(100.0, strike, years, call, 0.3, RATE, 0.0, True).price
    european = surface.price_class(100.0, strike, years, call, 0.3, RATE, 0.0, False).price
    assert (american >= np.maximum(strike - 100.0, 0.0) - 1e-12).all()
    assert (american >= european - 1e-12).all()


def test_put_call_parity_holds_for_the_index():
    strike = np.array([6000.0, 6500.0, 7000.0] * 2)
    call = np.array([True] * 3 + [False] * 3)
    p = surface.price_class(6500.0, strike, np.full(6, 0.1), call, 0.15, RATE, 0.013, False).price
    forward = 6500.0 * math.exp(-0.0013) - strike[:3] * math.exp(-0.004)
    assert p[:3] - p[3:] == pytest.approx(forward, abs=1e-9)


def test_greeks_are_the_slopes_of_the_price():
    strike, years, call = np.array([95.0, 105.0]), np.full(2, 0.4), np.array([True, False])
    flat = {"SKEW": surface.SKEW, "CURVE": surface.CURVE}
    surface.SKEW = surface.CURVE = 0.0
    try:
        here, up, down = (
            surface.price_class(s, strike, years, call, 0.3, RATE, 0.0, True) for s in (100, 100.01, 99.99)
        )
    finally:
        surface.SKEW, surface.CURVE = flat["SKEW"], flat["CURVE"]
    assert here.delta == pytest.approx((up.price - down.price) / 0.02, abs=1e-5)
    assert here.gamma == pytest.approx((up.price - 2 * here.price + down.price) / 1e-4, abs=1e-3)


def test_black_scholes_against_a_printed_value():
    """Hull: S 42, K 40, r 10 %, vol 20 %, half a year: call 4.76, put 0.81."""
    surface_flat = surface.SKEW, surface.CURVE
    surface.SKEW = surface.CURVE = 0.0
    try:
        p = surface.price_class(
            42.0, np.array([40.0, 40.0]), np.full(2, 0.5), np.array([True, False]), 0.2, 0.1, 0.0, False
        )
    finally:
        surface.SKEW, surface.CURVE = surface_flat
    assert p.price == pytest.approx([4.76, 0.81], abs=5e-3)


def test_index_etf_and_future_hang_together():
    market = keeping.begin(DAY, 7, 1.0).market
    market.advance(500)
    universe = market.universe
    spx, spy, es = (market.theory(x).mid for x in (universe.stock("SPX"), universe.stock("SPY"), universe.future("ES")))
    assert 0.0 < spy - spx / 10 < 1.85  # what the fund has gathered of its next dividend
    assert 1.0 < es / spx < 1.005
