"""Faults on orders and their fills: each fill counts once, with its cost, in whatever order TWS tells it.

One gateway, one ingest, one order process for all of them. What each took is printed.
"""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Iterator

import pytest

from pipeline import messages
from pipeline.bus.control import new_request_id
from pipeline.messages import Commission, Execution, OrderState, TwsState
from tests.trading_desk import Run, limit, market, trading

_keys = (f"key {n}" for n in itertools.count())


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    with trading(tmp_path_factory.mktemp("order-faults")) as made:
        made.market_of(market(made.account()))
        made.enable()
        yield made


@pytest.fixture(autouse=True)
def ends_without_faults(run: Run) -> Iterator[None]:
    yield
    run.tell("clear")


def bought(run: Run, name: str) -> tuple[int, list[Execution], list[Commission]]:
    """A market order from its sending to the cost of its last fill: (order id, its fills, what they cost)."""
    began = time.monotonic()
    sent = run.place(next(_keys), market(run.account()))
    assert sent.ok, sent.text
    order_id = sent.body["order_id"]

    def fills() -> list[Execution]:
        return [m for m in run.seen if isinstance(m, Execution) and m.order_id == order_id]

    def costs() -> list[Commission]:
        ids = {fill.exec_id for fill in fills()}
        return [m for m in run.seen if isinstance(m, Commission) and m.exec_id in ids]

    def complete() -> bool:
        known = {fill.exec_id: fill.shares for fill in fills()}
        return sum(known.values()) == 5.0 and {cost.exec_id for cost in costs()} == set(known)

    run.until("fills and their costs", complete)
    run.until("filled order", lambda: run.status(order_id) == "Filled")
    print(f"{name}: filled and paid after {time.monotonic() - began:.1f} s")
    return order_id, fills(), costs()


def test_executions_told_three_times_count_once(run: Run) -> None:
    run.tell("duplicate_executions copies=2")
    _, fills, _ = bought(run, "duplicate_executions")
    assert sum(fill.shares for fill in fills) == 5.0, "each is published once"


def test_a_commission_before_its_execution_is_kept(run: Run) -> None:
    run.tell("commission_first")
    _, fills, costs = bought(run, "commission_first")
    assert len(costs) == len(fills)
    assert all(cost.commission > 0 for cost in costs)


def test_late_executions_complete_a_filled_order(run: Run) -> None:
    run.tell("late_executions by_s=1.5")
    order_id, fills, _ = bought(run, "late_executions")
    filled = next(n for n, m in enumerate(run.seen) if isinstance(m, OrderState) and _is_filled(m, order_id))
    assert run.seen.index(fills[0]) > filled, "the state was told without waiting for them"


def _is_filled(state: OrderState, order_id: int) -> bool:
    return state.order_id == order_id and state.status == "Filled"


@pytest.mark.parametrize("spelling", ["double", "infinity", "empty"])
def test_an_unset_commission_is_unknown_and_not_free(run: Run, spelling: str) -> None:
    run.tell(f"unset where=commission spelling={spelling}")
    _, _, costs = bought(run, f"unset commission as {spelling}")
    assert all(math.isnan(cost.commission) for cost in costs)


def test_unset_margins_leave_a_preview_without_figures(run: Run) -> None:
    run.tell("unset where=margins spelling=double")
    spec = market(run.account())
    command = messages.PreviewOrder(request_id=new_request_id(), actor="test", spec=spec)
    reply = run.clients["orders"].ask(command, timeout_s=30)
    assert not any(abs(value) > 1e12 for value in reply.body.get("tws", {}).values())
    assert not any(math.isfinite(value) for value in reply.body.get("tws", {}).values()), reply


def test_a_rejected_order_says_why(run: Run) -> None:
    run.tell('reject_orders code=201 text="Order rejected - reason:the margin is not enough"')
    price = next(m.price for m in reversed(run.seen) if isinstance(m, Execution))
    sent = run.place(next(_keys), limit(run.account(), round(price * 0.95, 2)))
    assert sent.ok, sent.text
    order_id = sent.body["order_id"]
    run.until("rejected order", lambda: run.status(order_id) in ("Rejected", "Inactive", "Cancelled"))
    words = [m.text for m in run.seen if isinstance(m, OrderState) and m.order_id == order_id]
    assert any("the margin is not enough" in text for text in words)


def test_a_fill_while_the_connection_is_down_is_learnt_after_it(run: Run) -> None:
    """TWS restarts; what was filled by hand meanwhile is asked for, and counts once."""
    began = time.monotonic()
    run.tell("restart closed_s=1")
    run.tell(f"order BUY 7 KO MKT {run.account()}")

    def shares() -> float:
        fills = {m.exec_id: m.shares for m in run.seen if isinstance(m, Execution) and m.symbol == "KO"}
        return sum(fills.values())

    run.until("fill of the absence", lambda: shares() == 7.0)
    connections = {m.connection for m in run.seen if isinstance(m, TwsState)}
    assert len(connections) > 1
    print(f"restart: fill known after {time.monotonic() - began:.1f} s")
