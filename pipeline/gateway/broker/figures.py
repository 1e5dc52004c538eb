"""What an account is worth and what it needs: every sum that the account keys are spelled from. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import date, time, timedelta
from decimal import Decimal
from typing import Any

from pipeline.gateway.broker import margin, rates
from pipeline.gateway.broker.accounts import BASE, COMMODITIES, ZERO, Account, amount, cents
from pipeline.gateway.broker.balances import SUMS, Ledger, Mark, Rate, base_of, is_treasury, ledgers_of, par
from pipeline.gateway.broker.legs import Leg
from pipeline.gateway.market import days
from pipeline.gateway.market.universe import Instrument, Universe

DISCOUNTS_END = time(15, 45)


@dataclass(frozen=True)
class Figures:
    """An account at one moment, in the base currency; _s securities, _c commodities."""

    stock: Decimal
    option: Decimal
    bonds: Decimal
    future_option: Decimal
    futures: Decimal
    accrued: Decimal
    dividend: Decimal
    gross: Decimal
    unrealized: Decimal
    realized: Decimal
    cash_s: Decimal
    cash_c: Decimal
    settled: Decimal  # cash that no open trade moves any more
    init_s: Decimal
    init_c: Decimal
    maint_s: Decimal
    maint_c: Decimal
    full_init_c: Decimal  # without the discounts of the liquid hours
    full_maint_c: Decimal
    ahead_init_s: Decimal  # after the close: without discounts and without what ends today
    ahead_init_c: Decimal
    ahead_maint_s: Decimal
    ahead_maint_c: Decimal
    reg_t: Decimal
    sma: Decimal
    ledgers: tuple[Ledger, ...] = ()  # the base currency first
    next_change: int = 0  # epoch s at which the look-ahead margins begin
    expiring: bool = False  # something that is held trades for the last time today

    @property
    def net_s(self) -> Decimal:
        return self.cash_s + self.stock + self.option + self.bonds + self.accrued + self.dividend

    @property
    def net_c(self) -> Decimal:
        return self.cash_c + self.futures + self.future_option

    @property
    def net(self) -> Decimal:
        return self.net_s + self.net_c

    @property
    def equity_s(self) -> Decimal:
        """Equity with loan value: options in the American style and what accrues aren't counted."""
        return self.cash_s + self.stock + self.bonds

    @property
    def equity_c(self) -> Decimal:
        return self.net_c - self.maint_c

    @property
    def available(self) -> Decimal:
        return self.equity_s - self.init_s + self.net_c - self.init_c

    @property
    def excess(self) -> Decimal:
        return self.equity_s - self.maint_s + self.net_c - self.maint_c


MONEY = tuple(field.name for field in fields(Figures) if field.type == "Decimal")


def total(members: Sequence[Figures]) -> Figures:
    """Several accounts together: requirements add up, nothing offsets across them."""
    by_currency: dict[str, list[Ledger]] = {}
    for row in members:
        for ledger in row.ledgers:
            by_currency.setdefault(ledger.currency, []).append(ledger)
    ledgers = tuple(
        Ledger(currency, rows[0].rate, *(sum((getattr(row, name) for row in rows), ZERO) for name in SUMS))
        for currency, rows in by_currency.items()
    )
    sums: dict[str, Any] = {name: sum((getattr(row, name) for row in members), ZERO) for name in MONEY}
    expiring = any(row.expiring for row in members)
    return Figures(**sums, ledgers=ledgers, next_change=members[0].next_change, expiring=expiring)


def figures(account: Account, universe: Universe, mark: Mark, fx: Rate = par, now_ns: int = 0) -> Figures:
    """All sums of an account; `now_ns` 0: the morning of the universe's day."""
    now_ns, mark = now_ns or days.ns_of(universe.day, days.OPEN), _once(mark)
    ledgers = ledgers_of(account, universe, mark, fx, now_ns)
    base = base_of(ledgers)
    legs = legs_of(account, universe, mark, fx, now_ns)
    legs_c = [leg for leg in legs if leg.sec_type in COMMODITIES]
    net = {row.currency: float(row.in_base().net) for row in ledgers}
    securities, full = margin.account(legs, net)
    discounted = in_liquid_hours(now_ns) and any(leg.symbol in rates.INTRADAY for leg in legs)
    commodities = margin.account(legs_c, intraday=True)[1] if discounted else full
    today = f"{days.new_york(now_ns):%Y%m%d}"
    staying = [leg for leg in legs if not leg.expiry or leg.expiry > today or leg.sec_type == "BOND"]
    ahead_s, ahead_c = (securities, full) if len(staying) == len(legs) else margin.account(staying, net)
    cash_s = base.cash - account.commodity_cash
    reg_t = cents(securities.reg_t)
    bonds = base.corporate + base.treasury + base.bill
    net_s = cash_s + base.stock + base.option + bonds + base.accrued + base.dividend
    return Figures(
        stock=base.stock, option=base.option, bonds=bonds, future_option=base.future_option, futures=base.futures,
        accrued=base.accrued, dividend=base.dividend, gross=_gross(account, universe, mark, fx),
        unrealized=base.unrealized, realized=base.realized, cash_s=cash_s, cash_c=account.commodity_cash,
        settled=base.cash - account.unsettled, init_s=_initial(securities.initial), init_c=cents(commodities.initial),
        maint_s=cents(securities.maintenance), maint_c=cents(commodities.maintenance),
        full_init_c=cents(full.initial), full_maint_c=cents(full.maintenance),
        ahead_init_s=_initial(ahead_s.initial), ahead_init_c=cents(ahead_c.initial),
        ahead_maint_s=cents(ahead_s.maintenance), ahead_maint_c=cents(ahead_c.maintenance),
        reg_t=reg_t, sma=_sma(account, net_s - reg_t), ledgers=ledgers, next_change=next_change(now_ns, discounted),
        expiring=len(staying) != len(legs),
    )  # fmt: skip


def _once(mark: Mark) -> Mark:
    """The same marks, each asked for once."""
    known: dict[int, float] = {}

    def price(x: Instrument) -> float:
        if x.con_id not in known:
            known[x.con_id] = mark(x)
        return known[x.con_id]

    return price


def _initial(need: float) -> Decimal:
    return cents(max(need, rates.MINIMUM_INITIAL) if need > 0 else 0.0)


def _gross(account: Account, universe: Universe, mark: Mark, fx: Rate) -> Decimal:
    """Sum of the absolute values of stock, options and bonds."""
    gross = ZERO
    for con_id, position in account.positions.items():
        x = universe.by_con_id[con_id]
        if position.quantity and x.sec_type in ("STK", "OPT", "BOND"):
            value = abs(amount(x, position.quantity, mark(x)))
            gross += value if x.currency == BASE else cents(value * Decimal(repr(fx(x.currency))))
    return gross


def legs_of(account: Account, universe: Universe, mark: Mark, fx: Rate, now_ns: int) -> list[Leg]:
    """The positions as the margin rules see them."""
    found = []
    for con_id, position in account.positions.items():
        x = universe.by_con_id[con_id]
        if position.quantity and x.sec_type != "CASH":
            found.append(_leg(x, position.quantity, universe, mark, fx, now_ns))
    return found


def _leg(x: Instrument, quantity: int, universe: Universe, mark: Mark, fx: Rate, now_ns: int) -> Leg:
    price = mark(x)
    under = mark(universe.by_con_id[x.under_con_id]) if x.sec_type in ("OPT", "FOP") else price
    years = days.years_to(x.expiry_date, now_ns) if x.sec_type in ("FOP", "BOND") and x.expiry else 0.0
    rate = 1.0 if x.currency == BASE else fx(x.currency)
    return Leg(
        x.symbol, x.sec_type, quantity, price, under, x.multiplier, x.expiry, x.strike, x.right, years, rate,
        is_treasury(x),
    )  # fmt: skip


def _sma(account: Account, from_equity: Decimal) -> Decimal:
    """Special memorandum account: the larger of yesterday's less half of what was bought, and today's excess."""
    return max(account.day_sma - cents(account.purchases * Decimal(repr(rates.REG_T_STOCK))), from_equity)


def in_liquid_hours(now_ns: int) -> bool:
    """The discounts of the day hold: on business days from the open to a quarter of an hour before the close."""
    now = days.new_york(now_ns)
    return days.is_business_day(now.date()) and days.OPEN <= now.time() < DISCOUNTS_END


def next_change(now_ns: int, discounted: bool) -> int:
    """Epoch seconds of the next close of the regular session, or of the end of the discounts that hold now."""
    if discounted:
        return days.ns_of(days.new_york(now_ns).date(), DISCOUNTS_END) // days.NS
    day: date = days.business_day(days.new_york(now_ns).date())
    if days.ns_of(day, days.CLOSE) <= now_ns:
        day = days.business_day(day + timedelta(days=1))
    return days.ns_of(day, days.CLOSE) // days.NS
