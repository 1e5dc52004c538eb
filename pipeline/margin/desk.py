"""From the book's changes to published figures: recompute, levels, flags, profit of the day. No socket here."""

from __future__ import annotations

import math
import time

import numpy as np

from pipeline.margin import engine
from pipeline.margin.arrays import Columns
from pipeline.margin.book import Book
from pipeline.margin.explain import explain
from pipeline.margin.levels import AccountLevel, Thresholds
from pipeline.margin.publish import Publisher, Records, with_flag
from pipeline.margin.rules.account import AccountFigures
from pipeline.messages import MarginFlag, MarginTree

FILL_WAIT_S = 1.0  # an execution and its position come apart by less than this


class Desk:
    """Keeps the levels and the marks of the accounts from one recomputation to the next."""

    def __init__(self, book: Book, publisher: Publisher, thresholds: Thresholds, rule_set: str) -> None:
        self._book = book
        self._publisher = publisher
        self._thresholds = thresholds
        self._rule_set = rule_set
        self._levels: dict[str, AccountLevel] = {}
        self._level_now: dict[str, int] = {}
        self._figures: dict[str, AccountFigures] = {}
        self._fills: dict[str, float] = {}  # account → when the record after its fill is kept at the latest
        self._pnl_base: dict[str, tuple[int, float]] = {}
        self._newest_ns = 0
        self._flag_changed = False
        self.input_seq = 0
        self.stale = True
        self.recompute_ms = math.nan

    def set_stale(self, stale: bool) -> None:
        """Whether the inputs can be trusted to be now; a change is published by the next update."""
        self._flag_changed |= stale != self.stale
        self.stale = stale

    def on_fill(self, account: str, now_s: float) -> None:
        """Keep the figures after this fill: as soon as the position changes, at the latest in a second."""
        self._fills[account] = now_s + FILL_WAIT_S

    def update(self, now_s: float, oldest_ns: int, newest_ns: int) -> bool:
        """Recompute what changed and publish it; True if something was published."""
        book = self._book
        self._newest_ns = max(self._newest_ns, newest_ns)
        due_fills = {account for account, due in self._fills.items() if now_s >= due}
        if not (newest_ns or book.structure_changed or book.dirty_accounts or self._flag_changed or due_fills):
            return False
        if not book.accounts:
            self._flag_changed = False
            return False
        changed_positions = set(book.dirty_accounts)
        started = time.perf_counter()
        structure = book.structure_changed
        update = engine.recompute(book)
        columns = update.columns
        everyone = self._flag_changed
        self._flag_changed = False
        names = columns.accounts
        which = {a for a, name in enumerate(names) if everyone or name in due_fills} | set(update.accounts)
        for a in sorted(which):
            filled = names[a] in due_fills or (names[a] in self._fills and names[a] in changed_positions)
            self._publish(columns, a, update.groups, (oldest_ns, newest_ns), now_s, filled)
        if structure:
            self._forget_gone(columns)
        self.recompute_ms = (time.perf_counter() - started) * 1e3
        return bool(which)

    def _publish(
        self,
        columns: Columns,
        a: int,
        changed: np.ndarray[tuple[int], np.dtype[np.int64]],
        ticks: tuple[int, int],
        now_s: float,
        filled: bool,
    ) -> None:
        name, book = columns.accounts[a], self._book
        figures = self._figures[name] = engine.account_figures(columns, a, book.account(name).cash())
        record = engine.account_record(columns, a, book, figures, self._daily(columns, a))
        row = record[0]
        row["oldest_ns"], row["newest_ns"], row["market_ns"] = ticks[0], self._newest_ns, book.market_ns
        row["input_seq"] = self.input_seq
        level = self._level(name, record)
        level_changed = level != self._level_now.get(name, 0)
        self._level_now[name] = row["level"] = level
        with_flag(record, MarginFlag.STALE_INPUT, self.stale or bool(row["flags"] & MarginFlag.STALE_INPUT))
        with_flag(record, MarginFlag.LEVEL_CHANGE, level_changed)
        with_flag(record, MarginFlag.AFTER_FILL, filled)
        if filled:
            self._fills.pop(name, None)
        groups = engine.group_records(columns, changed[columns.group_account[changed] == a])
        groups["oldest_ns"], groups["newest_ns"] = ticks[0], self._newest_ns
        if self.stale:
            groups["flags"] |= np.uint16(MarginFlag.STALE_INPUT)
        self._publisher.publish(record, groups, now_s, level_changed or filled)

    def _level(self, name: str, record: Records) -> int:
        row = record[0]
        keeper = self._levels.get(name)
        if keeper is None:
            keeper = self._levels[name] = AccountLevel(self._thresholds)
        model = (float(row["net_liquidation"]), float(row["maintenance_margin"]), float(row["excess_liquidity"]))
        tws = (
            float(row["tws_net_liquidation"]), float(row["tws_maintenance_margin"]), float(row["tws_excess_liquidity"])
        )  # fmt: skip
        return int(keeper.update(model, tws))

    def _daily(self, columns: Columns, a: int) -> float:
        """TWS's profit of the day and the model's change of the unrealised part since TWS told it."""
        name = columns.accounts[a]
        pnl = self._book.account(name).pnl
        if pnl is None:
            return math.nan
        now = engine.unrealized(columns, a)
        base = self._pnl_base.get(name)
        if base is None or base[0] != pnl.recv_ns:
            base = self._pnl_base[name] = (pnl.recv_ns, now)
        return pnl.daily + now - base[1]

    def _forget_gone(self, columns: Columns) -> None:
        for account in list(self._publisher.kept):
            current = {
                (name.underlying[:16], int(columns.under_con_ids[g]))
                for g, name in enumerate(columns.names)
                if name.account == account
            }
            self._publisher.forget_groups(account, current)

    def on_time(self, now_s: float) -> None:
        """What is due though nothing ticks."""
        self._publisher.on_time(now_s, self.tree)

    def tree(self, account: str) -> MarginTree | None:
        """The explained tree at the figures last published; None if there are none."""
        figures = self._figures.get(account)
        columns = self._book.columns() if not self._book.structure_changed else None
        if figures is None or columns is None or account not in columns.accounts:
            return None
        return explain(columns, columns.accounts.index(account), figures, self._rule_set, self._newest_ns)
