"""Rates per underlying and per future: dated tables, and the user's house rates above them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.margin.kernels import requirements
from pipeline.margin.rules import tables

IBKR_REG_T, CBOE = "ibkr_reg_t", "cboe"


@dataclass(frozen=True, slots=True)
class FutureRate:
    """One contract's maintenance and initial margin, dollars, with the day and origin of the figure."""

    symbol: str
    maintenance: float
    initial: float
    date: str
    source: str


class RateBook:
    """Looks rates up. `rule_set` is ibkr_reg_t or cboe; `house` maps a symbol to a long stock's maintenance rate."""

    def __init__(self, rule_set: str = IBKR_REG_T, house: Mapping[str, float] | None = None) -> None:
        self.rule_set = rule_set
        self._house = dict(house or {})
        stocks, options, futures = tables.load("stocks"), tables.load("options"), tables.load("futures")
        self._stock = {row["kind"]: row for row in stocks["rates"]}
        self._broad_etfs = frozenset(stocks["broad_etf"]["symbols"])
        self._leverage: dict[str, float] = stocks["leverage"]["symbols"]
        self._reg_t: float = stocks["reg_t"]["rate"]
        self._short: float = stocks["short"]["rate"]
        self._initial_factor: float = stocks["house"]["initial_factor"]
        self._option = {
            row["kind"]: (row["basic"], row["floor"])
            for row in options["classes"]
            if row.get("rule_set", rule_set) == rule_set
        }
        self._broad_indices = frozenset(options["broad_index"]["symbols"])
        self._futures = futures["contracts"]
        self._future_factor: float = futures["initial_factor"]

    def class_of(self, symbol: str, sec_type: str, stock_type: str = "") -> str:
        """equity · broad_index · broad_etf · leveraged_etf."""
        if sec_type == "IND":
            return "broad_index" if symbol in self._broad_indices else "equity"
        if symbol in self._leverage:
            return "leveraged_etf"
        return "broad_etf" if symbol in self._broad_etfs and stock_type in ("ETF", "") else "equity"

    def vector(self, symbol: str, kind: str, leverage: float | None = None) -> NDArray[np.float64]:
        """The vector of rates that kernels read, of an underlying of this class."""
        factor = abs(self._leverage.get(symbol, 1.0) if leverage is None else leverage)
        basic, floor = self._option.get(kind, self._option["equity"])
        stock = self._stock.get(kind, self._stock["stock"])
        rates = np.zeros(requirements.RATES)
        rates[requirements.BASIC] = basic * factor
        rates[requirements.FLOOR] = floor * factor
        rates[requirements.LONG_MAINTENANCE] = min(stock["maintenance"] * factor, 1.0)
        rates[requirements.LONG_INITIAL] = min(stock["initial"] * factor, 1.0)
        rates[requirements.SHORT_RATE] = min(self._short * factor, 1.0)
        rates[requirements.REG_T] = self._reg_t
        rates[requirements.IBKR] = float(self.rule_set == IBKR_REG_T)
        if symbol in self._house:
            self._apply_house(rates, self._house[symbol])
        if self.rule_set == CBOE:
            rates[requirements.LONG_MAINTENANCE] = min(0.25 * factor, 1.0)
            rates[requirements.LONG_INITIAL] = self._reg_t
        rates[requirements.HOUSE_INITIAL_HEDGED] = rates[requirements.LONG_INITIAL]
        return rates

    def _apply_house(self, rates: NDArray[np.float64], maintenance: float) -> None:
        rates[requirements.LONG_MAINTENANCE] = maintenance
        rates[requirements.LONG_INITIAL] = min(self._initial_factor * maintenance, 1.0)
        rates[requirements.SHORT_HOUSE_MAINTENANCE] = maintenance  # short: initial equals maintenance
        rates[requirements.SHORT_HOUSE_INITIAL] = maintenance

    def future(self, symbol: str, day: str = "") -> FutureRate | None:
        """The newest row not after `day` (yyyy-mm-dd; empty: the newest), else the oldest; None if there is none."""
        rows = sorted((row for row in self._futures if row["symbol"] == symbol), key=lambda row: str(row["date"]))
        if not rows:
            return None
        past = [row for row in rows if not day or row["date"] <= day]
        row = past[-1] if past else rows[0]
        maintenance = float(row["maintenance"])
        return FutureRate(symbol, maintenance, maintenance * self._future_factor, row["date"], row["source"])
