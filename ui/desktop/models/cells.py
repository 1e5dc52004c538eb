"""What a cell is, and the model that all tables share: keys in display order, texts cached, sorting by argsort."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, NamedTuple

import numpy as np
from PyQt5.QtCore import QAbstractTableModel, QModelIndex, QObject, Qt

from ui.desktop.theme import Tone

MANY_CELLS = 250  # above this one range is cheaper for Qt than single cells
_NOWHERE = QModelIndex()


class Cell(NamedTuple):
    """Text and what it means; the delegate paints it."""

    text: str
    tone: Tone = Tone.FG
    italic: bool = False  # old data
    bold: bool = False

    def aged(self) -> Cell:
        """The same, looking old."""
        return self._replace(tone=Tone.STALE, italic=True)


@dataclass(frozen=True)
class Column:
    """Header, width in em of the base font, side, and what the column means (tooltip of the header)."""

    title: str
    width_em: float = 7.0
    figures: bool = True  # right-aligned, figure font
    about: str = ""
    hidden: bool = False  # until switched on in the header's menu


class CellTable(QAbstractTableModel):
    """Rows are keys. `visible` is the range of rows on screen; nothing else is ever announced cell by cell."""

    columns: tuple[Column, ...] = ()
    kinds: type[IntEnum]

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.keys: list[Hashable] = []
        self.visible: tuple[int, int] = (0, -1)  # first and last row on screen
        self.old = False  # everything in it is old: figures in stale italic
        self.sorted_by: tuple[int, Qt.SortOrder] | None = None
        self.announced = 0  # cells and ranges, for tests and the status bar

    # What a table says.

    def cell(self, key: Hashable, column: int) -> Cell:
        """The painted cell."""
        raise AssertionError(f"{type(self).__name__} paints no cells")

    def raw(self, key: Hashable, column: int) -> Any:
        """The value for sorting, copying and CSV: a float or a text."""
        raise AssertionError(f"{type(self).__name__} has no values")

    def tip(self, key: Hashable, column: int) -> str:
        """Full digits · source · as of · age."""
        return ""

    # What every table does the same way.

    def set_keys(self, keys: Iterable[Hashable]) -> bool:
        """Rows for exactly these keys: gone ones are removed, new ones come at the end. True if anything moved."""
        wanted = list(dict.fromkeys(keys))
        keep, held = set(wanted), set(self.keys)
        moved = False
        for row in range(len(self.keys) - 1, -1, -1):
            if self.keys[row] not in keep:
                self.beginRemoveRows(QModelIndex(), row, row)
                del self.keys[row]
                self.order_changed()
                self.endRemoveRows()
                moved = True
        new = [key for key in wanted if key not in held]
        if new:
            self.beginInsertRows(QModelIndex(), len(self.keys), len(self.keys) + len(new) - 1)
            self.keys.extend(new)
            self.order_changed()
            self.endInsertRows()
        return moved or bool(new)

    def order_changed(self) -> None:
        """Called after `keys` changed, before the view hears of it."""

    def resort(self) -> None:
        """Sort again by what was last clicked; nothing happens when the order is right."""
        if self.sorted_by is not None and len(self.keys) > 1:
            self._arrange(order_of([self.raw(key, self.sorted_by[0]) for key in self.keys], self.sorted_by[1]))

    def _arrange(self, order: Sequence[int]) -> None:
        if list(order) == list(range(len(self.keys))):
            return
        self.layoutAboutToBeChanged.emit([], QAbstractTableModel.VerticalSortHint)
        old = self.persistentIndexList()
        place = {row: new for new, row in enumerate(order)}
        self.keys = [self.keys[row] for row in order]
        self.order_changed()
        self.changePersistentIndexList(old, [self.index(place[i.row()], i.column()) for i in old])
        self.layoutChanged.emit([], QAbstractTableModel.VerticalSortHint)

    def announce(self, cells: Sequence[tuple[int, int]]) -> None:
        """Tell the view what changed on screen: cell by cell up to 250, above that one range."""
        if not cells:
            return
        self.announced += 1
        if len(cells) > MANY_CELLS:
            rows = [row for row, _ in cells]
            self.dataChanged.emit(self.index(min(rows), 0), self.index(max(rows), len(self.columns) - 1), [])
            return
        for row, column in cells:
            index = self.index(row, column)
            self.dataChanged.emit(index, index, [])

    def announce_visible(self, column: int | None = None) -> None:
        """All rows on screen changed (their age, or everything became old)."""
        first, last = self.visible[0], min(self.visible[1], len(self.keys) - 1)
        if last >= first:
            left, right = (0, len(self.columns) - 1) if column is None else (column, column)
            self.announced += 1
            self.dataChanged.emit(self.index(first, left), self.index(last, right), [])

    def set_old(self, old: bool) -> None:
        """Everything became old, or fresh again."""
        if old != self.old:
            self.old = old
            self.forget_texts()
            self.announce_visible()

    def forget_texts(self) -> None:
        """Make every text anew when it is painted next."""

    def cell_at(self, row: int, column: int) -> Cell:
        """For the delegate."""
        return self.cell(self.keys[row], column)

    def flash_at(self, _row: int, _column: int) -> int:
        """Step of a flash, 0 or 1; -1: none."""
        return -1

    # Qt's own names.

    def rowCount(self, parent: QModelIndex = _NOWHERE) -> int:
        return 0 if parent.isValid() else len(self.keys)

    def columnCount(self, parent: QModelIndex = _NOWHERE) -> int:
        return 0 if parent.isValid() else len(self.columns)

    def data(self, index: QModelIndex, role: int = Qt.DisplayRole) -> Any:
        if not index.isValid():
            return None
        key, column = self.keys[index.row()], index.column()
        if role == Qt.DisplayRole:
            return self.cell(key, column).text
        if role == Qt.ToolTipRole:
            return self.tip(key, column) or None
        if role == Qt.TextAlignmentRole:
            return int(Qt.AlignVCenter | (Qt.AlignRight if self.columns[column].figures else Qt.AlignLeft))
        if role == Qt.AccessibleTextRole:
            return f"{self.columns[column].title} {self.cell(key, column).text}"
        return None

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.DisplayRole) -> Any:
        if orientation != Qt.Horizontal or not 0 <= section < len(self.columns):
            return None
        column = self.columns[section]
        if role == Qt.DisplayRole:
            return column.title
        if role == Qt.ToolTipRole:
            return column.about or None
        if role == Qt.TextAlignmentRole:
            return int(Qt.AlignVCenter | (Qt.AlignRight if column.figures else Qt.AlignLeft))
        return None

    def sort(self, column: int, order: Qt.SortOrder = Qt.AscendingOrder) -> None:
        self.sorted_by = (column, order) if 0 <= column < len(self.columns) else None
        self.resort()


def order_of(values: Sequence[Any], order: Qt.SortOrder) -> list[int]:
    """Rows in order; unknown numbers last whichever way, equal ones stay as they are."""
    if values and all(isinstance(value, (int, float)) for value in values):
        numbers = np.array(values, dtype=np.float64)
        if order == Qt.DescendingOrder:
            numbers = -numbers
        return [int(row) for row in np.argsort(numbers, kind="stable")]
    texts = [str(value) for value in values]
    return sorted(range(len(texts)), key=texts.__getitem__, reverse=order == Qt.DescendingOrder)
