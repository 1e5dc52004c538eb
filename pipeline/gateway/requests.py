"""What a client may ask of this TWS, and how it is refused. Plain data."""

from __future__ import annotations

import math
from dataclasses import dataclass

from pipeline.gateway.universe import Description

NOTHING = Description()


class BadRequest(Exception):
    """A request that TWS would refuse: the id it belongs to (-1: none), TWS's code, TWS's text."""

    def __init__(self, req_id: int, code: int, text: str) -> None:
        super().__init__(text)
        self.req_id, self.code, self.text = req_id, code, text


@dataclass(frozen=True, slots=True)
class Request:
    """Any request; `req_id` is -1 where the protocol has none."""

    req_id: int = -1


@dataclass(frozen=True, slots=True)
class StartApi(Request):
    client_id: int = 0


@dataclass(frozen=True, slots=True)
class MktData(Request):
    contract: Description = NOTHING
    generic_ticks: str = ""
    snapshot: bool = False


@dataclass(frozen=True, slots=True)
class MarketDataType(Request):
    kind: int = 1


@dataclass(frozen=True, slots=True)
class ContractDetails(Request):
    contract: Description = NOTHING


@dataclass(frozen=True, slots=True)
class SecDefOptParams(Request):
    symbol: str = ""
    exchange: str = ""
    under_sec_type: str = ""
    under_con_id: int = 0


@dataclass(frozen=True, slots=True)
class MatchingSymbols(Request):
    pattern: str = ""


@dataclass(frozen=True, slots=True)
class MarketRule(Request):
    rule_id: int = 0


@dataclass(frozen=True, slots=True)
class AccountSummary(Request):
    group: str = "All"
    tags: str = ""


@dataclass(frozen=True, slots=True)
class AccountUpdates(Request):
    subscribe: bool = True
    account: str = ""


@dataclass(frozen=True, slots=True)
class AccountUpdatesMulti(Request):
    account: str = ""
    model: str = ""
    ledger_only: bool = False


@dataclass(frozen=True, slots=True)
class PositionsMulti(Request):
    account: str = ""
    model: str = ""


@dataclass(frozen=True, slots=True)
class PnL(Request):
    account: str = ""
    con_id: int = 0  # 0: the whole account


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


@dataclass(frozen=True, slots=True)
class Plain(Request):
    """A request that is all said by its name: a cancel, or a question without an argument."""

    name: str = ""
