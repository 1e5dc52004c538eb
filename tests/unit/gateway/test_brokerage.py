from dataclasses import replace
from decimal import Decimal

import pytest

from pipeline.gateway.asks.orders import PlaceOrder
from pipeline.gateway.asks.request import BadRequest
from pipeline.gateway.broker.brokerage import Changed, Filled
from pipeline.gateway.market.universe import Description

APPLE = Description(con_id=265598, exchange="SMART")
ASK = PlaceOrder(1, APPLE, "BUY", 100, "MKT", tif="DAY", account="DU1234502")


def place(brokerage, asked, client=5):
    return brokerage.place(client, asked)


def refusal(brokerage, **changes):
    with pytest.raises(BadRequest) as refused:
        place(brokerage, replace(ASK, **changes))
    return refused.value.code


def fill_all(brokerage, limit=200):
    events = []
    while brokerage.live_orders() and limit:
        brokerage.market.advance(brokerage.market.step + 1)
        events += brokerage.match()
        limit -= 1
    return events


def test_life_of_a_market_order(brokerage):
    (first,) = place(brokerage, ASK)
    assert (first.order.status, first.order.perm_id) == ("PreSubmitted", 1_376_327_563)
    events = fill_all(brokerage)
    assert isinstance(events[0], Changed)
    assert events[0].order.status == "Submitted"
    fills = [event.fill for event in events if isinstance(event, Filled)]
    assert sum(fill.quantity for fill in fills) == 100
    assert events[-1].order.status == "Filled"
    assert brokerage.accounts["DU1234502"].open_quantity(265598) == 400
    assert len({fill.exec_id for fill in fills}) == len(fills)


def test_a_large_order_fills_in_parts_and_its_average_is_right(brokerage):
    place(brokerage, replace(ASK, quantity=2500, action="SELL"))
    fills = [event.fill for event in fill_all(brokerage) if isinstance(event, Filled)]
    assert len(fills) > 2
    paid = sum(Decimal(repr(fill.price)) * fill.quantity for fill in fills)
    assert fills[-1].average == float(paid / 2500)
    assert [fill.cumulative for fill in fills][-1] == 2500


def test_limit_order_waits_and_can_be_changed_and_cancelled(brokerage):
    asked = replace(ASK, kind="LMT", limit=200.0)
    place(brokerage, asked)
    brokerage.match()
    assert [order.status for order in brokerage.live_orders()] == ["Submitted"]
    (changed,) = place(brokerage, replace(asked, limit=201.0, quantity=50))
    assert (changed.order.limit, changed.order.quantity) == (201.0, 50)
    (cancelled,) = brokerage.cancel(5, 1)
    assert (cancelled.order.status, cancelled.code) == ("Cancelled", 202)
    assert [order.order_id for order in brokerage.completed] == [1]


def test_immediate_or_cancel(brokerage):
    place(brokerage, replace(ASK, kind="LMT", limit=200.0, tif="IOC"))
    assert brokerage.match()[-1].code == 202


def test_an_order_that_is_not_transmitted_waits(brokerage):
    place(brokerage, replace(ASK, transmit=False))
    assert brokerage.match() == []
    place(brokerage, ASK)
    assert fill_all(brokerage)[-1].order.status == "Filled"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"kind": "TRAIL"}, 463),
        ({"kind": "VOL"}, 387),
        ({"kind": ""}, 387),
        ({"action": "HOLD"}, 321),
        ({"quantity": 0.0}, 434),
        ({"quantity": float("nan")}, 434),
        ({"quantity": 0.5}, 10243),
        ({"quantity": 2_000_000.0}, 201),
        ({"tif": "AON"}, 10052),
        ({"kind": "LMT"}, 463),
        ({"kind": "LMT", "limit": 245.123}, 110),
        ({"account": ""}, 435),
        ({"account": "DU9999999"}, 321),
        ({"contract": Description(con_id=265598)}, 321),
        ({"contract": Description(con_id=1, exchange="SMART")}, 200),
        ({"contract": Description(symbol="AAPL", sec_type="OPT", exchange="SMART")}, 200),
        ({"contract": Description(con_id=416904, exchange="CBOE")}, 201),
        ({"quantity": 100_000.0}, 201),  # no margin for it
    ],
)
def test_refusals_carry_the_code_of_tws_and_leave_nothing(brokerage, changes, code):
    before = brokerage.bank.figures(brokerage.accounts["DU1234502"])
    assert refusal(brokerage, **changes) == code
    assert brokerage.live_orders() == []
    assert brokerage.bank.figures(brokerage.accounts["DU1234502"]) == before


def test_order_ids_only_rise(brokerage):
    place(brokerage, replace(ASK, req_id=10))
    assert refusal(brokerage, req_id=9) == 103
    assert brokerage.next_valid_id(5) == 11
    assert brokerage.next_valid_id(6) == 1
    fill_all(brokerage)
    assert refusal(brokerage, req_id=10) == 104


def test_a_modification_may_not_become_another_order(brokerage):
    asked = replace(ASK, kind="LMT", limit=200.0)
    place(brokerage, asked)
    with pytest.raises(BadRequest) as refused:
        place(brokerage, replace(asked, action="SELL"))
    assert refused.value.code == 105


@pytest.mark.parametrize(("order_id", "code"), [(99, 10147), (1, 10148)])
def test_cancel_of_what_is_not_live(brokerage, order_id, code):
    place(brokerage, ASK)
    fill_all(brokerage)
    with pytest.raises(BadRequest) as refused:
        brokerage.cancel(5, order_id)
    assert refused.value.code == code


def test_global_cancel_ends_every_client_s_orders(brokerage):
    for client in (5, 6):
        place(brokerage, replace(ASK, kind="LMT", limit=200.0), client)
    assert [event.code for event in brokerage.cancel_all()] == [202, 202]
    assert brokerage.live_orders() == []


def test_what_if_changes_nothing_and_says_what_the_fill_then_does(brokerage):
    account = brokerage.accounts["DU1234502"]
    order, preview = brokerage.preview(5, replace(ASK, what_if=True))
    assert brokerage.orders == {}
    assert brokerage.next_valid_id(5) == 1
    place(brokerage, ASK)
    quote = brokerage.tape.quote(brokerage.universe.stock("AAPL"))
    quote.ask_size = 1000
    brokerage.match()
    after = brokerage.bank.figures(account)
    assert (preview.init_after, preview.maint_after) == (after.init_s + after.init_c, after.maint_s + after.maint_c)
    assert preview.equity_after == after.equity_s + after.equity_c
    assert order.what_if


def test_what_lowers_the_requirement_passes_without_funds(brokerage):
    account = brokerage.accounts["DU1234502"]
    account.cash -= 10_000_000
    assert refusal(brokerage) == 201
    microsoft = Description(con_id=272093, exchange="SMART")
    place(brokerage, replace(ASK, req_id=2, action="SELL", quantity=100, contract=microsoft))


def test_daily_profit_begins_at_yesterdays_close_and_anew_each_day(brokerage):
    account = brokerage.accounts["DU1234501"]
    figures = brokerage.bank.figures(account)
    total = sum(brokerage.bank.daily(account, con_id) for con_id in account.positions)
    opening = sum((p.day_value for p in account.positions.values()), Decimal(0))
    assert total != 0
    assert opening != figures.stock + figures.option
    brokerage.market.advance(400)
    place(brokerage, replace(ASK, kind="LMT", limit=200.0))
    place(brokerage, replace(ASK, req_id=2, kind="LMT", limit=200.0, tif="GTC"))
    brokerage.market.restore(brokerage.market.dump() | {"now_ns": brokerage.market.now_ns + 24 * 3600 * 10**9})
    events = brokerage.roll_day()
    assert [(event.order.order_id, event.code) for event in events] == [(1, 202)]
    assert [order.order_id for order in brokerage.live_orders()] == [2]
    daily = sum(brokerage.bank.daily(account, con_id) for con_id in account.positions)
    assert abs(daily) < Decimal(2000)  # bid and ask around the new close
