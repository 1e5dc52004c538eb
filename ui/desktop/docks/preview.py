"""The margin preview below the ticket's form: now, after, change, by TWS and by the model."""

from __future__ import annotations

from PyQt5.QtCore import Qt
from PyQt5.QtWidgets import QGridLayout, QLabel, QWidget

from ui.desktop import preview_rows
from ui.desktop.looks import Looks, paint_text, set_text
from ui.desktop.theme import Tone
from ui.desktop.ticket_state import Ticket


class PreviewGrid(QWidget):
    """One line a figure; old answers look old."""

    def __init__(self, looks: Looks) -> None:
        super().__init__()
        self._looks = looks
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 2, 0, 2)
        grid.setVerticalSpacing(1)
        grid.setHorizontalSpacing(14)
        self.title = self._label("ticket.preview", "State of the preview")
        grid.addWidget(self.title, 0, 0)
        for column, title in enumerate(("now", "after", "Δ"), 1):
            head = self._label(f"ticket.preview.head{column}", title)
            head.setText(title)
            head.setAlignment(Qt.AlignRight)
            grid.addWidget(head, 0, column)
        self._cells = [self._line(grid, place, name) for place, name in enumerate(preview_rows.NAMES, 1)]
        grid.setColumnStretch(0, 1)

    def show_preview(self, ticket: Ticket, tws_excess: float, now_s: float) -> None:
        """The ticket's newest preview; `tws_excess`: the account's excess liquidity as TWS told it."""
        fresh = ticket.preview_fresh(now_s)
        set_text(self.title, preview_rows.title(ticket, now_s))
        for cells, row in zip(self._cells, preview_rows.rows(ticket.preview, tws_excess), strict=True):
            tone = Tone.MODEL if row.by_model else Tone.FG
            for cell, text in zip(cells, (row.now, row.after, row.change), strict=True):
                set_text(cell, text)
                cell.setFont(self._looks.figure_font if fresh else self._looks.figure_italic)
                paint_text(cell, self._looks.colour(tone if fresh else Tone.STALE))

    def _line(self, grid: QGridLayout, place: int, name: str) -> list[QLabel]:
        caption = self._label(f"ticket.preview.{place}", name)
        caption.setText(name)
        grid.addWidget(caption, place, 0)
        cells = []
        for column in range(1, 4):
            cell = self._label(f"ticket.preview.{place}.{column}", f"{name} {column}")
            cell.setFont(self._looks.figure_font)
            cell.setAlignment(Qt.AlignRight | Qt.AlignVCenter)
            grid.addWidget(cell, place, column)
            cells.append(cell)
        return cells

    def _label(self, name: str, title: str) -> QLabel:
        label = QLabel()
        label.setObjectName(name)
        label.setAccessibleName(title)
        paint_text(label, self._looks.colour(Tone.DIM))
        return label
