from __future__ import annotations

import math

import msgspec
import numpy as np

from pipeline import messages
from pipeline.messages import Audit, Execution, OrderIntent, OrderSpec, OrderState
from pipeline.orders.book import Book
from pipeline.orders.quotes import Quotes

OWN = 12
SPEC = OrderSpec(account="DU1", con_id=7, side="BUY", quantity=10.0, order_type="LMT", limit_price=5.0)


def state(**values: object) -> OrderState:
    base = OrderState(
        perm_id=0,
        order_id=3,
        client_id=OWN,
        account="DU1",
        con_id=7,
        symbol="AAPL",
        side="BUY",
        order_type="LMT",
        quantity=10.0,
        limit_price=5.0,
        status="PendingSubmit",
        remaining=10.0,
    )
    return msgspec.structs.replace(base, **values)


def execution(**values: object) -> Execution:
    base = Execution(
        exec_id="e1",
        perm_id=0,
        order_id=3,
        client_id=OWN,
        account="DU1",
        con_id=7,
        symbol="AAPL",
        side="BOT",
        shares=10.0,
        price=5.0,
        cumulative=10.0,
        average_price=5.0,
        exchange="X",
        time_text="",
        recv_ns=1,
    )
    return msgspec.structs.replace(base, **values)


def placed() -> Book:
    book = Book(OWN)
    book.apply(OrderIntent(client_key="k", order_id=3, spec=SPEC, actor="me"))
    book.apply(state())
    return book


def test_the_first_answer_to_a_key_stays() -> None:
    book = placed()
    assert book.answers["k"].ok
    assert book.answers["k"].order_id == 3
    book.apply(Audit(actor="me", action="place", body={"client_key": "k", "ok": False, "text": "no"}))
    assert book.answers["k"].ok


def test_a_refused_key_is_refused_again_after_a_restart() -> None:
    book = Book(OWN)
    book.apply(Audit(actor="me", action="place", body={"client_key": "k", "ok": False, "text": "trading is off"}))
    assert (book.answers["k"].ok, book.answers["k"].text) == (False, "trading is off")


def test_an_audit_without_its_intent_is_no_answer() -> None:
    """Killed between the two: the order was never sent, so the key is still free."""
    book = Book(OWN)
    book.apply(Audit(actor="me", action="place", body={"client_key": "k"}))
    assert "k" not in book.answers


def test_order_ids_go_on_above_everything_seen() -> None:
    book = placed()
    assert book.highest_order_id == 3
    book.apply(OrderIntent(client_key="l", order_id=9, spec=SPEC, actor="me"))
    assert book.highest_order_id == 9


def test_an_update_fills_in_and_never_forgets() -> None:
    book = placed()
    merged = book.merged(state(perm_id=55, status="Submitted", remaining=math.nan))
    assert merged is not None
    assert (merged.perm_id, merged.status, merged.remaining) == (55, "Submitted", 10.0)
    book.apply(merged)
    assert book.merged(state(perm_id=55, status="Submitted", remaining=math.nan)) is None


def test_a_finished_order_stays_finished() -> None:
    book = placed()
    book.apply(state(perm_id=55, status="Filled", filled=10.0, remaining=0.0))
    assert book.merged(state(perm_id=55, status="Submitted")) is None
    assert book.open_orders() == []


def test_an_order_is_found_by_its_perm_id_under_any_order_id() -> None:
    book = placed()
    book.apply(state(perm_id=55, status="Submitted"))
    merged = book.merged(state(perm_id=55, order_id=0, client_id=0, status="Filled"))
    assert merged is not None
    book.apply(msgspec.structs.replace(merged, order_id=3, client_id=OWN))
    assert len(book.orders) == 1


def test_an_order_that_tws_does_not_name_is_unknown_and_not_sent_again() -> None:
    (lost,) = placed().unaccounted([], 8, now_ns=9)
    assert lost.status == "Unknown"
    assert "check it in TWS" in lost.text


def test_an_intent_of_which_nothing_was_heard_is_unknown_until_tws_names_it() -> None:
    book = Book(OWN)
    book.apply(OrderIntent(client_key="k", order_id=3, spec=SPEC, actor="me"))
    assert book.unaccounted([state(perm_id=55)], 8, now_ns=9) == []
    (lost,) = book.unaccounted([], 8, now_ns=9)
    assert (lost.status, lost.client_key, lost.order_id, lost.quantity) == ("Unknown", "k", 3, 10.0)
    book.apply(lost)
    assert book.unaccounted([], 8, now_ns=10) == []


def test_a_repeated_change_gets_the_first_answer_after_a_restart() -> None:
    book = placed()
    book.apply(OrderIntent(client_key="k2", order_id=3, spec=SPEC, actor="me", action="modify"))
    assert (book.answers["k2"].ok, book.answers["k2"].order_id) == (True, 3)
    assert book.intents[3].client_key == "k"


def test_an_order_that_tws_does_not_name_but_whose_fills_add_up_is_filled() -> None:
    book = placed()
    book.apply(execution(shares=4.0))
    book.apply(execution(exec_id="e2", shares=6.0))
    (found,) = book.unaccounted([], 8, now_ns=9)
    assert (found.status, found.filled) == ("Filled", 10.0)


def test_a_named_order_is_accounted_for() -> None:
    assert placed().unaccounted([state(perm_id=55)], 8, now_ns=9) == []


def ticks(*rows: tuple[int, int, float]) -> np.ndarray:
    array = np.zeros(len(rows), messages.TICK)
    for row, (con_id, kind, price) in zip(array, rows, strict=True):
        row["con_id"], row["tick_type"], row["price"], row["recv_ns"] = con_id, kind, price, 5_000_000_000
    return array


def test_the_last_quote_of_a_frame_wins_and_others_are_left_alone() -> None:
    quotes = Quotes()
    quotes.apply(ticks((7, 1, 10.0), (7, 2, 11.0), (3, 4, 1.0), (7, 1, 10.5), (7, 8, 1e6), (7, 999, 3.0)))
    quotes.apply(ticks((5, 4, 2.0)))
    quote = quotes.quote(7, 6_000_000_000)
    assert (quote.bid, quote.ask, quote.mark, quote.age_s) == (10.5, 11.0, 10.75, 1.0)
    assert quotes.quote(3, 5_000_000_000).mark == 1.0
    assert math.isnan(quotes.quote(4, 0).mark)


def test_no_quote_and_bad_quotes_are_nan_never_zero() -> None:
    quotes = Quotes()
    suspect = ticks((7, 4, 100.0))
    suspect["flags"] = messages.TickFlag.SUSPECT
    quotes.apply(suspect)
    quotes.apply(ticks((8, 1, -1.0), (8, 2, 0.0)))
    assert math.isnan(quotes.quote(7, 0).mark)
    assert math.isnan(quotes.quote(8, 0).mark)
    quotes.apply(ticks((8, 4, 3.0)))
    quotes.clear()
    assert math.isnan(quotes.quote(8, 0).mark)


def test_an_order_that_was_heard_of_since_the_question_stays_as_it_is() -> None:
    book = placed()
    (lost,) = book.unaccounted([], 10**18, now_ns=10**18 + 1)
    assert lost.status == "Unknown"
    assert book.unaccounted([], 0, now_ns=1) == []
