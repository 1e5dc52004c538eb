"""Books of the accounts: positions, cash, profit and loss, to the cent. Pure.

One price marks everything, so cash + value always equals what was paid in + profit. A stock's or an option's cost
includes its commission; a future moves no cash until it is closed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import ROUND_HALF_EVEN, Decimal

from pipeline.gateway.market.universe import Instrument

CENT = Decimal("0.01")
ZERO = Decimal("0.00")
STOCK_FEE, STOCK_FEE_MINIMUM, OPTION_FEE, FUTURE_FEE = (
    Decimal("0.005"),
    Decimal("0.35"),
    Decimal("0.65"),
    Decimal("2.25"),
)


def cents(value: Decimal | float) -> Decimal:
    """Rounded to the cent; a float by its shortest spelling."""
    exact = value if isinstance(value, Decimal) else Decimal(repr(value))
    return exact.quantize(CENT, ROUND_HALF_EVEN)


def commission(x: Instrument, quantity: int) -> Decimal:
    """What the broker takes for a fill."""
    if x.sec_type == "STK":
        return cents(max(STOCK_FEE_MINIMUM, STOCK_FEE * quantity))
    return (OPTION_FEE if x.sec_type == "OPT" else FUTURE_FEE) * quantity


def amount(x: Instrument, quantity: int, price: float) -> Decimal:
    """Value of `quantity` units at `price`, rounded to the cent."""
    return cents(Decimal(repr(round(price, 4))) * quantity * x.multiplier)


@dataclass
class Position:
    """What is held of one contract; `cost` is signed like the quantity and holds the commissions of opening it."""

    quantity: int = 0
    cost: Decimal = ZERO
    realized: Decimal = ZERO  # today
    day_value: Decimal = ZERO  # value at yesterday's close
    day_flow: Decimal = ZERO  # what trades brought in today, after commissions

    def average_cost(self) -> Decimal:
        """Cost of one unit with its multiplier, as TWS's avgCost."""
        return abs(self.cost / self.quantity) if self.quantity else ZERO


@dataclass
class Account:
    """One account: cash of the securities and of the commodities segment, positions by con_id."""

    name: str
    cash: Decimal
    commodity_cash: Decimal
    positions: dict[int, Position] = field(default_factory=dict)
    purchases: Decimal = ZERO  # net stock bought today, for the SMA
    day_equity: Decimal = ZERO  # net liquidation at yesterday's close
    day_sma: Decimal = ZERO

    def fill(self, x: Instrument, signed: int, price: float) -> tuple[Decimal, Decimal | None]:
        """Book a fill; gives its commission and what it realised (None when it only opened)."""
        position = self.positions.setdefault(x.con_id, Position())
        fee, value = commission(x, abs(signed)), amount(x, signed, price)
        closing = min(abs(position.quantity), abs(signed)) if position.quantity * signed < 0 else 0
        closing_fee = cents(fee * closing / abs(signed))
        closing_value = cents(value * closing / abs(signed))
        realized = self._close(position, closing, closing_value, closing_fee) if closing else None
        position.cost += (value - closing_value) + (fee - closing_fee)
        position.quantity += signed
        position.day_flow -= value + fee
        if x.sec_type == "FUT":
            self.commodity_cash += realized or ZERO
        else:
            self.cash -= value + fee
            self.purchases += value if x.sec_type == "STK" else ZERO
        return fee, realized

    @staticmethod
    def _close(position: Position, closing: int, value: Decimal, fee: Decimal) -> Decimal:
        """Take `closing` units out of the position; `value` is signed like the trade."""
        share = cents(position.cost * closing / abs(position.quantity))
        realized = -value - fee - share
        position.cost -= share
        position.realized += realized
        return realized

    def open_quantity(self, con_id: int) -> int:
        position = self.positions.get(con_id)
        return position.quantity if position else 0
