"""The order ticket: two deliberate acts, a fresh preview, one key a review, nothing sent again by itself."""

from __future__ import annotations

import math

import pytest

from pipeline.messages import OrderPreview, OrderSpec, OrderState
from ui.desktop import preview_rows
from ui.desktop.ticket_state import Stage, Ticket

SPEC = OrderSpec(account="DU1", con_id=7, side="BUY", quantity=5.0, order_type="LMT", limit_price=4.1)
MARKET = OrderSpec(account="DU1", con_id=7, side="BUY", quantity=5.0, order_type="MKT")


def preview(spec: OrderSpec = SPEC, refusals: list[str] | None = None) -> OrderPreview:
    return OrderPreview(client_key="", spec=spec, model={"maintenance_before": 1.0}, tws={}, refusals=refusals or [])


@pytest.fixture
def ticket() -> Ticket:
    """In review at second 1, with a fresh preview."""
    ticket = Ticket()
    ticket.edit(SPEC, [], 0.0)
    ticket.on_preview(preview(), 1.0)
    assert ticket.review([], 1.0)
    return ticket


def test_the_second_act_must_come_later(ticket: Ticket) -> None:
    assert ticket.send([], 1.39) is None
    assert ticket.stage is Stage.REVIEW
    key, spec = ticket.send([], 1.41) or ("", MARKET)
    assert spec is SPEC
    assert key == ticket.client_key != ""
    assert ticket.send([], 2.0) is None  # once


def test_one_act_sends_nothing() -> None:
    ticket = Ticket()
    ticket.edit(SPEC, [], 0.0)
    ticket.on_preview(preview(), 0.5)
    assert ticket.send([], 10.0) is None


def test_each_review_has_its_own_key(ticket: Ticket) -> None:
    first = ticket.client_key
    ticket.back()
    assert ticket.client_key == ""
    ticket.review([], 2.0)
    assert ticket.client_key not in ("", first)


def test_a_change_in_review_returns_to_the_form(ticket: Ticket) -> None:
    ticket.edit(MARKET, [], 1.5)
    assert ticket.stage is Stage.FORM
    assert ticket.preview is None
    assert ticket.send([], 3.0) is None


def test_an_equal_edit_changes_nothing() -> None:
    ticket = Ticket()
    ticket.edit(MARKET, [], 0.0)  # its limit is nan, which is unequal to itself
    ticket.on_preview(preview(MARKET), 1.0)
    ticket.edit(OrderSpec(account="DU1", con_id=7, side="BUY", quantity=5.0, order_type="MKT"), [], 2.0)
    assert ticket.preview is not None


def test_reasons_block_both_acts(ticket: Ticket) -> None:
    assert ticket.send(["trading is off"], 2.0) is None
    ticket.back()
    assert not ticket.review(["trading is off"], 2.0)
    ticket.edit(None, ["quantity is empty"], 2.0)
    assert ticket.why_not([], 2.0) == ["quantity is empty"]
    assert not ticket.review([], 2.0)


def test_an_old_preview_does_not_send(ticket: Ticket) -> None:
    assert ticket.send([], 11.1) is None
    ticket.on_preview(preview(), 11.2)
    assert ticket.send([], 11.3) is not None


def test_the_gate_s_refusals_show(ticket: Ticket) -> None:
    ticket.on_preview(preview(refusals=["value above the limit"]), 1.5)
    assert ticket.why_not([], 1.5) == ["value above the limit"]


def test_a_preview_is_wanted_after_the_pause_and_once() -> None:
    ticket = Ticket()
    ticket.edit(SPEC, [], 0.0)
    assert ticket.wants_preview(0.29) is None
    assert ticket.wants_preview(0.31) is SPEC
    assert ticket.wants_preview(0.7) is None
    ticket.on_preview(preview(), 1.0)
    assert ticket.wants_preview(9.0) is None
    assert ticket.wants_preview(11.5) is SPEC  # old by now
    ticket.edit(MARKET, [], 12.0)
    assert ticket.wants_preview(12.4) is MARKET


def test_a_preview_of_another_order_is_not_shown(ticket: Ticket) -> None:
    held = ticket.preview
    ticket.on_preview(preview(MARKET), 2.0)
    assert ticket.preview is held


def test_silence_locks_the_contract_until_somebody_looked(ticket: Ticket) -> None:
    ticket.send([], 2.0)
    assert not ticket.overdue(6.9)
    assert ticket.overdue(7.1)
    assert not ticket.overdue(8.0)  # told once
    ticket.back()
    ticket.on_preview(preview(), 8.0)
    assert any("check TWS" in reason for reason in ticket.why_not([], 8.0))
    assert not ticket.review([], 8.0)
    ticket.resolve()
    assert ticket.review([], 8.0)


def test_an_order_state_resolves_it(ticket: Ticket) -> None:
    ticket.send([], 2.0)
    assert ticket.overdue(8.0)
    state = OrderState(
        perm_id=1, order_id=1, client_id=12, client_key=ticket.client_key, account="DU1", con_id=7, symbol="SPY",
        side="BUY", order_type="LMT", quantity=5.0, status="Submitted",
    )  # fmt: skip
    ticket.on_order(state)
    assert ticket.why_not([], 8.0) == []


def test_an_answer_in_time_is_not_unknown(ticket: Ticket) -> None:
    ticket.send([], 2.0)
    ticket.on_answer()
    assert not ticket.overdue(60.0)


def test_an_empty_price_is_never_a_market_order() -> None:
    form = {"account": "DU1", "con_id": 7, "side": "BUY", "quantity": "5", "typed": "SPY"}
    spec, faults = preview_rows.spec_of(**form, kind="LMT", price="")
    assert spec is None
    assert faults == ["limit price is empty"]
    spec, faults = preview_rows.spec_of(**form, kind="MKT", price="99")
    assert spec is not None
    assert spec.order_type == "MKT"
    assert math.isnan(spec.limit_price)


@pytest.mark.parametrize("quantity", ["", "0", "-5", "nan", "inf", "five"])
def test_bad_quantities_make_no_order(quantity: str) -> None:
    spec, faults = preview_rows.spec_of(
        account="DU1", con_id=7, side="BUY", quantity=quantity, kind="LMT", price="4.1", typed="SPY"
    )
    assert spec is None
    assert "quantity" in faults[0]


def test_preview_rows_say_what_is_awaited() -> None:
    rows = preview_rows.rows(preview())
    assert rows[0].now == "…"  # TWS has not answered yet
    assert rows[1].now == "1"
    assert rows[1].after == "—"
    assert preview_rows.rows(None)[0].now == "—"


def test_tws_s_excess_is_the_account_s_own_and_the_change_that_follows() -> None:
    tws = {"equity_change": -1.0, "maintenance_change": 30.0, "excess_before": 7.0}
    rows = preview_rows.rows(OrderPreview(client_key="", spec=SPEC, model={}, tws=tws), 100.0)
    assert rows[4] == preview_rows.PreviewRow("100", "69", "−31", False)
