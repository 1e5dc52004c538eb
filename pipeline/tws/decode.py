"""One numba pass over the receive buffer: cuts frames, decodes the hot ones, leaves the rest in their place.

A frame is a big-endian length and a payload of fields, each ended by NUL, the first one the message id. Hot are
tickPrice (1), tickSize (2), tickGeneric (45), tickString with a number (46) and tickOptionComputation (21). A frame
that is hot but not spelled as TWS spells it is left to `slow.py`, which gives the same record for every frame that
this file decodes (a differential test holds that, and both against the genuine Decoder).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.jit import kernel
from pipeline.messages import OPTION, TICK, TickFlag

MAX_FRAME_BYTES = 0xFFFFFF  # the genuine client stops at the same length
MAX_TICK_TYPES = 128
MAX_TICKS = 1 << 16
MAX_OPTIONS = 1 << 15
MAX_COLD = 1 << 12

Bytes = NDArray[np.uint8]

MORE, FULL, TOO_LONG = 0, 1, 2  # why the kernel stopped
OFFSET, LENGTH, TICKS_BEFORE, OPTIONS_BEFORE = 0, 1, 2, 3  # columns of `cold`

# Delayed tick types and the live ones that they stand for.
DELAYED = {
    66: 1, 67: 2, 68: 4, 69: 0, 70: 3, 71: 5, 72: 6, 73: 7, 74: 8, 75: 9, 76: 14,
    80: 10, 81: 11, 82: 12, 83: 13, 88: 45, 90: 49, 103: 50, 104: 51,
}  # fmt: skip
SIZED_TYPES = (1, 2, 4)  # price types that carry their size (bid, ask, last)

_UNSET_MANTISSA = 17976931348623157  # digits of the largest double, IBKR's "unset"
_POWERS = np.array([10.0**n for n in range(23)])  # each exact in a double
_LIVE_TYPE = np.arange(MAX_TICK_TYPES, dtype=np.int16)
_TYPE_FLAGS = np.zeros(MAX_TICK_TYPES, dtype=np.uint16)
for _delayed, _live in DELAYED.items():
    _LIVE_TYPE[_delayed] = _live
    _TYPE_FLAGS[_delayed] = TickFlag.DELAYED
_ATTRIBUTES = int(TickFlag.AUTO_EXECUTE | TickFlag.PAST_LIMIT | TickFlag.PRE_OPEN)
_PRICE_BASED = int(TickFlag.PRICE_BASED)

GOOD, UNSURE = 0, 1


@kernel
def _integer(buffer: Bytes, at: int, end: int) -> tuple[int, int]:
    """(value, index behind the NUL) of a field of 1…9 digits; index −1 for anything else."""
    value = 0
    first = at
    while at < end:
        digit: Any = np.int64(buffer[at]) - 48
        if digit < 0 or digit > 9:
            break
        value = value * 10 + digit
        at += 1
    if at == first or at - first > 9 or at >= end or buffer[at] != 0:
        return 0, -1
    return value, at + 1


@kernel
def _number(buffer: Bytes, at: int, end: int) -> tuple[float, int]:
    """(value, index behind the NUL) of a decimal number, correctly rounded; nan for an unset one.

    Index −1 where 15 digits and a power of ten up to 22 do not make the rounding certain, and for anything else.
    """
    if at < end and buffer[at] == 0:
        return np.nan, at + 1
    negative = at < end and buffer[at] == 45
    if negative:
        at += 1
    mantissa = np.int64(0)
    digits = 0
    seen = 0
    exponent = 0
    point = False
    while at < end:
        digit: Any = np.int64(buffer[at]) - 48
        if 0 <= digit <= 9:
            seen += 1
            if digits > 0 or digit > 0:
                digits += 1
                if digits > 17:
                    return 0.0, -1
            mantissa = mantissa * 10 + digit
            if point:
                exponent -= 1
        elif digit == -2 and not point:  # '.'
            point = True
        else:
            break
        at += 1
    if seen == 0 or at >= end:
        return 0.0, -1
    if buffer[at] == 69 or buffer[at] == 101:  # E, e
        at += 1
        minus = at < end and buffer[at] == 45
        if at < end and (minus or buffer[at] == 43):
            at += 1
        power, after = _integer(buffer, at, end)
        if after < 0 or power > 400:
            return 0.0, -1
        exponent += -power if minus else power
        at = after - 1
    if buffer[at] != 0:
        return 0.0, -1
    at += 1
    if mantissa == _UNSET_MANTISSA and exponent == 292:
        return np.nan, at
    if digits > 15 or exponent < -22 or exponent > 22:
        return 0.0, -1
    value = float(mantissa)
    value = value / _POWERS[-exponent] if exponent < 0 else value * _POWERS[exponent]
    return (-value if negative else value), at


@kernel
def _size(buffer: Bytes, at: int, end: int) -> tuple[float, int]:
    """As `_number`; also nan for the unset integers (10 digits and more are rare: a look decides)."""
    value, after = _number(buffer, at, end)
    if value == 2147483647.0:
        return np.nan, after
    return value, after


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
        if first == 52 and second == 53:
            return 45, at + 3
        if first == 52 and second == 54:
            return 46, at + 3
        if first == 50 and second == 49:
            return 21, at + 3
    return 0, at


@kernel
def decode(
    buffer: Bytes,
    start: int,
    end: int,
    con_ids: NDArray[np.int32],
    slots: NDArray[np.int32],
    line_flags: NDArray[np.uint16],
    recv_ns: int,
    market_ns: int,
    ticks: NDArray[np.void],
    tick_slots: NDArray[np.int32],
    options: NDArray[np.void],
    option_slots: NDArray[np.int32],
    cold: NDArray[np.int64],
) -> tuple[int, int, int, int, int]:
    """Frames of buffer[start:end] into `ticks`, `options` and `cold`.

    `con_ids`, `slots` and `line_flags` are indexed by request id; con_id 0 is no line of ours. `cold` gets, in order,
    offset and length of each payload that is not decoded here and how many ticks and options came before it.
    Returns (index of the first byte not used, ticks, options, cold frames, MORE | FULL | TOO_LONG).
    """
    n_ticks = 0
    n_options = 0
    n_cold = 0
    at = start
    while end - at >= 4:
        length: Any = (
            (np.int64(buffer[at]) << 24)
            | (np.int64(buffer[at + 1]) << 16)
            | (np.int64(buffer[at + 2]) << 8)
            | np.int64(buffer[at + 3])
        )
        if length > MAX_FRAME_BYTES:
            return at, n_ticks, n_options, n_cold, TOO_LONG
        head = at + 4
        tail = head + length
        if tail > end:
            break
        if n_ticks == ticks.size or n_options == options.size or n_cold == cold.shape[0]:
            return at, n_ticks, n_options, n_cold, FULL
        message, body = _hot_id(buffer, head, tail)
        status = UNSURE
        request = 0
        if message == 1:
            status, request = _tick_price(buffer, body, tail, ticks[n_ticks])
        elif message == 21:
            status, request = _computation(buffer, body, tail, options[n_options])
        elif message != 0:
            status, request = _tick_value(buffer, body, tail, message == 2, ticks[n_ticks])
        if status == GOOD and request < con_ids.size and con_ids[request] != 0:
            if message == 21:
                option = options[n_options]
                option.recv_ns = recv_ns
                option.market_ns = market_ns
                option.con_id = con_ids[request]
                option.flags |= line_flags[request]
                option_slots[n_options] = slots[request]
                n_options += 1
            else:
                tick = ticks[n_ticks]
                tick.recv_ns = recv_ns
                tick.market_ns = market_ns
                tick.con_id = con_ids[request]
                tick.flags |= line_flags[request]
                tick_slots[n_ticks] = slots[request]
                n_ticks += 1
        else:
            cold[n_cold, OFFSET] = head
            cold[n_cold, LENGTH] = length
            cold[n_cold, TICKS_BEFORE] = n_ticks
            cold[n_cold, OPTIONS_BEFORE] = n_options
            n_cold += 1
        at = tail
    return at, n_ticks, n_options, n_cold, MORE


class Output:
    """The arrays that the kernel fills; they are used again by the next call."""

    def __init__(self) -> None:
        self.ticks: NDArray[np.void] = np.zeros(MAX_TICKS, dtype=TICK)
        self.tick_slots: NDArray[np.int32] = np.zeros(MAX_TICKS, dtype=np.int32)
        self.options: NDArray[np.void] = np.zeros(MAX_OPTIONS, dtype=OPTION)
        self.option_slots: NDArray[np.int32] = np.zeros(MAX_OPTIONS, dtype=np.int32)
        self.cold: NDArray[np.int64] = np.zeros((MAX_COLD, 4), dtype=np.int64)


class Lines:
    """What a market-data request id stands for, as arrays that the kernel can index."""

    def __init__(self, capacity: int = 4096) -> None:
        self.con_ids: NDArray[np.int32] = np.zeros(capacity, dtype=np.int32)
        self.slots: NDArray[np.int32] = np.full(capacity, -1, dtype=np.int32)
        self.flags: NDArray[np.uint16] = np.zeros(capacity, dtype=np.uint16)

    def add(self, request: int, con_id: int, slot: int = -1) -> None:
        """`request` delivers `con_id`; `slot` is its row in a table of latest values (−1: none)."""
        while request >= self.con_ids.size:
            self.con_ids = np.concatenate([self.con_ids, np.zeros_like(self.con_ids)])
            self.slots = np.concatenate([self.slots, np.full_like(self.slots, -1)])
            self.flags = np.concatenate([self.flags, np.zeros_like(self.flags)])
        self.con_ids[request], self.slots[request], self.flags[request] = con_id, slot, 0

    def con_id(self, request: int) -> int:
        """Its contract; 0 where it is no line of ours."""
        return int(self.con_ids[request]) if 0 <= request < self.con_ids.size else 0

    def market_data_type(self, request: int, kind: int) -> None:
        """TWS's marketDataType (1 live, 2 frozen, 3 delayed, 4 delayed and frozen) marks what follows."""
        if self.con_id(request):
            frozen = TickFlag.FROZEN if kind in (2, 4) else 0
            self.flags[request] = frozen | (TickFlag.DELAYED if kind in (3, 4) else 0)

    def clear(self) -> None:
        """Forget all: request ids mean nothing on the next connection."""
        self.con_ids[:], self.slots[:], self.flags[:] = 0, -1, 0


def run(buffer: NDArray[np.uint8], start: int, end: int, lines: Lines, recv_ns: int, market_ns: int,
        out: Output) -> tuple[int, int, int, int, int]:  # fmt: skip
    """`decode` over typed holders."""
    return decode(
        buffer, start, end, lines.con_ids, lines.slots, lines.flags, recv_ns, market_ns,
        out.ticks, out.tick_slots, out.options, out.option_slots, out.cold,
    )  # fmt: skip


def warm() -> None:
    """Compile or load the kernel (once a process, before `ready`)."""
    run(np.zeros(8, dtype=np.uint8), 0, 0, Lines(8), 0, 0, Output())
