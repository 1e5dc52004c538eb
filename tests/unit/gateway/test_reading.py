"""Requests encoded by the genuine client, version by version, mean here what they meant there."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ibapi.contract import Contract
from ibapi.execution import ExecutionFilter
from ibapi.order import Order
from ibapi.order_cancel import OrderCancel

from pipeline.gateway.asks import reading
from pipeline.gateway.asks.accounts import AccountSummary, AccountUpdates, AccountUpdatesMulti, PnL, PositionsMulti
from pipeline.gateway.asks.contracts import MarketRule, MatchingSymbols, SecDefOptParams
from pipeline.gateway.asks.market_data import MarketDataType
from pipeline.gateway.asks.orders import AutoOpenOrders, CancelOrder, CompletedOrders
from pipeline.gateway.asks.request import BadRequest, Plain, Request

VERSIONS = [157, 158, 160, 162, 166, 169, 170, 176, 177, 178, 183, 184, 187, 189, 190, 192, 199, 200]
every_version = pytest.mark.parametrize("sv", VERSIONS)


def stock(**changes):
    contract = Contract()
    contract.conId, contract.symbol, contract.secType, contract.exchange, contract.currency = (
        265598,
        "AAPL",
        "STK",
        "SMART",
        "USD",
    )
    for name, value in changes.items():
        setattr(contract, name, value)
    return contract


def limit_order(**changes):
    order = Order()
    order.action, order.totalQuantity, order.orderType, order.lmtPrice = "SELL", 25, "LMT", 245.5
    order.account, order.orderRef, order.tif = "DU1234501", "mine", "GTC"
    for name, value in changes.items():
        setattr(order, name, value)
    return order


def one(encoder, sv, call):
    client = encoder(sv)
    call(client)
    (payload,) = client.sent
    return reading.decode(payload, sv)


@every_version
@pytest.mark.parametrize("what_if", [False, True])
def test_place_order(encoder, sv, what_if):
    asked = one(encoder, sv, lambda c: c.placeOrder(13, stock(), limit_order(whatIf=what_if)))
    assert (asked.req_id, asked.contract.con_id, asked.contract.exchange) == (13, 265598, "SMART")
    assert (asked.action, asked.quantity, asked.kind, asked.limit) == ("SELL", 25.0, "LMT", 245.5)
    assert (asked.account, asked.ref, asked.tif, asked.what_if) == ("DU1234501", "mine", "GTC", what_if)


@every_version
def test_market_order_has_no_limit(encoder, sv):
    asked = one(
        encoder, sv, lambda c: c.placeOrder(13, stock(), limit_order(orderType="MKT", lmtPrice=Order().lmtPrice))
    )
    assert asked.kind == "MKT"
    assert math.isnan(asked.limit)


@every_version
def test_cancels(encoder, sv):
    assert one(encoder, sv, lambda c: c.cancelOrder(13, OrderCancel())) == CancelOrder(13)
    assert one(encoder, sv, lambda c: c.reqGlobalCancel(OrderCancel())) == Plain(name="globalCancel")


@pytest.mark.parametrize("sv", [157, 178, 192, 200])
def test_everything_else(encoder, sv):
    asked = one(encoder, sv, lambda c: c.reqMktData(11, stock(), "100,233", True, False, []))
    assert (asked.req_id, asked.contract.con_id, asked.generic_ticks, asked.snapshot) == (11, 265598, "100,233", True)
    option = stock(conId=0, secType="OPT", strike=245.0, right="C", lastTradeDateOrContractMonth="202612")
    asked = one(encoder, sv, lambda c: c.reqContractDetails(12, option))
    assert (asked.req_id, asked.contract.strike, asked.contract.expiry) == (12, 245.0, "202612")
    for call, expected in [
        (lambda c: c.cancelMktData(11), Plain(11, "cancelMktData")),
        (lambda c: c.reqMarketDataType(3), MarketDataType(kind=3)),
        (
            lambda c: c.reqSecDefOptParams(5, "AAPL", "", "STK", 265598),
            SecDefOptParams(5, "AAPL", "", "STK", 265598),
        ),
        (lambda c: c.reqMatchingSymbols(5, "AA"), MatchingSymbols(5, "AA")),
        (lambda c: c.reqMarketRule(26), MarketRule(rule_id=26)),
        (lambda c: c.reqAccountSummary(5, "All", "A,B"), AccountSummary(5, "All", "A,B")),
        (lambda c: c.cancelAccountSummary(5), Plain(5, "cancelAccountSummary")),
        (lambda c: c.reqAccountUpdates(True, "DU1"), AccountUpdates(subscribe=True, account="DU1")),
        (lambda c: c.reqAccountUpdatesMulti(5, "DU1", "", True), AccountUpdatesMulti(5, "DU1", "", True)),
        (lambda c: c.cancelAccountUpdatesMulti(5), Plain(5, "cancelAccountUpdatesMulti")),
        (lambda c: c.reqPositions(), Plain(name="positions")),
        (lambda c: c.cancelPositions(), Plain(name="cancelPositions")),
        (lambda c: c.reqPositionsMulti(5, "DU1", "m"), PositionsMulti(5, "DU1", "m")),
        (lambda c: c.reqPnL(5, "DU1", ""), PnL(5, "DU1")),
        (lambda c: c.reqPnLSingle(5, "DU1", "", 8), PnL(5, "DU1", 8)),
        (lambda c: c.cancelPnL(5), Plain(5, "cancelPnL")),
        (lambda c: c.reqOpenOrders(), Plain(name="openOrders")),
        (lambda c: c.reqAllOpenOrders(), Plain(name="allOpenOrders")),
        (lambda c: c.reqCompletedOrders(True), CompletedOrders(api_only=True)),
        (lambda c: c.reqAutoOpenOrders(True), AutoOpenOrders(bind=True)),
        (lambda c: c.reqIds(1), Plain(name="ids")),
        (lambda c: c.reqManagedAccts(), Plain(name="managedAccts")),
        (lambda c: c.reqCurrentTime(), Plain(name="currentTime")),
    ]:
        assert one(encoder, sv, call) == expected


@pytest.mark.parametrize("sv", [157, 200])
def test_execution_filter(encoder, sv):
    wanted = ExecutionFilter()
    wanted.clientId, wanted.acctCode, wanted.symbol, wanted.side = 5, "DU1", "AAPL", "BUY"
    asked = one(encoder, sv, lambda c: c.reqExecutions(6, wanted))
    assert (asked.req_id, asked.client_id, asked.account, asked.symbol, asked.side) == (6, 5, "DU1", "AAPL", "BUY")


@pytest.mark.parametrize(
    ("payload", "req_id"),
    [
        (b"", -1),
        (b"hello\0", -1),
        (b"999\0001\0", -1),
        (b"1\00011\0007\0", 7),
        (b"1\00011\0x\0", -1),
        (b"3\00013\0abc\0", 13),
    ],
)
def test_bad_frames_are_refused_with_320(payload, req_id):
    with pytest.raises(BadRequest) as refused:
        reading.decode(payload, 200)
    assert (refused.value.req_id, refused.value.code) == (req_id, 320)


def outcome(payload: bytes, sv: int) -> Request | BadRequest:
    try:
        return reading.decode(payload, sv)
    except BadRequest as refused:
        return refused


@given(st.binary(max_size=200), st.sampled_from([157, 178, 200]))
def test_any_bytes_give_a_request_or_a_refusal(payload, sv):
    assert isinstance(outcome(payload, sv), Request | BadRequest)


@given(st.sampled_from(sorted(reading.READERS)), st.lists(st.text(max_size=8), max_size=90))
def test_any_fields_give_a_request_or_a_refusal(message, fields):
    payload = "\0".join([str(message), *fields, ""]).encode("utf-8", "replace")
    assert isinstance(outcome(payload, 200), Request | BadRequest)
