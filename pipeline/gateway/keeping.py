"""The state that survives the gateway: market, accounts, orders, executions, in one small file written atomically."""

from __future__ import annotations

import json
import os
from datetime import date
from pathlib import Path

from pipeline.gateway.broker.brokerage import Brokerage
from pipeline.gateway.market import days, universe
from pipeline.gateway.market.prices import Market
from pipeline.gateway.market.tape import Tape

FORMAT = 4


def begin(day: date, seed: int, clock: float, hours: str = "calendar", advised: bool = False) -> Brokerage:
    """A fresh market that opens on `day`, or on the next business day when it is none.

    `hours`: calendar or always; `advised`: the accounts are an advisor's clients'.
    """
    day = days.business_day(day)
    market = Market(universe.build(day), seed, days.ns_of(day, days.OPEN), clock, hours)
    return Brokerage(market, Tape(market, seed), advised=advised)


def dump(brokerage: Brokerage) -> bytes:
    """Everything, as JSON; each part says what it is."""
    market = brokerage.market
    state = {
        "format": FORMAT,
        "day": market.universe.first.isoformat(),
        "seed": market.seed,
        "market": market.dump(),
        "quotes": brokerage.tape.dump(),
        "accounts": brokerage.bank.dump(),
        "brokerage": brokerage.dump(),
    }
    return json.dumps(state, default=str).encode()


def load(data: bytes, clock: float, hours: str = "calendar", advised: bool = False) -> Brokerage:
    """The brokerage as it was saved; ValueError if the file isn't one of this format."""
    state = json.loads(data)
    if state.get("format") != FORMAT:
        raise ValueError(f"expected format {FORMAT}, found {state.get('format')!r}")
    brokerage = begin(date.fromisoformat(state["day"]), state["seed"], clock, hours, advised)
    brokerage.market.restore(state["market"])
    brokerage.tape.restore(state["quotes"])
    brokerage.bank.restore(state["accounts"])
    brokerage.restore(state["brokerage"])
    return brokerage


def save(path: Path, data: bytes) -> None:
    """Replace the file in one step; a kill leaves the old one or the new one."""
    fresh = path.with_suffix(".new")
    fresh.write_bytes(data)
    os.replace(fresh, path)
