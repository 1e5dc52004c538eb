"""The watchlist's table: straight on the arrays of the quotes, so that a burst costs one pass."""

from __future__ import annotations

import math
from collections.abc import Hashable
from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PyQt5.QtCore import QObject

from pipeline.clock import Clock
from pipeline.messages import TickFlag
from ui.desktop import format as fmt
from ui.desktop.models.cells import MANY_CELLS, Cell, CellTable, Column
from ui.desktop.picture.picture import Picture
from ui.desktop.picture.quotes import Field
from ui.desktop.theme import Tone

FLASH_STEP_S = 0.25
REST_S = 2.0
WELL = ("live", "delayed", "requested", "")


class QuoteColumn(IntEnum):
    """Columns of the watchlist."""

    SYMBOL = 0
    LAST = 1
    CHANGE = 2
    BID = 3
    ASK = 4
    VOLUME = 5
    AGE = 6
    BID_SIZE = 7
    ASK_SIZE = 8
    LAST_SIZE = 9
    OPEN = 10
    HIGH = 11
    LOW = 12
    CLOSE = 13
    STATE = 14


_C = QuoteColumn
_FIELD_OF: dict[int, Field] = {
    _C.LAST: Field.LAST,
    _C.BID: Field.BID,
    _C.ASK: Field.ASK,
    _C.VOLUME: Field.VOLUME,
    _C.BID_SIZE: Field.BID_SIZE,
    _C.ASK_SIZE: Field.ASK_SIZE,
    _C.LAST_SIZE: Field.LAST_SIZE,
    _C.OPEN: Field.OPEN,
    _C.HIGH: Field.HIGH,
    _C.LOW: Field.LOW,
    _C.CLOSE: Field.CLOSE,
}
_PRICED = (_C.LAST, _C.BID, _C.ASK, _C.OPEN, _C.HIGH, _C.LOW, _C.CLOSE)
_SHOWS = np.zeros((len(Field), len(QuoteColumn)), dtype=bool)  # a field shows in these columns
for _column, _field in _FIELD_OF.items():
    _SHOWS[_field, _column] = True
_SHOWS[Field.LAST, _C.CHANGE] = _SHOWS[Field.CLOSE, _C.CHANGE] = True


class QuoteTable(CellTable):
    """Keys are con_ids."""

    kinds = QuoteColumn
    columns = (
        Column("Symbol", 9, figures=False),
        Column("Last", 6.5, about="Last trade, in the contract's own decimals"),
        Column("Chg %", 5.5, about="Last against the close of the day before"),
        Column("Bid", 6.5),
        Column("Ask", 6.5),
        Column("Volume", 7, about="Shares or contracts today"),
        Column("Age", 4.5, about="Since the last tick of this contract was received"),
        Column("Bid sz", 5.5, hidden=True),
        Column("Ask sz", 5.5, hidden=True),
        Column("Last sz", 5.5, hidden=True),
        Column("Open", 6.5, hidden=True),
        Column("High", 6.5, hidden=True),
        Column("Low", 6.5, hidden=True),
        Column("Close", 6.5, about="Close of the day before", hidden=True),
        Column("Line", 6, figures=False, about="State of the market-data line", hidden=True),
    )

    def __init__(self, picture: Picture, clock: Clock, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._picture, self._clock, self._quotes = picture, clock, picture.quotes
        self._slots: NDArray[np.int64] = np.empty(0, dtype=np.int64)  # slot of each row
        self._texts: dict[int, list[Cell | None]] = {}  # slot → cells
        self._flashes: dict[tuple[int, int], float] = {}  # (slot, column) → when it began
        self._steps: dict[tuple[int, int], int] = {}
        self._moved: dict[tuple[int, int], float] = {}  # (slot, column) → when it last changed on screen
        self.flashing = True

    def apply(self) -> None:
        """Announce what changed on screen since the last frame."""
        dirty = self._quotes.dirty
        slots = np.flatnonzero(dirty.any(axis=1))
        now = self._clock.monotonic()
        cells = self._expired_flashes(now)
        if len(slots):
            touched = (dirty[slots].astype(np.uint8) @ _SHOWS.astype(np.uint8)) > 0
            dirty[slots] = False
            for slot, columns in zip(slots.tolist(), touched, strict=True):
                texts = self._texts.get(slot)
                if texts is not None:
                    for column in np.flatnonzero(columns).tolist():
                        texts[column] = None
            cells += self._on_screen(slots, touched, now)
        self.announce(cells)

    def _on_screen(self, slots: NDArray[np.int64], touched: NDArray[np.bool_], now: float) -> list[tuple[int, int]]:
        first, last = self.visible[0], min(self.visible[1], len(self._slots) - 1)
        if last < first:
            return []
        shown = self._slots[first : last + 1]
        place = np.searchsorted(slots, shown)
        found = (place < len(slots)) & (slots[np.minimum(place, len(slots) - 1)] == shown)
        rows = np.flatnonzero(found)
        at, columns = np.nonzero(touched[place[rows]])
        cells = list(zip((rows[at] + first).tolist(), columns.tolist(), strict=True))
        if self.flashing and len(cells) <= MANY_CELLS and not self.old:
            for row, column in cells:
                self._flash((int(self._slots[row]), column), now)
        return cells

    def _flash(self, cell: tuple[int, int], now: float) -> None:
        """Only a cell that has rested: one that moves all the time needs no flash to be seen."""
        if now - self._moved.get(cell, -math.inf) > REST_S:
            self._flashes[cell] = now
            self._steps[cell] = 0
        self._moved[cell] = now

    def _expired_flashes(self, now: float) -> list[tuple[int, int]]:
        """Cells whose flash goes to the next step or off."""
        if not self._flashes:
            return []
        moved = []
        for cell, began in list(self._flashes.items()):
            step = int((now - began) / FLASH_STEP_S)
            if step != self._steps[cell]:
                moved.append(cell)
                if step > 1:
                    del self._flashes[cell], self._steps[cell]
                else:
                    self._steps[cell] = step
        if not moved:
            return []
        row_of = {int(slot): row for row, slot in enumerate(self._slots)}
        first, last = self.visible
        return [(row_of[s], c) for s, c in moved if s in row_of and first <= row_of[s] <= last]

    def refresh_ages(self) -> None:
        """The age column, and rows whose line changed its state."""
        for slot in self._slots[max(self.visible[0], 0) : self.visible[1] + 1].tolist():
            texts = self._texts.get(slot)
            if texts is not None:
                texts[_C.AGE] = None
        self.announce_visible(_C.AGE)

    def aged(self, con_id: int) -> bool:
        """The row must look old: its line is broken, frozen, or was not restated."""
        line = self._picture.subscriptions.get(con_id)
        slot = self._quotes.slots.get(con_id, -1)
        frozen = slot >= 0 and bool(self._quotes.flags[slot] & int(TickFlag.FROZEN))
        return self.old or frozen or not self._picture.current(con_id) or (line is not None and line.state not in WELL)

    def cell(self, key: Hashable, column: int) -> Cell:
        assert isinstance(key, int)
        slot = self._quotes.slot(key)
        texts = self._texts.get(slot)
        if texts is None:
            texts = self._texts[slot] = [None] * len(self.columns)
        held = texts[column]
        if held is None:
            held = self._make(key, slot, column)
            if self.columns[column].figures and self.aged(key):
                held = held.aged()
            texts[column] = held
        return held

    def _make(self, con_id: int, slot: int, column: int) -> Cell:
        instrument = self._picture.instruments.get(con_id)
        if column == _C.SYMBOL:
            line = self._picture.subscriptions.get(con_id)
            return Cell(fmt.contract(instrument, con_id, line.symbol if line else ""), bold=True)
        if column == _C.STATE:
            return self._line_cell(con_id)
        value = self.raw(con_id, column)
        if column == _C.CHANGE:
            tone = Tone.UP if value > 0 else Tone.DOWN if value < 0 else Tone.FG
            return Cell(fmt.number(value * 100, 2, signed=True), tone)
        if column == _C.AGE:
            return Cell(fmt.age(value), Tone.DIM)
        if column in _PRICED:
            tone = Tone.FG if column in (_C.LAST, _C.BID, _C.ASK) else Tone.DIM
            return Cell(fmt.price(value, instrument.min_tick if instrument else math.nan), tone)
        return Cell(fmt.quantity(value), Tone.DIM)

    def _line_cell(self, con_id: int) -> Cell:
        line = self._picture.subscriptions.get(con_id)
        if line is None:
            return Cell(fmt.DASH)
        return Cell(line.state, Tone.FG if line.state in WELL else Tone.WARN)

    def raw(self, key: Hashable, column: int) -> Any:
        assert isinstance(key, int)
        slot = self._quotes.slot(key)
        if column == _C.SYMBOL:
            return fmt.contract(self._picture.instruments.get(key), key)
        if column == _C.STATE:
            line = self._picture.subscriptions.get(key)
            return line.state if line else ""
        if column == _C.AGE:
            received = int(self._quotes.recv_ns[slot])
            return (self._clock.now_ns() - received) / 1e9 if received else math.nan
        values = self._quotes.values[slot]
        if column == _C.CHANGE:
            last, close = float(values[Field.LAST]), float(values[Field.CLOSE])
            return last / close - 1.0 if close > 0 else math.nan
        return float(values[_FIELD_OF[column]])

    def tip(self, key: Hashable, column: int) -> str:
        assert isinstance(key, int)
        instrument, line = self._picture.instruments.get(key), self._picture.subscriptions.get(key)
        if column == _C.SYMBOL:
            name = instrument.long_name if instrument else ""
            facts = [name, f"con_id {key}", instrument.exchange if instrument else ""]
            return " · ".join(fact for fact in facts if fact)
        received = int(self._quotes.recv_ns[self._quotes.slot(key)])
        value = self.raw(key, column)
        parts = [fmt.full(value) if isinstance(value, float) else str(value), "TWS"]
        if received:
            parts += [f"as of {fmt.date_time(received)} ({fmt.local_time(received)})", fmt.age(self.raw(key, _C.AGE))]
        if line is not None and line.reason:
            parts.append(line.reason)
        return " · ".join(parts)

    def flash_at(self, row: int, column: int) -> int:
        return self._steps.get((int(self._slots[row]), column), -1) if self._steps else -1

    def order_changed(self) -> None:
        slots = [self._quotes.slot(key) for key in self.keys if isinstance(key, int)]
        self._slots = np.array(slots, dtype=np.int64)

    def forget_texts(self) -> None:
        self._texts.clear()
