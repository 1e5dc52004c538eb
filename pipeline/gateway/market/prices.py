"""A seeded market: correlated prices in fixed steps, option classes on a smile, futures at their carry. Pure.

The path depends on the seed, the clock's rate and the number of steps alone, never on who looks at it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np

from pipeline.gateway.market import days, listing, surface
from pipeline.gateway.market.universe import Instrument, Universe, price_step

STEP_S = 0.05  # real seconds between two moves of the prices
OPTION_STEPS = 4  # option classes follow every fourth move
BLOCK = 1024  # steps whose random numbers are made at once
TRADING_YEAR_S = 252.0 * 6.5 * 3600.0
LEVERAGE = -0.6  # elasticity of the at-the-money volatility to the price
GAP = 0.006  # size of the gap between yesterday's close and the first open


@dataclass(frozen=True, slots=True)
class Theory:
    """What a contract is worth now; the sensitivities are 0 for what is no option."""

    mid: float
    iv: float = 0.0
    delta: float = 0.0
    gamma: float = 0.0
    vega: float = 0.0
    theta: float = 0.0
    under: float = 0.0


class Market:
    """Prices of the processes at step `step`; `now_ns` is market time."""

    def __init__(self, universe: Universe, seed: int, start_ns: int, clock: float) -> None:
        self.universe, self.seed, self.start_ns, self.clock = universe, seed, start_ns, clock
        rows = [(x.symbol, x.price, x.vol, x.correlation) for x in listing.STOCKS]
        rows += [("SPX", listing.SPX_PRICE, listing.SPX_VOL, 1.0)]
        rows += [("NDX", listing.NDX_PRICE, listing.NDX_VOL, listing.NDX_CORRELATION)]
        self.names = [row[0] for row in rows]
        self.index = {name: n for n, name in enumerate(self.names)}
        self.first = np.array([row[1] for row in rows])
        self.vol = np.array([row[2] for row in rows])
        self.correlation = np.array([row[3] for row in rows])
        self.spot = self.first.copy()
        gap = np.random.default_rng([seed, 1 << 40]).standard_normal(len(rows))
        self.close = self.first * np.exp(GAP * gap * self.vol / 0.25)
        self.step = 0
        self.observers: list[Callable[[], None]] = []  # called after each step
        self.option_spot, self.option_step = self.spot, 0
        self._block_no = -1
        self._block = np.empty((0, len(rows)))
        self._classes = [_Class(self, kind) for kind in listing.OPTIONS]
        self._place = {c: (chain, n) for chain in self._classes for n, c in enumerate(chain.con_ids)}

    def dump(self) -> dict[str, Any]:
        """The state of the prices as JSON takes it."""
        return {
            "now_ns": self.now_ns,
            "step": self.step,
            "spot": self.spot.tolist(),
            "close": self.close.tolist(),
            "option_spot": self.option_spot.tolist(),
            "option_step": self.option_step,
        }

    def restore(self, state: dict[str, Any]) -> None:
        self.step, self.option_step = state["step"], state["option_step"]
        self.start_ns = state["now_ns"] - round(self.step * STEP_S * self.clock * days.NS)
        self.spot, self.close, self.option_spot = (np.array(state[name]) for name in ("spot", "close", "option_spot"))

    @property
    def now_ns(self) -> int:
        return self.time_of(self.step)

    def time_of(self, step: int) -> int:
        return self.start_ns + round(step * STEP_S * self.clock * days.NS)

    def advance(self, step: int) -> None:
        """Move on to `step`."""
        dt = STEP_S * self.clock / TRADING_YEAR_S
        while self.step < step:
            block, row = divmod(self.step, BLOCK)
            if block != self._block_no:
                self._draw(block)
            move = self.vol * math.sqrt(dt) * self._block[row] - 0.5 * self.vol**2 * dt
            self.spot = self.spot * np.exp(move)
            self.step += 1
            if self.step % OPTION_STEPS == 0:
                self.option_spot, self.option_step = self.spot, self.step
            for observe in self.observers:
                observe()

    def _draw(self, block: int) -> None:
        numbers = np.random.default_rng([self.seed, block]).standard_normal((BLOCK, len(self.names) + 1))
        own = np.sqrt(1.0 - self.correlation**2)
        self._block = numbers[:, :1] * self.correlation + numbers[:, 1:] * own
        self._block_no = block

    def price(self, process: str) -> float:
        return float(self.spot[self.index[process]])

    def theory(self, instrument: Instrument) -> Theory:
        """The present worth of any contract."""
        if instrument.sec_type == "OPT":
            chain, n = self._place[instrument.con_id]
            return chain.theory(n)
        return Theory(self._linear(instrument, self.price(instrument.process), self.now_ns))

    def closing(self, instrument: Instrument) -> float:
        """Yesterday's closing price, on the contract's price grid."""
        process = instrument.process
        spot = float(self.close[self.index[process]])
        if instrument.sec_type == "OPT":
            chain, n = self._place[instrument.con_id]
            worth = chain.closing(spot)[n]
        else:
            worth = self._linear(instrument, spot, self.start_ns)
        step = price_step(instrument.rule_id, worth)
        return round(max(round(worth / step), 1) * step, 6)

    def _linear(self, instrument: Instrument, spot: float, now_ns: int) -> float:
        if instrument.sec_type == "FUT":
            years = days.years_to(instrument.expiry_date, now_ns)
            return spot * math.exp((listing.RATE - listing.INDEX_YIELD) * years)
        return spot * instrument.factor

    def at_the_money(self, process: str, spot: float) -> float:
        """Volatility of the class: rises as the price falls."""
        n = self.index[process]
        level: float = 1.06 * float(self.vol[n]) * math.pow(spot / float(self.first[n]), LEVERAGE)
        return min(max(level, 0.05), 2.0)

    def roll_day(self) -> None:
        """A new business day opens: the present prices become yesterday's close."""
        self.close = self.spot.copy()


class _Class:
    """One option class, priced as a whole, and only when somebody asks after a move."""

    def __init__(self, market: Market, kind: listing.OptionClass) -> None:
        self.market, self.american = market, kind.american
        options = market.universe.options(kind.symbol)
        self.con_ids = [x.con_id for x in options]
        self.process = options[0].process
        self.strike = np.array([x.strike for x in options])
        self.call = np.array([x.right == "C" for x in options])
        self.expiry: list[date] = [x.expiry_date for x in options]
        self.dividend = listing.INDEX_YIELD if self.process in listing.INDEX_PROCESSES else 0.0
        self._step = -1
        self._rows: list[Theory] = []

    def _prices(self, spot: float, now_ns: int) -> surface.Prices:
        by_day = {day: days.years_to(day, now_ns) for day in set(self.expiry)}
        years = np.array([by_day[day] for day in self.expiry])
        vol = self.market.at_the_money(self.process, spot)
        return surface.price_class(spot, self.strike, years, self.call, vol, listing.RATE, self.dividend, self.american)

    def theory(self, n: int) -> Theory:
        market = self.market
        if self._step != market.option_step:
            spot = float(market.option_spot[market.index[self.process]])
            p = self._prices(spot, market.time_of(market.option_step))
            columns = (p.price, p.iv, p.delta, p.gamma, p.vega, p.theta)
            rows = zip(*(x.tolist() for x in columns), strict=True)
            self._rows = [Theory(a, b, c, d, e, f, spot) for a, b, c, d, e, f in rows]
            self._step = market.option_step
        return self._rows[n]

    def closing(self, spot: float) -> list[float]:
        closing: list[float] = self._prices(spot, self.market.start_ns).price.tolist()
        return closing
