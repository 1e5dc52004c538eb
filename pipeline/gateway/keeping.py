"""The state that survives the gateway: market, accounts, orders, executions, in one small file written atomically."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, fields
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.gateway.broker.accounts import Account, Position
from pipeline.gateway.broker.brokerage import Brokerage
from pipeline.gateway.broker.ordering import Fill, Order
from pipeline.gateway.market import days, universe
from pipeline.gateway.market.prices import STEP_S, Market
from pipeline.gateway.market.tape import Quote, Tape

FORMAT = 1


def begin(day: date, seed: int, clock: float) -> Brokerage:
    """A fresh market that opens on `day`, or on the next business day when it is none."""
    day = days.business_day(day)
    market = Market(universe.build(day), seed, days.ns_of(day, days.OPEN), clock)
    return Brokerage(market, Tape(market, seed))


def dump(brokerage: Brokerage) -> bytes:
    """Everything, as JSON."""
    market = brokerage.market
    state = {
        "format": FORMAT,
        "day": market.universe.day.isoformat(),
        "seed": market.seed,
        "now_ns": market.now_ns,
        "step": market.step,
        "spot": market.spot.tolist(),
        "close": market.close.tolist(),
        "option_spot": market.option_spot.tolist(),
        "option_step": market.option_step,
        "quotes": {str(con_id): asdict(quote) for con_id, quote in brokerage.tape.quotes.items()},
        "accounts": [asdict(account) for account in brokerage.accounts.values()],
        "orders": [asdict(order) for order in brokerage.orders.values()],
        "completed": [[order.client_id, order.order_id] for order in brokerage.completed],
        "fills": [asdict(fill) for fill in brokerage.fills],
        "last_order_id": {str(client): order_id for client, order_id in brokerage.last_order_id.items()},
        "next_perm_id": brokerage.next_perm_id,
        "next_execution": brokerage.next_execution,
    }
    return json.dumps(state, default=str).encode()


def load(data: bytes, clock: float) -> Brokerage:
    """The brokerage as it was saved; ValueError if the file isn't one of this format."""
    state = json.loads(data)
    if state.get("format") != FORMAT:
        raise ValueError(f"expected format {FORMAT}, found {state.get('format')!r}")
    brokerage = begin(date.fromisoformat(state["day"]), state["seed"], clock)
    market = brokerage.market
    market.step, market.option_step = state["step"], state["option_step"]
    market.start_ns = state["now_ns"] - round(state["step"] * STEP_S * clock * days.NS)
    market.spot, market.close, market.option_spot = (np.array(state[name]) for name in ("spot", "close", "option_spot"))
    brokerage.tape.quotes = {int(con_id): Quote(**row) for con_id, row in state["quotes"].items()}
    brokerage.accounts = {row["name"]: _account(row) for row in state["accounts"]}
    orders = [Order(**_decimals(Order, row)) for row in state["orders"]]
    brokerage.orders = {(order.client_id, order.order_id): order for order in orders}
    brokerage.completed = [brokerage.orders[client, order_id] for client, order_id in state["completed"]]
    brokerage.fills = [Fill(**_decimals(Fill, row)) for row in state["fills"]]
    brokerage.last_order_id = {int(client): order_id for client, order_id in state["last_order_id"].items()}
    brokerage.next_perm_id, brokerage.next_execution = state["next_perm_id"], state["next_execution"]
    return brokerage


def _account(row: dict[str, Any]) -> Account:
    positions = {int(c): Position(**_decimals(Position, p)) for c, p in row.pop("positions").items()}
    return Account(**_decimals(Account, row), positions=positions)


def _decimals(kind: type, row: dict[str, Any]) -> dict[str, Any]:
    """Money stands as text in the file."""
    money = {field.name for field in fields(kind) if "Decimal" in str(field.type)}
    return {key: Decimal(value) if key in money and value is not None else value for key, value in row.items()}


def save(path: Path, data: bytes) -> None:
    """Replace the file in one step; a kill leaves the old one or the new one."""
    fresh = path.with_suffix(".new")
    fresh.write_bytes(data)
    os.replace(fresh, path)
