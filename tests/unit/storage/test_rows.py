"""Every message and record has its one row."""

from __future__ import annotations

import json
import math
from typing import Any

import msgspec
import pytest
from django.apps import apps

from pipeline import messages
from pipeline.messages import Header, PayloadKind, StreamId
from storage import partitions, rows

HEADER = Header(PayloadKind.MAP, StreamId.INGEST, 1, 1, 1, 1, 77)
# Where each kind goes. A new message is added here, and to storage.rows where it deserves a table.
DESTINATIONS = {
    messages.Instrument: "instrument_version",
    messages.Subscription: "event",
    messages.MarketText: "event",
    messages.AccountValue: "account_value",
    messages.Position: "position",
    messages.AccountSnapshot: "event",
    messages.AccountPnL: "account_pnl",
    messages.PositionPnL: "event",
    messages.TwsState: "tws_state",
    messages.Gap: "gap",
    messages.ClockJump: "event",
    messages.ProcessEvent: "process_event",
    messages.SystemStatus: "event",
    messages.OrderIntent: "order_intent",
    messages.OrderState: "order_state",
    messages.Execution: "execution",
    messages.Commission: "commission",
    messages.OrderPreview: "order_preview",
    messages.TradingState: "event",
    messages.Audit: "audit",
    messages.MarginTree: "event",
    messages.AccountCheck: "event",
    messages.Difference: "event",
    messages.Feed: "event",
    messages.HistoryState: "event",
    messages.News: "event",
    messages.OptionChain: "event",
    messages.MarketRule: "event",
}
FILLED_BY_THE_DATABASE = {"audit": {"chain", "prev", "hash"}}


def columns_of(table: str) -> set[str]:
    model = next(model for model in apps.get_app_config("storage").get_models() if model._meta.db_table == table)
    return {field.column for field in model._meta.local_concrete_fields if field.column}


def example(kind: Any) -> Any:
    """The smallest value of a type."""
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return {field.name: example(field.type) for field in msgspec.structs.fields(kind) if field.required}
    if isinstance(kind, type) and issubclass(kind, messages.State):
        return "READY"
    if kind is bool:
        return False
    return {int: 3, float: 2.5, str: "text"}.get(kind, [] if getattr(kind, "__origin__", None) is list else {})


def message(kind: type[messages.Message]) -> messages.Message:
    return messages.convert(example(kind), kind)


def test_every_kind_of_message_has_a_destination() -> None:
    assert set(DESTINATIONS) == set(messages.MESSAGE_TYPES)


@pytest.mark.parametrize("kind", messages.MESSAGE_TYPES, ids=lambda kind: kind.__name__)
def test_a_message_fills_every_column_of_its_table(kind: type[messages.Message]) -> None:
    made = rows.row(message(kind))
    assert made.table == DESTINATIONS[kind]
    position = {"stream", "epoch", "seq", "publish_ns"}
    expected = columns_of(made.table) - position - FILLED_BY_THE_DATABASE.get(made.table, set())
    assert set(made.columns) == expected


@pytest.mark.parametrize("kind", messages.MESSAGE_TYPES, ids=lambda kind: kind.__name__)
def test_a_latest_value_fills_every_column_and_has_its_key(kind: type[messages.Message]) -> None:
    made = rows.latest(message(kind), HEADER)
    if made is not None:
        assert set(made.columns) == columns_of(made.table)
        assert set(rows.LATEST_KEYS[made.table]) <= set(made.columns)


def test_every_kind_of_record_has_a_destination_with_its_columns() -> None:
    assert set(rows.RECORD_TABLES) == set(messages.RECORD_TOPICS)
    for table in rows.RECORD_TABLES.values():
        assert set(table.names) == columns_of(table.table)
        assert (table.table, table.day_column) in {(made.table, made.column) for made in partitions.TABLES}


def test_the_types_of_record_columns_are_those_of_the_models() -> None:
    words = {"int2": "smallint", "int4": "integer", "int8": "bigint", "float8": "double precision", "text": "text"}
    from django.db import connection

    for table in rows.RECORD_TABLES.values():
        model = next(m for m in apps.get_app_config("storage").get_models() if m._meta.db_table == table.table)
        types = {field.column: field.db_type(connection) for field in model._meta.local_concrete_fields}
        for column in table.columns:
            assert types[column.name] == words[column.type], (table.table, column.name)


def test_unknown_is_null_and_never_zero() -> None:
    value = messages.AccountValue(account="A", key="k", currency="", value=math.nan, text="", recv_ns=1)
    assert rows.row(value).columns["value"] is None
    body = messages.MarginTree(
        account="A", rule_set="r", newest_ns=1, root=messages.MarginNode(level="account", name="A", price=math.inf)
    )
    made = rows.row(body).columns["body"]
    assert isinstance(made, str)
    root = json.loads(made)["root"]
    assert root["initial_margin"] is None
    assert root["price"] is None


@pytest.mark.parametrize("epoch", [0, 1, (1 << 63) - 1, 1 << 63, (1 << 64) - 1])
def test_an_epoch_keeps_its_64_bits(epoch: int) -> None:
    assert -(1 << 63) <= rows.signed(epoch) < 1 << 63
    assert rows.unsigned(rows.signed(epoch)) == epoch


def test_an_order_keeps_its_name_when_tws_gives_it_an_id() -> None:
    intent = messages.convert(example(messages.OrderState) | {"perm_id": 0, "order_id": 5}, messages.OrderState)
    known = messages.convert(example(messages.OrderState) | {"perm_id": 99, "order_id": 5}, messages.OrderState)
    foreign = messages.convert(example(messages.OrderState) | {"perm_id": 98, "order_id": 0}, messages.OrderState)
    assert rows.order_key(intent) == rows.order_key(known) == "3:5"
    assert rows.order_key(foreign) == "perm:98"
