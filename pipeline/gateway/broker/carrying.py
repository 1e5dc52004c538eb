"""What time does to an account: interest on balances, and dividends from the ex-date to the day they are paid. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from decimal import Decimal

from pipeline.gateway.broker.accounts import BASE, ZERO, Account, Dividend, cents
from pipeline.gateway.market import days

BENCHMARKS = {  # yearly rate of each currency; others: no interest
    "USD": Decimal("0.0388"), "EUR": Decimal("0.0193"), "GBP": Decimal("0.0397"), "JPY": Decimal("0.0048"),
    "CAD": Decimal("0.0225"), "AUD": Decimal("0.0360"), "CHF": Decimal("0.0000"),
}  # fmt: skip
DEBIT_TIERS = ((100_000, Decimal("0.015")), (1_000_000, Decimal("0.010")), (None, Decimal("0.0075")))  # up to, above it
FREE_CREDIT, CREDIT_BELOW = Decimal(10_000), Decimal("0.005")  # a credit earns nothing up to, and less than it above
YEAR = Decimal(360)
POSTING_DAY = 3  # business day of the month on which interest is paid
PAYS_AFTER = timedelta(days=21)  # dividends, from the ex-date


def interest(balance: Decimal, currency: str, nights: int) -> Decimal:
    """What a balance earns, or costs below 0, over `nights`, to the cent."""
    benchmark = BENCHMARKS.get(currency)
    if benchmark is None:
        return ZERO
    if balance > 0:
        yearly = max(balance - FREE_CREDIT, ZERO) * max(benchmark - CREDIT_BELOW, ZERO)
    else:
        yearly = -_debit(-balance, benchmark)
    return cents(yearly * nights / YEAR)


def _debit(owed: Decimal, benchmark: Decimal) -> Decimal:
    """A year's interest on a debt: each tier at its own rate."""
    yearly, below = ZERO, ZERO
    for upto, above in DEBIT_TIERS:
        edge = owed if upto is None else min(owed, Decimal(upto))
        yearly += max(edge - below, ZERO) * (benchmark + above)
        below = max(edge, below)
    return yearly


def carry(account: Account, day: date) -> None:
    """Accrue interest up to `day`; pay what has accrued on the third business day of a month."""
    before = account.carried_to
    account.carried_to = f"{day:%Y%m%d}"
    if not before:
        return
    last = date(int(before[:4]), int(before[4:6]), int(before[6:]))
    balances = {BASE: account.cash + account.commodity_cash, **account.foreign}
    earned = {currency: interest(balance, currency, (day - last).days) for currency, balance in balances.items()}
    accrued = {c: account.accrued.get(c, ZERO) + earned.get(c, ZERO) for c in account.accrued.keys() | earned.keys()}
    account.accrued = {currency: money for currency, money in sorted(accrued.items()) if money}
    if last < posting_day(day) <= day:
        for currency, money in account.accrued.items():
            account.receive(currency, money)
        account.accrued = {}


def posting_day(day: date) -> date:
    """The day of this month on which interest is paid."""
    found = days.business_day(day.replace(day=1))
    for _ in range(POSTING_DAY - 1):
        found = days.business_day(found + timedelta(days=1))
    return found


def earn(account: Account, con_id: int, declared: Iterable[tuple[date, float]], after: date, day: date) -> None:
    """Note the dividends of a stock held over its ex-dates in (after, day]."""
    quantity = account.open_quantity(con_id)
    for ex_date, each in declared:
        if quantity and after < ex_date <= day:
            pays = days.business_day(ex_date + PAYS_AFTER)
            account.dividends.append(Dividend(con_id, f"{pays:%Y%m%d}", cents(Decimal(repr(each)) * quantity)))


def pay(account: Account, day: date, currency_of: dict[int, str]) -> None:
    """Pay the dividends that are due by `day`."""
    due = [row for row in account.dividends if row.pays <= f"{day:%Y%m%d}"]
    for row in due:
        account.receive(currency_of[row.con_id], row.amount)
    account.dividends = [row for row in account.dividends if row not in due]
