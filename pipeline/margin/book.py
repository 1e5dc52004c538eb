"""What is known now: instruments, positions, account values, prices. Messages change it; arrays come out of it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from pipeline import messages
from pipeline.margin import arrays
from pipeline.margin.arrays import Columns, Inputs
from pipeline.margin.kernels.quotes import Quotes, apply_options, apply_ticks
from pipeline.margin.rules.account import Cash
from pipeline.margin.rules.rates import RateBook

FIRST_SLOTS = 256
FLOAT_COLUMNS = ("bid", "ask", "last", "close", "implied_vol", "under_price", "mark")
FUTURES_KEYS = ("FuturesPNL", "FuturesPNL-C", "NetLiquidation-C", "TotalCashValue-C")
FRESH_NS = 5 * 10**9  # a value that is older than the newest tick by more than this does not stand for today's marks
STRUCTURE_KEYS = ("ExchangeRate",)  # values that stand in the arrays
TWS_KEYS = ("NetLiquidation", "InitMarginReq", "MaintMarginReq", "ExcessLiquidity")


class AccountBook:
    """One account's positions and TWS's values."""

    def __init__(self, account: str) -> None:
        self.account = account
        self.positions: dict[int, messages.Position] = {}
        self.values: dict[tuple[str, str], messages.AccountValue] = {}
        self.base_currency = "USD"
        self.pnl: messages.AccountPnL | None = None
        self.whole = False  # a first picture has come in full

    def value(self, key: str) -> float:
        """TWS's number in base currency; nan if it has not told."""
        found = self.find(key)
        return found.value if found is not None else math.nan

    def find(self, key: str) -> messages.AccountValue | None:
        """TWS's value in base currency."""
        for currency in (self.base_currency, "BASE", ""):
            found = self.values.get((key, currency))
            if found is not None:
                return found
        return None

    def fx(self, currency: str) -> float:
        """Base currency per unit of `currency`; nan if TWS has not told."""
        if currency in (self.base_currency, "BASE", ""):
            return 1.0
        found = self.values.get(("ExchangeRate", currency))
        return found.value if found is not None and found.value > 0.0 else math.nan

    def cash(self) -> Cash:
        """What the account's figures need of TWS. Where TWS gives no segments, all cash is securities'."""
        securities, commodities = self.value("TotalCashValue-S"), self.value("TotalCashValue-C")
        if math.isnan(securities):
            securities = self.value("TotalCashValue")
            if not math.isnan(commodities):
                securities -= commodities
        accrued = _sum_known(self.value("AccruedCash-S"), self.value("AccruedDividend-S"))
        futures = self.value("FuturesPNL-C")
        if math.isnan(futures):
            futures = self.value("FuturesPNL")
        return Cash(securities, _or_zero(commodities), accrued, _or_zero(futures), self.value("SMA"))

    def tws(self) -> tuple[float, float, float, float, int]:
        """TWS's net liquidation, initial, maintenance, excess, and the receive time of the oldest of them (0: none)."""
        found = [self.find(key) for key in TWS_KEYS]
        times = [value.recv_ns for value in found if value is not None]
        numbers = [value.value if value is not None else math.nan for value in found]
        return numbers[0], numbers[1], numbers[2], numbers[3], min(times, default=0)


def _or_zero(value: float) -> float:
    """A segment that TWS does not mention is empty."""
    return 0.0 if math.isnan(value) else value


def _sum_known(*values: float) -> float:
    return sum(_or_zero(value) for value in values)


class Book:
    """All accounts, all contracts. `structure_changed` means that the arrays must be made anew."""

    def __init__(self, rates: RateBook) -> None:
        self.rates = rates
        self.instruments: dict[int, messages.Instrument] = {}
        self.accounts: dict[str, AccountBook] = {}
        self.market_ns = 0
        self.tws_ready = True
        self.structure_changed = True
        self.dirty_accounts: set[str] = set()
        self._references: dict[tuple[str, int], float] = {}
        self._newest_ns = 0
        self._slots: dict[int, int] = {}
        self._lookup_stale = True
        self._columns: Columns | None = None
        self._quotes = _new_quotes(FIRST_SLOTS)

    # In.

    def on(self, message: messages.Message) -> None:
        """Take one message of ingest's stream."""
        match message:
            case messages.Instrument():
                self._on_instrument(message)
            case messages.Position():
                self._on_position(message)
            case messages.AccountValue():
                self._on_value(message)
            case messages.AccountSnapshot():
                self._on_snapshot(message)
            case messages.AccountPnL():
                self.account(message.account).pnl = message
            case messages.Subscription():
                self._on_subscription(message)
            case messages.TwsState():
                self.market_ns = message.market_time_ns or self.market_ns
                if message.client == "ingest":
                    self.tws_ready = message.state in ("READY", "SYNCING")
            case _:
                pass

    def ticks(self, records: np.ndarray[Any, Any]) -> tuple[int, int, int]:
        """Apply TICK records; (ticks that moved a figure's price, their oldest and newest receive time)."""
        moved, oldest, newest = apply_ticks(records, self.quotes)
        if records.size:
            self._newest_ns = max(self._newest_ns, int(records["recv_ns"][-1]))
            self.market_ns = max(self.market_ns, int(records["market_ns"][-1]))
        return moved, oldest, newest

    def options(self, records: np.ndarray[Any, Any]) -> None:
        """Apply OPTION records."""
        apply_options(records, self.quotes)

    def account(self, name: str) -> AccountBook:
        """The account's book, made at its first mention."""
        found = self.accounts.get(name)
        if found is None:
            found = self.accounts[name] = AccountBook(name)
        return found

    def forget(self) -> None:
        """A snapshot follows: what ingest no longer tells must not stay. Prices stay until they are told anew."""
        self.accounts.clear()
        self._references.clear()
        self.structure_changed = True

    def _on_instrument(self, message: messages.Instrument) -> None:
        if self.instruments.get(message.con_id) != message:
            self.instruments[message.con_id] = message
            self.structure_changed = True
        self.slot_of(message.con_id)

    def _on_position(self, message: messages.Position) -> None:
        positions = self.account(message.account).positions
        self.dirty_accounts.add(message.account)
        if not message.quantity:
            self.structure_changed |= positions.pop(message.con_id, None) is not None
            return
        known = message.con_id in positions
        positions[message.con_id] = message
        if not self.account(message.account).whole:
            return
        if not known or self._columns is None or self.structure_changed:
            self.structure_changed = True
            return
        columns = self._columns
        leg = columns.leg_of[message.account, message.con_id]
        columns.positions[leg] = message
        columns.legs.quantity[leg] = message.quantity
        columns.legs.average_cost[leg] = message.average_cost
        columns.legs.tws_price[leg] = arrays.tws_price(message)
        self.quotes.moved[columns.legs.slot[leg]] = True

    def _on_value(self, message: messages.AccountValue) -> None:
        account = self.account(message.account)
        key = (message.key, message.currency)
        old = account.values.get(key)
        account.values[key] = message
        if old is None or old.value != message.value:
            self.dirty_accounts.add(message.account)
            self.structure_changed |= message.key in STRUCTURE_KEYS
        if message.key in FUTURES_KEYS and message.recv_ns > self._newest_ns - FRESH_NS:
            self._anchor_futures(account)

    def _on_snapshot(self, message: messages.AccountSnapshot) -> None:
        account = self.account(message.account)
        self.dirty_accounts.add(message.account)
        self.structure_changed |= not account.whole
        account.whole = True
        if message.base_currency and message.base_currency != account.base_currency:
            account.base_currency = message.base_currency
            self.structure_changed = True

    def _anchor_futures(self, account: AccountBook) -> None:
        """TWS's futures P&L stands for the prices of its moment: remember our marks of it, add what comes after."""
        for con_id in account.positions:
            instrument = self.instruments.get(con_id)
            mark = float(self._quotes.mark[self.slot_of(con_id)])
            if instrument is None or instrument.sec_type not in ("FUT", "FOP") or math.isnan(mark):
                continue
            self._references[account.account, con_id] = mark
            leg = self._columns.leg_of.get((account.account, con_id)) if self._columns is not None else None
            if leg is not None and self._columns is not None and not self.structure_changed:
                self._columns.legs.reference[leg] = mark
                self._quotes.moved[self._columns.legs.slot[leg]] = True

    def _on_subscription(self, message: messages.Subscription) -> None:
        """A line that ended tells nothing any more; the last implied volatility and close stay."""
        if message.state not in ("ended", "refused"):
            return
        slot = self.slot_of(message.con_id)
        for column in (self._quotes.bid, self._quotes.ask, self._quotes.last):
            column[slot] = math.nan

    # Out.

    @property
    def quotes(self) -> Quotes:
        """The price arrays; their identity changes when contracts are added."""
        if self._lookup_stale:
            con_ids = np.array(sorted(self._slots), dtype=np.int64)
            slots = np.array([self._slots[int(con_id)] for con_id in con_ids], dtype=np.int64)
            self._quotes = self._quotes._replace(con_ids=con_ids, slots=slots)
            self._lookup_stale = False
        return self._quotes

    def slot_of(self, con_id: int) -> int:
        """The place of a contract's prices, made at its first mention."""
        slot = self._slots.get(con_id)
        if slot is None:
            slot = self._slots[con_id] = len(self._slots)
            self._lookup_stale = True
            if slot >= self._quotes.bid.size:
                self._quotes = _grown(self._quotes, 2 * self._quotes.bid.size)
        return slot

    def columns(self) -> Columns:
        """The arrays of all positions; made anew where the structure changed."""
        if self._columns is None or self.structure_changed:
            whole = [account for account in self.accounts.values() if account.whole]
            positions = [position for account in whole for position in account.positions.values()]
            self._columns = self.compile(positions, [account.account for account in whole])
            arrays.mark_used(self._columns, self.quotes)
            self.structure_changed = False
        return self._columns

    def positions(self) -> Iterator[messages.Position]:
        """All of all accounts, also those whose first picture is not whole."""
        for account in self.accounts.values():
            yield from account.positions.values()

    def compile(self, positions: Iterable[messages.Position], accounts: Sequence[str] = ()) -> Columns:
        """Arrays of any positions of any accounts at this book's prices and rates; the book itself stays as it is."""
        inputs = Inputs(
            instruments=self.instruments,
            slot_of=self.slot_of,
            rates=self.rates,
            fx=lambda account, currency: self.account(account).fx(currency),
            now_ns=self.market_ns,
            slots=self._quotes.bid.size,
            accounts=accounts,
            references=self._references,
        )
        return arrays.compile_columns(positions, inputs)


def _new_quotes(size: int) -> Quotes:
    empty = np.zeros(0, dtype=np.int64)
    floats = {name: np.full(size, math.nan) for name in FLOAT_COLUMNS}
    return Quotes(
        con_ids=empty,
        slots=empty.copy(),
        **floats,
        source=np.zeros(size, dtype=np.uint8),
        used=np.zeros(size, dtype=np.bool_),
        moved=np.zeros(size, dtype=np.bool_),
    )


def _grown(quotes: Quotes, size: int) -> Quotes:
    """The same prices with room for more."""
    fresh = _new_quotes(size)
    for name in (*FLOAT_COLUMNS, "source", "used", "moved"):
        column = getattr(quotes, name)
        getattr(fresh, name)[: column.size] = column
    return fresh._replace(con_ids=quotes.con_ids, slots=quotes.slots)
