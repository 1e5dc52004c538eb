"""What an account's watchers are told: values, portfolio, positions, profit and loss, as frames. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from pipeline.gateway.asks.accounts import AccountSummary, AccountUpdatesMulti, PnL
from pipeline.gateway.broker import keys
from pipeline.gateway.broker.accounts import Account
from pipeline.gateway.broker.brokerage import Brokerage
from pipeline.gateway.broker.keys import Row
from pipeline.gateway.market import days
from pipeline.gateway.session import Session
from pipeline.gateway.tells import accounts as tell

UPDATES = -1  # the key of reqAccountUpdates in Watching.sent
SUMMARY_PLAIN = ("AccountType", "Cushion", "Leverage", "LookAheadNextChange", "HighestSeverity")


def rows(brokerage: Brokerage, account: Account) -> list[Row]:
    return keys.rows(account, brokerage.bank.figures(account))


def portfolio(brokerage: Brokerage, account: Account, con_ids: Iterable[int]) -> list[bytes]:
    """updatePortfolio of the given positions."""
    frames = []
    for con_id in con_ids:
        x, position = brokerage.universe.by_con_id[con_id], account.positions[con_id]
        price = brokerage.tape.mark(x)
        value, profit = keys.value_of(x, position, price)
        frames.append(
            tell.portfolio(
                x, position.quantity, price, f"{value:.2f}", f"{position.average_cost():.6f}", f"{profit:.2f}",
                f"{position.realized:.2f}", account.name,
            )
        )  # fmt: skip
    return frames


def positions(brokerage: Brokerage, account: Account, con_ids: Iterable[int], req_id: int | None = None) -> list[bytes]:
    """position, or positionMulti for `req_id`."""
    frames = []
    for con_id in con_ids:
        x, position = brokerage.universe.by_con_id[con_id], account.positions[con_id]
        cost = f"{position.average_cost():.6f}"
        if req_id is None:
            frames.append(tell.position(account.name, x, position.quantity, cost))
        else:
            frames.append(tell.position_multi(req_id, account.name, x, position.quantity, cost))
    return frames


def held(account: Account) -> list[int]:
    return [con_id for con_id, position in account.positions.items() if position.quantity]


def time_frame(brokerage: Brokerage) -> bytes:
    return tell.account_time(f"{days.new_york(brokerage.market.now_ns):%H:%M}")


def changed(session: Session, key: int, account: str, fresh: list[Row]) -> list[Row]:
    """Rows that this subscription hasn't been told yet."""
    told = session.watching.sent.setdefault(key, {})
    old = set(told.get(account, ()))
    told[account] = fresh
    return [row for row in fresh if row not in old]


def updates(session: Session, brokerage: Brokerage, moved: Iterable[int] | None) -> list[bytes]:
    """Frames of reqAccountUpdates: what changed, and the positions `moved` (None: all)."""
    account = brokerage.accounts[session.watching.updates]
    told = changed(session, UPDATES, account.name, rows(brokerage, account))
    frames = [tell.account_value(key, value, currency, account.name) for key, value, currency in told]
    frames += portfolio(brokerage, account, held(account) if moved is None else moved)
    return [*frames, time_frame(brokerage)]


def multi(session: Session, brokerage: Brokerage, asked: AccountUpdatesMulti) -> list[bytes]:
    """Frames of reqAccountUpdatesMulti: what changed."""
    frames = []
    for account in wanted(brokerage, asked.account):
        fresh = rows(brokerage, account)
        if asked.ledger_only:
            fresh = [row for row in fresh if row[0] in keys.LEDGER_KEYS]
        for key, value, currency in changed(session, asked.req_id, account.name, fresh):
            frames.append(tell.account_update_multi(asked.req_id, account.name, "", key, value, currency))
    return frames


def summary(session: Session, brokerage: Brokerage, asked: AccountSummary) -> list[bytes]:
    """Frames of reqAccountSummary: what changed of the tags asked for."""
    frames = []
    tags = [tag.strip() for tag in asked.tags.split(",") if tag.strip()]
    for account in wanted(brokerage, "" if asked.group == "All" else asked.group):
        fresh = _summary_rows(rows(brokerage, account), tags)
        for key, value, currency in changed(session, asked.req_id, account.name, fresh):
            frames.append(tell.account_summary(asked.req_id, account.name, key, value, currency))
    return frames


def _summary_rows(all_rows: list[Row], tags: list[str]) -> list[Row]:
    found: list[Row] = []
    for tag in tags:
        if tag.startswith("$LEDGER"):
            wished = tag.partition(":")[2]
            for row in all_rows:
                fits = wished == "ALL" or row[2] == (wished or "BASE")
                if row[0] in keys.LEDGER_KEYS and row[2] and fits:
                    found.append(row)
            continue
        name = "Leverage-S" if tag == "Leverage" else tag
        found += [(tag, value, currency) for key, value, currency in all_rows if key == name][:1]
    return found


def wanted(brokerage: Brokerage, account: str) -> list[Account]:
    """The account named, or all of them."""
    return [brokerage.accounts[account]] if account else list(brokerage.accounts.values())


def pnl(brokerage: Brokerage, asked: PnL) -> bytes:
    """pnl, or pnlSingle for one contract."""
    account = brokerage.accounts[asked.account]
    if asked.con_id:
        position, x = account.positions[asked.con_id], brokerage.universe.by_con_id[asked.con_id]
        value, profit = keys.value_of(x, position, brokerage.tape.mark(x))
        daily = brokerage.bank.daily(account, asked.con_id)
        return tell.pnl_single(
            asked.req_id, position.quantity, f"{daily:.2f}", f"{profit:.2f}", f"{position.realized:.2f}", f"{value:.2f}"
        )
    figures = brokerage.bank.figures(account)
    total = sum(brokerage.bank.daily(account, con_id) for con_id in account.positions)
    return tell.pnl(asked.req_id, f"{total:.2f}", f"{figures.unrealized:.2f}", f"{figures.realized:.2f}")
