"""Messages and records as rows: which table, which columns, in which spelling. Pure.

Unknown numbers (nan) are NULL; IBKR's unset spellings never come here, and a column refuses them if they do.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from functools import singledispatch
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from pipeline import messages
from pipeline.messages import Header, Message
from storage.copy_format import SIGNATURE, TRAILER, Column, encode

Value = str | int | float | bool | bytes | None


def signed(epoch: int) -> int:
    """An epoch as a bigint holds it: the same 64 bits."""
    return epoch - (1 << 64) if epoch >= 1 << 63 else epoch


def unsigned(epoch: int) -> int:
    """The epoch that a bigint holds."""
    return epoch + (1 << 64) if epoch < 0 else epoch


@dataclass(frozen=True, slots=True)
class Row:
    """One row of one table, besides its position and publish_ns."""

    table: str
    columns: dict[str, Value]


def number(value: float) -> float | None:
    """NULL for nan."""
    return None if math.isnan(value) else value


def as_json(value: Any) -> str:
    """JSON with null for nan and the infinities (jsonb has none of them)."""
    return json.dumps(_finite(msgspec.to_builtins(value)), ensure_ascii=False, allow_nan=False)


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(key): _finite(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(part) for part in value]
    return value


def _fields(message: msgspec.Struct, *without: str) -> dict[str, Value]:
    """The fields of a flat message as columns of the same names."""
    return {
        name: number(value) if isinstance(value := getattr(message, name), float) else value
        for name in message.__struct_fields__
        if name not in without
    }


# Maps. A kind without a function of its own becomes an event.


@singledispatch
def row(message: Message) -> Row:
    """The one row of a message."""
    return event(message)


def event(message: Message) -> Row:
    """Any message in the table of events."""
    kind = str(message.__struct_config__.tag)
    body = msgspec.to_builtins(message)
    body.pop("kind", None)
    return Row("event", {"topic": message.topic, "kind": kind, "body": as_json(body)})


def repeated(execution: Row) -> Row:
    """A fill that is known already: TWS sends them again after every reconnect."""
    return Row("event", {"topic": "ord.execution", "kind": "execution_again", "body": as_json(execution.columns)})


def _flat(kind: type[Message], table: str) -> None:
    row.register(kind)(lambda message: Row(table, _fields(message)))


for _kind, _table in (
    (messages.Instrument, "instrument_version"),
    (messages.AccountValue, "account_value"),
    (messages.Position, "position"),
    (messages.AccountPnL, "account_pnl"),
    (messages.Gap, "gap"),
    (messages.ProcessEvent, "process_event"),
    (messages.OrderState, "order_state"),
    (messages.Execution, "execution"),
    (messages.Commission, "commission"),
):
    _flat(_kind, _table)


@row.register
def _tws_state(message: messages.TwsState) -> Row:
    columns = _fields(message, "accounts", "farms")
    return Row("tws_state", columns | {"accounts": as_json(message.accounts), "farms": as_json(message.farms)})


@row.register
def _order_intent(message: messages.OrderIntent) -> Row:
    return Row("order_intent", _fields(message, "spec") | _fields(message.spec))


@row.register
def _order_preview(message: messages.OrderPreview) -> Row:
    spec = _fields(message.spec, "time_in_force", "outside_rth")
    bodies: dict[str, Value] = {name: as_json(getattr(message, name)) for name in ("model", "tws", "refusals")}
    return Row("order_preview", _fields(message, "spec", *bodies) | spec | bodies)


@row.register
def _audit(message: messages.Audit) -> Row:
    return Row("audit", {"actor": message.actor, "action": message.action, "body": as_json(message.body)})


# Latest values: (table, key columns, columns), for the kinds that have one.


def latest(message: Message, header: Header) -> Row | None:
    """The row that replaces the one with the same key."""
    match message:
        case messages.Instrument():
            return Row("instrument", _fields(message) | {"publish_ns": header.publish_ns})
        case messages.AccountValue():
            return Row("latest_account_value", _fields(message))
        case messages.Position():
            return Row("latest_position", _fields(message))
        case messages.OrderState():
            columns = _fields(message) | {"order_key": order_key(message), "publish_ns": header.publish_ns}
            return Row("latest_order", columns)
        case _:
            return None


LATEST_KEYS: dict[str, tuple[str, ...]] = {
    "instrument": ("con_id",),
    "latest_account_value": ("account", "key", "currency"),
    "latest_position": ("account", "con_id"),
    "latest_order": ("order_key",),
}


def order_key(order: messages.OrderState) -> str:
    """What an order is called for all its life, also before TWS has given it a permanent id."""
    return f"{order.client_id}:{order.order_id}" if order.order_id > 0 else f"perm:{order.perm_id}"


# Records.


@dataclass(frozen=True, slots=True)
class RecordTable:
    """Where the records of a topic go; the columns are in COPY's order, each with the field that it is made of."""

    table: str
    columns: tuple[Column, ...]
    fields: tuple[str, ...]
    day_column: str

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)


POSITION = (Column("epoch", "int8"), Column("seq", "int8"), Column("stream", "int2"))
_TYPES = {"i1": "int2", "i8": "int8", "u8": "int8", "i4": "int4", "u2": "int4", "i2": "int2", "f8": "float8"}


def _record_table(topic: bytes, table: str, day_column: str) -> RecordTable:
    dtype = messages.RECORD_TOPICS[topic]
    columns, fields = [], []
    for name in dtype.names or ():
        part = dtype[name]
        kind = "text" if part.kind == "S" else _TYPES[f"{part.kind}{part.itemsize}"]
        columns.append(Column(name, kind, nullable=kind == "float8"))
        fields.append(name)
    extra = (Column("publish_ns", "int8"),) if day_column == "publish_ns" else ()
    return RecordTable(table, (*columns, *extra, *POSITION), tuple(fields), day_column)


RECORD_TABLES: dict[bytes, RecordTable] = {
    b"md.tick": _record_table(b"md.tick", "tick", "market_ns"),
    b"md.option": _record_table(b"md.option", "option_computation", "market_ns"),
    b"md.last": _record_table(b"md.last", "trade", "publish_ns"),
    b"md.quote": _record_table(b"md.quote", "quote", "publish_ns"),
    b"md.mid": _record_table(b"md.mid", "midpoint", "publish_ns"),
    b"md.depth": _record_table(b"md.depth", "depth", "publish_ns"),
    b"md.bar": _record_table(b"md.bar", "bar", "publish_ns"),
    b"hist.last": _record_table(b"hist.last", "trade", "publish_ns"),
    b"hist.quote": _record_table(b"hist.quote", "quote", "publish_ns"),
    b"hist.mid": _record_table(b"hist.mid", "midpoint", "publish_ns"),
    b"hist.bar": _record_table(b"hist.bar", "bar", "publish_ns"),
    b"margin.account": _record_table(b"margin.account", "margin_account_snapshot", "publish_ns"),
    b"margin.group": _record_table(b"margin.group", "margin_group_snapshot", "publish_ns"),
}


@dataclass(frozen=True, slots=True)
class Chunk:
    """Records of one table with their positions; can be cut in halves."""

    topic: bytes
    table: RecordTable
    records: NDArray[np.void]
    seq: NDArray[np.int64]
    publish_ns: NDArray[np.int64]
    stream: int
    epoch: int  # signed

    def __len__(self) -> int:
        return len(self.records)

    def part(self, start: int, stop: int) -> Chunk:
        """Some of them."""
        cut = slice(start, stop)
        return Chunk(
            self.topic,
            self.table,
            self.records[cut],
            self.seq[cut],
            self.publish_ns[cut],
            self.stream,
            self.epoch,
        )

    def values(self) -> list[NDArray[Any]]:
        """The arrays of `table.columns`, in that order."""
        count = len(self.records)
        made: list[NDArray[Any]] = [self.records[name] for name in self.table.fields]
        if self.table.day_column == "publish_ns":
            made.append(self.publish_ns)
        return [*made, np.full(count, self.epoch), self.seq, np.full(count, self.stream)]

    def copy_data(self) -> bytes:
        """All that COPY … (FORMAT binary) reads."""
        return b"".join((SIGNATURE, encode(self.table.columns, self.values()), TRAILER))

    def days_ns(self) -> NDArray[np.int64]:
        """The times whose days say which partitions are needed."""
        if self.table.day_column == "publish_ns":
            return self.publish_ns
        return np.asarray(self.records[self.table.day_column], np.int64)
