"""What a client asks about orders and executions."""

from __future__ import annotations

import math
from dataclasses import dataclass

from pipeline.gateway.asks.fields import UNSET_INT, Fields, Reader, plain
from pipeline.gateway.asks.request import Plain, Request
from pipeline.gateway.market.universe import Description

NOTHING = Description()


@dataclass(frozen=True, slots=True)
class PlaceOrder(Request):
    """`req_id` is the order id; `unsupported` names what was asked for that this TWS doesn't do."""

    contract: Description = NOTHING
    action: str = ""
    quantity: float = 0.0
    kind: str = ""
    limit: float = math.nan
    tif: str = ""
    account: str = ""
    open_close: str = ""
    ref: str = ""
    transmit: bool = True
    outside_rth: bool = False
    what_if: bool = False
    unsupported: str = ""


@dataclass(frozen=True, slots=True)
class Executions(Request):
    client_id: int = 0
    account: str = ""
    since: str = ""
    symbol: str = ""
    sec_type: str = ""
    exchange: str = ""
    side: str = ""


def _executions(f: Fields) -> Request:
    f.skip()
    return Executions(f.id(), f.integer(), f.text(), f.text(), f.text(), f.text(), f.text(), f.text())


def _cancel_order(f: Fields) -> Request:
    if f.sv < 192:
        f.skip()
    return Plain(f.id(), "cancelOrder")


def _place_order(f: Fields) -> Request:
    """The fields that this TWS uses, and those that would change what the order means; the rest is skipped."""
    order_id, contract = f.id(), f.contract()
    f.skip(2)
    action, quantity, kind = f.text().upper(), f.decimal(), f.text().upper()
    limit, stop = f.decimal(), f.decimal()
    tif, oca, account, open_close = f.text() or "DAY", f.text(), f.text(), f.text()
    f.skip()
    ref, transmit, parent = f.text(), f.flag(), f.integer()
    f.skip(4)
    outside_rth = f.flag()
    f.skip()
    asked = ["a BAG"] if contract.sec_type == "BAG" else []
    if asked:
        _skip_legs(f)
    what_if, extras = _order_tail(f)
    asked += ["an OCA group"] * bool(oca) + ["a parent order"] * (parent not in (0, UNSET_INT)) + extras
    asked += ["a stop price"] * (kind in ("MKT", "LMT") and stop > 0.0)
    return PlaceOrder(
        order_id, contract, action, quantity, kind, limit, tif, account, open_close, ref, transmit, outside_rth,
        what_if, " and ".join(asked),
    )  # fmt: skip


def _skip_legs(f: Fields) -> None:
    for _ in range(f.count()):
        f.skip(8)
    f.skip(f.count())
    f.skip(2 * f.count())


def _order_tail(f: Fields) -> tuple[bool, list[str]]:
    """From the old shares-allocation field to the conditions: what-if, and what is asked for besides."""
    f.skip(7 + (1 if f.sv < 177 else 0))  # allocation, discretionary, good after and till, FA
    f.skip(5)  # model, short slot, location, exempt, OCA type
    f.skip(15)  # rule 80A … override
    f.skip(2)
    neutral = f.text()
    f.skip()
    if neutral:
        f.skip(8)
    f.skip(6)  # continuous … scale sizes
    increment = f.decimal()
    if increment > 0:
        f.skip(7)
    f.skip(3)
    hedge = f.text()
    if hedge:
        f.skip()
    f.skip(4)
    if f.flag():
        f.skip(3)
    algo = f.text()
    if algo:
        f.skip(2 * f.count())
    f.skip()
    what_if = f.flag()
    extras = [name for name, on in (("a hedge", hedge), ("an algorithm", algo), ("a scale", increment > 0)) if on]
    return what_if, extras


READERS: dict[int, Reader] = {
    3: _place_order,
    4: _cancel_order,
    58: plain("globalCancel"),
    5: plain("openOrders"),
    16: plain("allOpenOrders"),
    15: plain("autoOpenOrders"),
    99: plain("completedOrders"),
    7: _executions,
}
