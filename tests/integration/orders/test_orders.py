"""The order process against the simulated TWS, with ingest beside it: all real, over real sockets."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline import messages
from pipeline.bus.control import new_request_id
from pipeline.messages import OrderState
from tests.trading_desk import DEADLINE_S, Run, limit, market, trading


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    with trading(tmp_path) as made:
        yield made


def test_life_of_orders(run: Run) -> None:
    account = run.account()

    # Off after the start, and every reason is said.
    refused = run.place("k0", market(account))
    assert not refused.ok
    assert "trading is off" in refused.text
    assert run.place("k0", market(account)).text == refused.text
    assert run.sent_intents() == []

    # A preview works while trading is off, and TWS's half is whole.
    figures = run.market_of(market(account))
    for moment in ("before", "after", "change"):
        assert f"maintenance_{moment}" in figures
    change = figures["maintenance_after"] - figures["maintenance_before"]
    assert figures["maintenance_change"] == pytest.approx(change, abs=0.011)

    # A market order fills; its execution and its commission come once.
    run.enable()
    sent = run.place("k1", market(account))
    assert sent.ok, sent.text
    run.until("fill", lambda: run.status(sent.body["order_id"]) == "Filled")
    run.until("commission", lambda: any(isinstance(m, messages.Commission) for m in run.seen))
    fills = [m for m in run.seen if isinstance(m, messages.Execution) and m.order_id == sent.body["order_id"]]
    assert sum(fill.shares for fill in {fill.exec_id: fill for fill in fills}.values()) == 5.0

    # The same key sends nothing and gets the first answer.
    again = run.place("k1", market(account))
    assert (again.ok, again.body) == (sent.ok, sent.body)
    assert [intent.client_key for intent in run.sent_intents()] == ["k1"]

    # A limit order far enough below works, is changed, and is cancelled.
    price = round(fills[0].price * 0.95, 2)
    working = run.place("k2", limit(account, price))
    assert working.ok, working.text
    order_id = working.body["order_id"]
    run.until("working order", lambda: run.status(order_id) in ("Submitted", "PreSubmitted"))
    changed = run.ask(
        messages.ModifyOrder(
            request_id=new_request_id(),
            actor="test",
            client_key="k3",
            order_id=order_id,
            quantity=6.0,
            limit_price=price,
        )
    )
    assert changed.ok, changed.text
    run.until("changed order", lambda: _quantity(run, order_id) == 6.0)
    cancelled = run.ask(messages.CancelOrder(request_id=new_request_id(), actor="test", order_id=order_id))
    assert cancelled.ok, cancelled.text
    run.until("cancelled order", lambda: run.status(order_id) in ("Cancelled", "ApiCancelled"))

    # Limits hold, all at once.
    wild = run.place("k4", limit(account, price * 3, quantity=9_999.0))
    assert "max_order_quantity" in wild.text
    assert "away from the market" in wild.text

    # Off again: nothing leaves.
    assert run.ask(messages.DisableTrading(request_id=new_request_id(), actor="test")).ok
    assert "trading is off" in run.place("k5", market(account)).text


def _quantity(run: Run, order_id: int) -> float:
    return next((m.quantity for m in reversed(run.seen) if isinstance(m, OrderState) and m.order_id == order_id), 0.0)


def test_a_killed_order_process_sends_nothing_twice(run: Run) -> None:
    account = run.account()
    run.market_of(market(account))
    run.enable()
    first = run.place("k1", limit(account, 1.0))
    price = _market_price(run, account)
    sent = run.place("k2", limit(account, price))
    assert sent.ok, sent.text
    run.kill("orders")  # in flight: TWS may or may not have answered
    run.seen.clear()
    run.start("orders")
    run.account()
    order_id = sent.body["order_id"]
    # It had left or it had not; either way its state is TWS's, and it is never sent by the new process.
    run.until("the order's state by TWS", lambda: run.status(order_id) in ("Submitted", "PreSubmitted", "Unknown"))
    assert (run.place("k2", limit(account, price)).body, run.place("k1", limit(account, 1.0)).text) == (
        sent.body,
        first.text,
    )
    assert [intent.client_key for intent in run.sent_intents()] == ["k2"]
    run.until("trading state", lambda: run.trading() is not None)
    state = run.trading()
    assert state is not None
    assert not state.enabled
    assert run.children["orders"].poll() is None
    run.children["orders"].send_signal(signal.SIGTERM)
    assert run.children["orders"].wait(DEADLINE_S) == 0


def _market_price(run: Run, account: str) -> float:
    """A price 5 % below the market, found by what the collar says of a wild one."""
    refused = run.place(new_request_id(), limit(account, 1.0))
    return round(float(refused.text.split("away from the market ")[1].split(";")[0]) * 0.95, 2)


def test_orders_made_in_tws_itself_show_up_with_their_fills(run: Run) -> None:
    account = run.account()
    run.until("first picture", lambda: any(isinstance(m, messages.TradingState) for m in run.seen))
    run.tell(f"order BUY 10 KO LMT 500 {account}")

    def fills() -> list[messages.Execution]:
        return [m for m in run.seen if isinstance(m, messages.Execution) and m.symbol == "KO"]

    run.until("fills by hand", lambda: sum(fill.shares for fill in fills()) == 10.0)
    assert {fill.account for fill in fills()} == {account}
    assert all(fill.time_ns > 0 for fill in fills())
    ids = {fill.exec_id for fill in fills()}
    run.until("their cost", lambda: ids <= {m.exec_id for m in run.seen if isinstance(m, messages.Commission)})
    run.until(
        "the order",
        lambda: any(isinstance(m, OrderState) and m.symbol == "KO" and m.status == "Filled" for m in run.seen),
    )
    told = [m for m in run.seen if isinstance(m, OrderState) and m.symbol == "KO"][-1]
    assert (told.client_key, told.side, told.quantity) == ("", "BUY", 10.0)
