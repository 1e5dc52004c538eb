"""A seeded market: correlated prices in fixed steps, seen by each kind of contract while its exchange is open. Pure.

The path depends on the seed, the clock's rate, the hours and the number of steps alone, never on who looks at it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import numpy as np

from pipeline.gateway.market import days, dividends, listing, moves, sessions, worths
from pipeline.gateway.market.chains import Theory
from pipeline.gateway.market.instruments import DERIVATIVES, OPTIONS, Instrument, price_step
from pipeline.gateway.market.moves import Array
from pipeline.gateway.market.sessions import PAIR, STOCK, Phase
from pipeline.gateway.market.smile import Smile
from pipeline.gateway.market.universe import Universe

__all__ = ["STEP_S", "Market", "Theory"]

STEP_S = 0.05  # real seconds between two moves of the prices
OPTION_STEPS = 4  # option classes follow every fourth move
TRADING_DAY_S = 6.5 * 3600.0
TRADING_YEAR_S = 252.0 * TRADING_DAY_S
MINUTE_NS = 60 * days.NS
BAND, HALT_NS = 0.05, 5 * MINUTE_NS  # a stock that jumps further stands still (LULD)
NOT_HALTED, GENERAL_HALT, VOLATILITY_HALT = 0, 1, 2
KEPT_FIXINGS = 10
STALE = -1  # the options on a view that opens follow at once


Pattern = tuple[int, dict[str, float], dict[str, float]]  # minute, volume and spread by kind


class View:
    """The prices as one kind of contract has them: of the last moment at which it traded."""

    __slots__ = ("now_ns", "slow_ns", "slow_spot", "spot", "step")

    def __init__(self, spot: Array, now_ns: int) -> None:
        self.spot, self.now_ns = spot, now_ns
        self.slow_spot, self.slow_ns, self.step = spot, now_ns, 0  # as the options on it follow, every fourth step


class Market:
    """Prices of the processes at step `step`; `now_ns` is market time."""

    _known_pattern: Pattern = (-1, {}, {})

    def __init__(self, universe: Universe, seed: int, start_ns: int, clock: float, hours: str = "calendar") -> None:
        self.universe, self.seed, self.start_ns, self.clock = universe, seed, start_ns, clock
        rows = moves.rows()
        self.names = [row[0] for row in rows]
        self.index = {name: n for n, name in enumerate(self.names)}
        self.first, self.vol, self.correlation = (np.array([row[n] for row in rows]) for n in (1, 2, 3))
        self._kinds = [row[4] for row in rows]
        self.spot = self.first.copy()
        gap = np.random.default_rng([seed, 1 << 40]).standard_normal(len(rows))
        self.close = self.first * np.exp(moves.GAP * gap * self.vol / 0.25)
        self.close_ns = days.ns_of(days.business_day_before(universe.day), days.CLOSE)
        self.step = 0
        self.observers: list[Callable[[], None]] = []  # called after each step
        self.fixings: dict[str, list[float]] = {}  # day YYYYMMDD → the prices at its close
        self.hours = {kind: sessions.Hours(kind, hours == "always") for kind in sessions.KINDS}
        self.halts: dict[int, tuple[int, float]] = {}  # process → until when, price at which it stands
        self.views = {kind: View(self.spot, start_ns) for kind in sessions.KINDS}
        self._moves = moves.Moves(seed, self.correlation, len(listing.STOCKS))
        self._open: list[View] = []
        self._until = 0
        self._sd = self._drift = self.spot
        self._chance = 0.0
        self._date = days.new_york(start_ns).date()
        self.worths = worths.Worths(universe, self.index, self.first, self.vol)
        self._begin_minute(start_ns)

    # Time.

    @property
    def now_ns(self) -> int:
        return self.time_of(self.step)

    def time_of(self, step: int) -> int:
        return self.start_ns + round(step * STEP_S * self.clock * days.NS)

    def advance(self, step: int) -> None:
        """Move on to `step`."""
        while self.step < step:
            move = self._moves.at(self.step)
            if self.now_ns >= self._until:
                self._begin_minute(self.now_ns)
            self.spot = self.spot * np.exp(self._sd * move - self._drift)
            jumps = self._moves.jumps(self.step, self._chance)
            self.step += 1
            now = self.now_ns
            if jumps:
                self._jump(jumps, now)
            shown = self._standing() if self.halts else self.spot
            slow = self.step % OPTION_STEPS == 0
            for view in self._open:
                view.spot, view.now_ns = shown, now
                if slow or view.step == STALE:
                    view.slow_spot, view.slow_ns, view.step = shown, now, self.step
            for observe in self.observers:
                observe()

    def _begin_minute(self, now: int) -> None:
        """What holds for the market minute of `now`: who trades, how lively, who stands still."""
        now = now // MINUTE_NS * MINUTE_NS  # a market that is restored within a minute goes on as the one that was kept
        self._until = now + MINUTE_NS
        moment = days.new_york(now)
        if moment.date() != self._date:
            self._begin_date(moment.date())
        if days.is_business_day(self._date) and moment.time() >= days.closing_time(self._date):
            self._fix(f"{self._date:%Y%m%d}")
        self.halts = {n: halt for n, halt in self.halts.items() if halt[0] > now}
        was_open = self._open
        self._open = [v for kind, v in self.views.items() if self.hours[kind].phase(now) is not Phase.CLOSED]
        for view in self._open:
            if view not in was_open:
                view.step = STALE
        dt = STEP_S * self.clock / TRADING_YEAR_S
        lively = {kind: sessions.variance(kind, self.hours[kind], now) for kind in sessions.KINDS}
        share = np.array([lively[kind] for kind in self._kinds])
        share[: len(listing.STOCKS)] *= moves.CALM
        self._sd, self._drift = self.vol * np.sqrt(share * dt), 0.5 * self.vol**2 * share * dt
        self._chance = moves.JUMPS_A_YEAR * dt if self.hours[STOCK].phase(now) is Phase.OPEN else 0.0

    def _begin_date(self, day: date) -> None:
        """Midnight: what goes ex on `day` loses its dividend."""
        while self._date < day:
            if days.is_business_day(self._date):
                self._fix(f"{self._date:%Y%m%d}")  # a very fast clock may have passed over the evening
            self._date += timedelta(days=1)
            for row in listing.STOCKS:
                paid = dividends.on(row.symbol, self._date)
                if paid:
                    self.spot = self.spot.copy()
                    self.spot[self.index[row.symbol]] -= paid

    def _fix(self, day: str) -> None:
        """Keep the prices at the close, once a day."""
        if day in self.fixings:
            return
        self.fixings[day] = self.views[STOCK].spot.tolist()
        for old in list(self.fixings)[:-KEPT_FIXINGS]:
            del self.fixings[old]

    def _jump(self, jumps: list[tuple[int, float]], now: int) -> None:
        self.spot = self.spot.copy()
        for n, size in jumps:
            before, leap = float(self.spot[n]), moves.JUMP_SIZE * float(self.vol[n]) * size
            self.spot[n] = before * math.exp(leap)
            if abs(leap) > BAND and n not in self.halts:
                self.halts[n] = now + HALT_NS, before * math.exp(math.copysign(BAND, leap))

    def _standing(self) -> Array:
        shown = self.spot.copy()
        for n, (_, price) in self.halts.items():
            shown[n] = price
        return shown

    # What others ask.

    def ended(self, x: Instrument) -> bool:
        """A derivative whose last day of trading is over; it is found until the next business day begins."""
        return x.sec_type in DERIVATIVES and self.now_ns >= days.end_of(x.expiry)

    def phase(self, x: Instrument) -> Phase:
        """What the contract's exchange does now; what has ended isn't traded any more."""
        if self.ended(x):
            return Phase.CLOSED
        return self.hours[sessions.kind_of(x)].phase(self.now_ns)

    def halted(self, x: Instrument) -> int:
        """As tick type 49 tells it: 0 no; 2 a stock after a large move; 1 the options on it."""
        n = self.index.get(x.process, -1)
        if n not in self.halts or x.sec_type not in ("STK", "OPT"):
            return NOT_HALTED
        return VOLATILITY_HALT if x.sec_type == "STK" else GENERAL_HALT

    def volume_factor(self, x: Instrument) -> float:
        """Pace of trading in this minute against the session's mean: 0 while closed or halted."""
        return 0.0 if self.halted(x) else self._pattern()[1][sessions.OF_TYPE[x.sec_type]]

    def spread_factor(self, x: Instrument) -> float:
        """Width of the quotes in this minute against that of midday."""
        return self._pattern()[2][sessions.OF_TYPE[x.sec_type]]

    def _pattern(self) -> Pattern:
        """Pace and width by kind, made anew each market minute."""
        minute = self.now_ns // MINUTE_NS
        if self._known_pattern[0] != minute:
            at, hours = minute * MINUTE_NS, self.hours
            pace = {kind: sessions.volume_factor(hours[kind], at) for kind in sessions.KINDS}
            width = {kind: sessions.spread_factor(hours[kind], at) for kind in sessions.KINDS}
            self._known_pattern = minute, pace, width
        return self._known_pattern

    def fx(self, currency: str) -> float:
        """US dollars for one unit of `currency`; KeyError if no pair has it."""
        if currency == "USD":
            return 1.0
        spot = self.views[PAIR].spot
        direct = self.index.get(f"{currency}.USD")
        return float(spot[direct]) if direct is not None else 1.0 / float(spot[self.index[f"USD.{currency}"]])

    def dividends(self, symbol: str) -> list[tuple[date, float]]:
        """Ex-dates from the present day on through a year, and the amount of each."""
        return dividends.between(symbol, self.universe.day, self.universe.day + timedelta(days=365))

    def price(self, process: str) -> float:
        return float(self.spot[self.index[process]])

    def theory(self, x: Instrument) -> Theory:
        """The present worth of any contract; of one that expired its settlement."""
        if self.ended(x):
            return Theory(self.settlement(x))
        view = self.views[sessions.kind_of(x)]
        if x.sec_type in OPTIONS:
            return self.worths.option(x, view.slow_spot, view.slow_ns, view.step)
        return Theory(self.worths.linear(x, view.spot, view.now_ns))

    def closing(self, x: Instrument) -> float:
        """Yesterday's closing price, on the contract's price grid."""
        worth = self._worth(x, self.close, self.close_ns)
        step = price_step(x.rule_id, worth)
        return round(max(round(worth / step), 1) * step, 6)

    @staticmethod
    def driver(x: Instrument) -> str:
        """The process that the contract's price is a function of."""
        return worths.driver(x)

    def worth(self, x: Instrument, level: float, now_ns: int) -> float:
        """What the contract is worth at `now_ns` if the price that it follows stands at `level`, also if it expired."""
        spot = self.first.copy()
        spot[self.index[worths.driver(x)]] = level
        return self._worth(x, spot, now_ns) if x.sec_type in OPTIONS else self.worths.linear(x, spot, now_ns)

    def smile(self, process: str, spot: float) -> Smile:
        """The volatility surface of a class: it rises as the price falls."""
        return self.worths.smile(process, spot)

    def settlement(self, x: Instrument) -> float:
        """Value of one unit at the close of its last day; the present one if that isn't over."""
        spot = np.array(self.fixings.get(x.expiry, self.views[STOCK].spot))
        return self.worths.final(x, spot, days.end_of(x.expiry))

    def _worth(self, x: Instrument, spot: Array, now_ns: int) -> float:
        return self.worths.of(x, spot, now_ns) if self.universe.lives(x) else self.settlement(x)

    # Days.

    def roll_day(self) -> None:
        """A new business day opens: the last close is yesterday's; expired contracts leave, new ones are listed."""
        day = days.new_york(self.now_ns).date()
        last = max(self.fixings, default="")
        if last and last < f"{day:%Y%m%d}":
            self.close = np.array(self.fixings[last])
            self.close_ns = days.ns_of(days.business_day_before(day), days.CLOSE)
        self.universe.roll(day, self._centres())
        self.worths.group()

    def _centres(self) -> dict[str, float]:
        """Prices around which new strikes are listed."""
        rows = (*listing.OPTIONS, *listing.FUTURES_OPTIONS)
        return {row.symbol: self.price("SPX" if row.symbol == "ES" else row.symbol) for row in rows}

    # Keeping.

    def dump(self) -> dict[str, Any]:
        """The state of the prices as JSON takes it."""
        views = {
            kind: [v.spot.tolist(), v.now_ns, v.slow_spot.tolist(), v.slow_ns, v.step] for kind, v in self.views.items()
        }
        return {
            "now_ns": self.now_ns,
            "step": self.step,
            "spot": self.spot.tolist(),
            "close": self.close.tolist(),
            "close_ns": self.close_ns,
            "views": views,
            "halts": [[n, *halt] for n, halt in self.halts.items()],
            "fixings": self.fixings,
            "date": self._date.isoformat(),
            "open": [kind for kind, view in self.views.items() if view in self._open],
            "universe": self.universe.dump(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        self.step = state["step"]
        self.start_ns = state["now_ns"] - round(self.step * STEP_S * self.clock * days.NS)
        self.spot, self.close = np.array(state["spot"]), np.array(state["close"])
        self.close_ns, self.fixings = state["close_ns"], state["fixings"]
        for kind, (spot, now, slow, slow_ns, step) in state["views"].items():
            view = self.views[kind] = View(np.array(spot), now)
            view.slow_spot, view.slow_ns, view.step = np.array(slow), slow_ns, step
        self.halts = {n: (until, price) for n, until, price in state["halts"]}
        self._date = date.fromisoformat(state["date"])
        self.universe.restore(state["universe"])
        self.worths.group()
        self._open = [self.views[kind] for kind in state["open"]]
        self._until = 0  # the minute is begun again with the next step
