"""The hot frames, kind by kind, compiled: one frame into the fields of one record.

Each function gives (GOOD, request id) and has filled its record but for the times, con_id and the line's flags; or
(UNSURE, 0) where the frame is not spelled as TWS spells it, and then the record may hold anything.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pipeline.jit import kernel
from pipeline.messages import TickFlag
from pipeline.tws.fields import Bytes, _integer, _long, _number, _size, _text

MAX_TICK_TYPES = 128

# Delayed tick types and the live ones that they stand for.
DELAYED = {
    66: 1, 67: 2, 68: 4, 69: 0, 70: 3, 71: 5, 72: 6, 73: 7, 74: 8, 75: 9, 76: 14,
    80: 10, 81: 11, 82: 12, 83: 13, 88: 45, 90: 49, 103: 50, 104: 51,
}  # fmt: skip
SIZED_TYPES = (1, 2, 4)  # price types that carry their size (bid, ask, last)

_LIVE_TYPE = np.arange(MAX_TICK_TYPES, dtype=np.int16)
_TYPE_FLAGS = np.zeros(MAX_TICK_TYPES, dtype=np.uint16)
for _delayed, _live in DELAYED.items():
    _LIVE_TYPE[_delayed] = _live
    _TYPE_FLAGS[_delayed] = TickFlag.DELAYED
_ATTRIBUTES = int(TickFlag.AUTO_EXECUTE | TickFlag.PAST_LIMIT | TickFlag.PRE_OPEN)
_PRICE_BASED = int(TickFlag.PRICE_BASED)
_UNREPORTED = int(TickFlag.UNREPORTED)
_PAST_LIMIT = int(TickFlag.PAST_LIMIT)
_BID_PAST_LOW = int(TickFlag.BID_PAST_LOW)
_ASK_PAST_HIGH = int(TickFlag.ASK_PAST_HIGH)
_SMART_DEPTH = int(TickFlag.SMART_DEPTH)
NS = 1_000_000_000

GOOD, UNSURE = 0, 1


@kernel
def _tick_price(buffer: Bytes, at: int, end: int, out: Any) -> tuple[int, int]:
    """v, reqId, type, price, size, attrMask → GOOD and `out`'s type, flags, price, size; (status, reqId)."""
    _, at = _integer(buffer, at, end)
    if at < 0:
        return UNSURE, 0
    request, at = _integer(buffer, at, end)
    if at < 0:
        return UNSURE, 0
    kind, at = _integer(buffer, at, end)
    if at < 0 or kind >= MAX_TICK_TYPES:
        return UNSURE, 0
    price, at = _number(buffer, at, end)
    if at < 0:
        return UNSURE, 0
    size, at = _size(buffer, at, end)
    if at < 0:
        return UNSURE, 0
    mask, at = _integer(buffer, at, end)
    if at != end:
        return UNSURE, 0
    live = _LIVE_TYPE[kind]
    sized = live == 1 or live == 2 or live == 4
    nothing = np.isnan(size) or size == 0.0
    if nothing and (price == -1.0 or (sized and price == 0.0)):
        price = np.nan  # no quote
    out.tick_type = live
    out.flags = _TYPE_FLAGS[kind] | np.uint16(mask & _ATTRIBUTES)
    out.price = price
    out.size = size if sized else np.nan
    return GOOD, request


@kernel
def _tick_value(buffer: Bytes, at: int, end: int, is_size: bool, out: Any) -> tuple[int, int]:
    """v, reqId, type, value → GOOD and `out`; the value is a size (id 2) or stands as the price (45, 46)."""
    _, at = _integer(buffer, at, end)
    if at < 0:
        return UNSURE, 0
    request, at = _integer(buffer, at, end)
    if at < 0:
        return UNSURE, 0
    kind, at = _integer(buffer, at, end)
    if at < 0 or kind >= MAX_TICK_TYPES:
        return UNSURE, 0
    if is_size:
        value, at = _size(buffer, at, end)
    elif at < end and buffer[at] == 0:
        return UNSURE, 0  # an empty text is a text
    else:
        value, at = _number(buffer, at, end)
    if at != end:
        return UNSURE, 0
    out.tick_type = _LIVE_TYPE[kind]
    out.flags = _TYPE_FLAGS[kind]
    out.price = np.nan if is_size else value
    out.size = value if is_size else np.nan
    return GOOD, request


@kernel
def _computation(buffer: Bytes, at: int, end: int, out: Any) -> tuple[int, int]:
    """reqId, type, tickAttrib, iv, delta, price, pvDividend, gamma, vega, theta, undPrice → GOOD and `out`."""
    request, at = _integer(buffer, at, end)
    if at < 0:
        return UNSURE, 0
    kind, at = _integer(buffer, at, end)
    if at < 0 or kind >= MAX_TICK_TYPES:
        return UNSURE, 0
    attribute, at = _integer(buffer, at, end)
    if at < 0:
        return UNSURE, 0
    vol, at = _number(buffer, at, end)
    if at < 0:
        return UNSURE, 0
    delta, at = _number(buffer, at, end)
    if at < 0:
        return UNSURE, 0
    price, at = _number(buffer, at, end)
    if at < 0:
        return UNSURE, 0
    dividend, at = _number(buffer, at, end)
    if at < 0:
        return UNSURE, 0
    gamma, at = _number(buffer, at, end)
    if at < 0:
        return UNSURE, 0
    vega, at = _number(buffer, at, end)
    if at < 0:
        return UNSURE, 0
    theta, at = _number(buffer, at, end)
    if at < 0:
        return UNSURE, 0
    underlying, at = _number(buffer, at, end)
    if at != end:
        return UNSURE, 0
    out.tick_type = _LIVE_TYPE[kind]
    out.flags = _TYPE_FLAGS[kind] | np.uint16(_PRICE_BASED if attribute == 1 else 0)
    out.implied_vol = np.nan if vol < 0.0 else vol
    out.delta = np.nan if delta == -2.0 else delta
    out.price = np.nan if price == -1.0 else price
    out.pv_dividend = np.nan if dividend == -1.0 else dividend
    out.gamma = np.nan if gamma == -2.0 else gamma
    out.vega = np.nan if vega == -2.0 else vega
    out.theta = np.nan if theta == -2.0 else theta
    out.underlying_price = np.nan if underlying == -1.0 else underlying
    return GOOD, request


@kernel
def _by_tick(buffer: Bytes, at: int, end: int) -> tuple[int, int, int, int]:
    """reqId, tickType, time of a tick-by-tick frame: (request, type, time in ns, index behind), index −1."""
    request, at = _integer(buffer, at, end)
    if at < 0:
        return 0, 0, 0, -1
    kind, at = _integer(buffer, at, end)
    if at < 0 or kind < 1 or kind > 4:
        return 0, 0, 0, -1
    time_s, at = _long(buffer, at, end)
    if at < 0 or time_s > 9_000_000_000:
        return 0, 0, 0, -1
    return request, kind, time_s * NS, at


@kernel
def _trade(buffer: Bytes, at: int, end: int, out: Any) -> int:
    """price, size, mask, exchange, specialConditions."""
    price, at = _number(buffer, at, end)
    if at < 0:
        return UNSURE
    size, at = _size(buffer, at, end)
    if at < 0:
        return UNSURE
    mask, at = _integer(buffer, at, end)
    if at < 0:
        return UNSURE
    at = _text(buffer, at, end, out.exchange)
    if at < 0:
        return UNSURE
    at = _text(buffer, at, end, out.conditions)
    if at != end:
        return UNSURE
    out.price = price
    out.size = size
    out.flags = np.uint16((_PAST_LIMIT if mask & 1 else 0) | (_UNREPORTED if mask & 2 else 0))
    return GOOD


@kernel
def _quote(buffer: Bytes, at: int, end: int, out: Any) -> int:
    """bid, ask, bidSize, askSize, mask."""
    bid, at = _number(buffer, at, end)
    if at < 0:
        return UNSURE
    ask, at = _number(buffer, at, end)
    if at < 0:
        return UNSURE
    bid_size, at = _size(buffer, at, end)
    if at < 0:
        return UNSURE
    ask_size, at = _size(buffer, at, end)
    if at < 0:
        return UNSURE
    mask, at = _integer(buffer, at, end)
    if at != end:
        return UNSURE
    out.bid = bid
    out.ask = ask
    out.bid_size = bid_size
    out.ask_size = ask_size
    out.flags = np.uint16((_BID_PAST_LOW if mask & 1 else 0) | (_ASK_PAST_HIGH if mask & 2 else 0))
    return GOOD


@kernel
def _midpoint(buffer: Bytes, at: int, end: int, out: Any) -> int:
    """midPoint."""
    price, at = _number(buffer, at, end)
    if at != end:
        return UNSURE
    out.price = price
    out.flags = np.uint16(0)
    return GOOD


@kernel
def _depth(buffer: Bytes, at: int, end: int, level2: bool, out: Any) -> tuple[int, int]:
    """v, reqId, position, [marketMaker,] operation, side, price, size[, isSmartDepth]."""
    _, at = _integer(buffer, at, end)
    if at < 0:
        return UNSURE, 0
    request, at = _integer(buffer, at, end)
    if at < 0:
        return UNSURE, 0
    position, at = _integer(buffer, at, end)
    if at < 0 or position > 32767:
        return UNSURE, 0
    if level2:
        at = _text(buffer, at, end, out.market_maker)
        if at < 0:
            return UNSURE, 0
    else:
        out.market_maker[:] = 0
    operation, at = _integer(buffer, at, end)
    if at < 0 or operation > 2:
        return UNSURE, 0
    side, at = _integer(buffer, at, end)
    if at < 0 or side > 1:
        return UNSURE, 0
    price, at = _number(buffer, at, end)
    if at < 0:
        return UNSURE, 0
    size, at = _size(buffer, at, end)
    if at < 0:
        return UNSURE, 0
    smart = 0
    if level2:
        smart, at = _integer(buffer, at, end)
    if at != end:
        return UNSURE, 0
    out.position = position
    out.operation = operation
    out.side = side
    out.price = price
    out.size = size
    out.flags = np.uint16(_SMART_DEPTH if smart else 0)
    return GOOD, request


@kernel
def _bar(buffer: Bytes, at: int, end: int, out: Any) -> tuple[int, int]:
    """v, reqId, time, open, high, low, close, volume, wap, count; a volume of −1 is none."""
    _, at = _integer(buffer, at, end)
    if at < 0:
        return UNSURE, 0
    request, at = _integer(buffer, at, end)
    if at < 0:
        return UNSURE, 0
    time_s, at = _long(buffer, at, end)
    if at < 0 or time_s > 9_000_000_000:
        return UNSURE, 0
    first, at = _number(buffer, at, end)
    if at < 0:
        return UNSURE, 0
    high, at = _number(buffer, at, end)
    if at < 0:
        return UNSURE, 0
    low, at = _number(buffer, at, end)
    if at < 0:
        return UNSURE, 0
    close, at = _number(buffer, at, end)
    if at < 0:
        return UNSURE, 0
    volume, at = _size(buffer, at, end)
    if at < 0:
        return UNSURE, 0
    wap, at = _size(buffer, at, end)
    if at < 0:
        return UNSURE, 0
    count, at = _integer(buffer, at, end)
    if at != end:
        return UNSURE, 0
    out.market_ns = time_s * NS
    out.open = first
    out.high = high
    out.low = low
    out.close = close
    out.volume = np.nan if volume == -1.0 else volume
    out.wap = np.nan if wap == -1.0 else wap
    out.count = count
    out.seconds = 5
    out.flags = np.uint16(0)
    return GOOD, request


@kernel
def _hot_id(buffer: Bytes, at: int, end: int) -> tuple[int, int]:
    """(message id, index behind it) of a hot frame; id 0 for any other."""
    if end - at < 3:
        return 0, at
    first, second = buffer[at], buffer[at + 1]
    if second == 0:
        if first == 49:
            return 1, at + 2
        if first == 50:
            return 2, at + 2
    elif buffer[at + 2] == 0:
        message: Any = (np.int64(first) - 48) * 10 + np.int64(second) - 48
        if first != 48 and (
            message == 45
            or message == 46
            or message == 21
            or message == 99
            or message == 12
            or message == 13
            or message == 50
        ):
            digits = 48 <= first <= 57 and 48 <= second <= 57
            return (message, at + 3) if digits else (0, at)
    return 0, at
