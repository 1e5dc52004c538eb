"""From messages to figures: missing inputs, currencies, futures, updates in place, what-if, levels."""

from __future__ import annotations

import math

import numpy as np
import pytest

from pipeline.margin import engine
from pipeline.margin.book import Book
from pipeline.margin.explain import explain
from pipeline.margin.levels import AccountLevel, Level, Thresholds, level
from pipeline.margin.rules.account import AccountFigures
from pipeline.margin.rules.rates import RateBook
from pipeline.margin.whatif import WhatIfError, what_if
from pipeline.messages import (
    TICK,
    AccountSnapshot,
    AccountValue,
    Instrument,
    MarginFlag,
    MarginNode,
    OrderSpec,
    Position,
    Subscription,
)

ACCOUNT = "DU1"
NOW_NS = 1_795_000_000 * 10**9  # market time, in 2026
ABC, CALL, SPX, PUT, SPX_PUT, ES, FOREIGN = 1, 2, 3, 4, 5, 6, 7


def instrument(con_id: int, symbol: str, sec_type: str, **more: object) -> Instrument:
    given = {"currency": "USD", "exchange": "X", **more}
    return Instrument(con_id=con_id, symbol=symbol, sec_type=sec_type, **given)  # type: ignore[arg-type]


def option(con_id: int, symbol: str, strike: float, right: str, under: int) -> Instrument:
    return instrument(
        con_id, symbol, "OPT", strike=strike, right=right, multiplier=100.0, expiry="20991218", under_con_id=under,
        under_symbol=symbol,
    )  # fmt: skip


def new_book(*positions: tuple[int, float]) -> Book:
    book = Book(RateBook())
    for contract in (
        instrument(ABC, "ABC", "STK"),
        option(CALL, "ABC", 120.0, "C", ABC),
        instrument(SPX, "SPX", "IND"),
        option(PUT, "ABC", 80.0, "P", ABC),
        option(SPX_PUT, "SPX", 5000.0, "P", SPX),
        instrument(ES, "ES", "FUT", multiplier=50.0, under_symbol="ES"),
        instrument(FOREIGN, "NES", "STK", currency="CHF"),
    ):
        book.on(contract)
    for con_id, quantity in positions:
        book.on(Position(account=ACCOUNT, con_id=con_id, quantity=quantity, average_cost=1.0))
    value(book, "TotalCashValue-S", 100_000.0)
    book.on(AccountSnapshot(account=ACCOUNT, complete=True, values=1, positions=1, base_currency="USD", recv_ns=1))
    return book


def value(book: Book, key: str, number: float, currency: str = "USD", recv_ns: int = 1) -> None:
    book.on(AccountValue(account=ACCOUNT, key=key, currency=currency, value=number, text="", recv_ns=recv_ns))


def tick(book: Book, con_id: int, price: float) -> None:
    records = np.zeros(1, dtype=TICK)
    records[0] = (10**9, NOW_NS, con_id, 4, 0, price, 1.0)
    book.ticks(np.frombuffer(records.tobytes(), dtype=TICK))


def figures(book: Book) -> AccountFigures:
    update = engine.recompute(book)
    return engine.account_figures(update.columns, 0, book.account(ACCOUNT).cash())


def flags(book: Book) -> int:
    return int(book.columns().account_flags[0])


def test_a_naked_index_put_uses_the_broad_index_rate_and_the_indexs_price() -> None:
    book = new_book((SPX_PUT, -1.0))
    tick(book, SPX, 5100.0)
    tick(book, SPX_PUT, 40.0)
    assert figures(book).maintenance_margin == pytest.approx(100 * (40 + max(0.15 * 5100 - 100, 0.1 * 5000)))
    assert flags(book) == 0


def test_without_any_price_the_figure_is_a_lower_bound_and_the_group_says_why() -> None:
    book = new_book((ABC, 100.0), (CALL, -2.0))
    found = figures(book)
    assert flags(book) & MarginFlag.AT_LEAST
    tree = explain(book.columns(), 0, found, "x", 0).root
    assert tree.at_least
    assert "ABC" in tree.reason
    assert "no price" in tree.reason


def test_tws_price_stands_in_and_says_that_it_is_old() -> None:
    book = new_book()
    book.on(Position(account=ACCOUNT, con_id=ABC, quantity=100.0, average_cost=1.0, market_price=50.0))
    assert figures(book).maintenance_margin == pytest.approx(1_500.0)
    assert flags(book) & MarginFlag.STALE_INPUT
    tick(book, ABC, 60.0)
    assert figures(book).maintenance_margin == pytest.approx(1_800.0)
    assert not flags(book) & MarginFlag.STALE_INPUT


def test_foreign_stock_needs_an_exchange_rate() -> None:
    book = new_book((FOREIGN, 10.0))
    tick(book, FOREIGN, 100.0)
    assert figures(book).maintenance_margin == 0.0
    assert flags(book) & MarginFlag.AT_LEAST
    value(book, "ExchangeRate", 1.25, "CHF")
    assert figures(book).maintenance_margin == pytest.approx(0.3 * 10 * 100 * 1.25)
    assert not flags(book) & MarginFlag.AT_LEAST


def test_futures_by_table_and_their_profit_since_twss_figure() -> None:
    book = new_book((ES, -2.0))
    value(book, "TotalCashValue-C", 60_000.0)
    tick(book, ES, 5_000.0)
    value(book, "FuturesPNL", -1_000.0, recv_ns=10**9)  # at 5,000
    tick(book, ES, 5_010.0)
    found = figures(book)
    assert found.maintenance_margin_c == 43_400.0
    assert found.initial_margin_c == pytest.approx(1.1 * 43_400.0)
    assert found.net_liquidation_c == pytest.approx(60_000.0 - 1_000.0 - 2 * 50 * 10)
    assert found.excess_liquidity == pytest.approx(100_000.0 + found.net_liquidation_c - 43_400.0)


def test_futures_profit_of_an_account_whose_picture_is_not_whole_yet() -> None:
    book = new_book((ABC, 1.0))
    tick(book, ABC, 100.0)
    tick(book, ES, 5_000.0)
    figures(book)  # compiled without the second account
    book.on(Position(account="DU2", con_id=ES, quantity=1.0, average_cost=1.0))
    book.columns()
    book.on(AccountValue(account="DU2", key="FuturesPNL", currency="USD", value=-50.0, text="", recv_ns=2))
    book.on(AccountSnapshot(account="DU2", complete=True, values=1, positions=1, base_currency="USD", recv_ns=3))
    columns = engine.recompute(book).columns
    assert columns.accounts == [ACCOUNT, "DU2"]


def test_an_unknown_future_is_named_never_zero_in_silence() -> None:
    book = new_book()
    book.on(instrument(70, "ZZZ", "FUT", multiplier=10.0))
    book.on(Position(account=ACCOUNT, con_id=70, quantity=1.0, average_cost=1.0))
    tick(book, 70, 10.0)
    found = figures(book)
    assert flags(book) & MarginFlag.AT_LEAST
    assert "no margin rate for the future ZZZ" in explain(book.columns(), 0, found, "x", 0).root.reason


def test_a_line_that_ended_is_priced_from_its_underlying() -> None:
    book = new_book((CALL, -1.0))
    tick(book, ABC, 100.0)
    tick(book, CALL, 3.0)
    book.quotes.implied_vol[book.slot_of(CALL)] = 0.3
    book.on(Subscription(con_id=CALL, symbol="ABC", state="ended"))
    before = figures(book)
    assert before.maintenance_margin > 0.0
    assert math.isfinite(before.net_liquidation)


def test_changes_in_place_equal_a_book_made_anew() -> None:
    book = new_book((ABC, 100.0), (CALL, -1.0), (ES, 1.0))
    for con_id, price in ((ABC, 100.0), (CALL, 2.0), (ES, 5000.0)):
        tick(book, con_id, price)
    figures(book)
    book.on(Position(account=ACCOUNT, con_id=CALL, quantity=-3.0, average_cost=2.0))
    tick(book, ABC, 101.0)
    update = engine.recompute(book)
    assert [update.columns.names[g].underlying for g in update.groups] == ["ABC"]
    moved = engine.account_figures(update.columns, 0, book.account(ACCOUNT).cash())
    book.structure_changed = True
    assert figures(book) == moved


def test_only_moved_groups_are_recomputed() -> None:
    book = new_book((ABC, 100.0), (SPX_PUT, -1.0))
    tick(book, ABC, 100.0)
    tick(book, SPX, 5000.0)
    figures(book)
    tick(book, SPX, 5001.0)
    update = engine.recompute(book)
    assert [update.columns.names[g].underlying for g in update.groups] == ["SPX"]
    assert update.accounts == [0]
    assert engine.recompute(book).groups.size == 0


def test_nothing_is_said_of_an_account_before_its_first_whole_picture() -> None:
    book = Book(RateBook())
    book.on(instrument(ABC, "ABC", "STK"))
    book.on(Position(account=ACCOUNT, con_id=ABC, quantity=1.0, average_cost=1.0))
    assert engine.recompute(book).columns.accounts == []


def total(node: MarginNode, level_name: str) -> float:
    if node.level == level_name:
        return node.maintenance_margin
    return sum(total(child, level_name) for child in node.children)


def test_the_tree_adds_up_to_the_figures_at_every_level() -> None:
    book = new_book((ABC, 250.0), (CALL, -3.0), (PUT, -2.0), (SPX_PUT, -1.0), (ES, 1.0))
    for con_id, price in ((ABC, 100.0), (CALL, 2.0), (PUT, 1.0), (SPX, 5000.0), (SPX_PUT, 50.0), (ES, 5000.0)):
        tick(book, con_id, price)
    found = figures(book)
    root = explain(book.columns(), 0, found, "x", 0).root
    for name in ("account", "underlying", "group", "leg"):
        assert total(root, name) == pytest.approx(found.maintenance_margin), name


def order(con_id: int, side: str, quantity: float, **more: float) -> OrderSpec:
    return OrderSpec(account=ACCOUNT, con_id=con_id, side=side, quantity=quantity, order_type="MKT", **more)  # type: ignore[arg-type]


def test_what_if_of_buying_and_of_closing() -> None:
    book = new_book((ABC, 100.0))
    tick(book, ABC, 100.0)
    before = figures(book)
    found = what_if(book, ACCOUNT, [order(ABC, "BUY", 100.0)])
    assert found["before"]["maintenance_margin"] == pytest.approx(before.maintenance_margin)
    assert found["change"]["maintenance_margin"] == pytest.approx(3_000.0)
    assert found["change"]["equity_with_loan"] == pytest.approx(0.0)
    assert found["change"]["excess_liquidity"] == pytest.approx(-3_000.0)
    closed = what_if(book, ACCOUNT, [order(ABC, "SELL", 100.0)])
    assert closed["after"]["maintenance_margin"] == 0.0
    assert figures(book) == before


@pytest.mark.parametrize(
    ("account", "trade", "words"),
    [
        ("nobody", order(ABC, "BUY", 1.0), "no account"),
        (ACCOUNT, order(12345, "BUY", 1.0), "12345"),
        (ACCOUNT, order(ABC, "HOLD", 1.0), "BUY or SELL"),
        (ACCOUNT, order(ABC, "BUY", -1.0), "positive"),
        (ACCOUNT, order(ABC, "BUY", 1.0), "no price"),
    ],
)
def test_what_if_says_what_it_misses(account: str, trade: OrderSpec, words: str) -> None:
    with pytest.raises(WhatIfError, match=words):
        what_if(new_book(), account, [trade])


# Levels.


@pytest.mark.parametrize(
    ("net", "maintenance", "excess", "wanted"),
    [
        (1000.0, 100.0, 900.0, Level.OK),
        (1000.0, 900.0, 100.0, Level.CAUTION),
        (1000.0, 960.0, 40.0, Level.WARN),
        (1000.0, 1010.0, -10.0, Level.ALARM),
        (1000.0, 1200.0, -200.0, Level.CRITICAL),
        (-10.0, 50.0, -60.0, Level.CRITICAL),
        (math.nan, math.nan, math.nan, Level.OK),
        (0.0, 0.0, 0.0, Level.OK),
    ],
)
def test_level(net: float, maintenance: float, excess: float, wanted: Level) -> None:
    assert level(net, maintenance, excess, Level.OK, Thresholds()) == wanted


def test_a_level_is_left_one_point_beyond_its_threshold() -> None:
    keeper = AccountLevel(Thresholds())
    unknown = (math.nan, math.nan, math.nan)
    assert keeper.update((1000.0, 900.0, 100.0), unknown) == Level.CAUTION
    assert keeper.update((1000.0, 895.0, 105.0), unknown) == Level.CAUTION
    assert keeper.update((1000.0, 889.0, 111.0), unknown) == Level.OK
    assert keeper.update((1000.0, 895.0, 105.0), unknown) == Level.OK


def test_the_worse_of_model_and_tws_counts() -> None:
    keeper = AccountLevel(Thresholds())
    assert keeper.update((1000.0, 100.0, 900.0), (1000.0, 1010.0, -10.0)) == Level.ALARM
