"""Orders as they live: brackets, groups, times, conditions, combinations, exercise, an advisor's groups."""

from __future__ import annotations

import contextlib
import json
import random
from dataclasses import replace
from datetime import date, time
from decimal import Decimal
from typing import Any

import pytest

from pipeline.gateway import keeping
from pipeline.gateway.asks.orders import ExerciseOptions, PlaceOrder
from pipeline.gateway.asks.request import BadRequest
from pipeline.gateway.asks.terms import Condition, Leg, Terms
from pipeline.gateway.broker import brokerage, checking, orderbook
from pipeline.gateway.broker.brokerage import Bound, Brokerage, Changed, Filled
from pipeline.gateway.broker.ordering import BAG_CON_ID
from pipeline.gateway.market import days
from pipeline.gateway.market.universe import Description

DAY = date(2026, 11, 23)
ACCOUNT = "DU1234502"
APPLE = Description(con_id=265598, exchange="SMART")
KINDS_WITH_STOP = ("STP", "STP LMT", "MIT", "LIT")


@pytest.fixture(scope="module")
def opened() -> tuple[Brokerage, str]:
    """A market that is made once; each test begins it anew."""
    fresh = keeping.begin(DAY, 7, 1.0)
    return fresh, json.dumps(fresh.market.dump())


@pytest.fixture
def broker(opened) -> Brokerage:
    fresh, state = opened
    fresh.market.restore(json.loads(state))
    fresh.tape.restore({})
    return Brokerage(fresh.market, fresh.tape)


def asked(order_id: int = 1, **changes: Any) -> PlaceOrder:
    """A request as the reader makes it; what it doesn't name itself goes into the terms."""
    own = {k: v for k, v in changes.items() if k in PlaceOrder.__dataclass_fields__}
    terms = {k: v for k, v in changes.items() if k not in own and k not in ("conditions", "legs")}
    found = PlaceOrder(order_id, APPLE, "BUY", 100.0, "MKT", account=ACCOUNT)
    bag = Terms(terms, legs=changes.get("legs", ()), conditions=changes.get("conditions", ()))
    return replace(found, terms=bag, **own)


def price(broker: Brokerage) -> float:
    return round(broker.tape.mark(broker.universe.by_con_id[265598]), 2)


def steps(broker: Brokerage, count: int) -> list[Any]:
    events: list[Any] = []
    for _ in range(count):
        broker.market.advance(broker.market.step + 1)
        events += broker.match()
    return events


def at(broker: Brokerage, clock: time, day: date = DAY) -> list[Any]:
    """Let the market's time be `clock`; only one look at it is taken there."""
    broker.market.restore(broker.market.dump() | {"now_ns": days.ns_of(day, clock)})
    return broker.match()


def status(broker: Brokerage, order_id: int) -> tuple[str, str]:
    order = broker.orders[5, order_id]
    return order.status, order.why_held


def code(broker: Brokerage, *changes: Any, **more: Any) -> int:
    with pytest.raises(BadRequest) as refused:
        broker.place(5, asked(*changes, **more))
    return refused.value.code


# Brackets.


def bracket(broker: Brokerage, entry: float) -> list[Any]:
    p = price(broker)
    events = broker.place(5, asked(1, kind="LMT", limit=entry, transmit=False))
    events += broker.place(5, asked(2, action="SELL", kind="LMT", limit=p + 50, parent_id=1, transmit=False))
    return events + broker.place(5, asked(3, action="SELL", kind="STP", stop=p - 50, parent_id=1))


def test_a_bracket_leaves_as_one_and_its_children_wait(broker):
    p = price(broker)
    assert broker.place(5, asked(1, kind="LMT", limit=p - 20, transmit=False)) == []
    assert broker.live_orders() == []
    assert broker.place(5, asked(2, action="SELL", kind="LMT", limit=p + 50, parent_id=1, transmit=False)) == []
    events = broker.place(5, asked(3, action="SELL", kind="STP", stop=p - 50, parent_id=1))
    assert [event.order.order_id for event in events] == [1, 2, 3]
    parent = broker.orders[5, 1]
    steps(broker, 2)
    assert [status(broker, n) for n in (1, 2, 3)] == [
        ("Submitted", ""), ("PreSubmitted", "child"), ("PreSubmitted", "child,trigger"),
    ]  # fmt: skip
    assert (broker.orders[5, 2].oca_group, broker.orders[5, 2].oca_type) == (str(parent.perm_id), 3)


def test_children_wake_when_the_parent_is_filled_and_one_ends_the_other(broker):
    bracket(broker, round(price(broker) + 5, 2))
    steps(broker, 60)
    assert [status(broker, n) for n in (1, 2, 3)] == [("Filled", ""), ("Submitted", ""), ("PreSubmitted", "trigger")]
    broker.place(5, asked(2, action="SELL", kind="LMT", limit=price(broker) - 5, parent_id=1))
    steps(broker, 60)
    assert [status(broker, n)[0] for n in (2, 3)] == ["Filled", "Cancelled"]


def test_cancelling_a_parent_cancels_its_children(broker):
    bracket(broker, price(broker) - 20)
    assert [(e.order.order_id, e.code) for e in broker.cancel(5, 1)] == [(1, 202), (2, 202), (3, 202)]


def test_a_child_without_a_parent_is_refused(broker):
    assert code(broker, parent_id=77) == 10006


# Groups.


@pytest.mark.parametrize(("kind", "left"), [(1, "Cancelled"), (2, "Submitted"), (3, "Submitted")])
def test_a_fill_ends_or_reduces_the_others_of_its_group(broker, kind, left):
    p = price(broker)
    broker.place(5, asked(1, kind="LMT", limit=p - 30, quantity=1000.0, ocaGroup="g", ocaType=kind))
    broker.place(6, asked(1, kind="LMT", limit=p + 5, quantity=1000.0, ocaGroup="g", ocaType=kind))
    broker.tape.quote(broker.universe.by_con_id[265598]).ask_size = 100
    steps(broker, 1)
    first, other = broker.orders[5, 1], broker.orders[6, 1]
    assert other.filled == 100
    assert (first.status, first.quantity) == (left, 1000 if kind == 1 else 900)
    steps(broker, 300)
    assert (first.status, other.status) == ("Cancelled", "Filled")


# Times.


def test_good_till_and_good_after(broker):
    p = price(broker)
    broker.place(5, asked(1, kind="LMT", limit=p - 20, tif="GTD", goodTillDate="20261123 10:00:00 US/Eastern"))
    broker.place(5, asked(2, goodAfterTime="20261123-15:30:00"))  # UTC: 10:30
    steps(broker, 2)
    assert [status(broker, n)[0] for n in (1, 2)] == ["Submitted", "PreSubmitted"]
    assert [e.code for e in at(broker, time(10))] == [202]
    at(broker, time(10, 30))
    assert status(broker, 2)[0] in ("Submitted", "Filled")


@pytest.mark.parametrize(
    "text",
    ["tomorrow", "20261123 25:00:00", "20261123 10:00:00 Mars/Olympus", "20261399"],
)
def test_a_time_that_is_none_is_refused(broker, text):
    assert code(broker, kind="LMT", limit=200.0, tif="GTD", goodTillDate=text) == 343


def test_day_orders_end_at_the_close_and_gtc_ones_wait(broker):
    p = price(broker)
    broker.place(5, asked(1, kind="LMT", limit=p - 20))
    broker.place(5, asked(2, kind="LMT", limit=p - 20, tif="GTC"))
    broker.place(5, asked(3, kind="LMT", limit=p - 20, outside_rth=True))
    steps(broker, 1)
    assert [e.order.order_id for e in at(broker, time(16, 1)) if e.code == 202] == [1]
    assert [status(broker, n)[0] for n in (2, 3)] == ["PreSubmitted", "Submitted"]
    assert [e.order.order_id for e in at(broker, time(20, 1)) if e.code == 202] == [3]


def test_an_order_of_the_evening_is_not_ended_by_a_close_that_it_did_not_see(broker):
    broker.place(5, asked(1, kind="LMT", limit=price(broker) - 20))
    steps(broker, 1)
    broker.cancel(5, 1)
    at(broker, time(17))
    broker.place(5, asked(2, kind="LMT", limit=price(broker) - 20))
    steps(broker, 2)
    assert status(broker, 2)[0] == "PreSubmitted"


def test_an_order_of_the_morning_outlives_the_beginning_of_the_day(broker):
    at(broker, time(9, 0))
    broker.place(5, asked(1, kind="LMT", limit=price(broker) - 20))
    at(broker, time(9, 30))
    assert [e.order.order_id for e in broker.roll_day() if isinstance(e, Changed)] == []
    assert status(broker, 1)[0] == "Submitted"


def test_a_combination_ends_with_the_day_of_its_legs(broker):
    legs = (Leg(265598, 1, "BUY", "SMART"), Leg(272093, 1, "SELL", "SMART"))
    bag = Description(symbol="AAPL", sec_type="BAG", exchange="SMART", currency="USD")
    broker.place(5, asked(1, contract=bag, legs=legs, kind="LMT", limit=-900.0))
    steps(broker, 1)
    assert [e.code for e in at(broker, time(16))] == [202]


def test_an_order_outside_regular_hours_waits_with_a_warning(broker):
    at(broker, time(17))
    first, warning = broker.place(5, asked(1))
    assert (first.code, warning.code) == (0, 399)
    assert "BUY 100 AAPL" in warning.text
    assert "at the exchange until 2026-11-24 09:30:00 US/Eastern" in warning.text
    assert len(broker.place(5, asked(2, kind="LMT", limit=price(broker) + 5, outside_rth=True))) == 1
    steps(broker, 60)
    assert [status(broker, n)[0] for n in (1, 2)] == ["PreSubmitted", "Filled"]
    at(broker, time(9, 30), date(2026, 11, 24))
    assert status(broker, 1)[0] in ("Submitted", "Filled")


def test_on_the_open_and_on_the_close(broker):
    at(broker, time(9, 0))
    broker.place(5, asked(1, tif="OPG"))
    broker.place(5, asked(2, kind="LMT", limit=price(broker) - 50, tif="OPG"))
    broker.place(5, asked(3, kind="MOC", quantity=1200.0))
    broker.place(5, asked(4, kind="LOC", limit=price(broker) - 50))
    assert broker.match() == []
    at(broker, time(9, 31))
    assert status(broker, 1)[0] in ("Filled", "Cancelled")
    assert broker.orders[5, 1].filled > 0
    assert [status(broker, n)[0] for n in (2, 3, 4)] == ["Cancelled", "Submitted", "Submitted"]
    closing = [e for e in at(broker, time(16)) if isinstance(e, Filled)]
    assert [(e.order.order_id, e.fill.quantity) for e in closing] == [(3, 1200)]
    assert [status(broker, n)[0] for n in (3, 4)] == ["Filled", "Cancelled"]


def test_fill_or_kill(broker):
    broker.tape.quote(broker.universe.by_con_id[265598]).ask_size = 100
    broker.place(5, asked(1, tif="FOK", quantity=101.0))
    broker.place(5, asked(2, tif="FOK", quantity=100.0))
    steps(broker, 1)
    assert [status(broker, n)[0] for n in (1, 2)] == ["Cancelled", "Filled"]


# Held orders.


def test_a_stop_waits_for_its_trigger(broker):
    p = price(broker)
    broker.place(5, asked(1, action="SELL", kind="STP", stop=round(p + 5, 2)))  # beyond at once
    broker.place(5, asked(2, action="SELL", kind="STP LMT", stop=round(p - 5, 2), limit=round(p - 6, 2)))
    steps(broker, 60)
    assert [status(broker, n) for n in (1, 2)] == [("Filled", ""), ("PreSubmitted", "trigger")]


@pytest.mark.parametrize("cancels", [False, True])
def test_a_condition_on_price_frees_or_cancels(broker, cancels):
    p = price(broker)
    never = Condition(1, "a", True, str(p + 500), 265598, "SMART")
    later = Condition(3, "a", True, "20261123 09:31:00 US/Eastern")
    flags = {"conditionsCancelOrder": cancels, "kind": "LMT", "limit": round(p + 5, 2)}
    broker.place(5, asked(1, conditions=(never,), **flags))
    broker.place(5, asked(2, conditions=(later,), **flags))
    broker.place(5, asked(3, conditions=(replace(never, joined="o"), later), **flags))
    broker.place(5, asked(4, conditions=(never, later), **flags))
    steps(broker, 1)
    waiting = [status(broker, n)[0] for n in (1, 2, 3, 4)]
    at(broker, time(9, 31))
    steps(broker, 60)
    done = [status(broker, n)[0] for n in (1, 2, 3, 4)]
    if cancels:
        assert waiting[0] != "PreSubmitted"  # it works until its condition is met
        assert done[1] == "Filled" or done[1] == "Cancelled"
        assert broker.orders[5, 1].status == "Filled"
    else:
        assert waiting == ["PreSubmitted"] * 4
        assert done == ["PreSubmitted", "Filled", "Filled", "PreSubmitted"]


@pytest.mark.parametrize(
    ("condition", "held"),
    [
        (Condition(6, "a", True, "0", 265598, "SMART"), False),
        (Condition(6, "a", True, "999999999", 265598, "SMART"), True),
        (Condition(7, "a", True, "-50", 265598, "SMART"), False),
        (Condition(7, "a", True, "50", 265598, "SMART"), True),
        (Condition(4, "a", True, "1"), False),
        (Condition(4, "a", False, "1"), True),
        (Condition(5, "a", exchange="SMART", sec_type="STK", symbol="KO"), True),
    ],
)
def test_conditions_of_the_other_kinds(broker, condition, held):
    broker.place(5, asked(1, conditions=(condition,)))
    steps(broker, 1)
    assert (status(broker, 1)[0] == "PreSubmitted") is held


def test_an_execution_elsewhere_frees_an_order(broker):
    coke = Description(con_id=8894, exchange="SMART")
    condition = Condition(5, "a", exchange="SMART", sec_type="STK", symbol="KO")
    broker.place(5, asked(1, conditions=(condition,)))
    broker.place(5, asked(2, contract=coke, quantity=10.0))
    steps(broker, 40)
    assert [status(broker, n)[0] for n in (1, 2)] == ["Filled", "Filled"]


# Combinations.


def test_a_combination_is_told_whole_and_by_leg_and_its_money_adds_up(broker):
    option = broker.universe.option("AAPL", 0, 245.0, "C")
    other = broker.universe.option("AAPL", 0, 250.0, "C")
    legs = (Leg(option.con_id, 1, "BUY", "SMART"), Leg(other.con_id, 2, "SELL", "SMART"))
    bag = Description(symbol="AAPL", sec_type="BAG", exchange="SMART", currency="USD")
    account = broker.accounts[ACCOUNT]
    cash, held = account.cash, [account.open_quantity(leg.con_id) for leg in legs]
    request = asked(1, contract=bag, quantity=2.0, legs=legs)
    order, preview = broker.preview(5, replace(request, what_if=True))
    assert order.con_id == BAG_CON_ID
    assert preview.commission == Decimal("3.90")
    broker.place(5, request)
    fills = [event.fill for event in steps(broker, 60) if isinstance(event, Filled)]
    assert status(broker, 1)[0] == "Filled"
    whole = [fill for fill in fills if fill.con_id == BAG_CON_ID]
    parts = [fill for fill in fills if fill.con_id != BAG_CON_ID]
    assert all(fill.commission is None and fill.symbol == "AAPL" for fill in whole)
    assert [fill.exec_id[-6:] for fill in fills[:3]] == [".01.01"[-6:], ".02.01", ".03.01"]
    assert len({fill.exec_id for fill in fills}) == len(fills)
    assert len({fill.exec_id[:-6] for fill in fills[:3]}) == 1
    sums = {c: sum(f.quantity for f in parts if f.con_id == c) for c in (option.con_id, other.con_id)}
    assert sums == {option.con_id: 2, other.con_id: 4}
    assert [account.open_quantity(leg.con_id) - old for leg, old in zip(legs, held, strict=True)] == [2, -4]
    flow = sum(Decimal(repr(f.price)) * f.quantity * (-100 if f.action == "BUY" else 100) for f in parts)
    assert account.cash - cash == flow - sum(f.commission for f in parts)
    net = sum(Decimal(repr(f.price)) * f.quantity for f in whole)
    assert net * -100 == flow


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"legs": ()}, 314),
        ({"legs": (Leg(265598, 1, "BUY", "SMART"),)}, 312),
        ({"legs": (Leg(265598, 1, "BUY", "SMART"), Leg(5, 1, "BUY", "SMART"))}, 313),
        ({"kind": "STP", "stop": 3.0}, 387),
        ({"ocaGroup": "g"}, 356),
    ],
)
def test_combinations_that_tws_refuses(broker, changes, expected):
    legs = (Leg(265598, 1, "BUY", "SMART"), Leg(272093, 1, "SELL", "SMART"))
    bag = Description(symbol="AAPL", sec_type="BAG", exchange="SMART", currency="USD")
    assert code(broker, 1, **({"contract": bag, "legs": legs} | changes)) == expected


# What TWS refuses.


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"kind": "VWAP"}, 387),
        ({"algoStrategy": "Nonsense"}, 439),
        ({"algoStrategy": "Vwap"}, 442),
        ({"hedgeType": "D"}, 387),
        ({"scalePriceIncrement": 0.1}, 387),
        ({"adjustedOrderType": "STP"}, 387),
        ({"cashQty": 1000.0}, 10244),
        ({"displaySize": 200}, 10020),
        ({"kind": "STP"}, 463),
        ({"kind": "STP", "stop": 245.123}, 110),
        ({"kind": "TRAIL LIMIT", "stop": 1.0}, 463),
        ({"kind": "LMT", "action": "SELL", "limit": 1e29}, 109),
        ({"kind": "TRAIL", "stop": 1.0, "trailingPercent": 1e29}, 109),
        ({"kind": "MOC", "tif": "GTC"}, 113),
        ({"kind": "STP", "stop": 1.0, "tif": "OPG"}, 111),
        ({"triggerMethod": 5}, 146),
        ({"tif": "GTD"}, 343),
        ({"tif": "GTD", "goodTillDate": "20261120 10:00:00"}, 201),
        ({"conditions": (Condition(1, "a", True, "1", 5, "SMART"),)}, 321),
        ({"faGroup": "AllClients"}, 321),
    ],
)
def test_orders_that_tws_refuses(broker, changes, expected):
    assert code(broker, 1, **changes) == expected
    assert broker.orders == {}


@pytest.mark.parametrize(("kind", "sec"), [("MIDPRICE", "FUT"), ("MOC", "OPT"), ("TRAIL", "BOND"), ("MTL", "CASH")])
def test_a_type_that_the_security_does_not_have(broker, kind, sec):
    x = next(x for x in broker.universe.living() if x.sec_type == sec)
    contract = Description(con_id=x.con_id, exchange=x.exchange)
    assert code(broker, 1, contract=contract, quantity=1.0, kind=kind, stop=1.0) == 387


STRANGE = (float("nan"), float("inf"), -1e300, -1.0, 0.0, 1e-9, 0.005, 1.0, 245.0, 2**31, 1e15, 1e300)
STRANGE_TEXTS = ("", "0", "x" * 50, "99991231 23:59:59 UTC", "00010101-00:00:00", "20261123 09:30:01")


def test_no_numbers_and_no_times_break_anything_but_their_own_order(broker):
    dice, listed = random.Random(11), list(broker.universe.living())
    kinds = sorted({kind for kinds in checking.KINDS.values() for kind in kinds})
    numbers = ["trailStopPrice", "trailingPercent", "lmtPriceOffset", "discretionaryAmt", "percentOffset"]
    taken = 0
    for number in range(1, 1500):
        x = dice.choice(listed)
        terms: dict[str, Any] = {name: dice.choice(STRANGE) for name in numbers if dice.random() < 0.08}
        terms |= {name: dice.choice((-5, 0, 1, 10**12)) for name in ("minQty", "ocaType") if dice.random() < 0.05}
        terms |= {name: dice.choice(STRANGE_TEXTS) for name in ("goodTillDate", "goodAfterTime") if dice.random() < 0.1}
        stop = dice.choice(STRANGE)
        wanted = asked(
            number, contract=Description(con_id=x.con_id, exchange=x.exchange), kind=dice.choice(kinds),
            action=dice.choice(("BUY", "SELL")), tif=dice.choice(checking.TIFS), limit=dice.choice(STRANGE),
            stop=stop, quantity=dice.choice((1.0, 1.0, 5.0, dice.choice(STRANGE))),
            **terms, **({} if stop != stop else {"auxPrice": stop}),
        )  # fmt: skip
        with contextlib.suppress(BadRequest):
            broker.place(5, wanted)
            taken += 1
        if number % 50 == 0:
            steps(broker, 1)
    assert taken > 50
    json.loads(keeping.dump(broker))


# Exercise, orders by hand, an advisor.


def test_exercise_turns_an_option_into_stock_at_the_strike(broker):
    account = broker.accounts[ACCOUNT]
    option = next(
        x for x in broker.universe.options("AAPL") if x.right == "C" and x.strike < price(broker) and x.strike > 0
    )
    dear = next(x for x in broker.universe.options("AAPL") if x.right == "C" and x.strike > price(broker))
    account.fill(option, 3, 10.0)
    account.fill(dear, 3, 10.0)
    cash, shares = account.cash, account.open_quantity(265598)
    held = account.open_quantity(option.con_id)
    wanted = ExerciseOptions(9, Description(con_id=option.con_id), 1, 2, ACCOUNT)
    fills = [event.fill for event in broker.exercise(wanted)]
    assert [(f.con_id, f.quantity, f.price, f.commission) for f in fills] == [
        (option.con_id, 2, 0.0, 0), (265598, 200, option.strike, 0),
    ]  # fmt: skip
    assert account.open_quantity(option.con_id) == held - 2
    assert account.open_quantity(265598) == shares + 200
    assert cash - account.cash == Decimal(repr(option.strike)) * 200
    for changes, expected in (
        ({"contract": Description(con_id=dear.con_id)}, 322),
        ({"quantity": 50_000}, 322),
        ({"action": 2}, 322),
        ({"action": 3}, 321),
        ({"contract": APPLE}, 321),
        ({"account": "DU7"}, 321),
    ):
        with pytest.raises(BadRequest) as refused:
            broker.exercise(replace(wanted, **changes))
        assert (refused.value.req_id, refused.value.code) == (9, expected)
    assert broker.exercise(replace(wanted, contract=Description(con_id=dear.con_id), override=True)) != []


def test_an_order_entered_in_tws_is_bound_on_request(broker):
    broker.place_by_hand(asked(0, kind="LMT", limit=100.0))
    (bound,) = broker.bind(True)
    assert isinstance(bound, Bound)
    assert (bound.order.client_id, bound.order.order_id) == (0, -1)
    first, second = broker.place_by_hand(asked(0, kind="LMT", limit=100.0))
    assert (type(first), type(second), first.order.order_id) == (Bound, Changed, -2)
    assert [event.code for event in broker.cancel(0, -1)] == [202]


def test_an_advisor_s_order_is_split_over_the_group():
    broker = keeping.begin(DAY, 7, 1.0, advised=True)
    structure = broker.bank.advisor
    assert structure is not None
    before = {name: broker.accounts[name].open_quantity(265598) for name in structure.clients}
    assert code(broker, 1, account="") == 436
    broker.place(5, asked(1, account="", quantity=101.0, faGroup="AllClients", faMethod="Equal"))
    fills = [event.fill for event in steps(broker, 100) if isinstance(event, Filled)]
    order = broker.orders[5, 1]
    assert (order.status, order.account, sum(order.shares.values())) == ("Filled", structure.master, 101)
    got = {name: sum(f.quantity for f in fills if f.account == name) for name in structure.clients}
    assert got == order.shares
    assert {name: broker.accounts[name].open_quantity(265598) - before[name] for name in before} == got


# What is remembered has a bound.


def test_what_is_done_is_forgotten_in_time_and_what_lives_is_not(broker, monkeypatch):
    monkeypatch.setattr(orderbook, "KEPT_DONE", 3)
    monkeypatch.setattr(brokerage, "MOST_LIVE", 4)
    bracket(broker, round(price(broker) + 5, 2))
    steps(broker, 60)
    for number in range(4, 12):
        broker.place(5, asked(number, kind="LMT", limit=100.0))
        broker.cancel(5, number)
    assert status(broker, 1) == ("Filled", "")  # its children live
    assert [number for _, number in broker.orders if number > 3] == [10, 11]
    assert len(broker.book.by_perm) == len(broker.orders) == 5
    with pytest.raises(BadRequest) as refused:
        broker.cancel(5, 4)
    assert refused.value.code == 10147
    assert code(broker, 4) == 103
    broker.place(5, asked(12, kind="LMT", limit=100.0))
    broker.place(5, asked(13, kind="LMT", limit=100.0, transmit=False))
    assert code(broker, 14, kind="LMT", limit=100.0) == 201


# All that lives survives.


def test_live_orders_go_on_after_a_restart(broker):
    p = price(broker)
    bracket(broker, p - 20)
    held = (Condition(3, "a", True, "20261123 09:31:00 US/Eastern"),)
    broker.place(5, asked(4, conditions=held))
    steps(broker, 2)
    again = keeping.load(keeping.dump(broker), 1.0)
    assert again.orders == broker.orders
    assert [order.order_id for order in again.live_orders()] == [1, 2, 3, 4]
    assert json.loads(keeping.dump(again))["brokerage"] == json.loads(keeping.dump(broker))["brokerage"]
    at(again, time(9, 31))
    steps(again, 60)
    assert status(again, 4)[0] == "Filled"
    assert [e.code for e in again.cancel(5, 1)] == [202, 202, 202]
