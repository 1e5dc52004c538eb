"""Accounts as TWS tells them, assembled into whole pictures. Pure: events in, messages to publish out.

After every connect each account gathers in a shadow until values, positions and marks have all come once; then the
whole picture is given out with AccountSnapshot last. After a deadline what there is goes out, marked incomplete. From
then on each change goes out as it comes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import msgspec

from pipeline.messages import AccountPnL, AccountSnapshot, AccountValue, Message, Position

PARTS = frozenset(("values", "positions", "marks"))
NEEDED = frozenset(("values", "positions"))  # marks come again by themselves


@dataclass
class Account:
    """What is published of one account."""

    values: dict[tuple[str, str], AccountValue] = field(default_factory=dict)
    positions: dict[int, Position] = field(default_factory=dict)
    pnl: AccountPnL | None = None
    snapshot: AccountSnapshot | None = None


@dataclass
class _Shadow:
    """What gathers since the connect."""

    values: dict[tuple[str, str], AccountValue] = field(default_factory=dict)
    positions: dict[int, Position] = field(default_factory=dict)
    parts: set[str] = field(default_factory=set)


class Book:
    """All accounts of one TWS."""

    def __init__(self) -> None:
        self.accounts: dict[str, Account] = {}
        self._shadows: dict[str, _Shadow] = {}

    def begin(self, accounts: list[str]) -> None:
        """A new connection: everything is told again."""
        self._shadows = {account: _Shadow() for account in accounts}
        for account in accounts:
            self.accounts.setdefault(account, Account()).pnl = None

    @property
    def gathering(self) -> list[str]:
        """Accounts whose picture isn't whole yet."""
        return list(self._shadows)

    def value(self, value: AccountValue) -> list[Message]:
        """One key of an account."""
        key = (value.key, value.currency)
        shadow = self._shadows.get(value.account)
        if shadow is not None:
            shadow.values[key] = value
            return []
        account = self.accounts.get(value.account)
        if account is None:
            return []
        known = account.values.get(key)
        account.values[key] = value
        return [value] if known is None or known.text != value.text or _older(known, value) else []

    def position(self, position: Position) -> list[Message]:
        """One position, with or without marks; marks that are unknown don't wipe out known ones."""
        shadow = self._shadows.get(position.account)
        if shadow is not None:
            shadow.positions[position.con_id] = _merge(shadow.positions.get(position.con_id), position)
            return []
        account = self.accounts.get(position.account)
        if account is None:
            return []
        known = account.positions.get(position.con_id)
        merged = _merge(known, position)
        if known is not None and _same(known, merged):
            return []
        if merged.quantity == 0:
            account.positions.pop(position.con_id, None)
        else:
            account.positions[position.con_id] = merged
        return [merged] if known is not None or merged.quantity != 0 else []

    def pnl(self, pnl: AccountPnL) -> list[Message]:
        """TWS's P&L of an account."""
        account = self.accounts.get(pnl.account)
        if account is None:
            return []
        account.pnl = pnl
        return [] if pnl.account in self._shadows else [pnl]  # else it goes out with the whole picture

    def part(self, account: str, part: str, recv_ns: int) -> list[Message]:
        """`part` (values · positions · marks) of the account has come in full; gives the picture once it is whole."""
        shadow = self._shadows.get(account)
        if shadow is None:
            return []
        shadow.parts.add(part)
        return self._publish(account, recv_ns) if shadow.parts >= PARTS else []

    def deadline(self, recv_ns: int) -> list[Message]:
        """Time is over: give out what has come, marked incomplete."""
        return [message for account in self.gathering for message in self._publish(account, recv_ns)]

    def _publish(self, name: str, recv_ns: int) -> list[Message]:
        shadow = self._shadows.pop(name)
        account = self.accounts[name]
        complete = shadow.parts >= NEEDED
        held = {con_id: position for con_id, position in shadow.positions.items() if position.quantity != 0}
        gone: list[Position] = []
        if "positions" in shadow.parts:
            gone = [
                msgspec.structs.replace(old, quantity=0.0, market_value=0.0, recv_ns=recv_ns)
                for con_id, old in account.positions.items()
                if con_id not in held
            ]
            account.positions = held
        else:
            account.positions |= held
        account.values |= shadow.values
        account.snapshot = AccountSnapshot(
            account=name,
            complete=complete,
            values=len(account.values),
            positions=len(account.positions),
            base_currency=_base_currency(account.values),
            recv_ns=recv_ns,
            missing=",".join(sorted(PARTS - shadow.parts)),
        )
        profit = [account.pnl] if account.pnl is not None else []
        return [*account.values.values(), *account.positions.values(), *gone, *profit, account.snapshot]

    def messages(self) -> list[Message]:
        """Everything that is published now, for one who joins late."""
        out: list[Message] = []
        for account in self.accounts.values():
            out += [*account.values.values(), *account.positions.values()]
            out += [message for message in (account.snapshot, account.pnl) if message is not None]
        return out

    def held(self) -> dict[int, float]:
        """con_id → the largest absolute market value that an account holds of it (1.0 where TWS gave no mark)."""
        out: dict[int, float] = {}
        rows = [p for account in self.accounts.values() for p in account.positions.values()]
        rows += [p for shadow in self._shadows.values() for p in shadow.positions.values() if p.quantity != 0]
        for position in rows:
            weight = abs(position.market_value) if not math.isnan(position.market_value) else 1.0
            out[position.con_id] = max(out.get(position.con_id, 0.0), weight)
        return out


def _older(known: AccountValue, value: AccountValue) -> bool:
    """TWS repeats all keys every three minutes; margin figures are worth a row even when they did not move."""
    return value.recv_ns - known.recv_ns > 60_000_000_000 and "Margin" in value.key


def _merge(known: Position | None, new: Position) -> Position:
    if known is None or new.quantity != known.quantity or not math.isnan(new.market_price):
        return new
    return msgspec.structs.replace(
        new,
        market_price=known.market_price,
        market_value=known.market_value,
        unrealized_pnl=known.unrealized_pnl,
        realized_pnl=known.realized_pnl,
    )


def _same(one: Position, other: Position) -> bool:
    """Equal but for the receive time; unknown equals unknown."""
    pairs = zip(msgspec.structs.astuple(one)[:-1], msgspec.structs.astuple(other)[:-1], strict=True)
    return all(a == b or (a != a and b != b) for a, b in pairs)


def _base_currency(values: dict[tuple[str, str], AccountValue]) -> str:
    """The currency of NetLiquidation (BASE is no currency)."""
    for (key, currency), _ in values.items():
        if key == "NetLiquidation" and currency not in ("", "BASE"):
            return currency
    return "USD"
