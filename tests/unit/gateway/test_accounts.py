from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.gateway import keeping
from pipeline.gateway.broker import keys
from pipeline.gateway.broker.accounts import Account, amount, cents, commission

UNIVERSE = keeping.begin(date(2026, 11, 23), 7, 1.0).universe
STOCK, OPTION, FUTURE = UNIVERSE.stock("AAPL"), UNIVERSE.option("AAPL", 0, 245.0, "C"), UNIVERSE.future("ES")


def test_commissions():
    assert commission(STOCK, 10) == Decimal("0.35")
    assert commission(STOCK, 1000) == Decimal("5.00")
    assert commission(OPTION, 3) == Decimal("1.95")
    assert commission(FUTURE, 2) == Decimal("4.50")


def test_round_trip_of_a_stock():
    account = Account("DU1234501", Decimal("10000.00"), Decimal(0))
    assert account.fill(STOCK, 100, 50.0) == (Decimal("0.50"), None)
    assert account.cash == Decimal("4999.50")
    assert account.positions[STOCK.con_id].average_cost() == Decimal("50.005")
    assert account.fill(STOCK, -100, 51.0) == (Decimal("0.50"), Decimal("99.00"))
    assert account.cash == Decimal("10099.00")


def test_turning_from_long_to_short_realises_only_the_long_part():
    account = Account("DU1234501", Decimal(0), Decimal(0))
    account.fill(STOCK, 100, 50.0)
    _, realized = account.fill(STOCK, -300, 60.0)
    position = account.positions[STOCK.con_id]
    assert realized == Decimal("6000.00") - Decimal("0.50") - Decimal("5000.50")
    assert (position.quantity, position.cost) == (-200, Decimal("-12000.00") + Decimal("1.00"))


def test_a_future_moves_cash_only_when_closed():
    account = Account("DU1234501", Decimal(0), Decimal("50000.00"))
    account.fill(FUTURE, 1, 6500.25)
    assert (account.cash, account.commodity_cash) == (0, Decimal("50000.00"))
    account.fill(FUTURE, -1, 6510.25)
    assert account.commodity_cash == Decimal("50000.00") + Decimal("500.00") - Decimal("4.50")


trades = st.lists(
    st.tuples(
        st.sampled_from([STOCK, OPTION, FUTURE]),
        st.integers(-500, 500).filter(bool),
        st.integers(1, 50_000).map(lambda n: n / 100),
    ),
    max_size=30,
)


@given(trades)
def test_cash_and_profit_always_add_up_to_the_cent(book):
    account = Account("DU1234501", Decimal("100000.00"), Decimal("50000.00"))
    prices = {STOCK.con_id: 245.01, OPTION.con_id: 7.35, FUTURE.con_id: 6512.25}
    realized = Decimal(0)
    for x, quantity, price in book:
        _, profit = account.fill(x, quantity, price)
        realized += profit or 0
    figures = keys.figures(account, UNIVERSE, lambda x: prices.get(x.con_id, 245.0))
    assert figures.net == Decimal("150000.00") + figures.unrealized + realized
    assert figures.realized == realized
    daily = Decimal(0)
    for con_id, position in account.positions.items():
        value = amount(UNIVERSE.by_con_id[con_id], position.quantity, prices[con_id])
        daily += value - position.day_value + position.day_flow
    assert daily == figures.unrealized + realized
    assert all(position.cost == 0 for position in account.positions.values() if not position.quantity)


@pytest.mark.parametrize(("value", "expected"), [(1.005, "1.00"), (1.015, "1.02"), (-0.125, "-0.12"), (2.675, "2.68")])
def test_cents_round_half_to_even_of_what_is_printed(value, expected):
    assert str(cents(value)) == expected
