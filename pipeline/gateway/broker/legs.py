"""What the margin rules work on: positions as legs, and what they need. Plain data."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Leg:
    """A position for the margin: `under` is the price of the underlying, `price` that of one unit."""

    symbol: str
    sec_type: str
    quantity: int
    price: float
    under: float
    multiplier: int = 1
    expiry: str = ""
    strike: float = 0.0
    right: str = ""
    years: float = 0.0  # to expiry or maturity
    rate: float = 1.0  # base currency for one unit of the contract's
    treasury: bool = False

    @property
    def inner(self) -> float:
        """What an option's unit is in the money."""
        return max(0.0, self.under - self.strike if self.right == "C" else self.strike - self.under)

    @property
    def outer(self) -> float:
        """What an option's unit is out of the money."""
        return max(0.0, self.strike - self.under if self.right == "C" else self.under - self.strike)


@dataclass(frozen=True, slots=True)
class Requirement:
    """Initial, maintenance and Reg T margin."""

    initial: float = 0.0
    maintenance: float = 0.0
    reg_t: float = 0.0

    def __add__(self, other: Requirement) -> Requirement:
        return Requirement(self.initial + other.initial, self.maintenance + other.maintenance, self.reg_t + other.reg_t)

    def times(self, factor: float) -> Requirement:
        return Requirement(self.initial * factor, self.maintenance * factor, self.reg_t * factor)
