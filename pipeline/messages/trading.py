"""Messages about orders and fills: from the wish of a person to what it cost."""

from __future__ import annotations

import math
from typing import ClassVar

import msgspec

from pipeline.messages.maps import Message


class OrderSpec(msgspec.Struct, frozen=True, kw_only=True):
    """What a person asks for."""

    account: str
    con_id: int
    side: str  # BUY or SELL
    quantity: float
    order_type: str  # MKT or LMT
    limit_price: float = math.nan
    time_in_force: str = "DAY"
    outside_rth: bool = False


class OrderIntent(Message, frozen=True, kw_only=True, tag="order_intent"):
    """An order that is durable here and about to be sent."""

    topic: ClassVar[str] = "ord.intent"

    client_key: str  # made by the client; a repeated one sends nothing
    order_id: int
    spec: OrderSpec
    actor: str
    action: str = "place"  # place · modify · cancel


class OrderState(Message, frozen=True, kw_only=True, tag="order_state"):
    """An order as TWS last told; also those made in TWS itself (client_key empty)."""

    topic: ClassVar[str] = "ord.state"

    perm_id: int
    order_id: int
    client_id: int
    client_key: str = ""
    account: str
    con_id: int
    symbol: str
    side: str
    order_type: str
    quantity: float
    limit_price: float = math.nan
    time_in_force: str = "DAY"
    status: str  # Intent PendingSubmit PreSubmitted Submitted Filled Cancelled ApiCancelled Inactive Rejected Unknown
    filled: float = 0.0
    remaining: float = math.nan
    average_price: float = math.nan
    text: str = ""  # TWS's words for a refusal or a warning
    recv_ns: int = 0
    stop_price: float = math.nan  # trigger of a stop, or the amount that a trail follows by
    trailing_percent: float = math.nan
    parent_id: int = 0  # order id of the parent in a bracket
    oca_group: str = ""


class Execution(Message, frozen=True, kw_only=True, tag="execution"):
    """One fill; exec_id is the natural key, TWS re-sends them after every reconnect."""

    topic: ClassVar[str] = "ord.execution"

    exec_id: str
    perm_id: int
    order_id: int
    client_id: int
    account: str
    con_id: int
    symbol: str
    side: str  # BOT or SLD, TWS's words
    shares: float
    price: float
    cumulative: float
    average_price: float
    exchange: str
    time_text: str
    recv_ns: int
    time_ns: int = 0  # of the fill, UTC; 0 where TWS's text can't be read
    liquidity: int = 0  # 1 added · 2 removed · 3 routed out; 0 unknown


class Commission(Message, frozen=True, kw_only=True, tag="commission"):
    """What a fill cost; may come before its execution."""

    topic: ClassVar[str] = "ord.commission"

    exec_id: str
    commission: float
    currency: str
    realized_pnl: float
    recv_ns: int


class OrderPreview(Message, frozen=True, kw_only=True, tag="order_preview"):
    """What an order would do to margin: our model's answer and TWS's, side by side."""

    topic: ClassVar[str] = "ord.preview"

    client_key: str
    spec: OrderSpec
    model: dict[str, float]  # initial_before initial_after initial_change, the same for maintenance, equity, excess
    tws: dict[str, float]  # the same keys; empty until TWS has answered
    commission: float = math.nan
    warning: str = ""
    refusals: list[str] = msgspec.field(default_factory=list)  # of our gate
    recv_ns: int = 0


class TradingState(Message, frozen=True, kw_only=True, tag="trading_state"):
    """Whether orders may be sent, and each reason why not."""

    topic: ClassVar[str] = "ord.trading"

    enabled: bool
    account: str = ""
    until_ns: int = 0
    reasons: list[str] = msgspec.field(default_factory=list)
    stopped: bool = False  # STOP was pressed and not lifted
