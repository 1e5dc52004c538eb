"""Implied volatility by strike and expiry without static arbitrage: the surface SSVI. Pure numpy.

J. Gatheral and A. Jacquier, Arbitrage-free SVI volatility surfaces, Quantitative Finance 14(1), 2014, section 4:
w(k, θ) = θ/2 (1 + ρ φ k + √((φ k + ρ)² + 1 - ρ²)), k = ln(strike/forward), θ the total variance at the money, here
with φ = η / √(θ (1 + θ)). There is neither a butterfly nor a calendar to gain from while η (1 + |ρ|) ≤ 2 and θ rises
with time; so `Smile` refuses other parameters, and θ is the integral of a variance that is never negative.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
REVERSION = 3.0  # a year: how fast the variance returns to its long mean


@dataclass(frozen=True, slots=True)
class Smile:
    """The surface of one class now; volatilities are per year."""

    now: float  # of the next moment at the money
    long: float  # to which it returns
    skew: float  # ρ: below 0, low strikes cost more
    curve: float  # η

    def __post_init__(self) -> None:
        if not (abs(self.skew) < 1.0 and 0.0 <= self.curve * (1.0 + abs(self.skew)) <= 2.0):
            raise ValueError(f"expected η (1 + |ρ|) up to 2, found ρ {self.skew} and η {self.curve}")

    def at_the_money(self, years: Array) -> Array:
        """θ: total variance at the money, rising in time."""
        faded = -np.expm1(-REVERSION * years) / REVERSION
        total: Array = self.long**2 * years + (self.now**2 - self.long**2) * faded
        return total

    def total(self, moneyness: Array, years: Array) -> Array:
        """w: total variance at k = ln(strike/forward)."""
        theta = self.at_the_money(years)
        reach = self.curve / np.sqrt(theta * (1.0 + theta)) * moneyness
        bowl = np.sqrt((reach + self.skew) ** 2 + 1.0 - self.skew**2)
        total: Array = 0.5 * theta * (1.0 + self.skew * reach + bowl)
        return total

    def vol(self, moneyness: Array, years: Array) -> Array:
        """Implied volatility at k = ln(strike/forward)."""
        found: Array = np.sqrt(self.total(moneyness, years) / years)
        return found
