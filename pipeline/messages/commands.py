"""Commands and replies (DEALER to ROUTER), and what a child tells the supervisor."""

from __future__ import annotations

import math
from typing import Any

import msgspec

from pipeline.messages.maps import State
from pipeline.messages.trading import OrderSpec


class Command(msgspec.Struct, frozen=True, kw_only=True, tag_field="verb"):
    """A request to a process; `request_id` comes back in the reply, `actor` says who asks."""

    request_id: str
    actor: str = ""


class AddSymbol(Command, frozen=True, kw_only=True, tag="add_symbol"):
    """To ingest: watch this contract; symbol alone means the US stock, ETF or index of that name."""

    symbol: str = ""
    con_id: int = 0


class RemoveSymbol(Command, frozen=True, kw_only=True, tag="remove_symbol"):
    """To ingest: watch it no longer (a held contract keeps its line)."""

    con_id: int


class FindSymbols(Command, frozen=True, kw_only=True, tag="find_symbols"):
    """To ingest: contracts whose symbol or name has this pattern."""

    pattern: str


class Explain(Command, frozen=True, kw_only=True, tag="explain"):
    """To margin: the explained tree of an account now."""

    account: str


class WhatIf(Command, frozen=True, kw_only=True, tag="what_if"):
    """To margin: the account with these trades added."""

    account: str
    trades: list[OrderSpec]


class PreviewOrder(Command, frozen=True, kw_only=True, tag="preview_order"):
    """To orders: margin before and after, by our model and by TWS."""

    spec: OrderSpec


class PlaceOrder(Command, frozen=True, kw_only=True, tag="place_order"):
    """To orders: send it, once per client_key."""

    client_key: str
    spec: OrderSpec


class ModifyOrder(Command, frozen=True, kw_only=True, tag="modify_order"):
    """To orders: new quantity and limit for a working order of ours."""

    client_key: str
    order_id: int
    quantity: float
    limit_price: float = math.nan


class CancelOrder(Command, frozen=True, kw_only=True, tag="cancel_order"):
    """To orders: cancel one."""

    order_id: int


class CancelAll(Command, frozen=True, kw_only=True, tag="cancel_all"):
    """To orders: TWS's global cancel, which also ends orders made in TWS."""


class EnableTrading(Command, frozen=True, kw_only=True, tag="enable_trading"):
    """To orders: arm one account for some hours (at most 8)."""

    account: str
    hours: float = 8.0


class DisableTrading(Command, frozen=True, kw_only=True, tag="disable_trading"):
    """To orders: disarm."""


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to a command; `text` is for a person, `body` for a program."""

    request_id: str
    ok: bool
    text: str = ""
    body: dict[str, Any] = {}


class Beat(msgspec.Struct, frozen=True, kw_only=True):
    """What a child tells the supervisor, from the loop that does its work."""

    process: str
    pid: int
    state: State
    loop_lag_ms: float = math.nan
    queue: int = 0
    seq: int = 0
    rss_bytes: int = 0
    detail: dict[str, Any] = {}
    last_error: str = ""
