"""Tables and the tree: Qt's own model test, and what is announced."""

from __future__ import annotations

import math
from collections.abc import Hashable
from enum import IntEnum
from typing import Any

import pytest
from PyQt5.QtCore import QModelIndex, Qt

from pipeline.messages import MarginNode, MarginTree, Position, StreamId, Subscription
from ui.desktop.models.cells import Cell, Column, order_of
from ui.desktop.models.orders import OrderTable
from ui.desktop.models.positions import PositionColumn, PositionTable, rows_of
from ui.desktop.models.quotes import QuoteColumn, QuoteTable
from ui.desktop.models.rows import RowTable, Values
from ui.desktop.models.tree import MarginTreeModel
from ui.desktop.picture.picture import Picture
from ui.desktop.theme import Tone


class Kinds(IntEnum):
    NAME = 0
    VALUE = 1


class Small(RowTable):
    kinds = Kinds
    columns = (Column("Name", figures=False), Column("Value"))

    def make(self, key: Hashable, column: int, values: Values) -> Cell:
        return Cell(str(values[column]))


def announced(model: Any) -> list[tuple[int, int, int, int]]:
    seen: list[tuple[int, int, int, int]] = []
    model.dataChanged.connect(lambda a, b, _r: seen.append((a.row(), a.column(), b.row(), b.column())))
    return seen


def test_rows_pass_qt_s_model_test(qtmodeltester: Any) -> None:
    model = Small()
    model.apply({"a": ("a", 1.0), "b": ("b", math.nan)})
    qtmodeltester.check(model)


def test_only_what_differs_on_screen_is_announced(qapp: Any) -> None:
    model = Small()
    model.apply({i: (str(i), 1.0) for i in range(10)})
    model.visible = (0, 3)
    seen = announced(model)
    model.apply({i: (str(i), 2.0 if i in (2, 7) else 1.0) for i in range(10)})
    assert seen == [(2, 1, 2, 1)]
    assert model.cell(7, 1).text == "2.0"  # off screen, and right when it is scrolled to


def test_unknown_stays_equal_to_unknown(qapp: Any) -> None:
    model = Small()
    model.apply({1: ("a", math.nan)})
    model.visible = (0, 0)
    seen = announced(model)
    model.apply({1: ("a", float("nan"))})
    assert seen == []


def test_rows_come_and_go_without_a_reset(qapp: Any) -> None:
    model = Small()
    resets: list[int] = []
    model.modelReset.connect(lambda: resets.append(1))
    model.apply({1: ("a", 1.0), 2: ("b", 2.0)})
    model.apply({2: ("b", 2.0), 3: ("c", 3.0)})
    assert model.keys == [2, 3]
    assert resets == []


def test_sorting_keeps_the_selection_on_its_row(qapp: Any) -> None:
    from PyQt5.QtCore import QPersistentModelIndex

    model = Small()
    model.apply({1: ("a", 1.0), 2: ("b", math.nan), 3: ("c", 3.0)})
    held = QPersistentModelIndex(model.index(0, 0))
    model.sort(1, Qt.DescendingOrder)
    assert model.keys == [3, 1, 2]  # unknown last
    assert held.row() == 1
    model.sort(1, Qt.AscendingOrder)
    assert model.keys == [1, 3, 2]


def test_order_of_texts_and_numbers() -> None:
    assert order_of(["b", "a"], Qt.AscendingOrder) == [1, 0]
    assert order_of([1.0, 2.0, math.nan], Qt.DescendingOrder) == [1, 0, 2]


@pytest.fixture
def watched(clock: Any, make: Any, qapp: Any) -> tuple[Picture, QuoteTable]:
    picture = Picture()
    for i in range(4):
        picture.apply(
            [
                make.frame(make.stock(i, f"S{i}", min_tick=0.01)),
                make.frame(Subscription(con_id=i, symbol=f"S{i}", state="live", watched=True)),
                make.records(b"md.tick", make.ticks((i, 4, 10.0 + i, 1.0), (i, 9, 10.0, math.nan)), StreamId.INGEST),
            ]
        )
    model = QuoteTable(picture, clock)
    model.set_keys(range(4))
    model.visible = (0, 3)
    model.apply()
    return picture, model


def test_the_watchlist_passes_qt_s_model_test(watched: Any, qtmodeltester: Any) -> None:
    qtmodeltester.check(watched[1])


def test_newest_price_is_in_the_cell(watched: Any, make: Any) -> None:
    picture, model = watched
    assert model.cell(2, QuoteColumn.LAST).text == "12.00"
    seen = announced(model)
    picture.apply([make.records(b"md.tick", make.ticks((2, 4, 12.5, 1.0)), StreamId.INGEST)])
    model.apply()
    assert model.cell(2, QuoteColumn.LAST) == Cell("12.50")
    assert model.cell(2, QuoteColumn.CHANGE) == Cell("+25.00", Tone.UP)
    assert sorted(seen) == [(2, QuoteColumn.LAST, 2, QuoteColumn.LAST), (2, QuoteColumn.CHANGE, 2, QuoteColumn.CHANGE)]


def test_off_screen_nothing_is_announced_and_nothing_is_lost(watched: Any, make: Any) -> None:
    picture, model = watched
    assert model.cell(3, QuoteColumn.LAST).text == "13.00"
    model.visible = (0, 1)
    seen = announced(model)
    picture.apply([make.records(b"md.tick", make.ticks((3, 4, 99.0, 1.0)), StreamId.INGEST)])
    model.apply()
    assert seen == []
    assert model.cell(3, QuoteColumn.LAST).text == "99.00"


def test_a_broken_line_looks_old_while_others_do_not(watched: Any, make: Any) -> None:
    picture, model = watched
    line = Subscription(con_id=1, symbol="S1", state="silent", watched=True, reason="farm broken")
    picture.apply([make.frame(line)])
    model.forget_texts()
    assert model.cell(1, QuoteColumn.LAST).italic
    assert not model.cell(2, QuoteColumn.LAST).italic
    assert "farm broken" in model.tip(1, QuoteColumn.LAST)


def test_a_rested_cell_flashes_in_two_steps_and_stops(watched: Any, clock: Any, make: Any) -> None:
    picture, model = watched
    clock.s += 10
    picture.apply([make.records(b"md.tick", make.ticks((2, 1, 12.4, 1.0)), StreamId.INGEST)])
    model.apply()
    steps = []
    for _ in range(4):
        steps.append(model.flash_at(2, QuoteColumn.BID))
        clock.s += 0.26
        model.apply()
    assert steps == [0, 1, -1, -1]


def test_positions_of_the_dearest_underlying_come_first(make: Any, qapp: Any) -> None:
    picture = Picture()
    reasons = []
    for con_id, symbol, cost in ((1, "AAA", 10.0), (2, "BBB", 90.0)):
        leg = MarginNode(level="leg", name=symbol, con_id=con_id, maintenance_margin=cost, quantity=5.0, price=3.0)
        group = MarginNode(level="group", name="g", rule="long stock", numbers="25% · 5 · 3.00", children=[leg])
        reasons.append(MarginNode(level="underlying", name=symbol, maintenance_margin=cost, children=[group]))
        picture.apply(
            [
                make.frame(make.stock(con_id, symbol)),
                make.frame(Position(account="DU1", con_id=con_id, quantity=5.0, average_cost=1.0)),
            ]
        )
    root = MarginNode(level="account", name="DU1", maintenance_margin=100.0, children=reasons)
    picture.apply([make.frame(MarginTree(account="DU1", rule_set="r", newest_ns=1, root=root), StreamId.MARGIN)])
    model = PositionTable()
    model.apply(rows_of(picture, picture.accounts["DU1"], 0))
    assert model.keys == [2, 1]
    assert model.cell(2, PositionColumn.SHARE).text == "90.0 %"
    assert model.cell(2, PositionColumn.WHY).text == "long stock · 25% · 5 · 3.00"
    assert model.cell(2, PositionColumn.MARGIN) == Cell("90", Tone.MODEL)
    model.apply(rows_of(picture, picture.accounts["DU1"], 1))  # ingest began anew and has not named them yet
    assert model.cell(2, PositionColumn.QUANTITY).italic


def test_orders_pass_qt_s_model_test(qtmodeltester: Any) -> None:
    qtmodeltester.check(OrderTable())


def tree(costs: dict[str, float]) -> MarginNode:
    children = [
        MarginNode(
            level="underlying",
            name=name,
            maintenance_margin=cost,
            children=[MarginNode(level="group", name="g", rule="r", numbers="1 + 1", maintenance_margin=cost)],
        )
        for name, cost in costs.items()
    ]
    return MarginNode(level="account", name="DU1", maintenance_margin=sum(costs.values()), children=children)


def test_the_tree_passes_qt_s_model_test(looks: Any, qtmodeltester: Any) -> None:
    model = MarginTreeModel(looks)
    model.apply(tree({"AAA": 10.0, "BBB": 30.0}))
    qtmodeltester.check(model)


def test_the_tree_keeps_its_rows_while_its_shape_stays(looks: Any) -> None:
    model = MarginTreeModel(looks)
    assert model.apply(tree({"AAA": 10.0, "BBB": 30.0}))
    assert model.data(model.index(0, 0, QModelIndex())) == "BBB"
    assert not model.apply(tree({"AAA": 50.0, "BBB": 30.0}))  # no dance
    assert model.data(model.index(0, 0, QModelIndex())) == "BBB"
    assert model.data(model.index(1, 1, QModelIndex())) == "50"
    assert model.apply(tree({"AAA": 50.0, "BBB": 30.0, "CCC": 1.0}))
    assert model.data(model.index(0, 0, QModelIndex())) == "AAA"


def test_a_lower_bound_says_so(looks: Any) -> None:
    model = MarginTreeModel(looks)
    node = MarginNode(level="underlying", name="AAA", maintenance_margin=10.0, at_least=True, reason="no price")
    model.apply(MarginNode(level="account", name="DU1", maintenance_margin=10.0, children=[node]))
    assert model.data(model.index(0, 1, QModelIndex())) == "≥ 10"
    assert "no price" in model.data(model.index(0, 4, QModelIndex()))
