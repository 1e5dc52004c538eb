"""What an account's watchers are told: values, portfolio, positions, profit and loss, as frames. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable
from decimal import Decimal

from pipeline.gateway.asks.accounts import AccountSummary, AccountUpdatesMulti, PnL
from pipeline.gateway.broker import keys
from pipeline.gateway.broker.accounts import Account
from pipeline.gateway.broker.brokerage import Brokerage
from pipeline.gateway.broker.figures import Figures, figures
from pipeline.gateway.broker.keys import Row
from pipeline.gateway.market import days
from pipeline.gateway.session import Session
from pipeline.gateway.tells import accounts as tell
from pipeline.gateway.tells.frames import UNSET

UPDATES = -1  # the key of reqAccountUpdates in Watching.sent
ALL_TAGS = ("all", "ALL")
LEDGER = "$LEDGER"
LONGEST_TAGS, LONGEST_TAG = 20_000, 60
UNKNOWN = Decimal("nan")


def rows(brokerage: Brokerage, account: Account) -> list[Row]:
    return keys.rows(account, brokerage.bank.figures(account))


def portfolio(brokerage: Brokerage, account: Account, con_ids: Iterable[int]) -> list[bytes]:
    """updatePortfolio of the given positions."""
    frames = []
    for con_id in con_ids:
        if con_id not in account.positions:
            continue
        x, position, price, value, profit = brokerage.bank.portfolio_row(account, con_id)
        frames.append(
            tell.portfolio(
                x, position.quantity, price, f"{value:.2f}", f"{position.average_cost():.6f}", f"{profit:.2f}",
                f"{position.realized:.2f}", account.name,
            )
        )  # fmt: skip
    return frames


def positions(
    brokerage: Brokerage, account: Account, con_ids: Iterable[int], req_id: int | None = None, model: str = ""
) -> list[bytes]:
    """position, or positionMulti for `req_id`."""
    frames = []
    for con_id in con_ids:
        if con_id not in account.positions:
            continue
        x, position = brokerage.universe.by_con_id[con_id], account.positions[con_id]
        cost = f"{position.average_cost():.6f}"
        if req_id is None:
            frames.append(tell.position(account.name, x, position.quantity, cost))
        else:
            frames.append(tell.position_multi(req_id, account.name, x, position.quantity, cost, model))
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
    account = brokerage.bank.account(session.watching.updates)
    told = changed(session, UPDATES, account.name, rows(brokerage, account))
    frames = [tell.account_value(key, value, currency, account.name) for key, value, currency in told]
    frames += portfolio(brokerage, account, held(account) if moved is None else moved)
    return [*frames, time_frame(brokerage)]


def multi(session: Session, brokerage: Brokerage, asked: AccountUpdatesMulti) -> list[bytes]:
    """Frames of reqAccountUpdatesMulti: what changed."""
    frames = []
    for account in wanted(brokerage, asked.account, asked.model):
        fresh = keys.rows(account, _figures(brokerage, account, asked.model))
        if asked.ledger_only:
            fresh = [row for row in fresh if row[0] in keys.LEDGER_KEYS and row[2]]
        for key, value, currency in changed(session, asked.req_id, account.name, fresh):
            frames.append(tell.account_update_multi(asked.req_id, account.name, asked.model, key, value, currency))
    return frames


def _figures(brokerage: Brokerage, account: Account, model: str) -> Figures:
    bank = brokerage.bank
    if not model:
        return bank.figures(account)
    return figures(account, bank.universe, bank.mark, bank.fx, bank.market.now_ns)


def summary(session: Session, brokerage: Brokerage, asked: AccountSummary) -> list[bytes]:
    """Frames of reqAccountSummary: what changed of the tags asked for; currencies of the group as a whole."""
    tags = asked.tags.split(",")
    ledgers = [tag for tag in tags if tag.startswith(LEDGER)]
    plain = [tag for tag in tags if tag not in ledgers]
    told: dict[str, list[Row]] = {}
    for name in brokerage.bank.members(asked.group):
        told[name] = _plain_rows(brokerage, brokerage.accounts[name], plain)
    if ledgers:
        group = brokerage.bank.account(asked.group)
        told[asked.group] = _ledger_rows(rows(brokerage, group), ledgers)
    frames = []
    for name, fresh in told.items():
        for key, value, currency in changed(session, asked.req_id, name, fresh):
            frames.append(tell.account_summary(asked.req_id, name, key, value, currency))
    return frames


def short_tags(tags: str) -> str:
    """The tags asked for, each once, without those that are too long to be one."""
    found = dict.fromkeys(tag.strip() for tag in tags[:LONGEST_TAGS].split(","))
    return ",".join(tag for tag in found if 0 < len(tag) <= LONGEST_TAG)


def _plain_rows(brokerage: Brokerage, account: Account, tags: list[str]) -> list[Row]:
    """The tags of one account; `Leverage` and `SettledCash` are known by these names here alone."""
    found = brokerage.bank.figures(account)
    by_key = {key: (value, currency) for key, value, currency in keys.rows(account, found) if currency != "BASE"}
    by_key |= {"Leverage": by_key["Leverage-S"], "SettledCash": (f"{found.settled:.2f}", "USD")}
    if any(tag in ALL_TAGS for tag in tags):
        tags = [key for key in by_key if key not in keys.LEDGER_KEYS and "-" not in key]
    return [(tag, *by_key[tag]) for tag in tags if tag in by_key]


def _ledger_rows(all_rows: list[Row], tags: list[str]) -> list[Row]:
    """The rows by currency that `$LEDGER`, `$LEDGER:CUR` and `$LEDGER:ALL` ask for."""
    currencies = {row[2] for row in all_rows if row[0] == "Currency"}
    asked: set[str] = set()
    for tag in tags:
        wish = tag.partition(":")[2]
        asked |= currencies if wish == "ALL" else {wish or "BASE"}
    found: dict[tuple[str, str], Row] = {}
    for row in all_rows:
        if row[0] in keys.LEDGER_KEYS and row[2] in asked:
            found.setdefault((row[0], row[2]), row)
    return list(found.values())


def wanted(brokerage: Brokerage, account: str, model: str = "") -> list[Account]:
    """The account named, or all of them; with a model its part of each."""
    names = brokerage.bank.members(account) if account else list(brokerage.accounts)
    return [brokerage.bank.account(name, model) for name in names]


def money(value: Decimal) -> str:
    """A sum as TWS spells it; unset when it is unknown."""
    return f"{value:.2f}" if value.is_finite() else UNSET


def pnl(brokerage: Brokerage, asked: PnL) -> bytes | None:
    """pnl, or pnlSingle for one contract; None while the account has never held it today."""
    bank = brokerage.bank
    account = bank.account(asked.account, asked.model)
    if asked.con_id:
        if asked.con_id not in account.positions:
            return None
        x, position, _, value, profit = bank.portfolio_row(account, asked.con_id)
        sums = (bank.daily(account, asked.con_id), profit, value)
        daily, profit, value = sums if math.isfinite(bank.price(x)) else (UNKNOWN, UNKNOWN, UNKNOWN)
        return tell.pnl_single(
            asked.req_id, position.quantity, money(daily), money(profit), money(position.realized), money(value)
        )
    found = _figures(brokerage, account, asked.model)
    return tell.pnl(asked.req_id, money(bank.daily_total(account)), money(found.unrealized), money(found.realized))
