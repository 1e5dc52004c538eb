"""The order gate: one pure function that gives *all* reasons why an order may not leave. No reason: it may.

Closed at start, after a crash, on a clock jump, while TWS is away or not reconciled, when audit can't be made durable,
when quotes are old. Arming is a person's act; the account that TWS reports decides, not the port.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from pipeline.config import Orders
from pipeline.messages import OrderSpec

MAX_QUOTE_AGE_S = 5.0
MAX_HOURS = 8.0
SIDES = ("BUY", "SELL")
TIMES_IN_FORCE = ("DAY", "GTC")


@dataclass(frozen=True, slots=True)
class Quote:
    """The market of one contract; `nan` where there is none. `age_s` is the age of the newest of its ticks."""

    bid: float = math.nan
    ask: float = math.nan
    last: float = math.nan
    age_s: float = math.inf

    @property
    def mark(self) -> float:
        """Middle of a two-sided market, else the last trade, else `nan`."""
        if self.bid > 0 and self.ask > 0:
            return (self.bid + self.ask) / 2
        return self.last if self.last > 0 else math.nan


@dataclass(frozen=True, slots=True)
class Contract:
    """What the gate must know of the instrument."""

    symbol: str
    multiplier: float


@dataclass(frozen=True, slots=True)
class Armed:
    """A person switched trading on for one account until `until_s` (monotonic)."""

    account: str
    until_s: float


@dataclass(frozen=True, slots=True)
class Situation:
    """Everything that the gate looks at besides the order and the limits."""

    now_s: float  # monotonic
    mode: str  # paper or live, from the configuration
    accounts: tuple[str, ...] = ()  # that TWS reports
    armed: Armed | None = None
    stopped: bool = False
    connected: bool = False
    reconciled: bool = False
    audit_durable: bool = False
    contract: Contract | None = None
    quote: Quote = Quote()
    open_orders: int = 0
    orders_last_minute: int = 0
    excess_after: float = math.nan  # worst known excess liquidity after the order
    reduces: bool = False  # the order only makes a position smaller


def is_paper(account: str) -> bool:
    """IB's paper accounts begin with DU or DF."""
    return account.startswith(("DU", "DF"))


def arming_refusals(account: str, hours: float, situation: Situation, limits: Orders) -> list[str]:
    """All reasons why trading may not be switched on for `account`."""
    reasons: list[str] = []
    if not limits.allowed:
        reasons.append("the configuration does not allow orders (orders.allowed)")
    if situation.stopped:
        reasons.append("STOP was pressed and has not been lifted")
    if account not in situation.accounts:
        reasons.append(
            f"expected an account that TWS reports ({', '.join(situation.accounts) or 'none'}), found {account}"
        )
    if not 0 < hours <= MAX_HOURS:
        reasons.append(f"expected more than 0 and at most {MAX_HOURS:g} hours, found {hours:g}")
    if not is_paper(account):
        reasons.append(f"{account} is a live account; orders go to paper accounts only")
    elif situation.mode != "paper":
        reasons.append(f"{account} is a paper account, the configuration is for a live one")
    if not situation.connected:
        reasons.append("TWS is not connected")
    if not situation.reconciled:
        reasons.append("open orders and executions are not yet reconciled with TWS")
    return reasons


def closed_reasons(account: str, situation: Situation) -> list[str]:
    """Why no order at all may leave for `account` now."""
    reasons: list[str] = []
    armed = situation.armed
    if armed is None:
        reasons.append("trading is off; enable it first")
    elif armed.account != account:
        reasons.append(f"trading is on for {armed.account}, not for {account}")
    elif situation.now_s >= armed.until_s:
        reasons.append("the time for which trading was enabled is over")
    if situation.stopped:
        reasons.append("STOP was pressed and has not been lifted")
    if not situation.connected:
        reasons.append("TWS is not connected")
    if not situation.reconciled:
        reasons.append("open orders and executions are not yet reconciled with TWS")
    if not situation.audit_durable:
        reasons.append("the audit journal can't be written")
    return reasons


def refusals(spec: OrderSpec, situation: Situation, limits: Orders) -> list[str]:
    """All reasons why `spec` may not be sent; empty: it may."""
    return [
        *closed_reasons(spec.account, situation),
        *_spec_refusals(spec, limits),
        *_market_refusals(spec, situation, limits),
        *_load_refusals(situation, limits),
    ]


def _spec_refusals(spec: OrderSpec, limits: Orders) -> list[str]:
    reasons: list[str] = []
    if spec.side not in SIDES:
        reasons.append(f"expected side BUY or SELL, found {spec.side!r}")
    if not (math.isfinite(spec.quantity) and spec.quantity > 0):
        reasons.append(f"expected a positive quantity, found {spec.quantity:g}")
    elif spec.quantity > limits.max_order_quantity:
        reasons.append(f"quantity {spec.quantity:g} is above max_order_quantity {limits.max_order_quantity:g}")
    if spec.order_type not in limits.kinds:
        reasons.append(f"expected an order type of {', '.join(limits.kinds)}, found {spec.order_type!r}")
    if spec.order_type == "LMT" and not math.isfinite(spec.limit_price):
        reasons.append("a limit order needs a limit price")
    if spec.order_type == "MKT" and not math.isnan(spec.limit_price):
        reasons.append("a market order takes no limit price")
    if spec.time_in_force not in TIMES_IN_FORCE:
        reasons.append(f"expected time in force DAY or GTC, found {spec.time_in_force!r}")
    return reasons


def _market_refusals(spec: OrderSpec, situation: Situation, limits: Orders) -> list[str]:
    contract, quote = situation.contract, situation.quote
    if contract is None:
        return [f"contract {spec.con_id} is not known"]
    reasons: list[str] = []
    if limits.symbols and contract.symbol not in limits.symbols:
        reasons.append(f"{contract.symbol} is not in orders.symbols")
    mark = quote.mark
    if math.isnan(mark):
        return [*reasons, f"there is no price for {contract.symbol}"]
    if not quote.age_s <= MAX_QUOTE_AGE_S:
        reasons.append(
            f"the quote of {contract.symbol} is {quote.age_s:.1f} s old, expected at most {MAX_QUOTE_AGE_S:g} s"
        )
    price = spec.limit_price if math.isfinite(spec.limit_price) else mark
    value = abs(spec.quantity * price * contract.multiplier)
    if not value <= limits.max_order_value:
        reasons.append(f"value {value:,.0f} is above max_order_value {limits.max_order_value:,.0f}")
    if math.isfinite(spec.limit_price) and abs(spec.limit_price - mark) > limits.price_collar * mark:
        reasons.append(
            f"limit {spec.limit_price:g} is more than {limits.price_collar:.0%} away from the market {mark:g}"
        )
    return reasons


def _load_refusals(situation: Situation, limits: Orders) -> list[str]:
    reasons: list[str] = []
    if situation.open_orders >= limits.max_open_orders:
        reasons.append(f"{situation.open_orders} orders are open, the limit is {limits.max_open_orders}")
    if situation.orders_last_minute >= limits.max_orders_a_minute:
        reasons.append(
            f"{situation.orders_last_minute} orders in the last minute, the limit is {limits.max_orders_a_minute}"
        )
    if situation.excess_after < 0 and not situation.reduces:
        reasons.append(f"excess liquidity after the order would be {situation.excess_after:,.0f}")
    return reasons
