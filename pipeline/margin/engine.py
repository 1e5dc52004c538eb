"""Arrays in, account figures out. No socket, no clock, no environment: same input, same output."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.margin.arrays import COMMODITIES, SECURITIES, Columns
from pipeline.margin.book import Book
from pipeline.margin.kernels import groups as kernel
from pipeline.margin.kernels.quotes import Quotes
from pipeline.margin.rules import account as rules
from pipeline.margin.rules.account import AccountFigures, Cash, Segment
from pipeline.messages import MARGIN_ACCOUNT, MARGIN_GROUP


@dataclass(frozen=True, slots=True)
class Update:
    """What a recomputation changed: numbers of groups and of accounts in `columns`."""

    columns: Columns
    groups: NDArray[np.int64]
    accounts: list[int]


def recompute(book: Book) -> Update:
    """Revalue the groups that moved since the last call (all, where the structure changed) and add the accounts up."""
    everything = book.structure_changed
    columns = book.columns()
    quotes = book.quotes
    count = kernel.moved_groups(quotes, columns.slot_start, columns.slot_groups, columns.marked, columns.which)
    if everything:
        count = len(columns.names)
        columns.which[:] = np.arange(count)
    which = columns.which[:count].copy()
    revalue(columns, quotes, which)
    if everything:
        accounts = set(range(len(columns.accounts)))
    else:
        accounts = set(columns.group_account[which].tolist())
        accounts |= {a for a, name in enumerate(columns.accounts) if name in book.dirty_accounts}
    book.dirty_accounts.clear()
    return Update(columns, which, sorted(accounts))


def revalue(columns: Columns, quotes: Quotes, which: NDArray[np.int64] | None = None) -> None:
    """Fill the figures of the groups `which` (all if None) and the sums of all accounts."""
    groups = np.arange(len(columns.names), dtype=np.int64) if which is None else which
    kernel.revalue(groups, columns.groups, columns.legs, quotes, columns.work)
    kernel.add_up(columns.groups, columns.group_account, columns.group_segment, columns.sums, columns.account_flags)


def segment(columns: Columns, account: int, which: int) -> Segment:
    """The sums of one segment of an account."""
    sums = columns.sums[account, which].tolist()
    return Segment(
        initial=sums[kernel.INITIAL],
        maintenance=sums[kernel.MAINTENANCE],
        reg_t=sums[kernel.REG_T],
        equity_value=sums[kernel.EQUITY_VALUE],
        option_value=sums[kernel.OPTION_VALUE],
        gross=sums[kernel.GROSS],
        variation=sums[kernel.VARIATION],
    )


def account_figures(columns: Columns, account: int, cash: Cash) -> AccountFigures:
    """TWS's keys of an account, from its groups and its cash."""
    return rules.figures(segment(columns, account, SECURITIES), segment(columns, account, COMMODITIES), cash)


def unrealized(columns: Columns, account: int) -> float:
    """Unrealised profit and loss of all positions, base currency."""
    return float(columns.sums[account, :, kernel.PNL].sum())


def account_record(
    columns: Columns, account: int, book: Book, figures: AccountFigures, daily_pnl: float
) -> NDArray[np.void]:
    """One MARGIN_ACCOUNT record; times, seq, level and the flags that only the service knows are left to it."""
    name = columns.accounts[account]
    tws = book.account(name).tws()
    record = np.zeros(1, dtype=MARGIN_ACCOUNT)
    row = record[0]
    row["account"] = name.encode()[:16]
    row["flags"] = columns.account_flags[account]
    row["positions"] = int((columns.group_account[columns.group_of_leg] == account).sum())
    for field in _SHARED_FIELDS:
        row[field] = getattr(figures, field)
    row["unrealized_pnl"] = unrealized(columns, account)
    row["daily_pnl"] = daily_pnl
    row["tws_net_liquidation"], row["tws_initial_margin"], row["tws_maintenance_margin"] = tws[:3]
    row["tws_excess_liquidity"], row["tws_ns"] = tws[3], tws[4]
    row["gap"] = (figures.maintenance_margin - tws[2]) / tws[2] if tws[2] else math.nan
    return record


_SHARED_FIELDS = [name for name in MARGIN_ACCOUNT.names or () if name in AccountFigures.__slots__]


def group_records(columns: Columns, which: NDArray[np.int64]) -> NDArray[np.void]:
    """MARGIN_GROUP records of the groups `which`, in that order; times are left to the service."""
    records = np.zeros(which.size, dtype=MARGIN_GROUP)
    figures = columns.groups.figures[which]
    records["account"] = [columns.names[g].account.encode()[:16] for g in which]
    records["underlying"] = [columns.names[g].underlying.encode()[:16] for g in which]
    records["con_id"] = columns.under_con_ids[which]
    records["flags"] = columns.groups.flags[which]
    records["legs"] = np.diff(columns.groups.start)[which]
    records["initial_margin"] = figures[:, kernel.INITIAL]
    records["maintenance_margin"] = figures[:, kernel.MAINTENANCE]
    records["reg_t_margin"] = figures[:, kernel.REG_T]
    records["market_value"] = figures[:, kernel.VALUE]
    records["unrealized_pnl"] = figures[:, kernel.PNL]
    total = columns.sums[columns.group_account[which], :, kernel.MAINTENANCE].sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        records["share"] = np.where(total > 0.0, figures[:, kernel.MAINTENANCE] / total, 0.0)
    return records
