"""What every contract is worth at given prices of the processes. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import date

from pipeline.gateway.market import bonds, days, dividends, listing, surface
from pipeline.gateway.market.chains import Chain, Theory
from pipeline.gateway.market.instruments import OPTIONS, Instrument
from pipeline.gateway.market.moves import Array
from pipeline.gateway.market.smile import Smile
from pipeline.gateway.market.universe import Universe

LEVERAGE = -0.6  # elasticity of the at-the-money volatility to the price
USUAL_VOL = 1.06  # implied against the yearly volatility of the moves
INDEX_SHAPE, STOCK_SHAPE = (-0.65, 1.15), (-0.30, 0.90)  # ρ and η of the surface
LEAST_VOL, MOST_VOL = 0.05, 2.0
FUNDS = ("SPY", "QQQ", "TLT")
CARRY = {row.symbol: listing.RATE - row.income for row in listing.FUTURES}  # yearly growth of a future over its price


def driver(x: Instrument) -> str:
    """The process that the contract's price is a function of."""
    if x.bond is not None:
        return "TLT"
    return "SPX" if x.symbol == "VIX" else x.process


class Worths:
    """Values contracts; `spot` always holds the prices of all processes, `index` their places in it."""

    def __init__(self, universe: Universe, index: Mapping[str, int], first: Array, vol: Array) -> None:
        self.universe, self.index, self.first, self.vol = universe, index, first, vol
        self._vix = (0.0, 0.0)
        self._bonds: dict[str, tuple[float, date, float]] = {}
        self._place: dict[int, tuple[Chain, int]] = {}
        self.group()

    def group(self) -> None:
        """Take the living options anew: one chain a class, on futures one an underlying."""
        self._place = {}
        groups: dict[tuple[str, int], list[Instrument]] = {}
        for x in self.universe.living():
            if x.sec_type in OPTIONS:
                groups.setdefault((x.symbol, x.under_con_id), []).append(x)
        for options in groups.values():
            options.sort(key=lambda x: (x.expiry, x.strike, x.right))
            chain = self._chain(options)
            self._place |= {x.con_id: (chain, n) for n, x in enumerate(options)}

    def _chain(self, options: list[Instrument]) -> Chain:
        under = self.universe.by_con_id[options[0].under_con_id]
        if under.sec_type == "FUT":
            carry, expiry = CARRY[under.symbol], under.expiry_date
            carried = lambda spot, now_ns: spot * math.exp(carry * days.years_to(expiry, now_ns))  # noqa: E731
            return Chain(options, listing.RATE, carried, self.smile)
        income = listing.INDEX_YIELD if under.process in listing.INDEX_PROCESSES else 0.0
        return Chain(options, income, lambda spot, _now_ns: spot, self.smile)

    def option(self, x: Instrument, spot: Array, now_ns: int, step: int) -> Theory:
        """A living option; its class is priced anew when `step` is another than the last."""
        chain, n = self._place[x.con_id]
        return chain.theories(step, float(spot[self.index[chain.process]]), now_ns)[n]

    def of(self, x: Instrument, spot: Array, now_ns: int) -> float:
        """Any living contract."""
        if x.sec_type not in OPTIONS:
            return self.linear(x, spot, now_ns)
        chain, n = self._place[x.con_id]
        return chain.worths(float(spot[self.index[chain.process]]), now_ns)[n]

    def final(self, x: Instrument, spot: Array, now_ns: int) -> float:
        """A derivative when its last day is over: of an option what exercise gives."""
        if x.sec_type not in OPTIONS:
            return self.linear(x, spot, now_ns)
        under = self.linear(self.universe.by_con_id[x.under_con_id], spot, now_ns)
        return max(under - x.strike if x.right == "C" else x.strike - under, 0.0)

    def linear(self, x: Instrument, spot: Array, now_ns: int) -> float:
        """What is no option."""
        if x.bond is not None:
            return self._bond(x.bond, float(spot[self.index["TLT"]]), days.new_york(now_ns).date())
        if x.symbol == "VIX":
            return self._volatility_index(float(spot[self.index["SPX"]]))
        level = float(spot[self.index[x.process]]) * x.factor
        if x.sec_type == "FUT":
            return level * math.exp(CARRY[x.symbol] * days.years_to(x.expiry_date, now_ns))
        return level + dividends.accrued(x.symbol, days.new_york(now_ns).date()) if x.symbol in FUNDS else level

    def _bond(self, bond: listing.Bond, etf: float, day: date) -> float:
        """A bond with the long Treasury ETF at `etf`; its last price is remembered."""
        known = self._bonds.get(bond.cusip)
        if known is None or known[:2] != (etf, day):
            price = bonds.price(bond, day, bonds.shift_of(etf, listing.TLT.price))
            known = self._bonds[bond.cusip] = etf, day, price
        return known[2]

    def smile(self, process: str, spot: float) -> Smile:
        """The volatility surface of a class: it rises as the price falls."""
        n = self.index[process]
        long = USUAL_VOL * float(self.vol[n])
        now = long * math.pow(spot / float(self.first[n]), LEVERAGE)
        skew, curve = INDEX_SHAPE if process in listing.INDEX_PROCESSES else STOCK_SHAPE
        return Smile(min(max(now, LEAST_VOL), MOST_VOL), long, skew, curve)

    def _volatility_index(self, level: float) -> float:
        """VIX with the index at `level`; the last one is remembered."""
        if self._vix[0] != level:
            self._vix = level, surface.volatility_index(self.smile("SPX", level))
        return self._vix[1]
