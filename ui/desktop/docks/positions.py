"""Positions of the chosen account."""

from __future__ import annotations

from PyQt5.QtCore import QItemSelection

from ui.desktop.docks.base import Dock
from ui.desktop.looks import Looks
from ui.desktop.models.positions import PositionTable, rows_of
from ui.desktop.picture import health
from ui.desktop.session import Session
from ui.desktop.views.table import Table

_WORDS = {"positions", "tree", "groups", "instruments", "reset", "accounts"}


class PositionsDock(Dock):
    """`refresh` five times a second, `second` once."""

    def __init__(self, session: Session, looks: Looks) -> None:
        super().__init__("positions", "Positions", session, looks)
        self.model = PositionTable(self)
        self.table = Table(self.model, looks, "positions.table", "Positions")
        self.table.selectionModel().selectionChanged.connect(self._selected)
        self._shown = ""
        self.finish(self.table)

    def refresh(self, changed: set[str]) -> None:
        """Rows, when anything in them may differ."""
        account, state = self.session.account, self.session.of_market()
        name = self.session.account_name
        if account is not None and (changed & _WORDS or name != self._shown):
            if name != self._shown:
                self._shown = name
                self.model.apply({})
            self.table.look()
            self.model.apply(rows_of(self.session.picture, account, self.session.generation("ingest")))
        rows = len(self.model.keys)
        self.show_health(health.with_rows(state, rows, f"No positions in {name or 'any account'}"), rows)
        self.model.set_old(state.old)

    def second(self, _changed: set[str]) -> None:
        """Dear ones move up."""
        self.model.resort()

    def _selected(self, _new: QItemSelection, _old: QItemSelection) -> None:
        con_id = self.table.selected_key()
        if isinstance(con_id, int):
            self.session.choose_contract(con_id)
