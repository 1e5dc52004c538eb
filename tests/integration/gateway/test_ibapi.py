"""The genuine ibapi client at several server versions."""

from decimal import Decimal

import pytest
from ibapi.contract import Contract
from ibapi.execution import ExecutionFilter
from ibapi.order_cancel import OrderCancel

several_versions = pytest.mark.parametrize("app", [157, 178, 200], indirect=True)


@several_versions
def test_greeting(app):
    assert app.named("managedAccounts") == [("DU1234501,DU1234502",)]
    app.wait("error", lambda _id, _t, code, *_: code == 2158)
    assert [row[2] for row in app.named("error")][:4] == [2104, 2104, 2106, 2158]


@several_versions
def test_contract_details_and_option_parameters(app, make_contract):
    option = Contract()
    option.symbol, option.secType, option.exchange, option.right, option.strike = "AAPL", "OPT", "SMART", "C", 245.0
    app.client.reqContractDetails(1, option)
    app.client.reqContractDetails(2, make_contract(99))
    app.client.reqSecDefOptParams(3, "SPX", "", "IND", 416904)
    app.client.reqMatchingSymbols(4, "TSL")
    app.wait("contractDetailsEnd", lambda req_id: req_id == 1)
    found = [details.contract for req_id, details in app.named("contractDetails") if req_id == 1]
    assert [c.lastTradeDateOrContractMonth for c in found] == ["20261218", "20270115"]
    assert app.wait("error", lambda req_id, *_: req_id == 2)[2] == 200
    app.wait("securityDefinitionOptionParameterEnd")
    assert app.named("securityDefinitionOptionParameter")[0][3] == "SPXW"
    assert app.wait("symbolSamples")[1][0].contract.symbol == "TSLA"


@several_versions
def test_ticks_flow_and_stop(app, make_contract):
    app.client.reqContractDetails(1, _option())
    option = app.wait("contractDetails")[1].contract
    app.client.reqMktData(11, make_contract(), "", False, False, [])
    app.client.reqMktData(12, make_contract(option.conId), "", False, False, [])
    app.client.reqMktData(13, make_contract(416904, "CBOE"), "", False, False, [])
    for kind in (1, 2, 4, 6, 7, 9):
        assert app.wait("tickPrice", lambda req_id, tick, *_, kind=kind: (req_id, tick) == (11, kind))[2] > 0
    app.wait("tickSize", lambda req_id, tick, _: (req_id, tick) == (11, 8))
    for kind in (10, 11, 12, 13):
        computed = app.wait("tickOptionComputation", lambda _r, tick, *_, kind=kind: tick == kind)
        assert 0.05 < computed[3] < 1.5
        assert 0 < computed[4] < 1
    app.wait("tickPrice", lambda req_id, tick, *_: (req_id, tick) == (13, 4))
    with app.news:
        app.calls.clear()
    app.wait("tickSize")  # it goes on
    app.client.cancelMktData(11)
    app.client.cancelMktData(12)
    app.client.cancelMktData(13)
    app.client.reqCurrentTime()
    app.wait("currentTime")
    with app.news:
        last = max(n for n, call in enumerate(app.calls) if call[0].startswith("tick"))
        fence = next(n for n, call in enumerate(app.calls) if call[0] == "currentTime")
    assert last < fence
    app.client.cancelMktData(11)
    assert app.wait("error", lambda req_id, *_: req_id == 11)[2] == 300


def _option():
    option = Contract()
    option.symbol, option.secType, option.exchange, option.right, option.strike = "AAPL", "OPT", "SMART", "C", 245.0
    option.lastTradeDateOrContractMonth = "202612"
    return option


@several_versions
def test_snapshot_ends(app, make_contract):
    app.client.reqMktData(21, make_contract(), "", True, False, [])
    app.wait("tickSnapshotEnd")
    assert len(app.named("tickPrice")) >= 6


@several_versions
def test_account_in_every_form(app):
    app.client.reqAccountUpdates(True, "DU1234501")
    app.client.reqAccountUpdatesMulti(31, "DU1234502", "", False)
    app.client.reqAccountSummary(32, "All", "NetLiquidation,ExcessLiquidity")
    app.client.reqPositions()
    app.client.reqPositionsMulti(33, "DU1234502", "")
    app.client.reqPnL(34, "DU1234501", "")
    app.client.reqPnLSingle(35, "DU1234501", "", 265598)
    for end in ("accountDownloadEnd", "accountUpdateMultiEnd", "accountSummaryEnd", "positionEnd", "positionMultiEnd"):
        app.wait(end)
    values = {key: value for key, value, currency, _ in app.named("updateAccountValue") if currency == "USD"}
    assert {"NetLiquidation-S", "MaintMarginReq-C", "SMA", "BuyingPower", "FullInitMarginReq"} <= set(values)
    assert len(app.named("accountSummary")) == 4
    assert {row[0] for row in app.named("position")} == {"DU1234501", "DU1234502"}
    assert len(app.named("updatePortfolio")) == 22
    assert {row[1] for row in app.named("positionMulti")} == {"DU1234502"}
    app.wait("pnl")
    assert app.wait("pnlSingle")[1] >= Decimal(0)
    app.client.reqAccountUpdates(False, "DU1234501")
    app.client.cancelPnL(34)
    app.client.cancelPnL(99)
    assert app.wait("error", lambda req_id, *_: req_id == 99)[2] == 10185


@several_versions
def test_life_of_orders(app, make_contract, make_order):
    app.client.reqPositions()
    app.wait("positionEnd")
    first = app.named("nextValidId")[-1][0]
    preview = make_order("BUY", 100)
    preview.whatIf = True
    app.client.placeOrder(first, make_contract(), preview)
    state = app.wait("openOrder", lambda order_id, *_: order_id == first)[3]
    change = float(state.initMarginAfter) - float(state.initMarginBefore)
    assert float(state.initMarginChange) == pytest.approx(change, abs=0.011)
    assert change > 5000
    app.client.placeOrder(first + 1, make_contract(), make_order("BUY", 100))
    app.wait("orderStatus", lambda order_id, status, *_: (order_id, status) == (first + 1, "Filled"))
    _, _, execution = app.wait("execDetails", lambda _r, _c, e: e.orderId == first + 1)
    app.wait("commissionAndFeesReport", lambda report: report.execId == execution.execId)
    statuses = [row[1] for row in app.named("orderStatus") if row[0] == first + 1]
    assert statuses[:2] == ["PreSubmitted", "Submitted"]
    with app.news:
        after = app.calls[max(n for n, call in enumerate(app.calls) if call[0] == "execDetails") :]
    assert "position" in {name for name, _ in after} or app.wait("position")

    app.client.placeOrder(first + 2, make_contract(), make_order("BUY", 10, 200.0))
    app.wait("orderStatus", lambda order_id, status, *_: (order_id, status) == (first + 2, "Submitted"))
    app.client.reqAllOpenOrders()
    app.wait("openOrderEnd")
    app.client.cancelOrder(first + 2, OrderCancel())
    app.wait("orderStatus", lambda order_id, status, *_: (order_id, status) == (first + 2, "Cancelled"))
    assert app.wait("error", lambda req_id, *_: req_id == first + 2)[2] == 202

    app.client.reqCompletedOrders(False)
    app.wait("completedOrdersEnd")
    assert {"Filled", "Cancelled"} <= {row[2].status for row in app.named("completedOrder")}
    wanted = ExecutionFilter()
    wanted.acctCode = "DU1234502"
    app.client.reqExecutions(41, wanted)
    app.wait("execDetailsEnd")
    assert execution.execId in {row[2].execId for row in app.named("execDetails") if row[0] == 41}


def test_refused_orders(app, make_contract, make_order):
    first = app.named("nextValidId")[-1][0]
    refused = [
        (make_order("BUY", 1_000_000), 201),
        (make_order("BUY", 1, 200.123), 110),
        (make_order("BUY", 1, account=""), 435),
    ]
    for n, (order, code) in enumerate(refused):
        app.client.placeOrder(first + 5 + n, make_contract(), order)
        assert app.wait("error", lambda req_id, *_, n=n: req_id == first + 5 + n)[2] == code
    stop = make_order("SELL", 1)
    stop.orderType, stop.auxPrice = "VOL", 100.0
    app.client.placeOrder(first + 9, make_contract(), stop)
    assert app.wait("error", lambda req_id, *_: req_id == first + 9)[2] == 387
    app.client.cancelOrder(987654, OrderCancel())
    assert app.wait("error", lambda req_id, *_: req_id == 987654)[2] == 10147


def test_what_is_refused_by_code(app, make_contract):
    app.client.reqMktDepth(52, make_contract(), 5, False, [])
    app.client.reqMktData(53, make_contract(), "9999", False, False, [])
    app.client.reqMktData(54, make_contract(exchange=""), "", False, False, [])
    for req_id, code in ((52, 10092), (53, 321), (54, 321)):
        assert app.wait("error", lambda found, *_, req_id=req_id: found == req_id)[2] == code
