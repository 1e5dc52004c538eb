"""A contract's prices and volumes from those of the price that it follows. Pure."""

from __future__ import annotations

import math
import zlib
from datetime import date
from typing import Protocol

import numpy as np

from pipeline.gateway.market import days, dividends, listing
from pipeline.gateway.market.instruments import Instrument
from pipeline.gateway.market.path import Array, Atoms

NODES = 9  # prices at which what is not proportional is valued; between them it is interpolated
FUNDS = ("SPY", "QQQ", "TLT")
DOLLARS_A_DAY = {"SPY": 40e9, "QQQ": 18e9, "TLT": 4e9}
CONTRACTS_A_DAY = {"ES": 1_400_000, "NQ": 620_000}
MEAN_TRADE = {"STK": 120.0, "FUT": 2.5, "OPT": 4.0, "FOP": 3.0, "BOND": 20.0, "IND": 1.0}
INDEX_UPDATES = 9_000.0  # a day


class Valuing(Protocol):
    """What values a contract at any price and time."""

    def worth(self, x: Instrument, level: float, now_ns: int) -> float: ...


def contract_prices(market: Valuing, x: Instrument, atoms: Atoms) -> Atoms:
    """The contract's own four prices in each step of one day; a put's high comes from the low that it follows."""
    if not len(atoms):
        return atoms
    columns = np.stack((atoms.open, atoms.high, atoms.low, atoms.close))
    if x.sec_type in ("STK", "CASH"):
        day = days.new_york(int(atoms.time[0]) * days.NS).date()
        values = columns * x.factor + (dividends.accrued(x.symbol, day) if x.symbol in FUNDS else 0.0)
    else:
        values = _interpolated(market, x, atoms, columns)
    return Atoms(atoms.time, values[0], values.max(axis=0), values.min(axis=0), values[3], atoms.activity, atoms.since)


def _interpolated(market: Valuing, x: Instrument, atoms: Atoms, columns: Array) -> Array:
    low, high = float(columns.min()), float(columns.max())
    nodes = np.linspace(low, max(high, low * (1.0 + 1e-9)), NODES)
    first, last = int(atoms.time[0]), int(atoms.time[-1]) + 1
    early, late = (
        np.interp(columns, nodes, [market.worth(x, float(level), at * days.NS) for level in nodes])
        for at in (first, last)
    )
    share = (atoms.time - first) / (last - first)
    mixed: Array = early + (late - early) * share
    return mixed


def half_spread(x: Instrument, price: Array) -> Array:
    """Half of what lies between bid and ask at midday."""
    if x.sec_type in ("OPT", "FOP"):
        return x.min_tick * 0.6 + 0.006 * np.minimum(price, 40.0)
    if x.sec_type == "BOND":
        return 0.0006 * price
    return 0.25 * x.min_tick + (0.000012 if x.sec_type == "STK" else 0.0) * price


def step(x: Instrument, price: Array) -> Array:
    """The contract's price step at each price."""
    edges, steps = zip(*listing.MARKET_RULES[x.rule_id], strict=True)
    found: Array = np.asarray(steps)[np.clip(np.searchsorted(edges, price, "right") - 1, 0, None)]
    return found


def on_grid(x: Instrument, price: Array, side: str) -> Array:
    """Prices on the contract's grid: the nearest for a trade, below for a bid, above for an ask, the middle of both."""
    if x.sec_type == "IND":
        return np.round(price, 2)
    if side == "MIDPOINT":
        return np.round((on_grid(x, price, "BID") + on_grid(x, price, "ASK")) / 2.0, 6)
    half = 0.0 if side == "TRADES" else half_spread(x, price) * (-1.0 if side == "BID" else 1.0)
    shifted = np.maximum(price + half, 0.0)
    steps = step(x, shifted)
    if side == "TRADES":
        counted = np.maximum(np.round(shifted / steps), 1.0)
    else:
        counted = np.floor(shifted / steps + 1e-9) if side == "BID" else np.ceil(shifted / steps - 1e-9)
    return np.round(counted * steps, 8)


def daily_volume(x: Instrument, first_price: float) -> float:
    """Units that change hands on a usual day; 0 for what only has quotes."""
    chance = zlib.crc32(f"{x.con_id} volume".encode()) / 2**32
    if x.sec_type == "STK":
        return DOLLARS_A_DAY.get(x.symbol, 1.2e9 * math.pow(8.0, chance)) / first_price
    if x.sec_type == "FUT":
        return CONTRACTS_A_DAY.get(x.symbol, 150_000.0 * math.pow(3.0, chance))
    if x.sec_type in ("OPT", "FOP"):
        return 200.0 * math.pow(20.0, chance)
    return 2_000.0 * math.pow(4.0, chance) if x.sec_type == "BOND" else 0.0


def volumes(x: Instrument, atoms: Atoms, first_price: float) -> tuple[Array, Array]:
    """Whole units and trades of each step; the steps of a minute add up to the minute's."""
    a_day = daily_volume(x, first_price)
    trades = INDEX_UPDATES if x.sec_type == "IND" else a_day / MEAN_TRADE.get(x.sec_type, 1.0)
    within, own = atoms.since, atoms.activity
    return _whole_steps(within * a_day, own * a_day), _whole_steps(within * trades, own * trades)


def _whole_steps(until: Array, own: Array) -> Array:
    slack = 1e-6
    whole: Array = np.floor(until + slack) - np.floor(until - own + slack)
    return np.maximum(whole, 0.0)


def first_day(x: Instrument, head: date) -> date:
    """The first day on which the contract has prices: options and futures are listed for a while only."""
    if not x.expiry or x.sec_type == "BOND":
        return head
    from_expiry = date.fromordinal(x.expiry_date.toordinal() - (120 if x.sec_type in ("OPT", "FOP") else 455))
    return max(head, days.business_day(from_expiry))
