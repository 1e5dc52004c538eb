"""Tick-by-tick data, depth and bars one by one in plain Python: see `slow.py`."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import WireError
from pipeline.messages import BAR, DEPTH, TBT_LAST, TBT_MID, TBT_QUOTE, TickFlag
from pipeline.tws.plain import integer, number, size

NS = 1_000_000_000
LATEST_S = 9_000_000_000  # a later time does not fit 64 bits of nanoseconds: no time
Found = tuple[int, NDArray[np.void]]


def _by_tick(fields: list[bytes]) -> Found:
    """99: reqId, tickType, time, and what the type has."""
    _at_least(fields, 4)
    kind = integer(fields[2])
    reader = {1: _trade, 2: _trade, 3: _quote, 4: _midpoint}.get(kind)
    if reader is None:
        raise WireError(f"message 99: expected a tick type 1…4, found {kind}")
    record = reader(fields)
    record["tick_type"], record["market_ns"] = kind, _time_ns(fields[3])
    return integer(fields[1]), record


def _trade(fields: list[bytes]) -> NDArray[np.void]:
    _at_least(fields, 9)
    mask = integer(fields[6])
    trade = np.zeros(1, dtype=TBT_LAST)
    trade["price"], trade["size"] = number(fields[4]), size(fields[5])
    trade["exchange"], trade["conditions"] = _text(fields[7]), _text(fields[8])
    trade["flags"] = (TickFlag.PAST_LIMIT if mask & 1 else 0) | (TickFlag.UNREPORTED if mask & 2 else 0)
    return trade


def _quote(fields: list[bytes]) -> NDArray[np.void]:
    _at_least(fields, 9)
    mask = integer(fields[8])
    quote = np.zeros(1, dtype=TBT_QUOTE)
    quote["bid"], quote["ask"] = number(fields[4]), number(fields[5])
    quote["bid_size"], quote["ask_size"] = size(fields[6]), size(fields[7])
    quote["flags"] = (TickFlag.BID_PAST_LOW if mask & 1 else 0) | (TickFlag.ASK_PAST_HIGH if mask & 2 else 0)
    return quote


def _midpoint(fields: list[bytes]) -> NDArray[np.void]:
    _at_least(fields, 5)
    midpoint = np.zeros(1, dtype=TBT_MID)
    midpoint["price"] = number(fields[4])
    return midpoint


def _book(fields: list[bytes]) -> Found:
    """12: v, reqId, position, operation, side, price, size."""
    _at_least(fields, 8)
    return integer(fields[2]), _row(fields[0:1], fields[1], fields[3], b"", fields[4:8], 0)


def _book_by_maker(fields: list[bytes]) -> Found:
    """13: v, reqId, position, marketMaker, operation, side, price, size, isSmartDepth."""
    _at_least(fields, 10)
    return integer(fields[2]), _row(fields[0:1], fields[1], fields[3], fields[4], fields[5:9], integer(fields[9]))


def _row(
    message: list[bytes], version: bytes, place: bytes, maker: bytes, rest: list[bytes], smart: int
) -> NDArray[np.void]:
    integer(version)
    position, operation, side = integer(place), integer(rest[0]), integer(rest[1])
    if not (0 <= position < 1 << 15 and 0 <= operation <= 2 and 0 <= side <= 1):
        what = f"position {position}, operation {operation}, side {side}"
        raise WireError(f"message {message[0].decode()}: expected a row of a book, found {what}")
    row = np.zeros(1, dtype=DEPTH)
    row["position"], row["operation"], row["side"] = position, operation, side
    row["price"], row["size"] = number(rest[2]), size(rest[3])
    row["market_maker"] = _text(maker)
    row["flags"] = TickFlag.SMART_DEPTH if smart else 0
    return row


def _bar(fields: list[bytes]) -> Found:
    """50: v, reqId, time, open, high, low, close, volume, wap, count."""
    _at_least(fields, 11)
    integer(fields[1])
    count = integer(fields[10])
    if not -1 <= count < 1 << 31:
        raise WireError(f"message 50: expected a count of trades, found {count}")
    bar = np.zeros(1, dtype=BAR)
    bar["market_ns"] = _time_ns(fields[3])
    for name, field in zip(("open", "high", "low", "close"), fields[4:8], strict=True):
        bar[name] = number(field)
    for name, field in (("volume", fields[8]), ("wap", fields[9])):
        value = size(field)
        bar[name] = math.nan if value == -1.0 else value
    bar["count"], bar["seconds"] = count, 5
    return integer(fields[2]), bar


def _at_least(fields: list[bytes], count: int) -> None:
    if len(fields) < count:
        raise WireError(f"message {fields[0].decode()}: expected {count} fields, found {len(fields)}")


def _time_ns(field: bytes) -> int:
    seconds = integer(field)
    if not 0 <= seconds <= LATEST_S:
        raise WireError(f"expected a time in seconds, found {field[:40]!r}")
    return seconds * NS


def _text(field: bytes) -> bytes:
    """Printable ASCII; anything else as a question mark."""
    return bytes(byte if 32 <= byte <= 126 else 63 for byte in field)


READERS: dict[int, Callable[[list[bytes]], Found]] = {99: _by_tick, 12: _book, 13: _book_by_maker, 50: _bar}
