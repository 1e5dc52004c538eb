"""The positions of one account: quantity, mark, value, what each costs in margin and why."""

from __future__ import annotations

import math
from collections.abc import Hashable
from enum import IntEnum
from typing import Any

from pipeline.messages import Instrument, Position
from ui.desktop import format as fmt
from ui.desktop.models.cells import Cell, Column
from ui.desktop.models.rows import RowTable, Values
from ui.desktop.picture.accounts import Account, Reason
from ui.desktop.picture.picture import Picture
from ui.desktop.theme import Tone


class PositionColumn(IntEnum):
    """Columns, then the hidden values that tooltips and sorting use."""

    CONTRACT = 0
    QUANTITY = 1
    MARK = 2
    VALUE = 3
    UNREALIZED = 4
    MARGIN = 5
    SHARE = 6
    WHY = 7
    UNDERLYING = 8  # hidden from here
    UNDERLYING_MARGIN = 9
    MIN_TICK = 10
    BY_MODEL = 11
    RECEIVED_NS = 12
    DETAIL = 13
    CURRENT = 14


_C = PositionColumn


class PositionTable(RowTable):
    """Keys are con_ids; without a click the costliest underlying comes first and its legs stay together."""

    kinds = PositionColumn
    columns = (
        Column("Contract", 13, figures=False),
        Column("Qty", 5.5),
        Column("Mark", 6.5, about="≈ the model's price, else TWS's mark"),
        Column("Value", 7.5, about="Market value in the base currency"),
        Column("Unrl", 7, about="Unrealised profit and loss"),
        Column("Margin≈", 7.5, about="This leg's part of the maintenance of the groups that hold it"),
        Column("Share", 5, about="Maintenance of the whole underlying, of the account's"),
        Column("Why", 30, figures=False, about="Rule, and its formula with the numbers put in"),
    )

    def make(self, key: Hashable, column: int, values: Values) -> Cell:
        cell = self._make(column, values)
        return cell if values[_C.CURRENT] or not self.columns[column].figures else cell.aged()

    def _make(self, column: int, values: Values) -> Cell:
        value = values[column]
        match column:
            case _C.CONTRACT:
                return Cell(value, bold=True)
            case _C.QUANTITY:
                return Cell(fmt.quantity(value, signed=True))
            case _C.MARK:
                text = fmt.price(value, values[_C.MIN_TICK])
                return Cell(text, Tone.MODEL if values[_C.BY_MODEL] else Tone.FG)
            case _C.VALUE:
                return Cell(fmt.whole(value))
            case _C.UNREALIZED:
                tone = Tone.UP if value > 0 else Tone.DOWN if value < 0 else Tone.FG
                return Cell(fmt.whole(value, signed=True), tone)
            case _C.MARGIN:
                return Cell(fmt.whole(value), Tone.MODEL)
            case _C.SHARE:
                return Cell(fmt.percent(value), Tone.MODEL)
            case _:
                return Cell(str(value))

    def tip(self, key: Hashable, column: int) -> str:
        values = self.values[key]
        if column == _C.WHY:
            return str(values[_C.DETAIL])
        if not self.columns[column].figures:
            return f"{values[column]} · con_id {key}"
        modelled = column in (_C.MARGIN, _C.SHARE) or (values[_C.BY_MODEL] and column != _C.QUANTITY)
        source = "model ≈" if modelled else f"TWS · as of {fmt.date_time(values[_C.RECEIVED_NS])}"
        return f"{fmt.full(values[column])} · {source}"

    def resort(self) -> None:
        if self.sorted_by is not None:
            super().resort()
        elif len(self.keys) > 1:
            self._arrange(_by_underlying([self.values[key] for key in self.keys]))


def _by_underlying(rows: list[Values]) -> list[int]:
    """Costliest underlying first; inside it the underlying itself, then its legs by name."""

    def rank(row: int) -> tuple[float, str, str]:
        cost = rows[row][_C.UNDERLYING_MARGIN]
        return (-cost if math.isfinite(cost) else math.inf, rows[row][_C.UNDERLYING], rows[row][_C.CONTRACT])

    return sorted(range(len(rows)), key=rank)


def rows_of(picture: Picture, account: Account, generation: int) -> dict[Hashable, Values]:
    """All rows of an account."""
    return {
        con_id: _row(picture.instruments.get(con_id), position, account, account.seen.get(con_id) == generation)
        for con_id, position in account.positions.items()
    }


def _row(instrument: Instrument | None, position: Position, account: Account, current: bool) -> Values:
    reason = account.reasons.get(position.con_id)
    leg = reason.leg if reason else None
    by_model = leg is not None and math.isfinite(leg.price)
    value, unrealized = position.market_value, position.unrealized_pnl
    if reason is not None and reason.total("quantity") == position.quantity:  # the tree holds all of it
        modelled = reason.total("market_value"), reason.total("unrealized_pnl")
        value = modelled[0] if math.isfinite(modelled[0]) else value
        unrealized = modelled[1] if math.isfinite(modelled[1]) else unrealized
    symbol = (instrument.under_symbol or instrument.symbol) if instrument else ""
    underlying = reason.underlying.name if reason else symbol
    group = account.groups.get(underlying)
    return (
        fmt.contract(instrument, position.con_id),
        position.quantity,
        leg.price if leg is not None and by_model else position.market_price,
        value,
        unrealized,
        reason.total("maintenance_margin") if reason else math.nan,
        float(group["share"]) if group is not None else _share(reason, account),
        why(reason),
        underlying,
        reason.underlying.maintenance_margin if reason else math.nan,
        instrument.min_tick if instrument else math.nan,
        by_model,
        position.recv_ns,
        detail(reason),
        current,
    )


def _share(reason: Reason | None, account: Account) -> float:
    if reason is None or account.tree is None or not account.tree.root.maintenance_margin > 0:
        return math.nan
    return reason.underlying.maintenance_margin / account.tree.root.maintenance_margin


def why(reason: Reason | None) -> str:
    """Rule and numbers in one line."""
    if reason is None:
        return "not in the margin tree yet"
    group, leg = reason.group, reason.leg
    rule = group.rule or leg.rule
    numbers = group.numbers or leg.numbers
    parts = [part for part in (rule, numbers, group.reason or leg.reason) if part]
    more = f" (+{reason.others} more)" if reason.others else ""
    return (" · ".join(parts) or "no rule told") + more


def detail(reason: Reason | None) -> str:
    """The whole reason, for the tooltip."""
    if reason is None:
        return ""
    lines: list[Any] = []
    for node in (reason.underlying, reason.group, reason.leg):
        parts = [node.rule, node.formula, f"= {node.numbers}" if node.numbers else "", node.binding, node.reason]
        told = " · ".join(part for part in parts if part)
        margin = fmt.model(fmt.money(node.maintenance_margin))
        lines.append(f"{node.level} {node.name}: {margin}" + (f"\n    {told}" if told else ""))
    return "\n".join(dict.fromkeys(lines))
