"""A table view as the desk uses it: fixed row height, set widths, no grid, sorting by click, raw values in copies."""

from __future__ import annotations

import csv
import io

from PyQt5.QtCore import QPoint, Qt
from PyQt5.QtGui import QGuiApplication, QKeyEvent, QKeySequence
from PyQt5.QtWidgets import QAbstractItemView, QHeaderView, QMenu, QTableView, QWidget

from ui.desktop import format as fmt
from ui.desktop.looks import Looks
from ui.desktop.models.cells import CellTable
from ui.desktop.views.delegate import CellDelegate


class Table(QTableView):
    """Tells its model which rows are on screen; never resizes a column by itself."""

    def __init__(self, model: CellTable, looks: Looks, name: str, title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName(name)
        self.setAccessibleName(title)
        self.table = model
        self.setModel(model)
        self.delegate = CellDelegate(model, looks, self)
        self.setItemDelegate(self.delegate)
        self.setSelectionBehavior(QAbstractItemView.SelectRows)
        self.setSelectionMode(QAbstractItemView.SingleSelection)
        self.setEditTriggers(QAbstractItemView.NoEditTriggers)
        self.setVerticalScrollMode(QAbstractItemView.ScrollPerItem)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollPerPixel)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setCornerButtonEnabled(False)
        self.setTabKeyNavigation(False)
        self.setFrameShape(QTableView.NoFrame)
        self._dress(looks)

    def _dress(self, looks: Looks) -> None:
        rows, columns = self.verticalHeader(), self.horizontalHeader()
        rows.hide()
        rows.setSectionResizeMode(QHeaderView.Fixed)
        rows.setDefaultSectionSize(round(looks.base_px * 1.75))
        columns.setSectionResizeMode(QHeaderView.Interactive)
        columns.setSectionsMovable(True)
        columns.setHighlightSections(False)
        columns.setMinimumSectionSize(looks.base_px * 2)
        columns.setContextMenuPolicy(Qt.CustomContextMenu)
        columns.customContextMenuRequested.connect(self._column_menu)
        for index, column in enumerate(self.table.columns):
            self.setColumnWidth(index, round(column.width_em * looks.base_px))
            self.setColumnHidden(index, column.hidden)
        columns.setStretchLastSection(not self.table.columns[-1].figures and not self.table.columns[-1].hidden)
        columns.setSortIndicator(-1, Qt.DescendingOrder)
        self.setSortingEnabled(True)

    def look(self) -> None:
        """Tell the model which rows are on screen; nothing where the table is not seen."""
        if not self.isVisible() or self.window().isMinimized():
            self.table.visible = (0, -1)
            return
        first = self.rowAt(0)
        last = self.rowAt(max(self.viewport().height() - 1, 0))
        end = len(self.table.keys) - 1
        self.table.visible = (max(first, 0), end if last < 0 else last)

    def selected_key(self) -> object | None:
        """Key of the selected row."""
        rows = self.selectionModel().selectedRows()
        return self.table.keys[rows[0].row()] if rows else None

    def csv(self) -> str:
        """All rows, raw values, visible columns in their order on screen."""
        header = self.horizontalHeader()
        order = [header.logicalIndex(i) for i in range(header.count())]
        shown = [i for i in order if not self.isColumnHidden(i)]
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow([self.table.columns[i].title for i in shown])
        for key in self.table.keys:
            writer.writerow([fmt.raw(self.table.raw(key, i)) for i in shown])
        return out.getvalue()

    def _column_menu(self, place: QPoint) -> None:
        menu = QMenu(self)
        for index, column in enumerate(self.table.columns[1:], 1):
            action = menu.addAction(column.title)
            action.setCheckable(True)
            action.setChecked(not self.isColumnHidden(index))
            action.toggled.connect(lambda on, i=index: self.setColumnHidden(i, not on))
        menu.exec_(self.horizontalHeader().mapToGlobal(place))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = self.selected_key()
        if event.matches(QKeySequence.Copy) and key is not None:
            values = [fmt.raw(self.table.raw(key, i)) for i in range(len(self.table.columns))]
            QGuiApplication.clipboard().setText("\t".join(values))
            return
        super().keyPressEvent(event)
