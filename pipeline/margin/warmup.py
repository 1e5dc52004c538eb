"""A tiny book through every kernel, so that the first real tick meets compiled code."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.margin import engine
from pipeline.margin.book import Book
from pipeline.margin.explain import explain
from pipeline.margin.rules import options as rules
from pipeline.margin.rules.options import OptionTerms
from pipeline.margin.rules.rates import RateBook
from pipeline.messages import OPTION, TICK, AccountSnapshot, AccountValue, Instrument, Position

ACCOUNT = "WARMUP"
STOCK, CALL, PUT, FUTURE = 1, 2, 3, 4


def small_book() -> Book:
    """A covered call, a long put and a future, with prices."""
    book = Book(RateBook())
    book.on(Instrument(con_id=STOCK, symbol="W", sec_type="STK", currency="USD", exchange="SMART"))
    for con_id, right in ((CALL, "C"), (PUT, "P")):
        book.on(
            Instrument(
                con_id=con_id,
                symbol="W",
                sec_type="OPT",
                currency="USD",
                exchange="SMART",
                expiry="20991218",
                strike=100.0,
                right=right,
                multiplier=100.0,
                under_con_id=STOCK,
                under_symbol="W",
            )
        )
    book.on(Instrument(con_id=FUTURE, symbol="ES", sec_type="FUT", currency="USD", exchange="CME", multiplier=50.0))
    for con_id, quantity in ((STOCK, 100.0), (CALL, -2.0), (PUT, 1.0), (FUTURE, 1.0)):
        book.on(Position(account=ACCOUNT, con_id=con_id, quantity=quantity, average_cost=1.0))
    book.on(AccountValue(account=ACCOUNT, key="TotalCashValue-S", currency="USD", value=1e6, text="1000000", recv_ns=1))
    book.on(AccountSnapshot(account=ACCOUNT, complete=True, values=1, positions=4, base_currency="USD", recv_ns=1))
    return book


def warm_up() -> None:
    """Compile or load the kernels, with records as they come off the wire (read-only)."""
    book = small_book()
    ticks = np.zeros(4, dtype=TICK)
    ticks["con_id"], ticks["tick_type"], ticks["price"] = [STOCK, CALL, PUT, FUTURE], 4, 100.0
    options = np.zeros(1, dtype=OPTION)
    book.ticks(np.frombuffer(ticks.tobytes(), dtype=TICK))
    book.options(np.frombuffer(options.tobytes(), dtype=OPTION))
    update = engine.recompute(book)
    engine.group_records(update.columns, update.groups)
    figures = engine.account_figures(update.columns, 0, book.account(ACCOUNT).cash())
    engine.account_record(update.columns, 0, book, figures, 0.0)
    explain(update.columns, 0, figures, "warm-up", 0)
    every_word(update.columns.groups.rates[0])


def every_word(rates: NDArray[np.float64]) -> None:
    """Each kind of group once as `explain` writes it: its kernels are called from Python there, one by one."""
    call, put, far = OptionTerms(True, 100.0, 1.0), OptionTerms(False, 100.0, 1.0), OptionTerms(True, 110.0, 1.0)
    rules.naked(call, 1.0, 100.0, 100.0, rates)
    rules.straddle(call, put, 1.0, 100.0, 100.0, rates)
    rules.spread([(call, 1.0), (far, -1.0)], 100.0)
    rules.lot(True, put, call, 1.0, 100.0, 100.0, rates)
    for quantity in (1.0, -1.0):
        rules.shares(quantity, 100.0, rates)
