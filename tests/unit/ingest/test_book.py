"""Whole pictures of accounts: nothing goes out in halves."""

from __future__ import annotations

import math

from pipeline.ingest.book import Book
from pipeline.messages import AccountPnL, AccountSnapshot, AccountValue, Message, Position


def value(key: str, text: str, account: str = "DU1", recv_ns: int = 1) -> AccountValue:
    number = float(text) if text else math.nan
    return AccountValue(account=account, key=key, currency="USD", value=number, text=text, recv_ns=recv_ns)


def position(con_id: int, quantity: float, account: str = "DU1", price: float = math.nan, recv_ns: int = 1) -> Position:
    return Position(account=account, con_id=con_id, quantity=quantity, average_cost=10.0, market_price=price,
                    market_value=price * quantity, recv_ns=recv_ns)  # fmt: skip


def whole(book: Book, account: str = "DU1") -> list[Message]:
    book.part(account, "values", 5)
    book.part(account, "marks", 5)
    return book.part(account, "positions", 5)


def started() -> Book:
    book = Book()
    book.begin(["DU1", "DU2"])
    return book


def test_nothing_goes_out_before_all_parts_have_come() -> None:
    book = started()
    assert book.value(value("NetLiquidation", "100")) == []
    assert book.position(position(1, 5.0)) == []
    assert book.part("DU1", "values", 5) == []
    assert book.part("DU1", "positions", 5) == []
    out = book.part("DU1", "marks", 5)
    assert [type(m).__name__ for m in out] == ["AccountValue", "Position", "AccountSnapshot"]
    last = out[-1]
    assert isinstance(last, AccountSnapshot)
    assert (last.complete, last.values, last.positions, last.base_currency) == (True, 1, 1, "USD")
    assert book.gathering == ["DU2"]


def test_changes_go_out_at_once_and_repeats_do_not() -> None:
    book = started()
    book.value(value("NetLiquidation", "100"))
    book.position(position(1, 5.0, price=2.0))
    whole(book)
    assert book.value(value("NetLiquidation", "100", recv_ns=9)) == []
    assert book.value(value("NetLiquidation", "101", recv_ns=9)) == [value("NetLiquidation", "101", recv_ns=9)]
    assert book.position(position(1, 5.0, price=2.0, recv_ns=9)) == []
    assert book.position(position(1, 5.0, price=2.5, recv_ns=9)) == [position(1, 5.0, price=2.5, recv_ns=9)]


def test_three_minute_margin_figures_go_out_though_they_did_not_move() -> None:
    book = started()
    book.value(value("MaintMarginReq", "100"))
    whole(book)
    assert book.value(value("MaintMarginReq", "100", recv_ns=30_000_000_000)) == []
    assert len(book.value(value("MaintMarginReq", "100", recv_ns=300_000_000_000))) == 1


def test_position_without_marks_keeps_the_known_ones_until_the_quantity_changes() -> None:
    book = started()
    book.position(position(1, 5.0, price=2.0))
    book.position(position(1, 5.0))
    out = whole(book)
    assert isinstance(out[0], Position)
    assert out[0].market_price == 2.0
    changed = book.position(position(1, 7.0))
    assert isinstance(changed[0], Position)
    assert math.isnan(changed[0].market_price)


def test_position_that_ends_goes_out_once_with_quantity_0() -> None:
    book = started()
    book.position(position(1, 5.0))
    whole(book)
    assert [m.quantity for m in book.position(position(1, 0.0)) if isinstance(m, Position)] == [0.0]
    assert book.position(position(1, 0.0)) == []
    assert book.held() == {}


def test_positions_that_vanished_while_away_go_out_with_quantity_0() -> None:
    book = started()
    book.position(position(1, 5.0))
    book.position(position(2, 6.0))
    whole(book)
    book.begin(["DU1"])
    book.position(position(2, 6.0))
    out = whole(book)
    assert {m.con_id: m.quantity for m in out if isinstance(m, Position)} == {1: 0.0, 2: 6.0}
    assert [m.con_id for m in book.messages() if isinstance(m, Position)] == [2]


def test_half_a_picture_is_marked_and_ends_no_position() -> None:
    book = started()
    book.position(position(1, 5.0))
    whole(book)
    book.begin(["DU1"])
    book.value(value("NetLiquidation", "100"))
    out = book.deadline(9)
    last = out[-1]
    assert isinstance(last, AccountSnapshot)
    assert not last.complete
    assert [m.quantity for m in out if isinstance(m, Position)] == [5.0]
    assert book.gathering == []


def test_missing_marks_leave_a_picture_complete() -> None:
    book = started()
    book.part("DU1", "values", 5)
    book.part("DU1", "positions", 5)
    out = [m for m in book.deadline(9) if isinstance(m, AccountSnapshot) and m.account == "DU1"]
    assert [m.complete for m in out] == [True]


def test_late_joiner_gets_everything_published() -> None:
    book = started()
    book.value(value("NetLiquidation", "100"))
    whole(book)
    pnl = AccountPnL(account="DU1", daily=1.0, unrealized=2.0, realized=0.0, recv_ns=1)
    assert book.pnl(pnl) == [pnl]
    kinds = [type(m).__name__ for m in book.messages()]
    assert kinds == ["AccountValue", "AccountSnapshot", "AccountPnL"]


def test_unknown_accounts_are_left_alone() -> None:
    book = started()
    assert book.value(value("NetLiquidation", "100", account="DU9")) == []
    assert book.position(position(1, 5.0, account="DU9")) == []
    assert book.part("DU9", "values", 1) == []
