"""Fields of a frame as numbers, in plain Python: what the genuine client accepts, with unset ones as nan."""

from __future__ import annotations

import math
from decimal import Decimal, InvalidOperation

from pipeline.errors import WireError

UNSET_DOUBLE = 1.7976931348623157e308
UNSET_INTEGER = 2147483647
_UNSET_SIZES = ("", "2147483647", "9223372036854775807", "1.7976931348623157E308", "-9223372036854775808")


def number(field: bytes) -> float:
    """A double, nan where TWS left it unset; WireError for no number."""
    if not field:
        return math.nan
    try:
        value = float(field)
    except ValueError as error:
        raise WireError(f"expected a number, found {field[:40]!r}") from error
    return value if math.isfinite(value) and abs(value) < UNSET_DOUBLE else math.nan


def size(field: bytes) -> float:
    """A size, nan where TWS left it unset; WireError for no number."""
    try:
        text = field.decode()
        if text in _UNSET_SIZES:
            return math.nan
        value = float(Decimal(text))
    except (InvalidOperation, ValueError, OverflowError) as error:
        raise WireError(f"expected a size, found {field[:40]!r}") from error
    sane = math.isfinite(value) and abs(value) < UNSET_DOUBLE and value != UNSET_INTEGER
    return value if sane else math.nan


def integer(field: bytes) -> int:
    """A whole number, 0 where the field is empty, as ibapi reads it."""
    try:
        return int(field or 0)
    except ValueError as error:
        raise WireError(f"expected a whole number, found {field[:40]!r}") from error
