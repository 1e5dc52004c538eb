"""One option class, priced as a whole, and only when somebody asks after a move. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

import numpy as np

from pipeline.gateway.market import days, dividends, listing, surface
from pipeline.gateway.market.instruments import Instrument
from pipeline.gateway.market.smile import Smile


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


class Chain:
    """The options of one class with one underlying: on a stock or index, or on one future."""

    def __init__(
        self,
        options: list[Instrument],
        income: float,
        carried: Callable[[float, int], float],
        smile: Callable[[str, float], Smile],
    ) -> None:
        """`options` by expiry and strike; `income` is what holding the underlying earns, `carried` its price from spot
        and time, `smile` the surface from the process's name and spot."""
        first = options[0]
        self.process, self.american = first.process, first.american
        self.strike = np.array([x.strike for x in options])
        self.call = np.array([x.right == "C" for x in options])
        self.expiry: list[date] = [x.expiry_date for x in options]
        self.income, self._carried, self._smile = income, carried, smile
        self._payer = first.symbol if first.sec_type == "OPT" else ""
        self._step: int | None = None
        self._rows: list[Theory] = []
        self._known: tuple[float, int] | None = None
        self._worths: list[float] = []

    def prices(self, spot: float, now_ns: int) -> surface.Prices:
        by_day = {day: days.years_to(day, now_ns) for day in set(self.expiry)}
        years = np.array([by_day[day] for day in self.expiry])
        return surface.price_class(
            self._carried(spot, now_ns), self.strike, years, self.call, self._smile(self.process, spot),
            listing.RATE, self.income, self.american, dividends.ahead(self._payer, now_ns, max(self.expiry)),
        )  # fmt: skip

    def worths(self, spot: float, now_ns: int) -> list[float]:
        """The prices alone at any spot and time; those of the last spot and time are remembered."""
        if self._known != (spot, now_ns):
            self._known, self._worths = (spot, now_ns), self.prices(spot, now_ns).price.tolist()
        return self._worths

    def theories(self, step: int, spot: float, now_ns: int) -> list[Theory]:
        """All of the class; priced anew when `step` is another."""
        if self._step != step:
            p = self.prices(spot, now_ns)
            under = self._carried(spot, now_ns)
            columns = (p.price, p.iv, p.delta, p.gamma, p.vega, p.theta)
            rows = zip(*(x.tolist() for x in columns), strict=True)
            self._rows = [Theory(a, b, c, d, e, f, under) for a, b, c, d, e, f in rows]
            self._step = step
        return self._rows
