"""Our engine against the simulated broker's own implementation of the same rules, on the broker's opening books."""

from __future__ import annotations

import math
from collections import defaultdict
from datetime import date

import numpy as np
import pytest

from pipeline.gateway import keys, margin, rates
from pipeline.gateway.brokerage import Brokerage
from pipeline.gateway.keeping import begin
from pipeline.gateway.universe import Instrument as Listed
from pipeline.margin import engine
from pipeline.margin.book import Book
from pipeline.margin.rules.rates import RateBook
from pipeline.messages import TICK, AccountSnapshot, AccountValue, Instrument, Position

DAY = date(2026, 11, 23)
WITHIN = 0.005  # of each figure, outside the symbols with a house rate


@pytest.fixture(scope="module")
def broker() -> Brokerage:
    return begin(DAY, 7, 1.0)


def described(x: Listed) -> Instrument:
    return Instrument(
        con_id=x.con_id, symbol=x.symbol, sec_type=x.sec_type, currency=x.currency, exchange=x.exchange,
        trading_class=x.trading_class, expiry=x.expiry, strike=x.strike if x.sec_type == "OPT" else math.nan,
        right=x.right, multiplier=float(x.multiplier), under_con_id=x.under_con_id, under_symbol=x.symbol,
        stock_type=x.stock_type,
    )  # fmt: skip


def ours(broker: Brokerage, account: str) -> dict[str, tuple[float, float, float]]:
    """Underlying → (maintenance, initial, Reg T) of our engine, every instrument at the broker's mark."""
    book = Book(RateBook())
    held = broker.accounts[account].positions
    every = {con_id: broker.universe.by_con_id[con_id] for con_id in held}
    every |= {x.under_con_id: broker.universe.by_con_id[x.under_con_id] for x in every.values() if x.under_con_id}
    for x in every.values():
        book.on(described(x))
    for con_id, position in held.items():
        book.on(Position(account=account, con_id=con_id, quantity=float(position.quantity), average_cost=1.0))
    for key in ("TotalCashValue-S", "TotalCashValue-C"):
        book.on(AccountValue(account=account, key=key, currency="USD", value=0.0, text="0", recv_ns=1))
    book.on(AccountSnapshot(account=account, complete=True, values=2, positions=1, base_currency="USD", recv_ns=1))
    ticks = np.zeros(len(every), dtype=TICK)
    for row, (con_id, x) in zip(ticks, every.items(), strict=True):
        row["con_id"], row["tick_type"], row["price"], row["size"] = con_id, 4, broker.tape.mark(x), 1.0
        row["recv_ns"], row["market_ns"] = 1, broker.market.now_ns
    book.ticks(ticks)
    columns = engine.recompute(book).columns
    records = engine.group_records(columns, np.arange(len(columns.names)))
    return {
        row["underlying"].decode(): (row["maintenance_margin"], row["initial_margin"], row["reg_t_margin"])
        for row in records
    }


def theirs(broker: Brokerage, account: str) -> dict[str, tuple[float, float, float]]:
    by_symbol = defaultdict(list)
    for leg in keys.legs(broker.accounts[account], broker.universe, broker.tape.mark):
        by_symbol[leg.symbol].append(leg)
    found = {}
    for symbol, legs in by_symbol.items():
        securities, commodities = margin.account(legs)
        both = securities + commodities
        found[symbol] = (both.maintenance, both.initial, both.reg_t)
    return found


@pytest.mark.parametrize("account", ["DU1234501", "DU1234502"])
def test_each_underlying_agrees_but_for_the_two_house_rates(broker: Brokerage, account: str) -> None:
    mine, other = ours(broker, account), theirs(broker, account)
    assert mine.keys() == other.keys()
    assert {symbol for symbol in mine if symbol not in rates.HOUSE}
    for symbol in mine.keys() - rates.HOUSE.keys():
        assert mine[symbol] == pytest.approx(other[symbol], rel=WITHIN, abs=0.01), symbol


def test_the_house_rates_show(broker: Brokerage) -> None:
    mine, other = ours(broker, "DU1234501"), theirs(broker, "DU1234501")
    assert rates.HOUSE.keys() == {"TSLA", "AMD"}
    for symbol in rates.HOUSE:
        assert other[symbol][0] > 1.05 * mine[symbol][0]
