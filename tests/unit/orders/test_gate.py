"""The gate against a second, naive checker, and each reason by itself."""

from __future__ import annotations

import math
from dataclasses import replace

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.config import Orders
from pipeline.messages import OrderSpec
from pipeline.orders import gate

LIMITS = Orders(max_order_value=50_000.0, max_order_quantity=1_000.0, max_open_orders=5, max_orders_a_minute=3)
SPEC = OrderSpec(account="DU1000001", con_id=1, side="BUY", quantity=100.0, order_type="LMT", limit_price=100.0)
OPEN = gate.Situation(
    now_s=100.0,
    mode="paper",
    accounts=("DU1000001", "DU1000002"),
    armed=gate.Armed("DU1000001", 200.0),
    connected=True,
    reconciled=True,
    audit_durable=True,
    contract=gate.Contract("AAPL", 1.0),
    quote=gate.Quote(bid=99.0, ask=101.0, last=100.0, age_s=0.5),
    excess_after=1_000.0,
)


def changed(**values: object) -> OrderSpec:
    return msgspec.structs.replace(SPEC, **values)


def test_a_good_order_in_an_open_gate_has_no_reason_against_it() -> None:
    assert gate.refusals(SPEC, OPEN, LIMITS) == []


@pytest.mark.parametrize(
    ("situation", "says"),
    [
        ({"armed": None}, "trading is off"),
        ({"armed": gate.Armed("DU1000002", 200.0)}, "trading is on for DU1000002"),
        ({"now_s": 200.0}, "is over"),
        ({"stopped": True}, "STOP"),
        ({"connected": False}, "not connected"),
        ({"reconciled": False}, "reconciled"),
        ({"audit_durable": False}, "audit"),
        ({"contract": None}, "not known"),
        ({"quote": gate.Quote()}, "no price"),
        ({"quote": gate.Quote(99.0, 101.0, 100.0, 5.1)}, "5.1 s old"),
        ({"quote": gate.Quote(99.0, 101.0, 100.0, math.nan)}, "old"),
        ({"open_orders": 5}, "5 orders are open"),
        ({"orders_last_minute": 3}, "in the last minute"),
        ({"excess_after": -1.0}, "excess liquidity"),
        ({"contract": gate.Contract("AAPL", 100.0)}, "max_order_value"),
    ],
)
def test_each_closed_door_is_named_and_nothing_else(situation: dict[str, object], says: str) -> None:
    (reason,) = gate.refusals(SPEC, replace(OPEN, **situation), LIMITS)
    assert says in reason


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ({"side": "SHORT"}, "expected side"),
        ({"quantity": 0.0}, "positive quantity"),
        ({"quantity": math.nan}, "positive quantity"),
        ({"quantity": 1_001.0, "limit_price": 40.0}, "max_order_quantity"),
        ({"order_type": "STP"}, "order type"),
        ({"limit_price": math.nan}, "needs a limit price"),
        ({"order_type": "MKT"}, "takes no limit price"),
        ({"limit_price": 111.0}, "away from the market"),
        ({"time_in_force": "FOK"}, "time in force"),
    ],
)
def test_each_fault_of_the_order_is_named(spec: dict[str, object], says: str) -> None:
    assert any(says in reason for reason in gate.refusals(changed(**spec), OPEN, LIMITS))


def test_all_reasons_come_at_once() -> None:
    shut = gate.Situation(now_s=0.0, mode="paper")
    assert len(gate.refusals(changed(side="X", quantity=-1.0), shut, LIMITS)) >= 7


def test_an_order_that_reduces_may_pass_below_zero_excess() -> None:
    assert gate.refusals(SPEC, replace(OPEN, excess_after=-5.0, reduces=True), LIMITS) == []


def test_no_live_account_is_ever_armed() -> None:
    live = replace(OPEN, mode="live", accounts=("U7654321",))
    assert any("paper accounts only" in reason for reason in gate.arming_refusals("U7654321", 1.0, live, Orders()))
    assert any(
        "for a live one" in reason
        for reason in gate.arming_refusals("DU1000001", 1.0, replace(OPEN, mode="live"), LIMITS)
    )


def test_arming_a_paper_account_needs_a_sane_time() -> None:
    assert gate.arming_refusals("DU1000001", 8.0, OPEN, LIMITS) == []
    for hours in (0.0, 8.1, math.nan):
        assert any("hours" in reason for reason in gate.arming_refusals("DU1000001", hours, OPEN, LIMITS))
    assert any("TWS reports" in reason for reason in gate.arming_refusals("DU9", 1.0, OPEN, LIMITS))


def naive(spec: OrderSpec, now: gate.Situation, limits: Orders) -> bool:
    """May it pass? Written as a trader would say it, with nothing of the gate's."""
    if now.armed is None or now.armed.account != spec.account or now.armed.until_s <= now.now_s:
        return False
    if now.stopped or not (now.connected and now.reconciled and now.audit_durable) or now.contract is None:
        return False
    if (
        spec.side not in {"BUY", "SELL"}
        or spec.time_in_force not in {"DAY", "GTC"}
        or spec.order_type not in limits.kinds
    ):
        return False
    if not 0 < spec.quantity <= limits.max_order_quantity:
        return False
    if (spec.order_type == "LMT") != (spec.limit_price == spec.limit_price and abs(spec.limit_price) != math.inf):
        return False
    middle = (now.quote.bid + now.quote.ask) / 2 if now.quote.bid > 0 and now.quote.ask > 0 else now.quote.last
    if not middle > 0 or not now.quote.age_s <= 5:
        return False
    price = spec.limit_price if spec.order_type == "LMT" else middle
    if not abs(price * spec.quantity * now.contract.multiplier) <= limits.max_order_value:
        return False
    if spec.order_type == "LMT" and not abs(price - middle) <= limits.price_collar * middle:
        return False
    if now.open_orders >= limits.max_open_orders or now.orders_last_minute >= limits.max_orders_a_minute:
        return False
    return not (now.excess_after < 0 and not now.reduces)


PRICES = st.sampled_from([math.nan, -1.0, 0.0, 50.0, 90.0, 99.0, 100.0, 101.0, 110.0, 1e9, math.inf])


@given(
    spec=st.builds(
        OrderSpec,
        account=st.sampled_from(["DU1000001", "DU1000002"]),
        con_id=st.just(1),
        side=st.sampled_from(["BUY", "SELL", "buy", ""]),
        quantity=st.sampled_from([math.nan, -1.0, 0.0, 0.5, 100.0, 1_000.0, 1_000.5, math.inf]),
        order_type=st.sampled_from(["MKT", "LMT", "STP"]),
        limit_price=PRICES,
        time_in_force=st.sampled_from(["DAY", "GTC", "IOC"]),
    ),
    now=st.builds(
        gate.Situation,
        now_s=st.sampled_from([100.0, 200.0]),
        mode=st.just("paper"),
        armed=st.sampled_from([None, gate.Armed("DU1000001", 200.0)]),
        stopped=st.booleans(),
        connected=st.booleans(),
        reconciled=st.booleans(),
        audit_durable=st.booleans(),
        contract=st.sampled_from([None, gate.Contract("AAPL", 1.0), gate.Contract("AAPL", 100.0)]),
        quote=st.builds(
            gate.Quote, bid=PRICES, ask=PRICES, last=PRICES, age_s=st.sampled_from([0.0, 5.0, 5.1, math.nan])
        ),
        open_orders=st.integers(0, 6),
        orders_last_minute=st.integers(0, 4),
        excess_after=st.sampled_from([math.nan, -1.0, 0.0, 1.0]),
        reduces=st.booleans(),
    ),
)
def test_nothing_passes_that_a_naive_checker_refuses(spec: OrderSpec, now: gate.Situation) -> None:
    if not gate.refusals(spec, now, LIMITS):
        assert naive(spec, now, LIMITS)


@given(
    quantity=st.floats(0.01, 1_000.0),
    price=st.floats(90.0, 110.0),
    side=st.sampled_from(["BUY", "SELL"]),
    tif=st.sampled_from(["DAY", "GTC"]),
)
def test_gate_and_naive_checker_agree_near_the_limits(quantity: float, price: float, side: str, tif: str) -> None:
    spec = changed(quantity=quantity, limit_price=price, side=side, time_in_force=tif)
    assert (not gate.refusals(spec, OPEN, LIMITS)) == naive(spec, OPEN, LIMITS)
