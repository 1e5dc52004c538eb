"""The accounts: how they begin, what they are worth, what a day does to them. Pure: time comes from the market."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from decimal import Decimal
from typing import Any

from pipeline.gateway.broker import books, keys
from pipeline.gateway.broker.accounts import ZERO, Account, Position, amount, cents
from pipeline.gateway.broker.saving import decimals
from pipeline.gateway.market.prices import Market
from pipeline.gateway.market.tape import Tape
from pipeline.gateway.market.universe import Instrument


class Bank:
    """All accounts, valued at the tape's marks."""

    def __init__(self, market: Market, tape: Tape, openings: Sequence[books.Opening] = books.OPENINGS) -> None:
        self.market, self.tape, self.universe = market, tape, market.universe
        self.accounts = {row.account: self._open(row) for row in openings}

    def _open(self, row: books.Opening) -> Account:
        account = Account(row.account, cents(row.cash), cents(row.commodity_cash))
        for held in row.positions:
            x = self._held(held)
            price = self.tape.mark(x)
            cost = cents(amount(x, held.quantity, price) * Decimal(repr(held.paid)))
            account.positions[x.con_id] = Position(held.quantity, cost)
        account.day_sma = cents(row.sma)
        self._begin_day(account)
        return account

    def _held(self, held: books.Held) -> Instrument:
        if held.kind == "OPT":
            return self.universe.option(held.symbol, held.expiry, held.strike, held.right)
        return self.universe.future(held.symbol) if held.kind == "FUT" else self.universe.stock(held.symbol)

    def begin_day(self) -> None:
        """A new business day for every account."""
        for account in self.accounts.values():
            self._begin_day(account)

    def _begin_day(self, account: Account) -> None:
        """Yesterday's close values the positions, today's sums begin at nothing."""
        for con_id, position in account.positions.items():
            x = self.universe.by_con_id[con_id]
            position.day_value = amount(x, position.quantity, self.market.closing(x))
            position.day_flow = position.realized = ZERO
        figures = self.figures(account)
        account.day_equity, account.purchases = figures.equity_s, ZERO
        account.day_sma = figures.sma

    def figures(self, account: Account) -> keys.Figures:
        return keys.figures(account, self.universe, self.tape.mark)

    def daily(self, account: Account, con_id: int) -> Decimal:
        """Profit of one position since yesterday's close."""
        position = account.positions[con_id]
        x = self.universe.by_con_id[con_id]
        return amount(x, position.quantity, self.tape.mark(x)) - position.day_value + position.day_flow

    def dump(self) -> list[dict[str, Any]]:
        """The accounts as JSON takes them."""
        return [asdict(account) for account in self.accounts.values()]

    def restore(self, rows: list[dict[str, Any]]) -> None:
        self.accounts = {row["name"]: _account(row) for row in rows}


def _account(row: dict[str, Any]) -> Account:
    positions = {int(c): Position(**decimals(Position, p)) for c, p in row.pop("positions").items()}
    return Account(**decimals(Account, row), positions=positions)
