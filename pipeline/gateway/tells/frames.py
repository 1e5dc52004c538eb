"""Bytes that leave: framing, value spelling, and the messages about the session, time and errors. Pure.

Each function gives one whole frame for a server version `sv` of 157 to 200 (text protocol). A version that changes a
layout stands as an explicit gate in it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from pipeline.gateway.market.universe import Instrument

UNSET = "1.7976931348623157E308"
UNSET_INT = "2147483647"
MIN_VERSION, MAX_VERSION = 157, 200
MAX_FRAME = 0xFFFFFF

Value = str | int | float | bool | None


def number(x: float) -> str:
    """A double as TWS spells it: never an exponent, unset when unknown."""
    if math.isnan(x):
        return UNSET
    if math.isinf(x):
        return "Infinity" if x > 0 else "-Infinity"
    text = repr(float(x))
    return f"{x:.12f}".rstrip("0") if "e" in text and abs(x) < 1 else f"{x:.1f}" if "e" in text else text


def spell(value: Value) -> str:
    """One field; text that is not ASCII is escaped as `\\uXXXX`, as TWS does."""
    if isinstance(value, str):
        if value.isascii():
            return value.replace("\0", " ")
        return value.replace("\0", " ").encode("ascii", "backslashreplace").decode("ascii")
    if value is None:
        return ""
    if isinstance(value, bool):
        return "1" if value else "0"
    return str(value) if isinstance(value, int) else number(value)


def frame(*fields: Value) -> bytes:
    """Length prefix and NUL-ended fields; field 0 is the message id."""
    payload = ("\0".join([spell(field) for field in fields]) + "\0").encode("ascii")
    return len(payload).to_bytes(4, "big") + payload


def prefixed(head: bytes, tail: bytes) -> bytes:
    """A frame from its two halves; the hot path of ticks."""
    return (len(head) + len(tail)).to_bytes(4, "big") + head + tail


def handshake(sv: int, time_text: str) -> bytes:
    payload = f"{sv}\0{time_text}\0".encode("ascii")
    return len(payload).to_bytes(4, "big") + payload


def contract11(x: Instrument, exchange: str, right: str | None = None) -> list[Value]:
    """con_id … trading class without the primary exchange, as most answers carry it."""
    return [
        x.con_id, x.symbol, x.sec_type, x.expiry, x.strike, x.right if right is None else right, x.multiplier_text,
        exchange, x.currency, x.local_symbol, x.trading_class,
    ]  # fmt: skip


def error(sv: int, req_id: int, code: int, text: str, time_ms: int) -> bytes:
    fields: list[Value] = [4]
    if sv < 194:
        fields.append(2)
    fields += [req_id, code, text]
    if sv >= 166:
        fields.append("")  # advanced order reject, JSON
    if sv >= 194:
        fields.append(time_ms)
    return frame(*fields)


def managed_accounts(accounts: Iterable[str]) -> bytes:
    return frame(15, 1, ",".join(accounts))


def next_valid_id(order_id: int) -> bytes:
    return frame(9, 1, order_id)


def current_time(seconds: int) -> bytes:
    return frame(49, 1, seconds)


def current_time_ms(ms: int) -> bytes:
    return frame(109, ms)
