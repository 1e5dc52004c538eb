"""Books of the accounts: positions, cash by currency, profit and loss, to the cent. Pure.

One price marks everything, so cash + value always equals what was paid in + profit. A stock's or an option's cost
includes its commission; a future moves no cash until it is closed or its day is settled; a trade of two currencies
moves two balances, and its position only remembers it. Commissions are in the base currency.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from decimal import ROUND_HALF_EVEN, Decimal

from pipeline.gateway.market.universe import Instrument

CENT = Decimal("0.01")
ZERO = Decimal("0.00")
BASE = "USD"
COMMODITIES = ("FUT", "FOP")
STOCK_FEE, STOCK_FEE_MINIMUM, OPTION_FEE, FUTURE_FEE = (
    Decimal("0.005"),
    Decimal("0.35"),
    Decimal("0.65"),
    Decimal("2.25"),
)
CURRENCY_FEE, CURRENCY_FEE_MINIMUM = Decimal("0.00002"), Decimal("2.00")  # share of the traded value
BOND_FEE, BOND_FEE_MINIMUM = Decimal("0.001"), Decimal("1.00")


def cents(value: Decimal | float) -> Decimal:
    """Rounded to the cent; a float by its shortest spelling."""
    exact = value if isinstance(value, Decimal) else Decimal(repr(value))
    return exact.quantize(CENT, ROUND_HALF_EVEN)


def commission(x: Instrument, quantity: int, price: float = 0.0) -> Decimal:
    """What the broker takes for a fill, in the base currency; `price` matters where it is a share of the value."""
    if x.sec_type == "STK":
        return cents(max(STOCK_FEE_MINIMUM, STOCK_FEE * quantity))
    if x.sec_type == "CASH":
        value = Decimal(quantity) if x.symbol == BASE else Decimal(repr(price)) * quantity
        return cents(max(CURRENCY_FEE_MINIMUM, CURRENCY_FEE * value))
    if x.sec_type == "BOND":
        return cents(max(BOND_FEE_MINIMUM, BOND_FEE * amount(x, quantity, price)))
    return (OPTION_FEE if x.sec_type == "OPT" else FUTURE_FEE) * quantity


def amount(x: Instrument, quantity: int, price: float) -> Decimal:
    """Value of `quantity` units at `price`, rounded to the cent, in the contract's currency."""
    return cents(Decimal(repr(round(price, 6))) * quantity * x.multiplier)


@dataclass
class Position:
    """What is held of one contract; `cost` is signed like the quantity and holds the commissions of opening it."""

    quantity: int = 0
    cost: Decimal = ZERO
    realized: Decimal = ZERO  # today
    day_value: Decimal = ZERO  # value at yesterday's close
    day_flow: Decimal = ZERO  # what trades brought in today, after commissions
    settled: Decimal = ZERO  # a future's profit that daily settlement has paid already

    def average_cost(self) -> Decimal:
        """Cost of one unit with its multiplier, as TWS's avgCost."""
        return abs(self.cost / self.quantity) if self.quantity else ZERO


@dataclass
class Dividend:
    """A dividend that is earned and not paid yet; negative where short stock owes it."""

    con_id: int
    pays: str  # YYYYMMDD
    amount: Decimal


@dataclass
class Account:
    """One account: cash of the securities and of the commodities segment, positions by con_id."""

    name: str
    cash: Decimal
    commodity_cash: Decimal
    positions: dict[int, Position] = field(default_factory=dict)
    purchases: Decimal = ZERO  # net stock bought today, for the SMA
    day_equity: Decimal = ZERO  # equity with loan value of the securities segment at yesterday's close
    day_sma: Decimal = ZERO
    foreign: dict[str, Decimal] = field(default_factory=dict)  # balances in other currencies; replaced, never changed
    accrued: dict[str, Decimal] = field(default_factory=dict)  # interest by currency; replaced, never changed
    dividends: list[Dividend] = field(default_factory=list)
    unsettled: Decimal = ZERO  # what today's trades of securities moved
    carried_to: str = ""  # YYYYMMDD up to which interest is accrued

    def copy(self) -> Account:
        """One that fills can be tried on."""
        return replace(self, positions={con_id: replace(p) for con_id, p in self.positions.items()})

    def fill(
        self, x: Instrument, signed: int, price: float, fee: Decimal | None = None
    ) -> tuple[Decimal, Decimal | None]:
        """Book a fill; gives its commission and what it realised (None when it only opened).

        `fee` None: by the tariff. What is realised is in the contract's currency.
        """
        fee = commission(x, abs(signed), price) if fee is None else fee
        if x.sec_type == "CASH":
            return fee, self._exchange(x, signed, price, fee)
        position = self.positions.setdefault(x.con_id, Position())
        value = amount(x, signed, price)
        realized = self._book(position, signed, value, fee)
        position.day_flow -= value + fee
        if x.sec_type != "FUT":
            self._pay(x, -value, fee)
        elif realized is not None:
            self.commodity_cash += realized - self._unsettle(position, signed)
        return fee, realized

    def _book(self, position: Position, signed: int, value: Decimal, fee: Decimal) -> Decimal | None:
        """Change quantity and cost; gives what was realised."""
        closing = min(abs(position.quantity), abs(signed)) if position.quantity * signed < 0 else 0
        closing_fee = cents(fee * closing / abs(signed))
        closing_value = cents(value * closing / abs(signed))
        realized = self._close(position, closing, closing_value, closing_fee) if closing else None
        position.cost += (value - closing_value) + (fee - closing_fee)
        position.quantity += signed
        return realized

    @staticmethod
    def _close(position: Position, closing: int, value: Decimal, fee: Decimal) -> Decimal:
        """Take `closing` units out of the position; `value` is signed like the trade."""
        share = cents(position.cost * closing / abs(position.quantity))
        realized = -value - fee - share
        position.cost -= share
        position.realized += realized
        return realized

    @staticmethod
    def _unsettle(position: Position, signed: int) -> Decimal:
        """The part of the settled profit that belongs to what `signed` has just closed."""
        before = position.quantity - signed
        closed = min(abs(before), abs(signed))
        share = cents(position.settled * closed / abs(before))
        position.settled -= share
        return share

    def _pay(self, x: Instrument, money: Decimal, fee: Decimal) -> None:
        """Cash for a trade of anything that is paid in full."""
        if x.sec_type in COMMODITIES:
            self.commodity_cash += money - fee
            return
        self.receive(x.currency, money)
        self.cash -= fee
        self.unsettled += money - fee
        self.purchases -= money if x.sec_type == "STK" else ZERO

    def _exchange(self, x: Instrument, signed: int, price: float, fee: Decimal) -> Decimal | None:
        """Buy or sell one currency for another; TWS keeps the trade as a position that has no value of its own."""
        position = self.positions.setdefault(x.con_id, Position())
        value = amount(x, signed, price)
        realized = self._book(position, signed, value, ZERO)
        self.receive(x.symbol, cents(Decimal(signed)))
        self.receive(x.currency, -value)
        self.cash -= fee
        return realized

    def receive(self, currency: str, money: Decimal) -> None:
        """Cash into the securities segment."""
        if currency == BASE:
            self.cash += money
        else:
            self.foreign = {**self.foreign, currency: self.foreign.get(currency, ZERO) + money}

    def open_quantity(self, con_id: int) -> int:
        position = self.positions.get(con_id)
        return position.quantity if position else 0
