"""Orders and fills as TWS last told them."""

from __future__ import annotations

import math
from collections.abc import Hashable
from enum import IntEnum

from pipeline.messages import Commission, Execution, Instrument, OrderState
from ui.desktop import format as fmt
from ui.desktop.models.cells import Cell, Column
from ui.desktop.models.rows import RowTable, Values
from ui.desktop.picture.picture import Picture
from ui.desktop.theme import Tone

WORKING = ("Intent", "PendingSubmit", "PreSubmitted", "Submitted", "PendingCancel")
_WORDS = {
    "Intent": "Noted, not sent",
    "PendingSubmit": "Sent",
    "PreSubmitted": "Acknowledged",
    "Submitted": "Working",
    "PendingCancel": "Cancelling",
    "Filled": "Filled",
    "Cancelled": "Cancelled",
    "ApiCancelled": "Cancelled",
    "Inactive": "Inactive",
    "Rejected": "Rejected",
    "Unknown": "Unknown: check TWS",
}
_TONES = {"Filled": Tone.UP, "Rejected": Tone.ALARM, "Inactive": Tone.WARN, "Unknown": Tone.ALARM}


def status_words(status: str) -> str:
    """TWS's word in plain ones."""
    return _WORDS.get(status, status)


class OrderColumn(IntEnum):
    """Columns, then hidden values."""

    TIME = 0
    SIDE = 1
    CONTRACT = 2
    QUANTITY = 3
    KIND = 4
    LIMIT = 5
    STATE = 6
    FILLED = 7
    AVERAGE = 8
    ORIGIN = 9
    TEXT = 10
    MIN_TICK = 11  # hidden from here
    RECEIVED_NS = 12
    CURRENT = 13


_O = OrderColumn


class OrderTable(RowTable):
    """Keys are those of `picture.order_key`; working ones first, newest first."""

    kinds = OrderColumn
    columns = (
        Column("Time", 6),
        Column("Side", 4, figures=False),
        Column("Contract", 12, figures=False),
        Column("Qty", 5),
        Column("Type", 4, figures=False),
        Column("Limit", 6),
        Column("State", 9, figures=False),
        Column("Filled", 5),
        Column("Avg", 6),
        Column("From", 7, figures=False, about="desk: sent through Margindesk · TWS: made elsewhere"),
        Column("Text", 20, figures=False, about="TWS's words"),
    )

    def make(self, key: Hashable, column: int, values: Values) -> Cell:
        value, min_tick = values[column], values[_O.MIN_TICK]
        match column:
            case _O.TIME:
                return Cell(fmt.clock_time(values[_O.RECEIVED_NS]), Tone.DIM)
            case _O.QUANTITY | _O.FILLED:
                cell = Cell(fmt.quantity(value))
            case _O.LIMIT | _O.AVERAGE:
                cell = Cell(fmt.price(value, min_tick) if value else fmt.DASH)
            case _O.STATE:
                return Cell(status_words(value), _TONES.get(value, Tone.FG))
            case _:
                return Cell(str(value))
        return cell if values[_O.CURRENT] else cell.aged()

    def tip(self, key: Hashable, column: int) -> str:
        values = self.values[key]
        when = f"TWS · as of {fmt.date_time(values[_O.RECEIVED_NS])}"
        shown = values[column]
        return f"{fmt.full(shown) if isinstance(shown, float) else shown} · {values[_O.STATE]} · {when}"

    def resort(self) -> None:
        if self.sorted_by is not None:
            super().resort()
        elif len(self.keys) > 1:
            rows = [self.values[key] for key in self.keys]
            self._arrange(sorted(range(len(rows)), key=lambda i: _rank(rows[i])))


def _rank(values: Values) -> tuple[int, int]:
    return (0 if values[_O.STATE] in WORKING or values[_O.STATE] == "Unknown" else 1, -values[_O.RECEIVED_NS])


def order_rows(picture: Picture, account: str, generation: int) -> dict[Hashable, Values]:
    """All orders of an account."""
    return {
        key: _order_row(order, picture.instruments.get(order.con_id), picture.order_seen.get(key) == generation)
        for key, order in picture.orders.items()
        if order.account == account
    }


def _order_row(order: OrderState, instrument: Instrument | None, current: bool) -> Values:
    return (
        order.recv_ns,
        order.side,
        fmt.contract(instrument, order.con_id, order.symbol),
        order.quantity,
        order.order_type,
        order.limit_price if order.order_type == "LMT" else math.nan,
        order.status,
        order.filled,
        order.average_price,
        "desk" if order.client_key else "TWS",
        order.text,
        instrument.min_tick if instrument else math.nan,
        order.recv_ns,
        current,
    )


class FillColumn(IntEnum):
    """Columns, then hidden values."""

    TIME = 0
    SIDE = 1
    CONTRACT = 2
    QUANTITY = 3
    PRICE = 4
    COMMISSION = 5
    REALIZED = 6
    EXCHANGE = 7
    MIN_TICK = 8  # hidden from here
    RECEIVED_NS = 9


_F = FillColumn


class FillTable(RowTable):
    """Keys are exec_ids; newest first."""

    kinds = FillColumn
    columns = (
        Column("Time", 6),
        Column("Side", 4, figures=False),
        Column("Contract", 12, figures=False),
        Column("Qty", 5),
        Column("Price", 6.5),
        Column("Comm", 5),
        Column("Realised", 7),
        Column("Exchange", 8, figures=False),
    )

    def make(self, key: Hashable, column: int, values: Values) -> Cell:
        value = values[column]
        match column:
            case _F.TIME:
                return Cell(fmt.clock_time(values[_F.RECEIVED_NS]), Tone.DIM)
            case _F.QUANTITY:
                return Cell(fmt.quantity(value))
            case _F.PRICE:
                return Cell(fmt.price(value, values[_F.MIN_TICK]))
            case _F.COMMISSION:
                return Cell(fmt.number(value, 2))
            case _F.REALIZED:
                tone = Tone.UP if value > 0 else Tone.DOWN if value < 0 else Tone.FG
                return Cell(fmt.number(value, 2, signed=True), tone)
            case _:
                return Cell(str(value))

    def resort(self) -> None:
        if self.sorted_by is not None:
            super().resort()
        elif len(self.keys) > 1:
            self._arrange(sorted(range(len(self.keys)), key=lambda i: -self.values[self.keys[i]][_F.RECEIVED_NS]))


def fill_rows(picture: Picture, account: str) -> dict[Hashable, Values]:
    """All fills of an account."""
    return {
        exec_id: _fill_row(fill, picture.instruments.get(fill.con_id), picture.commissions.get(exec_id))
        for exec_id, fill in picture.executions.items()
        if fill.account == account
    }


def _fill_row(fill: Execution, instrument: Instrument | None, cost: Commission | None) -> Values:
    return (
        fill.recv_ns,
        {"BOT": "BUY", "SLD": "SELL"}.get(fill.side, fill.side),
        fmt.contract(instrument, fill.con_id, fill.symbol),
        fill.shares,
        fill.price,
        cost.commission if cost else math.nan,
        cost.realized_pnl if cost else math.nan,
        fill.exchange,
        instrument.min_tick if instrument else math.nan,
        fill.recv_ns,
    )
