"""Orders of a running gateway, by the genuine client: a bracket, a combination, a restart of the client."""

from __future__ import annotations

import pytest
from ibapi.contract import ComboLeg, Contract
from ibapi.execution import ExecutionFilter
from ibapi.order_cancel import OrderCancel

several_versions = pytest.mark.parametrize("app", [157, 178, 200], indirect=True)


@several_versions
def test_a_bracket_through_its_life(app, make_contract, make_order):
    first = app.wait("nextValidId")[0]
    entry, target, stop = make_order("BUY", 10, 900.0), make_order("SELL", 10, 950.0), make_order("SELL", 10)
    entry.transmit = target.transmit = False
    target.parentId = stop.parentId = first
    stop.orderType, stop.auxPrice = "STP", 1.0
    for number, one in enumerate((entry, target, stop)):
        app.client.placeOrder(first + number, make_contract(), one)
    app.wait("orderStatus", lambda number, status, *_: (number, status) == (first, "Filled"))
    app.wait("orderStatus", lambda number, status, *_: (number, status) == (first + 1, "Submitted"))
    held = app.wait("orderStatus", lambda *row: row[0] == first + 2 and row[9] == "trigger")
    assert (held[1], held[6]) == ("PreSubmitted", first)
    told = app.wait("openOrder", lambda number, *_: number == first + 2)[2]
    assert (told.parentId, told.auxPrice, told.ocaType) == (first, 1.0, 3)
    app.client.cancelOrder(first + 1, OrderCancel())
    app.client.cancelOrder(first + 2, OrderCancel())
    for number in (first + 1, first + 2):
        assert app.wait("error", lambda row, *_, number=number: row == number)[2] == 202


@several_versions
def test_a_combination_is_filled_leg_by_leg(app, make_contract, make_order):
    first = app.wait("nextValidId")[0]
    bag = Contract()
    bag.symbol, bag.secType, bag.exchange, bag.currency, bag.comboLegs = "AAPL", "BAG", "SMART", "USD", []
    for con_id, action in ((265598, "BUY"), (272093, "SELL")):
        leg = ComboLeg()
        leg.conId, leg.ratio, leg.action, leg.exchange = con_id, 1, action, "SMART"
        bag.comboLegs.append(leg)
    app.client.placeOrder(first, bag, make_order("BUY", 2))
    app.wait("orderStatus", lambda number, status, *_: (number, status) == (first, "Filled"))
    told = app.wait("openOrder", lambda number, *_: number == first)[1]
    assert (told.conId, told.comboLegsDescrip) == (28812380, "265598|1,272093|-1")
    fills = [(contract, one) for _, contract, one in app.named("execDetails") if one.orderId == first]
    assert [(c.secType, e.side) for c, e in fills[:3]] == [("BAG", "BOT"), ("STK", "BOT"), ("STK", "SLD")]
    app.client.reqExecutions(40, ExecutionFilter())
    app.wait("execDetailsEnd", lambda number: number == 40)
    bags = {e.execId for c, e in fills if c.secType == "BAG"}
    ids = {row[0].execId for row in app.named("commissionAndFeesReport")}
    assert {e.execId for _, e in fills} - bags <= ids
    assert not bags & ids
