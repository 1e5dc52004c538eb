"""The watchlist: quotes at 60 Hz; symbols added and removed through ingest, its refusals shown in words."""

from __future__ import annotations

from PyQt5.QtCore import QItemSelection, Qt
from PyQt5.QtWidgets import QHBoxLayout, QLabel, QLineEdit, QPushButton, QWidget

from pipeline.messages import AddSymbol, RemoveSymbol, Reply
from ui.desktop.commands import request_id
from ui.desktop.docks.base import Dock
from ui.desktop.looks import Looks, paint_text, set_text
from ui.desktop.models.quotes import QuoteTable
from ui.desktop.picture import health
from ui.desktop.picture.health import Condition, Health
from ui.desktop.session import Session
from ui.desktop.theme import Tone
from ui.desktop.views.table import Table

FORGET_S = 10.0


class WatchlistDock(Dock):
    """`frame` 60 times a second, `refresh` each half second."""

    def __init__(self, session: Session, looks: Looks) -> None:
        super().__init__("watchlist", "Watchlist", session, looks)
        self.model = QuoteTable(session.picture, session.clock, self)
        self.table = Table(self.model, looks, "watchlist.table", "Watchlist")
        self.table.selectionModel().selectionChanged.connect(self._selected)
        self._generation, self._since_s = 0, 0.0  # of ingest's stream, and since when it has been live
        self.finish(self.table, self._bar())

    def _bar(self) -> QWidget:
        bar = QWidget()
        row = QHBoxLayout(bar)
        row.setContentsMargins(4, 3, 4, 3)
        self.symbol = QLineEdit()
        self.symbol.setObjectName("watchlist.symbol")
        self.symbol.setAccessibleName("Symbol to watch")
        self.symbol.setPlaceholderText("Symbol  Ctrl+L")
        self.symbol.setMaxLength(20)
        self.symbol.setMaximumWidth(round(10 * self.looks.base_px))
        self.symbol.returnPressed.connect(self.add)
        self.add_button = QPushButton("Add")
        self.add_button.setAccessibleName("Add the symbol")
        self.add_button.clicked.connect(self.add)
        self.remove_button = QPushButton("Remove")
        self.remove_button.setAccessibleName("Remove the selected symbol")
        self.remove_button.clicked.connect(self.remove)
        self.answer = QLabel()
        self.answer.setObjectName("watchlist.answer")
        self.answer.setAccessibleName("Answer")
        paint_text(self.answer, self.looks.colour(Tone.DIM))
        for widget in (self.symbol, self.add_button, self.remove_button):
            row.addWidget(widget)
        row.addWidget(self.answer, 1)
        return bar

    def frame(self, changed: set[str]) -> None:
        """Rows when subscriptions changed, then the changed cells on screen."""
        if changed & {"subscriptions", "instruments", "reset"}:
            watched = [line.con_id for line in self.session.picture.subscriptions.values() if line.watched]
            self.model.set_keys(watched)
            self.model.forget_texts()
            self.model.announce_visible()
        self.table.look()
        self.model.apply()

    def refresh(self, _changed: set[str]) -> None:
        """State and ages."""
        state = self.session.of_market()
        self._forget(state)
        rows = len(self.model.keys)
        self.show_health(health.with_rows(state, rows, "Add a symbol (Ctrl+L)"), rows)
        self.model.set_old(state.old)
        if self.seen:
            self.model.refresh_ages()

    def _forget(self, state: Health) -> None:
        """A while after ingest began anew and is well: what it has not named again is watched no longer."""
        generation, now_s = self.session.generation("ingest"), self.session.clock.monotonic()
        if generation != self._generation or state.condition is not Condition.LIVE:
            self._generation, self._since_s = generation, now_s
        elif now_s - self._since_s > FORGET_S:
            self.session.picture.forget_unwatched()

    def add(self) -> None:
        """Ask ingest to watch what stands in the box."""
        symbol = self.symbol.text().strip().upper()
        if symbol:
            command = AddSymbol(request_id=request_id(), actor=self.session.commands.actor, symbol=symbol)
            self._told(f"asking TWS for {symbol}…", Tone.DIM)
            self.session.commands.send("ingest", command, self._answered)

    def remove(self) -> None:
        """Ask ingest to watch the selected contract no longer."""
        con_id = self.table.selected_key()
        if isinstance(con_id, int):
            command = RemoveSymbol(request_id=request_id(), actor=self.session.commands.actor, con_id=con_id)
            self.session.commands.send("ingest", command, self._answered)

    def focus_symbol(self) -> None:
        """Ctrl+L."""
        self.show()
        self.raise_()
        self.symbol.setFocus(Qt.ShortcutFocusReason)
        self.symbol.selectAll()

    def _answered(self, reply: Reply) -> None:
        self._told(reply.text or ("done" if reply.ok else "refused"), Tone.DIM if reply.ok else Tone.WARN)
        if reply.ok:
            self.symbol.clear()

    def _told(self, text: str, tone: Tone) -> None:
        set_text(self.answer, text)
        self.answer.setToolTip(text)
        paint_text(self.answer, self.looks.colour(tone))

    def _selected(self, _new: QItemSelection, _old: QItemSelection) -> None:
        con_id = self.table.selected_key()
        if isinstance(con_id, int):
            self.session.choose_contract(con_id)
