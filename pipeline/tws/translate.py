"""IB's objects to our messages and back. Pure; IBKR's sentinels, Decimal sizes and unset spellings end here."""

from __future__ import annotations

import math
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from ibapi.contract import Contract, ContractDetails

from pipeline import messages
from pipeline.messages import (
    AccountPnL,
    AccountValue,
    Commission,
    Execution,
    Instrument,
    OrderState,
    Position,
    PositionPnL,
)

UNSET_DOUBLE = 1.7976931348623157e308
UNSET_INTEGERS = (2147483647.0, 9223372036854775807.0, -9223372036854775808.0)
UNSET_DECIMAL = Decimal(2**127 - 1)
LARGEST = 1e300  # nothing that TWS means is larger
RIGHTS = {"C": "C", "CALL": "C", "P": "P", "PUT": "P"}
SIDES = {"BUY": "BUY", "BOT": "BUY", "SELL": "SELL", "SLD": "SELL", "SSHORT": "SELL"}


def number(value: Any) -> float:
    """A double from a float, int, Decimal or text; nan for unset, infinite, empty and for what is no number."""
    if value is None or value == UNSET_DECIMAL:
        return math.nan
    try:
        found = float(value)
    except (TypeError, ValueError, OverflowError):
        return math.nan
    return found if math.isfinite(found) and abs(found) < LARGEST and found not in UNSET_INTEGERS else math.nan


def instrument(details: ContractDetails) -> Instrument:
    """A contract as reqContractDetails described it."""
    contract = details.contract
    known = provisional(contract)
    sec_type = known.sec_type
    return messages.Instrument(
        con_id=known.con_id,
        symbol=known.symbol,
        sec_type=sec_type,
        currency=known.currency,
        exchange=contract.exchange or known.exchange,
        primary_exchange=known.primary_exchange,
        local_symbol=known.local_symbol,
        trading_class=known.trading_class,
        expiry=(details.realExpirationDate or known.expiry)[:8] if sec_type in ("OPT", "FOP", "FUT") else "",
        strike=known.strike,
        right=known.right,
        multiplier=known.multiplier,
        min_tick=number(details.minTick) or math.nan,
        under_con_id=int(details.underConId or 0),
        under_symbol=details.underSymbol or known.under_symbol,
        long_name=details.longName,
        stock_type=details.stockType,
        time_zone=details.timeZoneId,
        trading_hours=details.tradingHours,
        liquid_hours=details.liquidHours,
        market_rule_ids=details.marketRuleIds or "",
    )


def provisional(contract: Contract) -> Instrument:
    """A contract as a position, an order or an execution names it: enough for margin, before its details have come."""
    sec_type = contract.secType
    option = sec_type in ("OPT", "FOP")
    strike = number(contract.strike)
    multiplier = number(contract.multiplier)
    return messages.Instrument(
        con_id=int(contract.conId),
        symbol=contract.symbol,
        sec_type=sec_type,
        currency=contract.currency,
        exchange=contract.exchange or ("SMART" if sec_type in ("STK", "OPT") else contract.primaryExchange),
        primary_exchange=contract.primaryExchange,
        local_symbol=contract.localSymbol,
        trading_class=contract.tradingClass,
        expiry=contract.lastTradeDateOrContractMonth[:8] if option or sec_type == "FUT" else "",
        strike=strike if option else math.nan,
        right=RIGHTS.get(contract.right, "") if option else "",
        multiplier=multiplier if multiplier > 0 else 1.0,
        under_symbol=contract.symbol if option or sec_type == "FUT" else "",
    )


def contract(known: Instrument) -> Contract:
    """What a request for market data or an order needs to name it without doubt."""
    out = Contract()
    out.conId = known.con_id
    out.symbol = known.symbol
    out.secType = known.sec_type
    out.currency = known.currency
    out.exchange = known.exchange or "SMART"
    return out


def stock(symbol: str, sec_type: str = "STK", exchange: str = "SMART") -> Contract:
    """A contract to look up by its symbol, in US dollars."""
    out = Contract()
    out.symbol, out.secType, out.exchange, out.currency = symbol, sec_type, exchange, "USD"
    return out


def by_con_id(con_id: int) -> Contract:
    """A contract to look up by its id alone."""
    out = Contract()
    out.conId = con_id
    return out


def account_value(account: str, key: str, text: str, currency: str, recv_ns: int) -> AccountValue:
    """One account key; `text` stays as TWS spelled it."""
    return messages.AccountValue(
        account=account, key=key, currency=currency, value=number(text), text=text, recv_ns=recv_ns
    )


def position(account: str, con_id: int, quantity: Any, average_cost: float, recv_ns: int) -> Position:
    """A position without TWS's marks."""
    return messages.Position(
        account=account,
        con_id=con_id,
        quantity=number(quantity),
        average_cost=number(average_cost),
        recv_ns=recv_ns,
    )


def portfolio(account: str, con_id: int, quantity: Any, marks: tuple[float, ...], recv_ns: int) -> Position:
    """A position with TWS's marks: (price, value, average cost, unrealised, realised)."""
    price, value, cost, unrealized, realized = (number(mark) for mark in marks)
    return messages.Position(
        account=account,
        con_id=con_id,
        quantity=number(quantity),
        average_cost=cost,
        market_price=price,
        market_value=value,
        unrealized_pnl=unrealized,
        realized_pnl=realized,
        recv_ns=recv_ns,
    )


def position_pnl(account: str, con_id: int, figures: tuple[Any, ...], recv_ns: int) -> PositionPnL:
    """reqPnLSingle's answer: (quantity, daily, unrealised, realised, value)."""
    quantity, daily, unrealized, realized, value = (number(figure) for figure in figures)
    return PositionPnL(
        account=account, con_id=con_id, quantity=quantity, daily=daily, unrealized=unrealized, realized=realized,
        value=value, recv_ns=recv_ns,
    )  # fmt: skip


def pnl(account: str, daily: float, unrealized: float, realized: float, recv_ns: int) -> AccountPnL:
    """reqPnL's answer."""
    return messages.AccountPnL(
        account=account,
        daily=number(daily),
        unrealized=number(unrealized),
        realized=number(realized),
        recv_ns=recv_ns,
    )


def order_state(order_id: int, contract: Contract, order: Any, state: Any, recv_ns: int) -> OrderState:
    """openOrder's and completedOrder's arguments; filled and remaining come with orderStatus."""
    return messages.OrderState(
        perm_id=int(order.permId),
        order_id=order_id,
        client_id=int(order.clientId),
        account=order.account,
        con_id=int(contract.conId),
        symbol=contract.localSymbol or contract.symbol,
        side=SIDES.get(order.action, order.action),
        order_type=order.orderType,
        quantity=number(order.totalQuantity),
        limit_price=number(order.lmtPrice) if "LMT" in order.orderType else math.nan,
        time_in_force=order.tif or "DAY",
        status=state.status or "Unknown",
        filled=_zero(number(getattr(order, "filledQuantity", math.nan))),
        text=state.warningText or getattr(state, "completedStatus", "") or "",
        recv_ns=recv_ns,
        stop_price=number(order.auxPrice) if _triggered(order.orderType) else math.nan,
        trailing_percent=number(order.trailingPercent),
        parent_id=int(order.parentId),
        oca_group=order.ocaGroup,
    )


def order_margins(state: Any) -> dict[str, float]:
    """What-if margins of an OrderState: initial, maintenance and equity with loan, before · change · after.

    Empty when TWS left them unset, as in the first of two answers.
    """
    out: dict[str, float] = {}
    names = (("initial", "initMargin"), ("maintenance", "maintMargin"), ("equity", "equityWithLoan"))
    for ours, theirs in names:
        for when in ("Before", "Change", "After"):
            out[f"{ours}_{when.lower()}"] = number(getattr(state, theirs + when))
    return {} if math.isnan(out["initial_after"]) else out


def execution(contract: Contract, fill: Any, recv_ns: int) -> Execution:
    """execDetails' arguments."""
    return messages.Execution(
        exec_id=fill.execId,
        perm_id=int(fill.permId),
        order_id=int(fill.orderId),
        client_id=int(fill.clientId),
        account=fill.acctNumber,
        con_id=int(contract.conId),
        symbol=contract.localSymbol or contract.symbol,
        side=fill.side,
        shares=number(fill.shares),
        price=number(fill.price),
        cumulative=number(fill.cumQty),
        average_price=number(fill.avgPrice),
        exchange=fill.exchange,
        time_text=fill.time,
        recv_ns=recv_ns,
        time_ns=fill_time_ns(fill.time),
        liquidity=int(getattr(fill, "lastLiquidity", 0) or 0),
    )


def _triggered(order_type: str) -> bool:
    """Types whose auxPrice is a trigger or a trailing amount."""
    return any(word in order_type for word in ("STP", "TRAIL", "MIT", "LIT"))


def fill_time_ns(text: str) -> int:
    """TWS's time of a fill as UTC ns: `20261123 15:30:01 US/Eastern`, or with a dash in UTC; 0 for anything else."""
    parts = text.replace("-", " ", 1).split()
    zone = parts[2] if len(parts) == 3 else "UTC" if len(parts) == 2 and "-" in text else ""
    try:
        place = ZoneInfo(zone)
        moment = datetime.strptime(" ".join(parts[:2]), "%Y%m%d %H:%M:%S").replace(tzinfo=place)
    except (ValueError, KeyError, OSError):
        return 0
    return int(moment.timestamp()) * 1_000_000_000


def commission(report: Any, recv_ns: int) -> Commission:
    """commissionAndFeesReport's argument (commissionReport's in older releases)."""
    paid = getattr(report, "commissionAndFees", None)
    return messages.Commission(
        exec_id=report.execId,
        commission=number(paid if paid is not None else getattr(report, "commission", math.nan)),
        currency=report.currency,
        realized_pnl=number(report.realizedPNL),
        recv_ns=recv_ns,
    )


def _zero(value: float) -> float:
    return 0.0 if math.isnan(value) else value
