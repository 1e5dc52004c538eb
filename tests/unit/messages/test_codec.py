from __future__ import annotations

import contextlib
import math

import msgpack
import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline import messages
from pipeline.errors import WireError


def sample(kind: type[msgspec.Struct]) -> msgspec.Struct:
    """An instance with only what has no default."""
    known = {
        str: "x",
        int: 7,
        float: 1.5,
        bool: True,
        messages.State: messages.State.READY,
        messages.OrderSpec: messages.OrderSpec(account="DU1", con_id=1, side="BUY", quantity=1.0, order_type="MKT"),
        messages.MarginNode: messages.MarginNode(level="account", name="DU1"),
    }
    values = {}
    for field in msgspec.structs.fields(kind):
        if field.required:
            default = {} if "dict" in str(field.type) else []
            values[field.name] = known.get(field.type, default)
    return kind(**values)


@pytest.mark.parametrize("kind", messages.MESSAGE_TYPES, ids=lambda kind: kind.__name__)
def test_a_message_comes_back_as_it_was(kind: type[messages.Message]) -> None:
    packed = messages.pack(sample(kind))
    again = messages.unpack(packed)
    assert type(again) is kind
    assert messages.pack(again) == packed


@pytest.mark.parametrize("kind", messages.AnyCommand.__args__, ids=lambda kind: kind.__name__)
def test_a_command_comes_back_as_its_own_kind(kind: type[msgspec.Struct]) -> None:
    assert type(messages.unpack_as(messages.pack(sample(kind)), messages.AnyCommand)) is kind


def test_unknown_number_stays_nan() -> None:
    message = messages.AccountPnL(account="DU1", daily=math.nan, unrealized=1.0, realized=0.0, recv_ns=1)
    again = messages.unpack(messages.pack(message))
    assert isinstance(again, messages.AccountPnL)
    assert math.isnan(again.daily)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "not MessagePack"),
        (b"\xc1", "not MessagePack"),
        (msgpack.packb([1, 2]), "expected a map"),
        (msgpack.packb({"kind": "no_such"}), "unknown message kind"),
        (msgpack.packb({"kind": "account_pnl", "account": 7}), "account"),
        (messages.pack(messages.ClockJump(process="p", moved_s=1.0)) + b"x", "not MessagePack"),
    ],
)
def test_bad_bytes_are_a_wire_error_that_says_why(data: bytes, says: str) -> None:
    with pytest.raises(WireError, match=says):
        messages.unpack(data)


@given(st.binary(max_size=400))
def test_any_bytes_give_a_message_or_a_wire_error(data: bytes) -> None:
    with contextlib.suppress(WireError):
        messages.unpack(data)


@given(st.binary(max_size=80))
def test_any_bytes_give_a_header_or_a_wire_error(data: bytes) -> None:
    with contextlib.suppress(WireError):
        messages.unpack_header(data)


def header(count: int) -> messages.Header:
    return messages.Header(messages.PayloadKind.RECORDS, messages.StreamId.INGEST, count, 2**64 - 1, 2**63, 9, 10)


def test_a_header_comes_back_as_it_was() -> None:
    assert messages.unpack_header(header(3).pack()) == header(3)
    assert len(header(3).pack()) == messages.HEADER_BYTES


def test_records_are_read_without_a_copy_and_checked_by_size() -> None:
    ticks = np.zeros(3, messages.TICK)
    ticks["con_id"] = [1, 2, 3]
    frame = messages.Frame(b"md.tick", header(3), ticks.tobytes())
    assert messages.records(frame)["con_id"].tolist() == [1, 2, 3]
    assert frame.next_seq == 12
    with pytest.raises(WireError, match="expected 2 records of 40 bytes"):
        messages.records(messages.Frame(b"md.tick", header(2), ticks.tobytes()))
    with pytest.raises(WireError, match="no record kind"):
        messages.records(messages.Frame(b"nothing", header(3), ticks.tobytes()))


def test_a_tick_is_forty_bytes() -> None:
    assert messages.TICK.itemsize == 40
