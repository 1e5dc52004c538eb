"""The explained margin as a tree: underlying ▸ group ▸ leg. Rows keep their identity while the book's shape stays."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from PyQt5.QtCore import QAbstractItemModel, QModelIndex, QObject, Qt
from PyQt5.QtGui import QFont

from pipeline.messages import MarginNode
from ui.desktop import format as fmt
from ui.desktop.looks import Looks
from ui.desktop.theme import Tone

_NOWHERE = QModelIndex()


class TreeColumn(IntEnum):
    """Columns of the margin tree."""

    NAME = 0
    MARGIN = 1
    SHARE = 2
    INITIAL = 3
    WHY = 4


_T = TreeColumn
TITLES = ("Underlying / group / leg", "Maint≈", "Share", "Init≈", "Rule and numbers")
WIDTHS_EM = (15.0, 6.5, 5.0, 6.5, 24.0)


@dataclass
class Row:
    """A node as shown; `key` is its path of names."""

    key: tuple[str, ...]
    node: MarginNode
    place: int
    parent: Row | None
    children: list[Row] = field(default_factory=list)


class MarginTreeModel(QAbstractItemModel):
    """`apply(root)`: the same shape is updated in place, another one is set anew (the view restores what was open)."""

    def __init__(self, looks: Looks, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._looks = looks
        self._root = Row((), MarginNode(level="account", name=""), 0, None)
        self._shape: tuple[tuple[str, ...], ...] = ()
        self.old = False
        self._rows: dict[int, Row] = {}  # what internal ids stand for

    def apply(self, root: MarginNode) -> bool:
        """True when the shape changed and the model was reset."""
        rows: dict[int, Row] = {}
        fresh = _build(root, (), 0, None, {row.node.name: row.place for row in self._root.children})
        shape = tuple(_shape(fresh))
        if shape == self._shape:
            changed = _update(self._root, fresh)
            if changed and self._root.children:
                self._announce(self._root, QModelIndex())
            return False
        self.beginResetModel()
        self._root, self._shape = fresh, shape
        stack = [fresh]
        while stack:
            row = stack.pop()
            rows[id(row)] = row
            stack.extend(row.children)
        self._rows = rows
        self.endResetModel()
        return True

    def set_old(self, old: bool) -> None:
        """The whole tree became old, or fresh again."""
        if old != self.old:
            self.old = old
            if self._root.children:
                self._announce(self._root, QModelIndex())

    def row_at(self, index: QModelIndex) -> Row:
        """The row of an index; the root for an invalid one."""
        return self._rows[index.internalId()] if index.isValid() else self._root

    def _announce(self, row: Row, parent: QModelIndex) -> None:
        if row.children:
            last = len(row.children) - 1
            self.dataChanged.emit(self.index(0, _T.MARGIN, parent), self.index(last, _T.WHY, parent), [])
            for child in row.children:
                self._announce(child, self.index(child.place, 0, parent))

    def _text(self, row: Row, column: int) -> str:
        node = row.node
        match column:
            case _T.NAME:
                return node.name
            case _T.MARGIN:
                return ("≥ " if node.at_least else "") + fmt.whole(node.maintenance_margin)
            case _T.SHARE:
                whole = self._root.node.maintenance_margin
                return fmt.percent(node.maintenance_margin / whole) if whole > 0 else fmt.DASH
            case _T.INITIAL:
                return fmt.whole(node.initial_margin)
            case _:
                return " · ".join(part for part in (node.rule, node.numbers, node.binding, node.reason) if part)

    def _tip(self, row: Row) -> str:
        node = row.node
        lines = [
            f"{node.level} {node.name}",
            f"maintenance ≈ {fmt.full(node.maintenance_margin)} · initial ≈ {fmt.full(node.initial_margin)}"
            f" · Reg T ≈ {fmt.full(node.reg_t_margin)}",
        ]
        named = (("rule", node.rule), ("formula", node.formula), ("numbers", node.numbers), ("binds", node.binding))
        lines += [f"{name}: {text}" for name, text in (*named, ("note", node.reason)) if text]
        if math.isfinite(node.quantity):
            lines.append(f"{fmt.quantity(node.quantity, signed=True)} at {fmt.full(node.price)}")
        return "\n".join(lines)

    def _font(self, column: int) -> QFont | None:
        if column in (_T.MARGIN, _T.SHARE, _T.INITIAL):
            return self._looks.figure_italic if self.old else self._looks.figure_font
        return None

    # Qt's own names.

    def index(self, row: int, column: int, parent: QModelIndex = _NOWHERE) -> QModelIndex:
        holder = self.row_at(parent)
        if not (0 <= row < len(holder.children) and 0 <= column < len(TITLES)):
            return QModelIndex()
        return self.createIndex(row, column, id(holder.children[row]))

    def parent(self, child: QModelIndex = _NOWHERE) -> Any:
        if not child.isValid():
            return QModelIndex() if child is not _NOWHERE else super().parent()
        holder = self._rows[child.internalId()].parent
        if holder is None or holder.parent is None:
            return QModelIndex()
        return self.createIndex(holder.place, 0, id(holder))

    def rowCount(self, parent: QModelIndex = _NOWHERE) -> int:
        return 0 if parent.column() > 0 else len(self.row_at(parent).children)

    def columnCount(self, _parent: QModelIndex = _NOWHERE) -> int:
        return len(TITLES)

    def data(self, index: QModelIndex, role: int = Qt.DisplayRole) -> Any:
        if not index.isValid():
            return None
        row, column = self.row_at(index), index.column()
        if role == Qt.DisplayRole:
            return self._text(row, column)
        if role == Qt.ToolTipRole:
            return self._tip(row)
        if role == Qt.FontRole:
            return self._font(column)
        if role == Qt.ForegroundRole and column != _T.NAME:
            tone = Tone.STALE if self.old else Tone.DIM if column == _T.WHY else Tone.MODEL
            return self._looks.colour(tone)
        if role == Qt.TextAlignmentRole:
            right = column in (_T.MARGIN, _T.SHARE, _T.INITIAL)
            return int(Qt.AlignVCenter | (Qt.AlignRight if right else Qt.AlignLeft))
        return None

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.DisplayRole) -> Any:
        if orientation == Qt.Horizontal and role == Qt.DisplayRole and 0 <= section < len(TITLES):
            return TITLES[section]
        if role == Qt.TextAlignmentRole and section in (_T.MARGIN, _T.SHARE, _T.INITIAL):
            return int(Qt.AlignVCenter | Qt.AlignRight)
        return None


def _build(node: MarginNode, path: tuple[str, ...], place: int, parent: Row | None, held: dict[str, int]) -> Row:
    row = Row((*path, node.name), node, place, parent)
    children = node.children
    if node.level == "account":  # costliest first, and no dance afterwards: the order stands while the names do
        same = held.keys() == {child.name for child in children}
        children = sorted(children, key=(lambda child: held[child.name]) if same else _dearness)
    row.children = [_build(child, row.key, i, row, {}) for i, child in enumerate(children)]
    return row


def _dearness(node: MarginNode) -> float:
    return -node.maintenance_margin if math.isfinite(node.maintenance_margin) else math.inf


def _shape(row: Row) -> list[tuple[str, ...]]:
    found = [(*row.key, str(len(row.children)))]
    for child in row.children:
        found.extend(_shape(child))
    return found


def _update(held: Row, fresh: Row) -> bool:
    """Put fresh nodes into held rows; True if any differs."""
    differs = held.node is not fresh.node and held.node != fresh.node
    held.node = fresh.node
    for one, other in zip(held.children, fresh.children, strict=True):
        differs = _update(one, other) or differs
    return differs
