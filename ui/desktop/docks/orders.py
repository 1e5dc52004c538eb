"""Orders and fills of the chosen account; cancelling takes one act."""

from __future__ import annotations

from PyQt5.QtWidgets import QHBoxLayout, QLabel, QPushButton, QWidget

from pipeline.messages import CancelOrder, Reply
from ui.desktop.commands import request_id
from ui.desktop.docks.base import Dock
from ui.desktop.looks import Looks, paint_text, set_text
from ui.desktop.models.orders import WORKING, FillTable, OrderTable, fill_rows, order_rows
from ui.desktop.picture import health
from ui.desktop.picture.health import Condition, Health
from ui.desktop.session import Session
from ui.desktop.theme import Tone
from ui.desktop.views.table import Table


class OrdersDock(Dock):
    """`refresh` five times a second."""

    def __init__(self, session: Session, looks: Looks) -> None:
        super().__init__("orders", "Orders", session, looks)
        self.model = OrderTable(self)
        self.table = Table(self.model, looks, "orders.table", "Orders")
        self._shown = ""
        self.finish(self.table, self._bar())

    def _bar(self) -> QWidget:
        bar = QWidget()
        row = QHBoxLayout(bar)
        row.setContentsMargins(4, 3, 4, 3)
        self.cancel_button = QPushButton("Cancel selected")
        self.cancel_button.setObjectName("orders.cancel")
        self.cancel_button.setAccessibleName("Cancel the selected order")
        self.cancel_button.clicked.connect(self.cancel_selected)
        self.answer = QLabel()
        self.answer.setObjectName("orders.answer")
        self.answer.setAccessibleName("Answer")
        row.addWidget(self.cancel_button)
        row.addWidget(self.answer, 1)
        return bar

    def refresh(self, changed: set[str]) -> None:
        """Rows, when orders changed."""
        state, name = self.session.of_orders(), self.session.account_name
        if changed & {"orders", "instruments", "reset", "accounts"} or name != self._shown:
            self._shown = name
            self.table.look()
            rows = order_rows(self.session.picture, name, self.session.generation("orders"))
            self.model.apply(rows)
            self.model.resort()
            working = sum(1 for key in rows if self.session.picture.orders[str(key)].status in WORKING)
            self.setWindowTitle(f"Orders {working}" if working else "Orders")
        if state.old:
            state = Health(state.condition, f"{state.text} · orders may have changed at TWS")
        self.show_health(health.with_rows(state, len(self.model.keys), "No orders today"), len(self.model.keys))
        self.model.set_old(state.old)
        self.cancel_button.setEnabled(state.condition <= Condition.STALE)

    def cancel_selected(self) -> None:
        """One order of ours; those made in TWS are cancelled there, or by STOP."""
        key = self.table.selected_key()
        order = self.session.picture.orders.get(str(key)) if key is not None else None
        if order is None:
            self.tell("select an order first", Tone.WARN)
            return
        command = CancelOrder(request_id=request_id(), actor=self.session.commands.actor, order_id=order.order_id)
        self.tell(f"cancelling order {order.order_id}…", Tone.DIM)
        self.session.commands.send("orders", command, self._answered)

    def _answered(self, reply: Reply) -> None:
        self.tell(reply.text or ("sent" if reply.ok else "refused"), Tone.DIM if reply.ok else Tone.WARN)

    def tell(self, text: str, tone: Tone) -> None:
        """Words beside the buttons."""
        set_text(self.answer, text)
        self.answer.setToolTip(text)
        paint_text(self.answer, self.looks.colour(tone))


class FillsDock(Dock):
    """Executions with their commissions."""

    def __init__(self, session: Session, looks: Looks) -> None:
        super().__init__("fills", "Fills", session, looks)
        self.model = FillTable(self)
        self.table = Table(self.model, looks, "fills.table", "Fills")
        self._shown = ""
        self.finish(self.table)

    def refresh(self, changed: set[str]) -> None:
        """Rows, when fills changed."""
        state, name = self.session.of_orders(), self.session.account_name
        if changed & {"executions", "instruments", "reset", "accounts"} or name != self._shown:
            self._shown = name
            self.table.look()
            self.model.apply(fill_rows(self.session.picture, name))
            self.model.resort()
        self.show_health(health.with_rows(state, len(self.model.keys), "No fills today"), len(self.model.keys))
        self.model.set_old(state.old)
