"""What a person does reaches the right process once, and its answer is shown in words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from PyQt5.QtCore import Qt
from PyQt5.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSpinBox,
    QComboBox,
    QLineEdit,
    QPlainTextEdit,
    QWidget,
)

from pipeline.messages import (
    AddSymbol,
    CancelAll,
    CancelOrder,
    DisableTrading,
    EnableTrading,
    OrderSpec,
    PlaceOrder,
    PreviewOrder,
    RemoveSymbol,
)
from tests.integration.desktop.plant import ACCOUNT, Plant
from ui.desktop.app import Desk
from ui.desktop.docks.dialogs import EnableDialog, StopDialog
from ui.desktop.models.orders import OrderColumn
from ui.desktop.ticket_state import Stage

Wait = Callable[[Callable[[], bool]], None]
Text = Callable[[str], str]


def sent(plant: Plant, kind: type) -> list[Any]:
    return [command for command in plant.commands if isinstance(command, kind)]


def test_a_symbol_is_added_and_removed(desk: Desk, plant: Plant, text: Text, wait: Wait, qtbot: Any) -> None:
    dock = desk.window.watchlist
    dock.symbol.setText("ibm")
    qtbot.keyClick(dock.symbol, Qt.Key_Return)
    wait(lambda: text("watchlist.answer") == "IBM is watched")
    assert [command.symbol for command in sent(plant, AddSymbol)] == ["IBM"]
    wait(lambda: any(dock.model.cell(key, 0).text == "IBM" for key in dock.model.keys))
    row = next(i for i, key in enumerate(dock.model.keys) if dock.model.cell(key, 0).text == "IBM")
    con_id = dock.model.keys[row]
    dock.table.selectRow(row)
    qtbot.mouseClick(dock.remove_button, Qt.LeftButton)
    wait(lambda: con_id not in dock.model.keys)
    assert [command.con_id for command in sent(plant, RemoveSymbol)] == [con_id]


def test_a_refusal_is_shown_in_words(desk: Desk, text: Text, wait: Wait, qtbot: Any) -> None:
    desk.window.watchlist.symbol.setText("?!")
    desk.window.watchlist.add()
    wait(lambda: text("watchlist.answer") == "?!: no such contract")


def test_nobody_there_is_said_too(desk: Desk, plant: Plant, text: Text, wait: Wait) -> None:
    plant.answers[AddSymbol] = lambda _command: None  # type: ignore[assignment,return-value]
    desk.window.watchlist.symbol.setText("IBM")
    desk.window.watchlist.add()
    wait(lambda: text("watchlist.answer") == "no answer from ingest")


@pytest.fixture
def armed(desk: Desk, plant: Plant, text: Text, wait: Wait) -> Desk:
    """Trading is on, the ticket holds a buy of 5 SPY with a fresh preview."""
    desk.window.enable_trading(ACCOUNT, 1.0)
    wait(lambda: text("strip.trading") == "TRADING ON")
    ticket = desk.window.ticket
    ticket.pick(1000)
    ticket.quantity.setText("5")
    wait(lambda: ticket.ticket.preview is not None)
    wait(lambda: ticket.review_button.isEnabled())
    return desk


def test_trading_is_off_until_switched_on(desk: Desk, plant: Plant, text: Text, wait: Wait) -> None:
    ticket = desk.window.ticket
    ticket.pick(1000)
    ticket.quantity.setText("5")
    wait(lambda: ticket.ticket.preview is not None)
    wait(lambda: "not enabled" in text("ticket.why"))
    assert not ticket.review_button.isEnabled()
    ticket.act()
    assert ticket.ticket.stage is Stage.FORM
    desk.window.ask_trading()
    dialog = desk.window.findChild(EnableDialog)
    assert dialog is not None
    dialog.hours.setValue(2.0)
    dialog.accept()
    wait(lambda: text("strip.trading") == "TRADING ON")
    assert [(c.account, c.hours) for c in sent(plant, EnableTrading)] == [(ACCOUNT, 2.0)]
    desk.window.ask_trading()  # off takes one act
    wait(lambda: text("strip.trading") == "READ-ONLY")


def test_a_preview_stands_beside_that_of_tws(armed: Desk, plant: Plant, text: Text, wait: Wait) -> None:
    wait(lambda: text("ticket.preview.1.3") == "+15,000")
    assert text("ticket.preview.2.2") == "730,802"
    previews = sent(plant, PreviewOrder)
    assert previews[-1].spec.con_id == 1000
    assert len(previews) <= 2  # one a pause, not one a key


def test_two_deliberate_acts_by_keyboard(armed: Desk, plant: Plant, text: Text, wait: Wait, qtbot: Any) -> None:
    window, ticket = armed.window, armed.window.ticket
    window.activateWindow()
    ticket.quantity.setFocus()
    qtbot.keyClick(ticket.quantity, Qt.Key_Return, Qt.ControlModifier)
    assert ticket.ticket.stage is Stage.REVIEW
    assert text("ticket.summary") == "BUY 5 SPY"
    assert ACCOUNT in text("ticket.terms")
    qtbot.keyClick(ticket, Qt.Key_Return, Qt.ControlModifier)  # too soon
    assert ticket.ticket.stage is Stage.REVIEW
    assert sent(plant, PlaceOrder) == []
    qtbot.wait(450)
    qtbot.keyClick(ticket, Qt.Key_Return, Qt.ControlModifier)
    assert ticket.ticket.stage is Stage.SENT
    wait(lambda: "Working" in text("ticket.answer"))
    orders = sent(plant, PlaceOrder)
    assert len(orders) == 1
    assert orders[0].client_key
    assert (orders[0].spec.side, orders[0].spec.quantity, orders[0].spec.order_type) == ("BUY", 5.0, "LMT")
    model = armed.window.orders.model
    wait(lambda: len(model.keys) == 1)
    assert model.cell(model.keys[0], OrderColumn.STATE).text == "Working"


def test_escape_leaves_the_review_and_sends_nothing(armed: Desk, plant: Plant, qtbot: Any) -> None:
    ticket = armed.window.ticket
    ticket.act()
    assert ticket.ticket.stage is Stage.REVIEW
    qtbot.keyClick(ticket, Qt.Key_Escape)
    assert ticket.ticket.stage is Stage.FORM
    assert sent(plant, PlaceOrder) == []


def test_no_answer_is_unknown_and_locks_the_contract(
    armed: Desk, plant: Plant, text: Text, wait: Wait, qtbot: Any
) -> None:
    plant.answers[PlaceOrder] = lambda _command: None  # type: ignore[assignment,return-value]
    ticket = armed.window.ticket
    ticket.act()
    qtbot.wait(450)
    ticket.act()
    wait(lambda: "Unknown: check TWS" in text("ticket.answer"))
    ticket.back()
    wait(lambda: "check TWS" in text("ticket.why"))
    assert ticket.resolved.isVisible()
    assert len(sent(plant, PlaceOrder)) == 1  # not sent again
    ticket.resolved.click()
    wait(lambda: "check TWS" not in text("ticket.why"))


def test_an_order_is_cancelled_with_one_act(desk: Desk, plant: Plant, text: Text, wait: Wait) -> None:
    spec = OrderSpec(account=ACCOUNT, con_id=1000, side="BUY", quantity=5.0, order_type="LMT", limit_price=1.0)
    plant.do(lambda p: p.order(41, spec, "Submitted"))
    dock = desk.window.orders
    wait(lambda: len(dock.model.keys) == 1)
    dock.raise_()
    dock.table.selectRow(0)
    dock.cancel_selected()
    wait(lambda: text("orders.answer") == "cancel was sent")
    assert [command.order_id for command in sent(plant, CancelOrder)] == [41]
    plant.do(lambda p: p.order(41, spec, "Filled", filled=5.0))
    plant.do(lambda p: p.fill(41, spec, 1.0))
    wait(lambda: dock.model.cell(dock.model.keys[0], OrderColumn.STATE).text == "Filled")
    wait(lambda: len(desk.window.fills.model.keys) == 1)


def test_stop_disarms_and_cancels_everything(armed: Desk, plant: Plant, text: Text, wait: Wait) -> None:
    armed.window.ask_stop()
    dialog = armed.window.findChild(StopDialog)
    assert dialog is not None
    assert "placed in TWS" in dialog.text()
    assert sent(plant, CancelAll) == []
    dialog.stop_button.click()
    wait(lambda: len(sent(plant, CancelAll)) == 1)
    assert len(sent(plant, DisableTrading)) == 1
    kinds = [type(command) for command in plant.commands]
    assert kinds.index(DisableTrading) < kinds.index(CancelAll)
    wait(lambda: text("strip.trading") == "READ-ONLY")


def test_stop_without_an_answer_is_said_across_the_window(desk: Desk, plant: Plant, wait: Wait) -> None:
    plant.answers[CancelAll] = lambda _command: None  # type: ignore[assignment,return-value]
    desk.window.stop_now()
    wait(lambda: "STOP not confirmed: use TWS now" in desk.window.banner.text())
    assert desk.window.banner.isVisible()


def test_every_control_has_a_name(desk: Desk) -> None:
    kinds = (QAbstractButton, QComboBox, QLineEdit, QAbstractItemView, QAbstractSpinBox, QPlainTextEdit)
    inner = ("qt_", "ScrollLeftButton", "ScrollRightButton")
    nameless = [
        (type(widget).__name__, widget.objectName(), widget.parent().objectName() if widget.parent() else "")
        for widget in desk.window.findChildren(QWidget)
        if isinstance(widget, kinds)
        and not widget.accessibleName()
        and not widget.objectName().startswith(inner)
        and type(widget).__module__ != "PyQt5.QtWidgets.private"
        and not _of_qt(widget)
    ]
    assert nameless == []


def _of_qt(widget: QWidget) -> bool:
    """Parts that Qt makes inside its own widgets: corner buttons, headers, popups, tab bars, tool bar extensions."""
    parent = widget.parent()
    own = ("QHeaderView", "QTableCornerButton", "QComboBoxListView", "QToolBarExtension", "QCompleterListView")
    return widget.metaObject().className() in own or (
        parent is not None and parent.metaObject().className() in ("QTabBar", "QComboBoxPrivateContainer")
    )
