"""The part of an account that is in each currency, and all of them in the base currency. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields
from decimal import Decimal

from pipeline.gateway.broker.accounts import BASE, ZERO, Account, Position, amount, cents
from pipeline.gateway.market import days
from pipeline.gateway.market.universe import Instrument, Universe

Mark = Callable[[Instrument], float]
Rate = Callable[[str], float]  # base currency for one unit of a currency
CLASSES = {"STK": "stock", "OPT": "option", "FOP": "future_option", "FUT": "futures"}
BILL_YEARS = 1.0  # a Treasury that lives no longer is a bill


@dataclass(frozen=True)
class Ledger:
    """The part of an account that is in one currency, in that currency."""

    currency: str
    rate: float
    cash: Decimal = ZERO
    accrued: Decimal = ZERO
    dividend: Decimal = ZERO
    stock: Decimal = ZERO
    option: Decimal = ZERO
    future_option: Decimal = ZERO
    futures: Decimal = ZERO  # profit of the futures held that no settlement has paid yet
    corporate: Decimal = ZERO
    treasury: Decimal = ZERO
    bill: Decimal = ZERO
    unrealized: Decimal = ZERO
    realized: Decimal = ZERO

    @property
    def net(self) -> Decimal:
        return self.cash + self.accrued + self.dividend + self.value

    @property
    def value(self) -> Decimal:
        """Everything held but cash."""
        bonds = self.corporate + self.treasury + self.bill
        return self.stock + self.option + self.future_option + self.futures + bonds

    def in_base(self) -> Ledger:
        """Each sum converted, to the cent."""
        if self.rate == 1.0:
            return self
        rate = Decimal(repr(self.rate))
        return Ledger(self.currency, 1.0, *(cents(getattr(self, name) * rate) for name in SUMS))


SUMS = tuple(field.name for field in fields(Ledger) if field.name not in ("currency", "rate"))


def base_of(ledgers: Iterable[Ledger]) -> Ledger:
    """All currencies in the base currency: the sum of what each is converted to."""
    converted = [ledger.in_base() for ledger in ledgers]
    return Ledger("BASE", 1.0, *(sum((getattr(row, name) for row in converted), ZERO) for name in SUMS))


def value_of(x: Instrument, position: Position, price: float) -> tuple[Decimal, Decimal]:
    """Market value and unrealised profit of a position, in the contract's currency."""
    value = amount(x, position.quantity, price)
    return value, value - position.cost


def par(_currency: str) -> float:
    return 1.0


def ledgers_of(account: Account, universe: Universe, mark: Mark, fx: Rate, now_ns: int) -> tuple[Ledger, ...]:
    """The sums by currency, the base currency first."""
    sums: dict[str, dict[str, Decimal]] = {BASE: dict.fromkeys(SUMS, ZERO)}
    for currency in sorted(account.foreign.keys() | account.accrued.keys()):
        sums.setdefault(currency, dict.fromkeys(SUMS, ZERO))
        sums[currency]["cash"] += account.foreign.get(currency, ZERO)
        sums[currency]["accrued"] += account.accrued.get(currency, ZERO)
    sums[BASE]["cash"] += account.cash + account.commodity_cash
    for row in account.dividends:
        sums[universe.by_con_id[row.con_id].currency]["dividend"] += row.amount
    for con_id, position in account.positions.items():
        x = universe.by_con_id[con_id]
        if x.sec_type == "CASH":
            continue
        into = sums.setdefault(x.currency, dict.fromkeys(SUMS, ZERO))
        into["realized"] += position.realized
        if position.quantity:
            value, profit = value_of(x, position, mark(x))
            into["unrealized"] += profit
            into[_column(x, now_ns)] += profit - position.settled if x.sec_type == "FUT" else value
    return tuple(Ledger(currency, fx(currency) if currency != BASE else 1.0, **row) for currency, row in sums.items())


def _column(x: Instrument, now_ns: int) -> str:
    if x.sec_type != "BOND":
        return CLASSES[x.sec_type]
    if not is_treasury(x):
        return "corporate"
    return "bill" if x.expiry and days.years_to(x.expiry_date, now_ns) <= BILL_YEARS else "treasury"


def is_treasury(x: Instrument) -> bool:
    return x.sec_type == "BOND" and x.name.startswith("US TREASURY")
