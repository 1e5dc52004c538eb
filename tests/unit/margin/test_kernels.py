"""Kernels against slow independent versions: n = 0, 1, many, nan."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.margin.book import Book
from pipeline.margin.kernels import losses, prices, quotes, requirements
from pipeline.margin.rules.rates import RateBook
from pipeline.messages import TICK, Instrument, TickFlag

RATES = RateBook().vector("TEST", "equity")
PRICE = st.floats(1.0, 2000.0)


def slow_bsm(call: bool, s: float, k: float, vol: float, t: float, r: float, q: float) -> float:
    n = NormalDist().cdf
    d1 = (math.log(s / k) + (r - q + vol * vol / 2) * t) / (vol * math.sqrt(t))
    d2 = d1 - vol * math.sqrt(t)
    if call:
        return s * math.exp(-q * t) * n(d1) - k * math.exp(-r * t) * n(d2)
    return k * math.exp(-r * t) * n(-d2) - s * math.exp(-q * t) * n(-d1)


@given(
    st.booleans(), PRICE, st.floats(0.5, 2.0), st.floats(0.05, 1.5), st.floats(0.01, 3.0), st.floats(-0.02, 0.1),
    st.floats(0.0, 0.06),
)  # fmt: skip
def test_bsm_and_its_implied_volatility(
    call: bool, s: float, ratio: float, vol: float, t: float, r: float, q: float
) -> None:
    k = s * ratio
    price = prices.bsm(call, s, k, vol, t, r, q)
    assert price == pytest.approx(slow_bsm(call, s, k, vol, t, r, q), abs=1e-9 * s)
    floor = prices.bsm(call, s, k, 1e-4, t, r, q)
    if price - floor > 1e-6 * s:
        found = prices.implied_vol(call, price, s, k, t, r, q)
        assert prices.bsm(call, s, k, found, t, r, q) == pytest.approx(price, abs=1e-8 * s)


def test_bsm_at_expiry_is_intrinsic_and_impossible_prices_have_no_volatility() -> None:
    assert prices.bsm(True, 110.0, 100.0, 0.2, 0.0, 0.0, 0.0) == 10.0
    assert prices.bsm(False, 110.0, 100.0, 0.0, 1.0, 0.0, 0.0) == 0.0
    assert math.isnan(prices.implied_vol(True, 5.0, 110.0, 100.0, 1.0, 0.0, 0.0))
    assert math.isnan(prices.implied_vol(True, math.nan, 110.0, 100.0, 1.0, 0.0, 0.0))


@pytest.mark.parametrize("n", [0, 1, 50])
def test_vector_forms_equal_the_scalar_ones(n: int) -> None:
    rng = np.random.default_rng(n)
    call, spot = rng.random(n) < 0.5, rng.uniform(50, 150, n)
    strike, vol, years = spot * rng.uniform(0.9, 1.1, n), rng.uniform(0.1, 0.6, n), rng.uniform(0.1, 2, n)
    if n > 1:
        vol[1] = math.nan
    out, vols = np.empty(n), np.empty(n)
    prices.bsm_prices(call, spot, strike, vol, years, 0.03, 0.01, out)
    prices.implied_vols(call, out, spot, strike, years, 0.03, 0.01, vols)
    for i in range(n):
        if math.isnan(vol[i]):
            assert math.isnan(vols[i])
            continue
        assert out[i] == pytest.approx(slow_bsm(call[i], spot[i], strike[i], vol[i], years[i], 0.03, 0.01))
        assert vols[i] == pytest.approx(vol[i], abs=1e-6)


def slow_loss(legs: list[tuple[bool, float, float]]) -> float:
    worst = 0.0
    for x in [0.0, *(k for _, k, _ in legs), 1e7]:
        worst = min(worst, sum(q * max(0.0, (x - k) if call else (k - x)) for call, k, q in legs))
    return -worst


LEG = st.tuples(st.booleans(), st.integers(1, 60).map(float), st.integers(-4, 4).map(float))


def balanced(legs: list[tuple[bool, float, float]]) -> list[tuple[bool, float, float]]:
    """The same with one more leg a right that makes its count zero."""
    out = list(legs)
    for call in (True, False):
        count = sum(q for c, _, q in legs if c == call)
        if count:
            out.append((call, 30.0, -count))
    return sorted(out, key=lambda leg: leg[1])


def fast_loss(legs: list[tuple[bool, float, float]]) -> float:
    legs = sorted(legs, key=lambda leg: leg[1])
    return losses.spread_loss(
        np.array([k for _, k, _ in legs]), np.array([c for c, _, _ in legs], dtype=np.bool_),
        np.array([q for _, _, q in legs]),
    )[0]  # fmt: skip


@given(st.lists(LEG, max_size=8), st.integers(1, 5))
def test_max_loss(legs: list[tuple[bool, float, float]], scale: int) -> None:
    legs = balanced(legs)
    loss = fast_loss(legs)
    assert loss == pytest.approx(slow_loss(legs))
    assert fast_loss([(c, k, q * scale) for c, k, q in legs]) == pytest.approx(scale * loss)
    assert fast_loss(legs[::-1]) == pytest.approx(loss)
    mirror = fast_loss([(c, k, -q) for c, k, q in legs])
    assert mirror >= -1e-9
    assert loss + mirror >= -1e-9


def test_max_loss_of_many_groups_at_once() -> None:
    groups = [balanced([(True, 10.0, -1.0), (False, 20.0, -2.0)]), [], balanced([(True, 40.0, -3.0)])]
    start = np.cumsum([0, *map(len, groups)]).astype(np.int64)
    flat = [leg for group in groups for leg in group]
    out = np.empty(len(groups))
    losses.spread_losses(
        start, np.array([k for _, k, _ in flat]), np.array([c for c, _, _ in flat], dtype=np.bool_),
        np.array([q for _, _, q in flat]), out,
    )  # fmt: skip
    assert out.tolist() == pytest.approx([slow_loss(group) for group in groups])


@given(st.booleans(), PRICE, PRICE, st.floats(0.0, 500.0))
def test_naked(call: bool, s: float, k: float, p: float) -> None:
    out = max(0.0, k - s) if call else max(0.0, s - k)
    assert requirements.naked(call, s, k, p, 0.2, 0.1) == pytest.approx(
        p + max(0.2 * s - out, 0.1 * (s if call else k))
    )


@pytest.mark.parametrize(
    ("price", "wanted"), [(1.0, 2.5), (4.0, 4.0), (4.99, 4.99), (5.0, 5.0), (16.0, 5.0), (20.0, 6.0)]
)
def test_short_stock_has_four_lines(price: float, wanted: float) -> None:
    assert requirements.short_stock(price, 0.3) == pytest.approx(wanted)


def test_house_rates_win_and_lift_short_stock() -> None:
    rates = RateBook(house={"MEME": 0.6}).vector("MEME", "equity")
    assert requirements.long_share(10.0, rates) == pytest.approx((6.0, 6.6, 5.0))
    assert requirements.short_share(100.0, rates) == pytest.approx((60.0, 60.0, 50.0))
    assert requirements.short_share(100.0, RATES) == pytest.approx((30.0, 30.0, 50.0))


@given(PRICE, PRICE, st.floats(0.0, 500.0))
def test_a_covered_call_never_needs_more_than_its_parts(s: float, k: float, p: float) -> None:
    price = max(p, s - k)  # no arbitrage: at least the intrinsic value
    apart = requirements.long_share(s, RATES)[0] + requirements.naked(True, s, k, price, 0.2, 0.1)
    assert requirements.covered_call(s, k, price, RATES)[0] <= apart + 1e-9


# Marks and ticks.


@pytest.mark.parametrize(
    ("bid", "ask", "last", "close", "mark"),
    [
        (99.0, 101.0, 50.0, 40.0, 100.0),
        (0.05, 0.15, math.nan, math.nan, 0.10),
        (100.02, 100.0, 99.0, math.nan, 100.01),  # crossed by the order of arrival
        (10.0, 199_999.0, 10.5, 9.0, 10.5),  # a stub quote
        (math.nan, 101.0, math.nan, 40.0, 40.0),
        (math.nan, math.nan, math.nan, math.nan, math.nan),
    ],
)
def test_mark(bid: float, ask: float, last: float, close: float, mark: float) -> None:
    assert quotes.mark_of(bid, ask, last, close)[0] == pytest.approx(mark, nan_ok=True)


def ticks(*rows: tuple[int, int, float, int]) -> np.ndarray:
    records = np.zeros(len(rows), dtype=TICK)
    for i, (con_id, kind, price, flags) in enumerate(rows):
        records[i] = (100 + i, 0, con_id, kind, flags, price, 1.0)
    return np.frombuffer(records.tobytes(), dtype=TICK)


def quoted() -> Book:
    book = Book(RateBook())
    for con_id in (30, 10, 20):
        book.on(Instrument(con_id=con_id, symbol=str(con_id), sec_type="STK", currency="USD", exchange="X"))
    book.quotes.used[:] = True
    return book


def test_ticks_reach_their_slots_in_order_and_tell_oldest_and_newest() -> None:
    book = quoted()
    moved = book.ticks(ticks((10, 4, 5.0, 0), (99, 4, 1.0, 0), (20, 1, 7.0, 0), (20, 2, 7.2, 0), (10, 4, 6.0, 0)))
    assert moved == (3, 100, 104)
    marks = [float(book.quotes.mark[book.slot_of(con_id)]) for con_id in (10, 20, 30)]
    assert marks == pytest.approx([6.0, 7.1, math.nan], nan_ok=True)


def test_no_ticks_move_nothing() -> None:
    assert quoted().ticks(ticks()) == (0, 0, 0)


@pytest.mark.parametrize("bad", [0.0, -1.0, 1.7976931348623157e308, math.nan, math.inf, -math.inf])
def test_bad_prices_leave_the_mark(bad: float) -> None:
    book = quoted()
    book.ticks(ticks((10, 1, 5.0, 0), (10, 2, 5.2, 0), (10, 4, 5.1, 0)))
    assert book.ticks(ticks((10, 1, bad, 0), (10, 2, bad, 0), (10, 4, bad, 0), (10, 9, bad, 0)))[0] == 0
    assert book.quotes.mark[book.slot_of(10)] == pytest.approx(5.1)


def test_suspect_ticks_are_not_applied() -> None:
    book = quoted()
    book.ticks(ticks((10, 4, 5.0, 0)))
    assert book.ticks(ticks((10, 4, 50.0, int(TickFlag.SUSPECT))))[0] == 0
    assert book.quotes.mark[book.slot_of(10)] == 5.0


def test_more_contracts_than_first_room_keep_their_prices() -> None:
    book = quoted()
    book.ticks(ticks((10, 4, 5.0, 0)))
    for con_id in range(1000, 1600):
        book.slot_of(con_id)
    book.ticks(ticks((1599, 4, 8.0, 0)))
    assert book.quotes.mark[book.slot_of(10)] == 5.0
    assert book.quotes.mark[book.slot_of(1599)] == 8.0
