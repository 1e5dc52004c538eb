"""Pure: an order's spec as ibapi's order, and the margin process's answer in the words of a preview."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any

from ibapi.contract import Contract
from ibapi.order import Order

from pipeline.messages import Instrument, OrderSpec
from pipeline.tws import translate as tws

COMMODITIES = ("FUT", "FOP")
MODEL_KEYS = {
    "initial_margin": "initial",
    "maintenance_margin": "maintenance",
    "equity_with_loan": "equity",
    "excess_liquidity": "excess",
}


def contract_of(instrument: Instrument) -> Contract:
    """By con_id; stocks and options are routed by TWS."""
    contract = tws.contract(instrument)
    if instrument.sec_type in ("STK", "OPT"):
        contract.exchange = "SMART"
    return contract


def order_of(spec: OrderSpec, *, what_if: bool = False, order_ref: str = "") -> Order:
    """ibapi's order for a spec that the gate has passed."""
    order = Order()
    order.account = spec.account
    order.action = spec.side
    order.totalQuantity = Decimal(repr(spec.quantity)) if spec.quantity % 1 else Decimal(int(spec.quantity))
    order.orderType = spec.order_type
    if spec.order_type == "LMT":
        order.lmtPrice = spec.limit_price
    order.tif = spec.time_in_force
    order.outsideRth = spec.outside_rth
    order.whatIf = what_if
    order.transmit = True
    order.orderRef = order_ref
    return order


def with_excess(margins: dict[str, float], sec_type: str, excess_before: float) -> dict[str, float]:
    """TWS's what-if margins and what they mean for excess liquidity, which TWS doesn't tell.

    Excess liquidity is equity with loan − maintenance in the securities segment; in the commodities segment equity with
    loan is already net of maintenance. So a future moves it by the change of equity alone.
    """
    change = margins.get("equity_change", math.nan)
    if sec_type not in COMMODITIES:
        change -= margins.get("maintenance_change", math.nan)
    return {
        **margins,
        "excess_before": excess_before,
        "excess_change": change,
        "excess_after": excess_before + change,
    }


def model_figures(body: dict[str, Any]) -> dict[str, float]:
    """The margin process's answer to a what-if, in the keys of `order_margins` of the TWS client."""
    figures: dict[str, float] = {}
    for moment in ("before", "after", "change"):
        part = body.get(moment)
        for theirs, ours in MODEL_KEYS.items():
            value = part.get(theirs) if isinstance(part, dict) else None
            if isinstance(value, int | float) and not math.isnan(value):
                figures[f"{ours}_{moment}"] = float(value)
    return figures
