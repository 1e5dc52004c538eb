"""The one delegate: paints a cell from the model's own Cell, with shared colours and fonts, without a style option."""

from __future__ import annotations

from PyQt5.QtCore import QModelIndex, QObject, QSize, Qt
from PyQt5.QtGui import QFontMetrics, QPainter
from PyQt5.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from ui.desktop.looks import Looks
from ui.desktop.models.cells import CellTable

PAD_PX = 5


class CellDelegate(QStyledItemDelegate):
    """For every CellTable."""

    def __init__(self, model: CellTable, looks: Looks, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._model, self._looks = model, looks
        self._elide = QFontMetrics(looks.ui_font)
        self.painted = 0  # cells, for the benchmark and the tests

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex) -> None:
        row, column = index.row(), index.column()
        cell = self._model.cell_at(row, column)
        looks, rect = self._looks, option.rect
        self.painted += 1
        flash = self._model.flash_at(row, column)
        if option.state & QStyle.State_Selected:
            painter.fillRect(rect, looks.selected)
        elif flash >= 0:
            painter.fillRect(rect, looks.flash[flash])
        painter.setPen(looks.text[cell.tone])
        room = rect.adjusted(PAD_PX, 0, -PAD_PX, 0)
        if self._model.columns[column].figures:
            painter.setFont(looks.figure_italic if cell.italic else looks.figure_font)
            painter.drawText(room, Qt.AlignRight | Qt.AlignVCenter, cell.text)
        else:
            painter.setFont(looks.ui_font)
            text = self._elide.elidedText(cell.text, Qt.ElideRight, room.width())
            painter.drawText(room, Qt.AlignLeft | Qt.AlignVCenter, text)

    def sizeHint(self, _option: QStyleOptionViewItem, _index: QModelIndex) -> QSize:
        return QSize(40, round(self._looks.base_px * 1.75))
