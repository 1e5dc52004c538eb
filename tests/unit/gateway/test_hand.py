"""What a person types over the control channel is an order, or is answered with what was expected."""

import pytest

from pipeline.gateway import hand


@pytest.mark.parametrize(
    "line",
    [
        "order",
        "order BUY",
        "order BUY 1.2.3 KO",
        "order BUY . KO",
        "order HOLD 1 KO",
        "order BUY 1 KO LMT 2..5",
        "order BUY ٣ KO",
    ],
)
def test_what_is_no_order_is_told(brokerage, line):
    assert hand.enter(brokerage, line) == (hand.EXPECTED, ())


@pytest.mark.parametrize(
    "line", ["order BUY 10 NOSUCH", "order BUY 10 ٣", "order BUY 999999999 KO", "order BUY 10 KO LMT 0.001"]
)
def test_what_the_broker_refuses_is_told(brokerage, line):
    answer, events = hand.enter(brokerage, line)
    assert answer != "ok"
    assert not events


def test_an_order_waits(brokerage):
    answer, events = hand.enter(brokerage, "order BUY 10 KO LMT 20 DU1234502")
    assert answer == "ok"
    assert events
    (order,) = brokerage.live_orders()
    assert (order.account, order.quantity, order.limit, order.by_hand) == ("DU1234502", 10, 20.0, True)
