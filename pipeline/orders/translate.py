"""Pure: ibapi's orders, states and executions to our messages and back. Its unset markers end here."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any

from ibapi.contract import Contract
from ibapi.order import Order

from pipeline.messages import Commission, Execution, Instrument, OrderSpec, OrderState

UNSET_ABOVE = 1e300
WHAT_IF_KEYS = {"init": "initial_margin", "maint": "maintenance_margin", "equityWithLoan": "equity_with_loan"}
WHAT_IF_MOMENTS = {"Before": "before", "After": "after", "Change": "change"}


def number(value: Any) -> float:
    """A float of whatever spelling; `nan` where TWS left it unset or it is no number."""
    try:
        result = float(value)
    except (TypeError, ValueError):
        return math.nan
    return result if abs(result) < UNSET_ABOVE else math.nan


def _integer(value: Any) -> int:
    result = number(value)
    return int(result) if math.isfinite(result) and abs(result) < 2**62 else 0


def contract_of(instrument: Instrument) -> Contract:
    """By con_id, with an exchange that TWS takes for the kind."""
    contract = Contract()
    contract.conId = instrument.con_id
    contract.symbol = instrument.symbol
    contract.secType = instrument.sec_type
    contract.currency = instrument.currency
    contract.exchange = "SMART" if instrument.sec_type in ("STK", "OPT") else instrument.exchange
    if instrument.sec_type in ("OPT", "FUT", "FOP"):
        contract.lastTradeDateOrContractMonth = instrument.expiry
        contract.multiplier = f"{instrument.multiplier:g}"
        contract.tradingClass = instrument.trading_class
    if instrument.sec_type in ("OPT", "FOP"):
        contract.strike, contract.right = instrument.strike, instrument.right
    return contract


def order_of(spec: OrderSpec, *, what_if: bool = False, order_ref: str = "") -> Order:
    """ibapi's order for a spec that the gate has passed."""
    order = Order()
    order.account = spec.account
    order.action = spec.side
    order.totalQuantity = _decimal(spec.quantity)
    order.orderType = spec.order_type
    if spec.order_type == "LMT":
        order.lmtPrice = spec.limit_price
    order.tif = spec.time_in_force
    order.outsideRth = spec.outside_rth
    order.whatIf = what_if
    order.transmit = True
    order.orderRef = order_ref
    return order


def _decimal(quantity: float) -> Decimal:
    return Decimal(repr(quantity)) if quantity % 1 else Decimal(int(quantity))


def order_state(order_id: int, contract: Contract, order: Order, state: Any, recv_ns: int) -> OrderState:
    """An openOrder or completedOrder callback as our message."""
    return OrderState(
        perm_id=_integer(order.permId),
        order_id=order_id,
        client_id=_integer(order.clientId),
        account=order.account,
        con_id=_integer(contract.conId),
        symbol=contract.localSymbol or contract.symbol,
        side=order.action,
        order_type=order.orderType,
        quantity=number(order.totalQuantity) or _filled_quantity(order),
        limit_price=number(order.lmtPrice) if order.orderType == "LMT" else math.nan,
        time_in_force=order.tif,
        status=state.status,
        text=(state.warningText or "") + (getattr(state, "rejectReason", "") or ""),
        recv_ns=recv_ns,
    )


def _filled_quantity(order: Order) -> float:
    """A completed order carries its quantity as filled."""
    return number(getattr(order, "filledQuantity", math.nan))


def execution(contract: Contract, given: Any, recv_ns: int) -> Execution:
    """An execDetails callback as our message."""
    return Execution(
        exec_id=given.execId,
        perm_id=_integer(given.permId),
        order_id=_integer(given.orderId),
        client_id=_integer(given.clientId),
        account=given.acctNumber,
        con_id=_integer(contract.conId),
        symbol=contract.localSymbol or contract.symbol,
        side=given.side,
        shares=number(given.shares),
        price=number(given.price),
        cumulative=number(given.cumQty),
        average_price=number(given.avgPrice),
        exchange=given.exchange,
        time_text=given.time,
        recv_ns=recv_ns,
    )


def commission(given: Any, recv_ns: int) -> Commission:
    """A commission report of any ibapi release."""
    paid = getattr(given, "commissionAndFees", None)
    return Commission(
        exec_id=given.execId,
        commission=number(paid if paid is not None else given.commission),
        currency=given.currency,
        realized_pnl=number(given.realizedPNL),
        recv_ns=recv_ns,
    )


def what_if_figures(state: Any) -> dict[str, float]:
    """`initial_margin_after` and so on of a what-if's OrderState; without what TWS left unset."""
    figures: dict[str, float] = {}
    for theirs, ours in WHAT_IF_KEYS.items():
        suffix = "Margin" if theirs != "equityWithLoan" else ""
        for moment, word in WHAT_IF_MOMENTS.items():
            value = number(getattr(state, f"{theirs}{suffix}{moment}", ""))
            if not math.isnan(value):
                figures[f"{ours}_{word}"] = value
    for word in ("before", "after"):
        equity, kept = figures.get(f"equity_with_loan_{word}"), figures.get(f"maintenance_margin_{word}")
        if equity is not None and kept is not None:
            figures[f"excess_liquidity_{word}"] = equity - kept
    if "excess_liquidity_before" in figures and "excess_liquidity_after" in figures:
        figures["excess_liquidity_change"] = figures["excess_liquidity_after"] - figures["excess_liquidity_before"]
    return figures


def model_figures(body: dict[str, Any]) -> dict[str, float]:
    """The margin process's answer, flattened to the same keys."""
    figures: dict[str, float] = {}
    for moment in ("before", "after", "change"):
        part = body.get(moment)
        if isinstance(part, dict):
            for key, value in part.items():
                if isinstance(value, int | float) and not math.isnan(value):
                    figures[f"{key}_{moment}"] = float(value)
    return figures
