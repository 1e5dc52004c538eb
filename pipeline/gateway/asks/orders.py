"""What a client asks about orders and executions."""

from __future__ import annotations

import math
from dataclasses import dataclass

from pipeline.gateway.asks import placing
from pipeline.gateway.asks.fields import UNSET_INT, Fields, Reader, plain
from pipeline.gateway.asks.request import Request
from pipeline.gateway.asks.terms import Terms
from pipeline.gateway.market.universe import Description

NOTHING = Description()
NO_TERMS = Terms()
SPELLINGS = {
    "STPLMT": "STP LMT",
    "TRAILLIMIT": "TRAIL LIMIT",
    "TRAIL LMT": "TRAIL LIMIT",
    "PEGMID": "PEG MID",
    "PEGMKT": "PEG MKT",
}


@dataclass(frozen=True, slots=True)
class PlaceOrder(Request):
    """`req_id` is the order id; `terms` has every field that the client set, these ones too."""

    contract: Description = NOTHING
    action: str = ""
    quantity: float = 0.0
    kind: str = ""
    limit: float = math.nan
    tif: str = "DAY"
    account: str = ""
    open_close: str = ""
    ref: str = ""
    transmit: bool = True
    outside_rth: bool = False
    what_if: bool = False
    stop: float = math.nan  # TWS's auxPrice
    parent_id: int = 0
    terms: Terms = NO_TERMS


@dataclass(frozen=True, slots=True)
class CancelOrder(Request):
    """`time` as the client says it was decided, "20261123 10:00:00"; empty: now."""

    time: str = ""


@dataclass(frozen=True, slots=True)
class AutoOpenOrders(Request):
    bind: bool = False


@dataclass(frozen=True, slots=True)
class CompletedOrders(Request):
    api_only: bool = False


@dataclass(frozen=True, slots=True)
class Executions(Request):
    """Empty or 0: any. `days` -1: today's; `dates` as YYYYMMDD count besides."""

    client_id: int = 0
    account: str = ""
    since: str = ""
    symbol: str = ""
    sec_type: str = ""
    exchange: str = ""
    side: str = ""
    days: int = -1
    dates: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class ExerciseOptions(Request):
    """`action` 1 exercises, 2 lets lapse; `override` goes against what the option's worth suggests."""

    contract: Description = NOTHING
    action: int = 0
    quantity: int = 0
    account: str = ""
    override: bool = False


def _executions(f: Fields) -> Request:
    f.skip()
    wanted = (f.id(), f.integer(), f.text(), f.text(), f.text(), f.text(), f.text(), f.text())
    if f.sv < 200:
        return Executions(*wanted)
    days = f.whole()
    return Executions(*wanted, -1 if days is None else days, tuple(f.integer() for _ in range(f.count(100))))


def _cancel_order(f: Fields) -> Request:
    """The fields after the time (an operator, an indicator) mean nothing here."""
    if f.sv < 192:
        f.skip()
    return CancelOrder(f.id(), f.text() if f.sv >= 169 else "")


def _exercise(f: Fields) -> Request:
    """The fields that 180, 183 and 184 added (time, customer, professional) mean nothing here."""
    f.skip()
    asked = ExerciseOptions(f.id(), f.contract(primary=False), f.integer(), f.integer(), f.text(), f.flag())
    f.skip((f.sv >= 180) + (f.sv >= 183) + (f.sv >= 184))
    return asked


def _place_order(f: Fields) -> Request:
    order_id = f.id()
    contract, terms = placing.read(f)
    kind = terms.text("orderType").upper()
    parent = terms.integer("parentId")
    return PlaceOrder(
        order_id, contract, terms.text("action").upper(), terms.number("totalQuantity"), SPELLINGS.get(kind, kind),
        terms.number("lmtPrice"), terms.text("tif").upper() or "DAY", terms.text("account"), terms.text("openClose"),
        terms.text("orderRef"), terms.flag("transmit"), terms.flag("outsideRth"), terms.flag("whatIf"),
        terms.number("auxPrice"), 0 if parent == UNSET_INT else parent, terms,
    )  # fmt: skip


def _auto_open(f: Fields) -> Request:
    f.skip()
    return AutoOpenOrders(bind=f.flag())


READERS: dict[int, Reader] = {
    3: _place_order,
    4: _cancel_order,
    58: plain("globalCancel"),
    5: plain("openOrders"),
    16: plain("allOpenOrders"),
    15: _auto_open,
    99: lambda f: CompletedOrders(api_only=f.flag()),
    7: _executions,
    21: _exercise,
}
