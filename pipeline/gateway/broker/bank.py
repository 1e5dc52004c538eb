"""The accounts: how they begin, what they are worth, what a day does to them. Pure: time comes from the market."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from pipeline.gateway.broker import advisor, books, carrying, deliveries
from pipeline.gateway.broker.accounts import BASE, ZERO, Account, Dividend, Position, amount, cents
from pipeline.gateway.broker.balances import value_of
from pipeline.gateway.broker.deliveries import Delivery
from pipeline.gateway.broker.figures import Figures, figures, total
from pipeline.gateway.broker.saving import decimals
from pipeline.gateway.market import days
from pipeline.gateway.market.prices import Market
from pipeline.gateway.market.tape import Tape
from pipeline.gateway.market.universe import Instrument

ALL = "All"
Print = tuple[object, ...]  # what the figures of an account depend on, besides the prices


class Bank:
    """All accounts, valued at the tape's marks; with an advisor they are its clients', and there is a master."""

    def __init__(
        self, market: Market, tape: Tape, openings: Sequence[books.Opening] = books.OPENINGS, advised: bool = False
    ) -> None:
        self.market, self.tape, self.universe = market, tape, market.universe
        self.advisor = advisor.fresh(openings) if advised else None
        rows = [advisor.OPENING, *openings] if advised else openings
        self.accounts = {row.account: self._open(row) for row in rows}
        self._known: dict[str, tuple[int, Print, Figures]] = {}

    def _open(self, row: books.Opening) -> Account:
        account = Account(row.account, cents(row.cash), cents(row.commodity_cash), carried_to=f"{self._today():%Y%m%d}")
        for held in row.positions:
            x = self._held(held)
            price = self.tape.mark(x)
            cost = cents(amount(x, held.quantity, price) * Decimal(repr(held.paid)))
            account.positions[x.con_id] = Position(held.quantity, cost)
        account.day_sma = cents(row.sma)
        self._begin_sums(account)
        self._value_day(account)
        return account

    def _held(self, held: books.Held) -> Instrument:
        if held.kind == "OPT":
            return self.universe.option(held.symbol, held.expiry, held.strike, held.right)
        return self.universe.future(held.symbol) if held.kind == "FUT" else self.universe.stock(held.symbol)

    def _today(self) -> date:
        return days.new_york(self.market.now_ns).date()

    # A day.

    def begin_day(self) -> list[Delivery]:
        """A new business day for every account; what expired is booked, and comes back to be told."""
        today = self._today()
        gone = {x.con_id for x in self.universe.expired(today)}
        delivered: list[Delivery] = []
        for account in self.accounts.values():
            self._settle(account, today)
            self._begin_sums(account)
            if gone:
                delivered += deliveries.book(account, self.universe, self.market.settlement, gone)
            self._value_day(account)
        return delivered

    def _settle(self, account: Account, today: date) -> None:
        """Yesterday's variation of the futures, interest, dividends."""
        before = account.carried_to or f"{today - timedelta(days=1):%Y%m%d}"
        last = date(int(before[:4]), int(before[4:6]), int(before[6:]))
        for con_id, position in account.positions.items():
            x = self.universe.by_con_id[con_id]
            if x.sec_type == "FUT" and position.quantity:
                profit = amount(x, position.quantity, self.market.closing(x)) - position.cost
                account.commodity_cash += profit - position.settled
                position.settled = profit
            elif x.sec_type == "STK":
                carrying.earn(account, con_id, self.market.dividends(x.symbol), last, today)
        carrying.carry(account, today)
        carrying.pay(account, today, {row.con_id: self._currency(row) for row in account.dividends})
        account.unsettled = ZERO

    def _currency(self, row: Dividend) -> str:
        return self.universe.by_con_id[row.con_id].currency

    def _begin_sums(self, account: Account) -> None:
        """Yesterday's close values the positions, today's sums begin at nothing."""
        account.positions = {con_id: p for con_id, p in account.positions.items() if p.quantity}
        for con_id, position in account.positions.items():
            x = self.universe.by_con_id[con_id]
            position.day_value = amount(x, position.quantity, self.closing(x))
            position.day_flow = position.realized = ZERO

    def _value_day(self, account: Account) -> None:
        found = figures(account, self.universe, self.mark, self.fx, self.market.now_ns)
        account.day_equity, account.purchases = found.equity_s, ZERO
        account.day_sma = found.sma

    # Values.

    def closing(self, x: Instrument) -> float:
        """Yesterday's close; of a contract that has ended, what it ended at."""
        return self.market.closing(x) if self.universe.lives(x) else round(self.market.settlement(x), 4)

    def price(self, x: Instrument) -> float:
        """The price that values a position: the tape's mark, else yesterday's close; nan when there is neither."""
        found = self.tape.mark(x)
        return found if math.isfinite(found) else self.market.closing(x)

    def mark(self, x: Instrument) -> float:
        """The same for sums: what has no price counts for nothing."""
        found = self.price(x)
        return found if math.isfinite(found) else 0.0

    def fx(self, currency: str) -> float:
        """Base currency for one unit of `currency`."""
        return 1.0 if currency == BASE else self.market.fx(currency)

    def figures(self, account: Account) -> Figures:
        """All sums; those of an account that nothing has changed are known until the market moves."""
        names = self.members(account.name)
        if len(names) > 1:
            return total([self.figures(self.accounts[name]) for name in names])
        if self.accounts.get(account.name) is not account:
            return figures(account, self.universe, self.mark, self.fx, self.market.now_ns)
        now, state = self.market.now_ns, _print(account)
        known = self._known.get(account.name)
        if known is None or known[:2] != (now, state):
            known = now, state, figures(account, self.universe, self.mark, self.fx, now)
            self._known[account.name] = known
        return known[2]

    def daily(self, account: Account, con_id: int) -> Decimal:
        """Profit of one position since yesterday's close, in the contract's currency."""
        position = account.positions[con_id]
        x = self.universe.by_con_id[con_id]
        return amount(x, position.quantity, self.mark(x)) - position.day_value + position.day_flow

    def daily_total(self, account: Account) -> Decimal:
        """Profit of all positions since yesterday's close, in the base currency."""
        found = ZERO
        for con_id in account.positions:
            x = self.universe.by_con_id[con_id]
            if x.sec_type != "CASH":
                found += cents(self.daily(account, con_id) * Decimal(repr(self.fx(x.currency))))
        return found

    # Names that stand for accounts.

    def members(self, name: str) -> list[str]:
        """The accounts that `name` stands for; none when it is unknown."""
        if name in self.accounts:
            return [name]
        if name == ALL or (self.advisor is not None and name == self.advisor.everybody):
            return list(self.accounts)
        group = self.advisor.groups.get(name) if self.advisor is not None else None
        return list(group.amounts) if group is not None else []

    def account(self, name: str, model: str = "") -> Account:
        """The account of that name, or several as one; of a model only what it holds. KeyError if unknown."""
        names = self.members(name)
        found = self.accounts[names[0]] if len(names) == 1 else merged(name, [self.accounts[n] for n in names])
        return found if not model else self._of_model(found, model)

    def _of_model(self, account: Account, model: str) -> Account:
        kinds = self.advisor.models[model] if self.advisor is not None else ()
        held = {c: p for c, p in account.positions.items() if self.universe.by_con_id[c].sec_type in kinds}
        return Account(account.name, ZERO, ZERO, held)

    def portfolio_row(self, account: Account, con_id: int) -> tuple[Instrument, Position, float, Decimal, Decimal]:
        """Contract, position, mark, market value, unrealised profit."""
        x, position = self.universe.by_con_id[con_id], account.positions[con_id]
        price = self.mark(x)
        return x, position, price, *value_of(x, position, price)

    # Saving.

    def dump(self) -> dict[str, Any]:
        """The accounts as JSON takes them."""
        rows = [asdict(account) for account in self.accounts.values()]
        return {"accounts": rows, "advisor": self.advisor.dump() if self.advisor is not None else None}

    def restore(self, state: dict[str, Any]) -> None:
        """The accounts as saved; the master is added or taken away where there is an advisor now and was none."""
        master = self.accounts.get(advisor.MASTER)
        self.accounts = {row["name"]: _account(row) for row in state["accounts"]}
        if self.advisor is not None and state["advisor"] is not None:
            self.advisor = advisor.Advisor.restored(state["advisor"])
        elif self.advisor is not None and master is not None:
            self.accounts = {master.name: master, **self.accounts}
        else:
            self.accounts.pop(advisor.MASTER, None)
        self._known.clear()


def merged(name: str, members: Sequence[Account]) -> Account:
    """Several accounts as one: positions and balances added."""
    found = Account(name, ZERO, ZERO)
    for member in members:
        found.cash += member.cash
        found.commodity_cash += member.commodity_cash
        found.day_equity += member.day_equity
        for currency, money in member.foreign.items():
            found.receive(currency, money)
        for con_id, p in member.positions.items():
            into = found.positions.setdefault(con_id, Position())
            added = {key: getattr(into, key) + value for key, value in vars(p).items()}
            found.positions[con_id] = replace(into, **added)
    return found


def _print(account: Account) -> Print:
    """Changes whenever anything does that the figures are made of."""
    held = tuple((c, p.quantity, p.cost, p.realized, p.settled) for c, p in account.positions.items())
    return (
        account.cash, account.commodity_cash, account.purchases, account.day_sma, account.unsettled, held,
        tuple(account.foreign.items()), tuple(account.accrued.items()), tuple(row.amount for row in account.dividends),
    )  # fmt: skip


def _account(row: dict[str, Any]) -> Account:
    positions = {int(c): Position(**decimals(Position, p)) for c, p in row.pop("positions").items()}
    dividends = [Dividend(**decimals(Dividend, p)) for p in row.pop("dividends")]
    return Account(**decimals(Account, row), positions=positions, dividends=dividends)
