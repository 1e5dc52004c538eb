"""A table of few, slow rows: values come whole, only what differs is announced, texts are made when painted."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

from PyQt5.QtCore import QObject

from ui.desktop.models.cells import Cell, CellTable

Values = tuple[Any, ...]


class RowTable(CellTable):
    """`apply({key: values})`: one value a column, and any number of hidden ones behind for tooltips."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.values: dict[Hashable, Values] = {}
        self._texts: dict[tuple[Hashable, int], Cell] = {}

    def make(self, key: Hashable, column: int, values: Values) -> Cell:
        """The cell of a value."""
        raise AssertionError(f"{type(self).__name__} makes no cells")

    def apply(self, rows: Mapping[Hashable, Values]) -> None:
        """Show exactly these rows."""
        old, self.values = self.values, dict(rows)
        moved = self.set_keys(rows)
        changed: list[tuple[int, int]] = []
        first, last = self.visible
        for row, key in enumerate(self.keys):
            before, now = old.get(key), self.values[key]
            if before is now:
                continue
            for column in self._differing(before, now):
                self._texts.pop((key, column), None)
                if first <= row <= last and before is not None:
                    changed.append((row, column))
        for key in old.keys() - self.values.keys():
            for column in range(len(self.columns)):
                self._texts.pop((key, column), None)
        self.announce(changed)
        if moved:
            self.resort()

    def _differing(self, before: Values | None, now: Values) -> list[int]:
        """Columns to paint again; a difference in a hidden value may show in any of them."""
        width = len(self.columns)
        if before is None or not all(map(_same, before[width:], now[width:])):
            return list(range(width))
        return [column for column in range(width) if not _same(before[column], now[column])]

    def cell(self, key: Hashable, column: int) -> Cell:
        held = self._texts.get((key, column))
        if held is None:
            held = self.make(key, column, self.values[key])
            if self.old and self.columns[column].figures:
                held = held.aged()
            self._texts[key, column] = held
        return held

    def raw(self, key: Hashable, column: int) -> Any:
        return self.values[key][column]

    def forget_texts(self) -> None:
        self._texts.clear()


def _same(one: Any, other: Any) -> bool:
    return one is other or bool(one == other) or (one != one and other != other)
