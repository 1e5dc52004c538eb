"""Structs to MessagePack and back, checked at the door."""

from __future__ import annotations

from typing import Any, TypeVar, cast

import msgpack
import msgspec

from pipeline.errors import WireError
from pipeline.messages.envelope import MAX_PAYLOAD_BYTES
from pipeline.messages.feeds import Feed, HistoryState, MarketRule, News, OptionChain
from pipeline.messages.maps import (
    AccountCheck,
    AccountPnL,
    AccountSnapshot,
    AccountValue,
    Audit,
    ClockJump,
    Difference,
    Gap,
    Instrument,
    MarginTree,
    MarketText,
    Message,
    Position,
    PositionPnL,
    ProcessEvent,
    Subscription,
    SystemStatus,
    TwsState,
)
from pipeline.messages.trading import Commission, Execution, OrderIntent, OrderPreview, OrderState, TradingState

T = TypeVar("T")

MESSAGE_TYPES: tuple[type[Message], ...] = (
    Instrument,
    Subscription,
    MarketText,
    AccountValue,
    Position,
    PositionPnL,
    AccountSnapshot,
    AccountPnL,
    TwsState,
    Gap,
    ClockJump,
    ProcessEvent,
    SystemStatus,
    OrderIntent,
    OrderState,
    Execution,
    Commission,
    OrderPreview,
    TradingState,
    Audit,
    MarginTree,
    AccountCheck,
    Difference,
    Feed,
    HistoryState,
    News,
    OptionChain,
    MarketRule,
)
_BY_TAG: dict[str, type[Message]] = {str(kind.__struct_config__.tag): kind for kind in MESSAGE_TYPES}


def pack(value: msgspec.Struct) -> bytes:
    """MessagePack of a message, command, reply or beat."""
    return cast(bytes, msgpack.packb(msgspec.to_builtins(value, builtin_types=(bytes,)), use_bin_type=True))


def _unpack_map(data: bytes) -> dict[str, Any]:
    if len(data) > MAX_PAYLOAD_BYTES:
        raise WireError(f"expected at most {MAX_PAYLOAD_BYTES} bytes, found {len(data)}")
    try:
        value = msgpack.unpackb(data, raw=False, strict_map_key=True)
    except Exception as error:  # msgpack raises ValueError, its own kinds and RecursionError for bad bytes
        raise WireError(f"not MessagePack: {error}") from error
    if not isinstance(value, dict):
        raise WireError(f"expected a map, found {type(value).__name__}")
    return value


def unpack(data: bytes) -> Message:
    """The message in a MAP payload; WireError for any other bytes."""
    value = _unpack_map(data)
    kind = _BY_TAG.get(str(value.get("kind")))
    if kind is None:
        raise WireError(f"unknown message kind {value.get('kind')!r}")
    return convert(value, kind)


def convert(value: Any, kind: type[T]) -> T:
    """`value` as `kind`, checked field by field; WireError says which field is wrong."""
    try:
        return msgspec.convert(value, kind, builtin_types=(bytes,))
    except (msgspec.ValidationError, RecursionError, OverflowError) as error:
        raise WireError(f"bad {getattr(kind, '__name__', kind)}: {error}") from error


def unpack_as(data: bytes, kind: type[T]) -> T:
    """The struct of a known kind (command, reply, beat); WireError for any other bytes."""
    return convert(_unpack_map(data), kind)
