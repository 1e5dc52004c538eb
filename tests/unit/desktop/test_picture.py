"""Frames in, plain data out; nothing blanks when a stream begins anew."""

from __future__ import annotations

from typing import Any

import numpy as np

from pipeline.bus.live import Reset
from pipeline.messages import (
    MARGIN_ACCOUNT,
    MARGIN_GROUP,
    AccountSnapshot,
    AccountValue,
    Difference,
    MarginNode,
    MarginTree,
    OrderState,
    Position,
    StreamId,
    Subscription,
)
from ui.desktop.docks.pipeline import describe
from ui.desktop.picture.picture import Picture
from ui.desktop.picture.quotes import Field

ACCOUNT = "DU1"


def position(con_id: int, quantity: float) -> Position:
    return Position(account=ACCOUNT, con_id=con_id, quantity=quantity, average_cost=1.0)


def snapshot(complete: bool) -> AccountSnapshot:
    return AccountSnapshot(account=ACCOUNT, complete=complete, values=0, positions=1, base_currency="USD", recv_ns=1)


def order(**facts: Any) -> OrderState:
    given = {"perm_id": 0, "order_id": 1, "client_id": 12, "account": ACCOUNT, "con_id": 7, "symbol": "SPY"}
    given |= {"side": "BUY", "order_type": "LMT", "quantity": 1.0, "status": "Submitted"}
    return OrderState(**(given | facts))


def test_ticks_are_applied_at_the_end_of_the_batch(make: Any) -> None:
    picture = Picture()
    frames = [make.records(b"md.tick", make.ticks((7, 1, price, 1.0)), StreamId.INGEST) for price in (1.0, 2.0, 3.0)]
    picture.apply(frames)
    assert picture.quotes.value(7, Field.BID) == 3.0
    assert picture.quotes.applied == 3


def test_quantity_zero_ends_a_position(make: Any) -> None:
    picture = Picture()
    picture.apply([make.frame(position(7, 5.0)), make.frame(position(8, 5.0)), make.frame(position(7, 0.0))])
    assert list(picture.accounts[ACCOUNT].positions) == [8]


def test_a_restart_blanks_nothing_until_the_account_is_complete(make: Any) -> None:
    picture = Picture()
    picture.apply([make.frame(position(7, 5.0)), make.frame(position(8, 5.0)), make.frame(snapshot(True))])
    picture.apply([Reset(StreamId.INGEST, "new session"), make.frame(position(8, 6.0)), make.frame(snapshot(False))])
    account = picture.accounts[ACCOUNT]
    assert sorted(account.positions) == [7, 8]
    assert account.seen[7] != picture.generation[StreamId.INGEST]  # looks old
    picture.apply([make.frame(snapshot(True))])
    assert list(account.positions) == [8]


def test_the_age_of_tws_figures_is_that_of_its_last_word(make: Any) -> None:
    picture = Picture()
    for key, received in (("SMA", 5), ("NetLiquidation", 9), ("SMA", 5)):
        value = AccountValue(account=ACCOUNT, key=key, currency="USD", value=1.0, text="1", recv_ns=received)
        picture.apply([make.frame(value)])
    assert picture.accounts[ACCOUNT].told_ns == 9


def test_quotes_look_old_until_restated(make: Any) -> None:
    picture = Picture()
    picture.apply([make.records(b"md.tick", make.ticks((7, 1, 1.0, 1.0)), StreamId.INGEST)])
    assert picture.current(7)
    picture.apply([Reset(StreamId.INGEST, "new session")])
    assert not picture.current(7)
    assert picture.quotes.value(7, Field.BID) == 1.0
    picture.apply([make.records(b"md.tick", make.ticks((7, 1, 1.0, 1.0)), StreamId.INGEST)])
    assert picture.current(7)


def test_the_watchlist_forgets_what_is_not_named_again(make: Any) -> None:
    picture = Picture()
    lines = [Subscription(con_id=i, symbol="S", state="live", watched=True) for i in (1, 2)]
    picture.apply([make.frame(line) for line in lines])
    picture.apply([Reset(StreamId.INGEST, "new session"), make.frame(lines[0])])
    assert sorted(picture.subscriptions) == [1, 2]
    picture.forget_unwatched()
    assert sorted(picture.subscriptions) == [1]


def test_newest_figures_and_the_latency_from_the_oldest_tick(make: Any) -> None:
    picture = Picture()
    array = np.zeros(3, dtype=MARGIN_ACCOUNT)
    array["account"], array["oldest_ns"] = ACCOUNT.encode(), 1_000_000_000
    array["excess_liquidity"] = [1.0, 2.0, 3.0]
    picture.apply([make.records(b"margin.account", array, StreamId.MARGIN, publish_ns=1_002_500_000)])
    figures = picture.accounts[ACCOUNT].model
    assert figures is not None
    assert figures["excess_liquidity"] == 3.0
    assert picture.margin_latency_ms == 2.5


def test_the_chart_samples_at_most_ten_times_a_second_and_breaks_at_a_gap(make: Any) -> None:
    picture = Picture()
    array = np.zeros(1, dtype=MARGIN_ACCOUNT)
    array["account"] = ACCOUNT.encode()
    for publish_ms in (0, 20, 50, 110, 115, 9000):
        picture.apply([make.records(b"margin.account", array, StreamId.MARGIN, publish_ns=publish_ms * 1_000_000)])
    times, values = picture.accounts[ACCOUNT].ring.since(-1.0)
    assert times.tolist() == [0.0, 0.11, 0.11, 9.0]
    assert np.isnan(values[0]).tolist() == [False, False, True, False]


def test_groups_go_with_their_legs(make: Any) -> None:
    picture = Picture()
    array = np.zeros(2, dtype=MARGIN_GROUP)
    array["account"], array["underlying"], array["legs"] = ACCOUNT.encode(), [b"SPY", b"QQQ"], [2, 1]
    picture.apply([make.records(b"margin.group", array, StreamId.MARGIN)])
    assert sorted(picture.accounts[ACCOUNT].groups) == ["QQQ", "SPY"]
    array["legs"][0] = 0
    picture.apply([make.records(b"margin.group", array, StreamId.MARGIN)])
    assert sorted(picture.accounts[ACCOUNT].groups) == ["QQQ"]


def test_a_position_in_two_groups_is_explained_by_the_dearest_and_summed(make: Any) -> None:
    def group(name: str, cost: float, quantity: float) -> MarginNode:
        leg = MarginNode(level="leg", name="L", con_id=7, maintenance_margin=cost, quantity=quantity)
        return MarginNode(level="group", name=name, rule=name, maintenance_margin=cost, children=[leg])

    under = MarginNode(level="underlying", name="SPY", children=[group("cheap", 10.0, 1.0), group("dear", 30.0, 2.0)])
    root = MarginNode(level="account", name=ACCOUNT, children=[under])
    picture = Picture()
    picture.apply([make.frame(MarginTree(account=ACCOUNT, rule_set="r", newest_ns=1, root=root), StreamId.MARGIN)])
    reason = picture.accounts[ACCOUNT].reasons[7]
    assert reason.group.name == "dear"
    assert reason.total("maintenance_margin") == 40.0
    assert reason.total("quantity") == 3.0
    assert reason.others == 1


def test_an_order_keeps_its_row_when_tws_numbers_it(make: Any) -> None:
    picture = Picture()
    picture.apply([make.frame(order(), StreamId.ORDERS), make.frame(order(perm_id=99), StreamId.ORDERS)])
    assert [o.perm_id for o in picture.orders.values()] == [99]
    picture.apply([make.frame(order(perm_id=99, client_key="k", status="Filled"), StreamId.ORDERS)])
    assert [o.status for o in picture.orders.values()] == ["Filled"]


def test_equal_numbers_of_other_orders_stay(make: Any) -> None:
    picture = Picture()
    mine, other = order(client_key="a", perm_id=1), order(client_key="b", perm_id=2, order_id=2)
    picture.apply([make.frame(mine, StreamId.ORDERS), make.frame(other, StreamId.ORDERS)])
    assert len(picture.orders) == 2


def test_bad_bytes_are_counted_and_dropped(make: Any) -> None:
    picture = Picture()
    good = make.frame(AccountValue(account=ACCOUNT, key="SMA", currency="USD", value=1.0, text="1", recv_ns=1))
    bad = type(good)(good.topic, good.header, b"\xc1 nonsense")
    short = type(good)(b"md.tick", make.records(b"md.tick", make.ticks((1, 1, 1.0, 1.0)), StreamId.INGEST).header, b"x")
    picture.apply([bad, short, good])
    assert picture.bad == 2
    assert picture.accounts[ACCOUNT].number("SMA") == 1.0


def test_what_differed_from_tws_is_told_as_an_event(make: Any) -> None:
    picture = Picture()
    told = Difference(account=ACCOUNT, part="cash", key="CashBalance USD", ours="5", tws="6", repaired=True, recv_ns=1)
    picture.apply([make.frame(told)])
    assert describe(picture.events[-1][1]) == "DU1 cash CashBalance USD: here 5, in TWS 6; TWS's is taken"
