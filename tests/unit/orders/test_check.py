"""What TWS had to be asked for is a difference; what our own client did meanwhile is none."""

from __future__ import annotations

from pipeline.messages import Execution, OrderState
from pipeline.orders.check import Answer, Before, checks, differences

OURS, THEIRS = 12, 0


def order(perm_id: int, client_id: int = THEIRS, status: str = "Submitted") -> OrderState:
    return OrderState(
        perm_id=perm_id, order_id=0, client_id=client_id, account="DU1", con_id=1, symbol="KO", side="BUY",
        order_type="LMT", quantity=10.0, status=status,
    )  # fmt: skip


def fill(exec_id: str, client_id: int = THEIRS) -> Execution:
    return Execution(
        exec_id=exec_id, perm_id=1, order_id=0, client_id=client_id, account="DU1", con_id=1, symbol="KO", side="BOT",
        shares=10.0, price=20.5, cumulative=10.0, average_price=20.5, exchange="NYSE", time_text="", recv_ns=1,
    )  # fmt: skip


def test_equal_pictures_differ_in_nothing() -> None:
    before = Before({(-1, 7): order(7)}, frozenset({"e1"}))
    answer = Answer({(-1, 7): order(7)}, [fill("e1")], [])
    assert differences(before, answer, OURS, 5) == []
    rows = checks(["DU1", "DU2"], answer, [], 5)
    assert [(c.account, c.part, c.compared, c.differences) for c in rows] == [
        ("DU1", "orders", 1, 0), ("DU1", "executions", 1, 0), ("DU2", "orders", 0, 0), ("DU2", "executions", 0, 0),
    ]  # fmt: skip


def test_orders_and_fills_of_others_and_what_vanished() -> None:
    answer = Answer({(-1, 8): order(8)}, [fill("e2")], [order(7)])
    found = differences(Before({(-1, 7): order(7)}, frozenset()), answer, OURS, 5)
    assert [(d.part, d.key, d.ours, d.tws) for d in found] == [
        ("orders", "perm 8", "nothing", "Submitted"),
        ("orders", "perm 7", "Submitted", "nothing"),
        ("executions", "e2", "nothing", "BOT 10 at 20.5"),
    ]
    assert [c.differences for c in checks(["DU1"], answer, found, 5)] == [2, 1]


def test_what_our_client_sent_while_tws_answered_is_no_difference() -> None:
    answer = Answer({(OURS, 3): order(9, OURS)}, [fill("e3", OURS)], [])
    assert differences(Before({}, frozenset()), answer, OURS, 5) == []
