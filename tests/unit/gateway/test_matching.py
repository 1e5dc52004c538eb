import pytest

from pipeline.gateway.broker.matching import Sight, match
from pipeline.gateway.broker.ordering import Order


def order(action, quantity, kind="MKT", limit=0.0, filled=0):
    return Order(1, 1, 1, "DU1234501", 265598, "SMART", action, quantity, kind, limit, filled=filled)


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
    ],
)
def test_fills_at_the_quote(asked, expected):
    assert match(asked, Sight(10.00, 10.02, 200, 300)) == expected


def test_nothing_trades_without_a_quote():
    assert match(order("SELL", 1), Sight(-1.0, 0.05, 0, 10)) is None
