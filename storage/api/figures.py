"""Numbers as they travel in JSON: decimals as strings, unknown as null, times as UTC ISO text. Pure."""

from __future__ import annotations

import datetime
import math
from decimal import Decimal
from typing import Any

NS = 1_000_000_000


def decimal(value: float | Decimal | None) -> str | None:
    """A decimal without an exponent and without trailing zeros; null for what is unknown."""
    if value is None or not math.isfinite(value):
        return None
    text = format(Decimal(f"{value:.15g}"), "f")  # what a double holds: a sum's last bit is no digit
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text == "-0" else text


def utc(at_ns: int | None) -> str | None:
    """2026-11-22T14:30:00.123456Z; null for 0 and unknown."""
    if not at_ns:
        return None
    seconds, rest = divmod(at_ns, NS)
    moment = datetime.datetime.fromtimestamp(seconds, tz=datetime.UTC).replace(microsecond=rest // 1000)
    return iso(moment)


def iso(moment: datetime.datetime | None) -> str | None:
    """UTC ISO text with a Z."""
    if moment is None:
        return None
    return moment.astimezone(datetime.UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def plain(value: Any) -> Any:
    """A tree of builtins with every float as `decimal` writes it."""
    if isinstance(value, float):
        return decimal(value)
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value
