"""Fields of a frame as numbers and texts, compiled; nothing that is not certain is decoded here.

Every function takes (buffer, index of the field's first byte, end of the frame) and gives the value and the index
behind the field's NUL, or index −1: then `slow.py` decides about the whole frame.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.jit import kernel

Bytes = NDArray[np.uint8]

_UNSET_MANTISSA = 17976931348623157  # digits of the largest double, IBKR's "unset"
_POWERS = np.array([10.0**n for n in range(23)])  # each exact in a double


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
def _long(buffer: Bytes, at: int, end: int) -> tuple[int, int]:
    """A field of 1…18 digits: a time."""
    value: Any = np.int64(0)
    first = at
    while at < end:
        digit: Any = np.int64(buffer[at]) - 48
        if digit < 0 or digit > 9:
            break
        value = value * 10 + digit
        at += 1
    if at == first or at - first > 18 or at >= end or buffer[at] != 0:
        return 0, -1
    return value, at + 1


@kernel
def _text(buffer: Bytes, at: int, end: int, out: Bytes) -> int:
    """Copies a field of printable ASCII into `out`, filled up with NUL; −1 where it is longer, or other bytes."""
    room = out.size
    length = 0
    while at < end and buffer[at] != 0:
        if length == room or buffer[at] < 32 or buffer[at] > 126:
            return -1
        out[length] = buffer[at]
        length += 1
        at += 1
    if at >= end:
        return -1
    for i in range(length, room):
        out[i] = 0
    return at + 1
