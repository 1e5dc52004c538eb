import math

import pytest

from pipeline.gateway.asks.terms import Leg, Terms
from pipeline.gateway.broker import combos
from pipeline.gateway.broker.liquidity import BACK_AFTER, Liquidity
from pipeline.gateway.broker.matching import Sight, match, set_off, trail, willing
from pipeline.gateway.broker.ordering import Order

QUOTE = Sight(10.00, 10.02, 200, 300)


def order(action, quantity, kind="MKT", limit=0.0, filled=0, stop=0.0, tif="DAY", offset=0.0, **terms):
    return Order(
        1, 1, 1, "DU1234501", 265598, "SMART", action, quantity, kind, limit, tif, filled=filled, stop=stop,
        offset=offset, terms=Terms(terms),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (order("BUY", 50), (50, 10.02)),
        (order("SELL", 50), (50, 10.00)),
        (order("BUY", 500), (300, 10.02)),  # no more than is displayed
        (order("BUY", 500, filled=400), (100, 10.02)),
        (order("BUY", 50, "LMT", 10.01), None),
        (order("BUY", 50, "LMT", 10.02), (50, 10.02)),
        (order("BUY", 50, "LMT", 11.00), (50, 10.02)),  # never worse than the market
        (order("SELL", 50, "LMT", 10.01), None),
        (order("SELL", 50, "LMT", 9.50), (50, 10.00)),
        (order("BUY", 50, "LMT", 10.01, discretionaryAmt=0.01), (50, 10.02)),
        (order("BUY", 301, tif="FOK"), None),  # all or nothing
        (order("BUY", 300, tif="FOK"), (300, 10.02)),
        (order("BUY", 301, allOrNone=True), None),
        (order("BUY", 500, minQty=301), None),
        (order("BUY", 500, minQty=300), (300, 10.02)),
        (order("BUY", 50, "PEG MKT"), (50, 10.02)),
        (order("BUY", 50, "PEG MKT", stop=0.01), None),
        (order("BUY", 50, "REL"), None),
        (order("BUY", 50, "REL", stop=0.02), (50, 10.02)),
        (order("SELL", 50, "MIDPRICE"), None),
    ],
)
def test_fills_at_the_quote(asked, expected):
    assert match(asked, QUOTE) == expected


def test_nothing_trades_without_a_quote():
    assert match(order("SELL", 1), Sight(-1.0, 0.05, 0, 10)) is None


@pytest.mark.parametrize(
    ("asked", "price"),
    [
        (order("BUY", 50, "MIDPRICE"), 10.01),
        (order("SELL", 50, "PEG MID"), 10.01),
        (order("BUY", 50, "MIDPRICE", 10.00), 10.00),  # no better than its cap
        (order("BUY", 50, "REL", stop=0.01), 10.01),
    ],
)
def test_a_pegged_order_meets_hidden_interest_in_its_turn(asked, price):
    assert match(asked, QUOTE) is None
    assert match(asked, QUOTE, turn=True) == (50, price)


def test_midprice_stays_on_the_grid_and_peg_mid_does_not():
    narrow = Sight(10.00, 10.01, 100, 100)
    assert willing(order("BUY", 1, "MIDPRICE"), narrow) == 10.00
    assert willing(order("SELL", 1, "MIDPRICE"), narrow) == 10.01
    assert willing(order("BUY", 1, "PEG MID"), narrow) == pytest.approx(10.005)


@pytest.mark.parametrize(
    ("action", "kind", "stop", "method", "sight", "off"),
    [
        ("BUY", "STP", 10.05, 0, Sight(10.03, 10.06, 1, 1, 10.04), False),  # the last trade counts
        ("BUY", "STP", 10.05, 0, Sight(10.04, 10.06, 1, 1, 10.05), True),
        ("BUY", "STP", 10.05, 0, Sight(10.06, 10.08, 1, 1, 9.00), True),  # an old trade is below the bid
        ("SELL", "STP", 9.95, 0, Sight(9.94, 9.97, 1, 1, 9.96), False),
        ("SELL", "STP LMT", 9.95, 0, Sight(9.90, 9.94, 1, 1, 9.96), True),
        ("BUY", "STP", 10.05, 4, Sight(10.03, 10.06, 1, 1, 10.04), True),  # bid and ask
        ("SELL", "STP", 9.95, 4, Sight(9.94, 9.97, 1, 1, 9.96), True),
        ("BUY", "STP", 10.05, 8, Sight(10.04, 10.06, 1, 1, 10.04), True),  # midpoint
        ("BUY", "STP", 10.05, 0, Sight(10.03, 10.06, 1, 1, 10.04, otc=True), True),
        ("BUY", "MIT", 10.00, 0, Sight(9.99, 10.01, 1, 1, 10.00), True),  # touched from above
        ("BUY", "MIT", 10.00, 0, Sight(10.00, 10.02, 1, 1, 10.01), False),
        ("SELL", "LIT", 10.10, 0, Sight(10.10, 10.12, 1, 1, 10.10), True),
        ("SELL", "LIT", 10.10, 7, Sight(10.08, 10.12, 1, 1, 10.09), True),  # last or bid/ask
    ],
)
def test_what_sets_off_a_held_order(action, kind, stop, method, sight, off):
    assert set_off(order(action, 1, kind, stop=stop, triggerMethod=method), sight) is off


def test_double_methods_want_two_observations_in_a_row():
    held = order("BUY", 1, "STP", stop=10.05, triggerMethod=1)
    beyond, short = Sight(10.04, 10.06, 1, 1), Sight(10.02, 10.04, 1, 1)
    assert [set_off(held, sight) for sight in (beyond, short, beyond, beyond)] == [False, False, False, True]


def test_a_trailing_stop_follows_and_never_goes_back():
    held = order("SELL", 1, "TRAIL LIMIT", offset=-0.05, auxPrice=0.10)
    stops = []
    for last in (10.00, 10.20, 10.12, 10.15):
        trail(held, Sight(last - 0.01, last + 0.01, 1, 1, last))
        stops.append(held.stop)
    assert stops == [9.90, 10.10, 10.10, 10.10]
    assert set_off(held, Sight(10.09, 10.11, 1, 1, 10.10))
    assert held.limit == 10.05
    share = order("BUY", 1, "TRAIL", trailingPercent=1.0)
    trail(share, Sight(99.99, 100.01, 1, 1, 100.00))
    assert share.stop == 101.0


LEGS = (Leg(1, 1, "BUY", "SMART"), Leg(2, 2, "SELL", "SMART"))
QUOTES = {1: Sight(10.00, 10.02, 200, 300), 2: Sight(4.00, 4.03, 90, 50)}


@pytest.mark.parametrize(
    ("action", "kind", "limit", "expected"),
    [
        ("BUY", "MKT", 0.0, (45, 2.02)),  # 10.02 − 2 × 4.00; 90 bid make 45
        ("SELL", "MKT", 0.0, (25, 1.94)),  # 10.00 − 2 × 4.03; 50 offered make 25
        ("BUY", "LMT", 2.01, None),
        ("BUY", "LMT", 2.02, (45, 2.02)),
        ("SELL", "LMT", 1.95, None),
        ("SELL", "LMT", -1.0, (25, 1.94)),
    ],
)
def test_a_combination_costs_what_its_legs_cost(action, kind, limit, expected):
    assert combos.match(action, kind, limit, 100, False, combos.sight(LEGS, QUOTES.__getitem__), True) == expected


def test_legs_with_prices_of_their_own():
    terms = Terms(legs=LEGS, leg_prices=(10.02, None))
    assert combos.legs_fit(terms, "BUY", QUOTES.__getitem__)
    assert not combos.legs_fit(Terms(legs=LEGS, leg_prices=(10.01, None)), "BUY", QUOTES.__getitem__)
    assert combos.limit_of(Terms(legs=LEGS, leg_prices=(10.02, 4.00)), math.nan) == 2.02
    assert math.isnan(combos.limit_of(terms, math.nan))


def test_what_was_taken_comes_back_with_time_or_a_new_quote():
    pool = Liquidity()
    pool.take(1, "ask", 10.02, 300, 200, step=5)
    assert pool.left(1, "ask", 10.02, 300, step=6) == 100
    assert pool.left(1, "ask", 10.02, 300, step=5 + BACK_AFTER) == 300
    assert pool.left(1, "ask", 10.03, 300, step=6) == 300
    assert pool.left(1, "bid", 10.02, 300, step=6) == 300
