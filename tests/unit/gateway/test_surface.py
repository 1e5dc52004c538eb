"""There is nothing to gain without risk from the option prices: not from the theory, not from bid and ask."""

import math
from datetime import date

import numpy as np
import pytest

from pipeline.gateway import keeping
from pipeline.gateway.market import days, listing, surface
from pipeline.gateway.market.smile import Smile
from pipeline.gateway.market.surface import price_at, price_class

DAY = date(2026, 11, 23)
RATE, YIELD = listing.RATE, listing.INDEX_YIELD
CLOCK = 400.0  # 20 market seconds a step
DAY_STEPS = range(0, 1170, 60)
FLAT = Smile(0.3, 0.3, 0.0, 0.0)
STEEP = Smile(0.55, 0.30, -0.6, 1.2)


def grid(strikes, years):
    """Strikes × expiries × both rights, as a class holds them."""
    rows = [(k, t, call) for t in years for k in strikes for call in (True, False)]
    return (np.array([row[n] for row in rows]) for n in range(3))


def one(spot, strike, years, call, vol, rate, income, american, cash=()):
    columns = (np.array([float(strike)]), np.array([years]), np.array([call]), np.array([vol]))
    return price_at(float(spot), *columns, rate, income, american, cash)


@pytest.fixture(scope="module")
def day():
    """A day's surfaces: class → rows of (expiry, strike, right, theory, bid, ask), with the underlying's quote."""
    market = (brokerage := keeping.begin(DAY, 11, CLOCK)).market
    found = []
    for step in DAY_STEPS:
        market.advance(step)
        for symbol in ("AAPL", "TSLA", "SPX", "ES"):
            rows = {}
            for x in market.universe.options(symbol):
                under = market.universe.by_con_id[x.under_con_id]
                spot = market.theory(x).under
                quote = (spot, spot) if symbol == "SPX" else brokerage.tape.now(under)
                rows.setdefault((x.expiry, x.right), []).append(
                    (x.strike, market.theory(x).mid, *brokerage.tape.now(x), spot, *quote)
                )
            years = {key: days.years_to(date.fromisoformat(key[0]), market.now_ns) for key in rows}
            found.append((symbol, {key: np.array(row).T for key, row in rows.items()}, years))
    return found


def test_a_day_has_many_surfaces_and_they_move(day):
    assert len(day) == 4 * len(DAY_STEPS)
    spots = {float(rows["20261218", "C"][4][0]) for symbol, rows, _ in day if symbol == "AAPL"}
    assert len(spots) == len(DAY_STEPS)


def test_no_butterfly_and_no_vertical_spread_pays_for_nothing(day):
    for symbol, rows, years in day:
        for (expiry, right), (strike, mid, bid, ask, *_) in rows.items():
            slopes = np.diff(mid) / np.diff(strike) * (1.0 if right == "P" else -1.0)
            most = math.exp(-RATE * years[expiry, right]) if symbol == "SPX" else 1.0
            assert (slopes >= -1e-12).all()
            assert (slopes <= most + 1e-9).all()
            assert (np.diff(np.diff(mid) / np.diff(strike)) >= -1e-9).all()
            wings = (ask[:-2] + ask[2:]) / 2.0  # the strikes are equally far apart
            assert (wings >= bid[1:-1]).all()
            low, high = (slice(None, -1), slice(1, None)) if right == "P" else (slice(1, None), slice(None, -1))
            assert (ask[high] >= bid[low]).all()
            assert (bid[high] - ask[low] <= most * np.diff(strike)).all()


def test_a_later_american_expiry_is_never_cheaper(day):
    for symbol, rows, _ in day:
        if symbol == "SPX":
            continue
        early, late = sorted({expiry for expiry, _ in rows})
        for right in "CP":
            first, second = rows[early, right], rows[late, right]
            if symbol == "ES" and right == "P":
                continue  # on another future, which stands higher
            assert (second[1] >= first[1] - 1e-9).all()
            assert (second[3] >= first[2]).all()


def test_put_call_parity_within_the_spread(day):
    for symbol, rows, years in day:
        for expiry in {key[0] for key in rows}:
            (strike, call, c_bid, c_ask, spot, low, high), (_, put, p_bid, p_ask, *_) = (
                rows[expiry, "C"],
                rows[expiry, "P"],
            )
            discounted = strike * math.exp(-RATE * years[expiry, "C"])
            if symbol == "SPX":
                forward = spot * math.exp(-YIELD * years[expiry, "C"]) - discounted
                assert call - put == pytest.approx(forward, abs=1e-8)
                assert (c_bid - p_ask <= forward).all()
                assert (forward <= c_ask - p_bid).all()
                continue
            income = RATE if symbol == "ES" else 0.0
            least = spot * math.exp(-income * years[expiry, "C"]) - strike
            assert (call - put >= least - 1e-9).all()
            assert (call - put <= spot - discounted + 1e-4 * spot).all()
            assert (c_ask - p_bid >= low * math.exp(-income * years[expiry, "C"]) - strike).all()
            assert (c_bid - p_ask <= high - discounted).all()


def test_an_american_option_is_worth_what_exercise_gives(day):
    for symbol, rows, _ in day:
        for (_, right), (strike, mid, _, ask, spot, low, high) in rows.items():
            inner = spot - strike if right == "C" else strike - spot
            if symbol != "SPX":
                assert (mid >= inner - 1e-9).all()
                assert (ask >= (low - strike if right == "C" else strike - high) - 1e-9).all()


@pytest.mark.parametrize("smile", [FLAT, STEEP, Smile(0.12, 0.16, -0.65, 1.15), Smile(1.1, 0.58, -0.3, 0.9)])
def test_total_variance_rises_in_time_at_every_moneyness(smile):
    years = np.linspace(1e-4, 2.0, 200)
    for k in np.linspace(-3.0, 3.0, 61):
        assert (np.diff(smile.total(np.full(years.shape, k), years)) >= 0.0).all()


@pytest.mark.parametrize("smile", [STEEP, Smile(0.12, 0.16, -0.65, 1.15), Smile(1.1, 0.58, -0.3, 0.9)])
@pytest.mark.parametrize("years", [1 / 8760, 0.02, 0.25, 1.5])
def test_the_density_is_never_negative(smile, years):
    """Far finer strikes than any exchange lists: call prices are convex and fall no faster than the discount."""
    strike = 100.0 * np.exp(np.linspace(-8.0, 8.0, 801) * 0.4 * math.sqrt(years))
    t = np.full(strike.shape, years)
    price = price_class(100.0, strike, t, np.ones(strike.shape, bool), smile, RATE, 0.0, False).price
    slopes = np.diff(price) / np.diff(strike)
    assert (np.diff(slopes) >= -1e-9).all()
    assert slopes.min() >= -math.exp(-RATE * years) - 1e-9
    assert slopes.max() <= 1e-9


@pytest.mark.parametrize(("skew", "curve"), [(-0.7, 1.2), (1.0, 0.5), (0.0, -0.1)])
def test_a_surface_that_could_be_arbitraged_is_refused(skew, curve):
    with pytest.raises(ValueError, match="expected η"):
        Smile(0.2, 0.2, skew, curve)


def test_random_american_classes_hold_together():
    chance = np.random.default_rng(5)
    for _ in range(40):
        spot, level = float(np.exp(chance.normal(4.5, 1.0))), float(chance.uniform(0.1, 1.2))
        smile = Smile(level, level * float(chance.uniform(0.6, 1.4)), float(chance.uniform(-0.6, 0.3)), 1.2)
        years = sorted(chance.uniform(0.003, 1.0, 2))
        income = float(chance.choice([0.0, RATE]))
        cash = [(float(chance.uniform(0.0, 0.6)), 0.02 * spot)] if chance.random() < 0.5 else []
        strikes = spot * np.linspace(0.7, 1.3, 20)
        strike, t, call = grid(strikes, years)
        price = price_class(spot, strike, t, call, smile, RATE, income, True, cash).price.reshape(2, 20, 2)
        european = price_class(spot, strike, t, call, smile, RATE, income, False, cash).price.reshape(2, 20, 2)
        assert (price >= european - 1e-9 * spot).all()
        assert (np.diff(price, 2, axis=1) >= -1e-9 * spot).all()
        inner = np.stack((spot - strikes, strikes - spot), axis=1)
        assert (price >= inner - 1e-9 * spot).all()
        for n, years_left in enumerate(years):
            paid = sum(amount * math.exp(-RATE * when) for when, amount in cash if when <= years_left)
            gap = price[n, :, 0] - price[n, :, 1]
            assert (gap >= spot * math.exp(-income * years_left) - paid - strikes - 1e-9 * spot).all()
            assert (gap <= spot - strikes * math.exp(-RATE * years_left) + 3e-4 * spot).all()


@pytest.mark.parametrize(
    ("spot", "strike", "years", "call", "vol", "rate", "income", "cash", "known"),
    [  # a binomial tree of 4,000 steps
        (100, 100, 1.0, False, 0.20, 0.05, 0.0, (), 6.09018),
        (245, 255, 0.07, False, 0.28, 0.04, 0.0, (), 13.03595),
        (245, 220, 0.15, False, 0.30, 0.04, 0.0, (), 2.34939),
        (245, 240, 0.25, True, 0.28, 0.04, 0.0, ((0.1, 2.0),), 16.28948),
        (6500, 6600, 0.15, False, 0.15, 0.04, 0.04, (), 205.99023),
        (6500, 6000, 0.15, True, 0.16, 0.04, 0.04, (), 516.01916),
    ],
)
def test_american_prices_against_a_long_tree(spot, strike, years, call, vol, rate, income, cash, known):
    assert one(spot, strike, years, call, vol, rate, income, True, cash).price[0] == pytest.approx(
        known, abs=2e-4 * spot
    )


def test_black_scholes_against_a_printed_value():
    """Hull: S 42, K 40, r 10 %, vol 20 %, half a year: call 4.76, put 0.81."""
    p = price_at(
        42.0, np.array([40.0, 40.0]), np.full(2, 0.5), np.array([True, False]), np.full(2, 0.2), 0.1, 0.0, False
    )
    assert p.price == pytest.approx([4.76, 0.81], abs=5e-3)


def test_a_dividend_makes_the_call_worth_exercising():
    cash = ((0.02, 6.0),)
    american = one(100, 80, 0.1, True, 0.2, RATE, 0.0, True, cash)
    european = one(100, 80, 0.1, True, 0.2, RATE, 0.0, False, cash)
    assert american.price[0] > 20.0 > european.price[0]
    without = one(100, 80, 0.1, True, 0.2, RATE, 0.0, True)
    assert without.price[0] == one(100, 80, 0.1, True, 0.2, RATE, 0.0, False).price[0]


def test_greeks_are_the_slopes_of_the_price():
    for strike, call in ((95.0, True), (105.0, False), (100.0, False)):
        here, up, down = (one(s, strike, 0.4, call, 0.3, RATE, 0.0, True) for s in (100, 100.5, 99.5))
        assert here.delta[0] == pytest.approx(up.price[0] - down.price[0], abs=2e-3)
        assert here.gamma[0] == pytest.approx((up.price[0] - 2 * here.price[0] + down.price[0]) / 0.25, abs=2e-3)
        later = one(100, strike, 0.4 - 1 / 365, call, 0.3, RATE, 0.0, False)
        european = one(100, strike, 0.4, call, 0.3, RATE, 0.0, False)
        assert european.theta[0] == pytest.approx(later.price[0] - european.price[0], abs=1e-3)
        more = one(100, strike, 0.4, call, 0.31, RATE, 0.0, False)
        assert european.vega[0] == pytest.approx(more.price[0] - european.price[0], abs=2e-3)


def test_convex_lowers_only_what_stands_out():
    strike, price = np.arange(5.0), np.array([0.0, 1.0, 2.2, 3.0, 4.5])
    assert surface.convex(strike, price) == pytest.approx([0.0, 1.0, 2.0, 3.0, 4.5])
    assert surface.convex(strike, strike) is strike


def test_the_volatility_index_is_the_volatility_where_the_smile_is_flat():
    assert surface.volatility_index(FLAT) == pytest.approx(30.0, abs=0.05)
    assert surface.volatility_index(STEEP) > 100 * 0.5


def test_the_index_rises_as_the_market_falls():
    market = keeping.begin(DAY, 7, 1.0).market
    vix = market.universe.stock("VIX")
    calm, fear = (market.worth(vix, level, market.now_ns) for level in (6500.0, 5900.0))
    assert 15.0 < calm < fear < 40.0
