"""Figures appear, move, look old when they are, and never blank."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from pipeline import messages
from pipeline.messages import State
from tests.integration.desktop.plant import ACCOUNT, OTHER, SYMBOLS, Plant, Source, live
from ui.desktop.app import Desk
from ui.desktop.models.positions import PositionColumn
from ui.desktop.models.quotes import QuoteColumn
from ui.desktop.picture.health import Condition

Wait = Callable[[Callable[[], bool]], None]
Text = Callable[[str], str]


def test_figures_appear(desk: Desk, plant: Plant, text: Text, wait: Wait) -> None:
    window = desk.window
    assert [window.watchlist.model.cell(key, 0).text for key in window.watchlist.model.keys] == list(SYMBOLS)
    expected = f"{plant.prices[0]:,.2f}"
    wait(lambda: window.watchlist.model.cell(1000, QuoteColumn.LAST).text == expected)
    assert len(window.positions.model.keys) == 8
    wait(lambda: text("margin.MaintMarginReq.TWS") == "716,130")
    assert text("margin.MaintMarginReq.model").startswith("71")
    assert text("margin.MaintMarginReq.gap").endswith(" %")
    assert text("margin.SMA.TWS") == "—"  # never a zero for something that TWS did not give
    assert text("strip.pnl") == "▲ +4,218"
    assert text("strip.level") in ("● OK", "◆ CAUTION")
    assert (text("strip.mode"), text("strip.trading")) == ("PAPER", "READ-ONLY")
    assert "PAPER" in window.windowTitle()
    wait(lambda: ACCOUNT in window.windowTitle())
    wait(lambda: text("status.tws") == "TWS ● 1.2 ms")
    wait(lambda: text("status.writer") == "Writer ● 38 ms")
    assert text("status.data") == f"Data LIVE {len(SYMBOLS)}/100 lines"
    assert text("status.drops") == "Drops 0"


def test_each_position_says_why(desk: Desk, wait: Wait) -> None:
    model = desk.window.positions.model
    wait(lambda: all(model.cell(key, PositionColumn.WHY).text.startswith(("long", "short")) for key in model.keys))
    top = model.keys[0]
    assert "%" in model.cell(top, PositionColumn.WHY).text
    assert "maintenance" in model.tip(top, PositionColumn.WHY) or "≈" in model.tip(top, PositionColumn.WHY)
    costs = [model.raw(key, PositionColumn.UNDERLYING_MARGIN) for key in model.keys]
    assert costs == sorted(costs, reverse=True)


def test_the_tree_opens_to_the_leg(desk: Desk, wait: Wait) -> None:
    model = desk.window.margin.tree_model
    wait(lambda: model.rowCount() == 8)
    under = model.index(0, 0)
    group = model.index(0, 0, under)
    assert model.rowCount(under) == 1
    assert "stock" in model.data(group)
    assert model.rowCount(group) == 1
    assert "rate · quantity · price" in model.data(group, 3)  # tooltip: the formula


def test_figures_move_with_the_stream(desk: Desk, plant: Plant, text: Text, wait: Wait) -> None:
    first, price = text("strip.net"), desk.window.watchlist.model.cell(1000, QuoteColumn.LAST).text
    plant.do(lambda p: p.every.append(live(p, 400.0)))
    wait(lambda: text("strip.net") != first)
    wait(lambda: desk.window.watchlist.model.cell(1000, QuoteColumn.LAST).text != price)
    account = desk.picture.accounts[ACCOUNT]
    wait(lambda: len(account.ring) > 5)
    wait(lambda: len(desk.window.chart.chart.curves[0].getData()[0]) > 5)


def test_silence_looks_stale_in_a_second_and_comes_back(desk: Desk, plant: Plant, text: Text, wait: Wait) -> None:
    model = desk.window.watchlist.model
    price = model.cell(1000, QuoteColumn.LAST).text
    plant.do(lambda p: setattr(p.sources["ingest"], "silent", True))
    wait(lambda: "stale" in text("watchlist.state"))
    assert model.cell(1000, QuoteColumn.LAST) == (price, 2, True, False)  # same digits, stale, italic
    assert desk.window.positions.model.old
    wait(lambda: "STALE" in text("status.data"))
    wait(lambda: "disconnected" in text("watchlist.state"))
    assert "since" in text("watchlist.state")
    assert model.cell(1000, QuoteColumn.LAST).text == price
    plant.do(lambda p: setattr(p.sources["ingest"], "silent", False))
    wait(lambda: text("watchlist.state") == "● live")
    assert not model.cell(1000, QuoteColumn.LAST).italic


def test_a_silent_model_keeps_its_figures_and_looks_old(desk: Desk, plant: Plant, text: Text, wait: Wait) -> None:
    shown = text("strip.net")
    plant.do(lambda p: setattr(p.sources["margin"], "silent", True))
    wait(lambda: "stale" in text("margin.state"))
    wait(lambda: desk.window.margin.tree_model.old)
    assert text("strip.net") == shown
    assert desk.window.strip.figures["net"].value.font().italic()
    assert text("watchlist.state") == "● live"  # the others are well


def test_states_by_message(desk: Desk, plant: Plant, text: Text, wait: Wait) -> None:
    for word, condition, shown in (
        ("DISCONNECTED", Condition.DISCONNECTED, "nightly restart"),
        ("REFUSED", Condition.ERROR, "nightly restart"),
        ("DEGRADED", Condition.STALE, "nightly restart"),
        ("READY", Condition.LIVE, "live"),
    ):
        plant.do(lambda p, word=word: p.tws(word, "nightly restart"))
        for dock in (desk.window.watchlist, desk.window.positions, desk.window.orders, desk.window.ticket):
            if condition is Condition.LIVE and dock is desk.window.orders:
                continue  # it is empty
            wait(lambda dock=dock, condition=condition: dock.health.condition is condition)
        assert shown in text("watchlist.state")
        assert desk.window.watchlist.model.old == (condition >= Condition.STALE)
    assert len(desk.window.watchlist.model.keys) == len(SYMBOLS)


def test_orders_warn_that_they_may_have_changed(desk: Desk, plant: Plant, text: Text, wait: Wait) -> None:
    plant.do(lambda p: p.tws("DISCONNECTED", "gone"))
    wait(lambda: "may have changed at TWS" in text("orders.state"))
    assert not desk.window.orders.cancel_button.isEnabled()


def test_a_failed_process_shows(desk: Desk, plant: Plant, text: Text, wait: Wait) -> None:
    desk.window.show_pipeline()
    plant.do(lambda p: p.system(writer=State.BACKOFF))
    wait(lambda: "BACKOFF" in text("status.writer"))
    model = desk.window.pipeline.model
    wait(lambda: "writer" in model.keys and model.cell("writer", 1).text == "BACKOFF")
    assert model.cell("ingest", 1).text == "READY"
    wait(lambda: "BACKOFF" in text("pipeline.state"))


def test_nothing_known_is_loading_and_empty_says_what_to_do(
    plant: Plant, open_desk: Callable[[], Desk], wait: Wait
) -> None:
    desk = open_desk()
    window = desk.window
    wait(
        lambda: all(
            dock.health.condition is Condition.LOADING for dock in window.docks.values() if dock is not window.log
        )
    )
    assert window.findChild(type(window.banner), "strip.net").text() == "—"
    plant.do(lambda p: p.tws("READY"))
    wait(lambda: window.watchlist.health.condition is Condition.EMPTY)
    assert "Ctrl+L" in window.findChild(type(window.banner), "watchlist.page").text()
    wait(lambda: window.orders.health.condition is Condition.EMPTY)
    assert window.findChild(type(window.banner), "orders.page").text() == "No orders today"


def test_a_restart_of_ingest_blanks_nothing(desk: Desk, plant: Plant, text: Text, wait: Wait) -> None:
    model, price = desk.window.watchlist.model, desk.window.watchlist.model.cell(1000, QuoteColumn.LAST).text

    def restart(p: Plant) -> None:
        old = p.sources["ingest"]
        context = old.socket.context
        old.close()
        p.sources["ingest"] = Source(context, p.runtime, "ingest", p.clock)
        p.tws("SYNCING")

    generation = desk.session.generation("ingest")
    plant.do(restart)
    wait(lambda: desk.session.generation("ingest") > generation)
    wait(lambda: desk.window.watchlist.health.condition is Condition.LOADING)
    assert len(model.keys) == len(SYMBOLS)
    wait(lambda: model.cell(1000, QuoteColumn.LAST).italic)
    assert model.cell(1000, QuoteColumn.LAST).text == price
    assert len(desk.window.positions.model.keys) == 8
    plant.do(lambda p: p.book())
    wait(lambda: text("watchlist.state") == "● live")
    wait(lambda: not model.cell(1000, QuoteColumn.LAST).italic)


def test_alarm_shows_in_words(desk: Desk, plant: Plant, text: Text, wait: Wait) -> None:
    plant.do(lambda p: p.figures(excess=-5000.0, level=3))
    wait(lambda: text("strip.level") == "■ ALARM")
    assert text("strip.excess") == "≈ −5,000"


def test_another_account(desk: Desk, plant: Plant, text: Text, wait: Wait) -> None:
    desk.session.choose_account(OTHER)
    wait(lambda: desk.window.strip.accounts.currentText() == OTHER)
    wait(lambda: desk.window.positions._shown == OTHER)
    assert len(desk.window.positions.model.keys) == 8


def test_a_gap_is_repaired_and_counted(desk: Desk, plant: Plant, text: Text, wait: Wait) -> None:
    def lose_one(p: Plant) -> None:
        p.sources["ingest"].stream.next_seq += 3
        p.ticks(np.array([0]))

    plant.do(lose_one)
    wait(lambda: desk.reader.links["ingest"].gaps == 1)
    wait(lambda: text("status.drops") == "Drops 1")
    wait(lambda: text("watchlist.state") == "● live")
    assert len(desk.window.watchlist.model.keys) == len(SYMBOLS)


def test_a_full_queue_drops_all_and_asks_for_a_snapshot(desk: Desk, plant: Plant, wait: Wait, qtbot: Any) -> None:
    desk.frames.stop()  # the window stands still
    desk.queue._max_bytes = 40_000
    plant.do(lambda p: p.every.append(live(p, 4000.0)))
    wait(lambda: desk.queue.dropped > 0)
    plant.do(lambda p: p.last_word())
    desk.queue._max_bytes = 32_000_000
    desk.frames.start()
    model = desk.window.watchlist.model
    wait(lambda: all(model.cell(key, QuoteColumn.LAST).text == "777.77" for key in model.keys))


def test_unknown_is_a_dash_in_every_figure(plant: Plant, open_desk: Callable[[], Desk], wait: Wait) -> None:
    def unknown(p: Plant) -> None:
        array = np.zeros(1, dtype=messages.MARGIN_ACCOUNT)
        array["account"] = ACCOUNT.encode()
        for name in array.dtype.names or ():
            if array.dtype[name] == np.dtype("<f8"):
                array[name] = math.nan
        p.sources["margin"].records("figures", b"margin.account", array)

    plant.do(unknown)
    desk = open_desk()
    wait(lambda: ACCOUNT in desk.picture.accounts)
    wait(lambda: desk.window.strip.accounts.currentText() == ACCOUNT)
    assert {figure.value.text() for figure in desk.window.strip.figures.values()} == {"—"}
