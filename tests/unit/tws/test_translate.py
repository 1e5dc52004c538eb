"""IB's objects through the genuine Decoder to our messages; sentinels end here."""

from __future__ import annotations

import math
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from ibapi.contract import Contract, ContractDetails

from pipeline.messages import pack, unpack
from pipeline.tws import translate


def described(**fields: Any) -> ContractDetails:
    details = ContractDetails()
    for name, value in fields.items():
        setattr(details.contract if hasattr(details.contract, name) else details, name, value)
    return details


@pytest.mark.parametrize(
    ("value", "number"),
    [("25000.00", 25000.0), ("", math.nan), ("1.7976931348623157E308", math.nan), ("Infinity", math.nan),
     (1.7976931348623157e308, math.nan), (2147483647, math.nan), (Decimal(2**127 - 1), math.nan),
     (Decimal("0.5"), 0.5), (None, math.nan), ("not a number", math.nan), ("-1E301", math.nan), (-0.25, -0.25),
     ("9223372036854775807", math.nan), (0, 0.0)],
)  # fmt: skip
def test_numbers(value: Any, number: float) -> None:
    assert repr(translate.number(value)) == repr(number)


def test_option_details() -> None:
    details = described(
        conId=4, symbol="SPX", secType="OPT", lastTradeDateOrContractMonth="20270115", strike=5000.0, right="C",
        multiplier="100", exchange="SMART", currency="USD", localSymbol="SPX   270115C05000000", tradingClass="SPX",
        minTick=0.05, underConId=3, underSymbol="SPX", longName="S&P 500", realExpirationDate="20270114",
    )  # fmt: skip
    found = translate.instrument(details)
    assert (found.con_id, found.sec_type, found.strike, found.right, found.multiplier) == (4, "OPT", 5000.0, "C", 100.0)
    assert (found.under_con_id, found.under_symbol, found.min_tick) == (3, "SPX", 0.05)
    assert found.expiry == "20270114"  # the last day it trades may be a day earlier than the month's
    assert repr(unpack(pack(found))) == repr(found)


def test_stock_has_no_strike_and_a_multiplier_of_one() -> None:
    found = translate.instrument(
        described(conId=1, symbol="AAPL", secType="STK", strike=0.0, right="?", multiplier="", exchange="SMART",
                  currency="USD", minTick=0.01, stockType="COMMON")
    )  # fmt: skip
    assert math.isnan(found.strike)
    assert (found.right, found.multiplier, found.expiry, found.stock_type) == ("", 1.0, "", "COMMON")


def test_position_contract_without_exchange_is_routed_smart() -> None:
    contract = Contract()
    contract.conId, contract.symbol, contract.secType, contract.currency = 5, "AAPL", "OPT", "USD"
    contract.strike, contract.right, contract.multiplier = 200.0, "PUT", "100"
    contract.lastTradeDateOrContractMonth = "20270115"
    found = translate.provisional(contract)
    assert (found.exchange, found.right, found.under_symbol, found.expiry) == ("SMART", "P", "AAPL", "20270115")
    again = translate.contract(found)
    assert (again.conId, again.secType, again.exchange) == (5, "OPT", "SMART")


def test_account_value_keeps_the_text() -> None:
    value = translate.account_value("DU1", "AccountType", "INDIVIDUAL", "", 9)
    assert math.isnan(value.value)
    assert (value.text, value.recv_ns) == ("INDIVIDUAL", 9)
    assert translate.account_value("DU1", "Cushion", "0.25", "", 9).value == 0.25


def what_if(**fields: str) -> SimpleNamespace:
    unset = "1.7976931348623157E308"
    names = [a + b for a in ("initMargin", "maintMargin", "equityWithLoan") for b in ("Before", "Change", "After")]
    return SimpleNamespace(**(dict.fromkeys(names, unset) | fields))


def test_what_if_margins_and_the_unset_first_answer() -> None:
    assert translate.order_margins(what_if()) == {}
    found = translate.order_margins(
        what_if(
            initMarginBefore="10000.00", initMarginChange="1500.50", initMarginAfter="11500.50",
            maintMarginBefore="9000.00", maintMarginChange="1400.25", maintMarginAfter="10400.25",
            equityWithLoanBefore="100000.00", equityWithLoanChange="-12.00", equityWithLoanAfter="99988.00",
        )
    )  # fmt: skip
    assert found["initial_after"] == 11500.5
    assert found["equity_after"] - found["equity_before"] == found["equity_change"] == -12.0
    assert found["maintenance_after"] == 10400.25


def test_order_and_fill() -> None:
    from ibapi.execution import Execution
    from ibapi.order import Order
    from ibapi.order_state import OrderState

    contract = Contract()
    contract.conId, contract.symbol = 1, "AAPL"
    order, state, fill = Order(), OrderState(), Execution()
    order.permId, order.clientId, order.account, order.action = 99, 12, "DU1", "SELL"
    order.orderType, order.totalQuantity, order.lmtPrice = "MKT", Decimal(100), 1.7976931348623157e308
    state.status = "Submitted"
    found = translate.order_state(7, contract, order, state, 5)
    assert (found.order_id, found.perm_id, found.side, found.quantity, found.status) == (
        7,
        99,
        "SELL",
        100.0,
        "Submitted",
    )
    assert math.isnan(found.limit_price)
    assert found.filled == 0.0
    fill.execId, fill.shares, fill.price, fill.side = "0001.01", Decimal("0.5"), 150.25, "BOT"
    got = translate.execution(contract, fill, 5)
    assert (got.exec_id, got.shares, got.price, got.side, got.con_id) == ("0001.01", 0.5, 150.25, "BOT", 1)


def test_commission_of_either_name() -> None:
    new = SimpleNamespace(execId="1", commissionAndFees=1.25, currency="USD", realizedPNL=1.7976931348623157e308)
    old = SimpleNamespace(execId="1", commission=1.25, currency="USD", realizedPNL=3.0)
    assert translate.commission(new, 5).commission == 1.25
    assert math.isnan(translate.commission(new, 5).realized_pnl)
    assert translate.commission(old, 5).commission == 1.25
    assert translate.commission(old, 5).realized_pnl == 3.0


@pytest.mark.parametrize(("text", "expected"), [
    ("20261123 10:30:01 US/Eastern", 1_795_447_801), ("20261123-15:30:01", 1_795_447_801),
    ("20261123  10:30:01 US/Eastern", 1_795_447_801), ("20261123 10:30:01", 0), ("", 0), ("soon", 0),
    ("20261123 10:30:01 Nowhere/Land", 0), ("20261323 10:30:01 UTC", 0),
])  # fmt: skip
def test_times_of_fills_are_utc_or_unknown(text: str, expected: int) -> None:
    assert translate.fill_time_ns(text) == expected * 1_000_000_000
