"""Bytes that leave: framing, value spelling, and the messages about time, errors, ticks and accounts. Pure.

Each function gives one whole frame for a server version `sv` of 157 to 200 (text protocol). A version that changes a
layout stands as an explicit gate in it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from pipeline.gateway.universe import Instrument

UNSET = "1.7976931348623157E308"
UNSET_INT = "2147483647"
MIN_VERSION, MAX_VERSION = 157, 200
MAX_FRAME = 0xFFFFFF
ESCAPED_TEXT_FROM = 153

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


# Market data.


def market_data_type(req_id: int, kind: int) -> bytes:
    return frame(58, 1, req_id, kind)


def tick_req_params(req_id: int, min_tick: float, exchange_code: str, permissions: int) -> bytes:
    return frame(81, req_id, min_tick, exchange_code, permissions)


def snapshot_end(req_id: int) -> bytes:
    return frame(57, 1, req_id)


def heads(req_id: int) -> tuple[bytes, bytes, bytes, bytes, bytes]:
    """First halves of tickPrice, tickSize, tickGeneric, tickString and tickOptionComputation for one subscription."""
    versioned = [f"{message}\0006\0{req_id}\0".encode("ascii") for message in (1, 2, 45, 46)]
    return versioned[0], versioned[1], versioned[2], versioned[3], f"21\0{req_id}\0".encode("ascii")


PRICE, SIZE, GENERIC, STRING, OPTION = range(5)  # places in heads()


def tick_price(kind: int, price: float, size: int, attributes: int) -> bytes:
    return f"{kind}\0{number(price)}\0{size}\0{attributes}\0".encode("ascii")


def tick_size(kind: int, size: int) -> bytes:
    return f"{kind}\0{size}\0".encode("ascii")


def tick_generic(kind: int, value: float) -> bytes:
    return f"{kind}\0{number(value)}\0".encode("ascii")


def tick_string(kind: int, text: str) -> bytes:
    return f"{kind}\0{text}\0".encode("ascii")


def tick_option(
    kind: int, iv: float, delta: float, price: float, gamma: float, vega: float, theta: float, under: float
) -> bytes:
    """Return-based (attribute 0), no present value of dividends."""
    return (
        f"{kind}\x000\0{iv:.10f}\0{delta:.10f}\0{price:.8f}\x000.0\0{gamma:.10f}\0{vega:.10f}\0{theta:.10f}\0{under:.8f}\0"
    ).encode("ascii")


# Accounts.


def account_value(key: str, value: str, currency: str, account: str) -> bytes:
    return frame(6, 2, key, value, currency, account)


def portfolio(
    x: Instrument, position: int, price: float, value: str, cost: str, unrealized: str, realized: str, account: str
) -> bytes:
    return frame(
        7, 8, x.con_id, x.symbol, x.sec_type, x.expiry, x.strike, x.right or "0", x.multiplier_text,
        x.primary or x.exchange, x.currency, x.local_symbol, x.trading_class, position, price, value, cost, unrealized,
        realized, account,
    )  # fmt: skip


def account_time(text: str) -> bytes:
    return frame(8, 1, text)


def account_download_end(account: str) -> bytes:
    return frame(54, 1, account)


def account_update_multi(req_id: int, account: str, model: str, key: str, value: str, currency: str) -> bytes:
    return frame(73, 1, req_id, account, model, key, value, currency)


def account_update_multi_end(req_id: int) -> bytes:
    return frame(74, 1, req_id)


def account_summary(req_id: int, account: str, tag: str, value: str, currency: str) -> bytes:
    return frame(63, 1, req_id, account, tag, value, currency)


def account_summary_end(req_id: int) -> bytes:
    return frame(64, 1, req_id)


def position(account: str, x: Instrument, quantity: int, cost: str) -> bytes:
    return frame(61, 3, account, *contract11(x, position_exchange(x)), quantity, cost)


def position_end() -> bytes:
    return frame(62, 1)


def position_multi(req_id: int, account: str, x: Instrument, quantity: int, cost: str) -> bytes:
    return frame(71, 1, req_id, account, *contract11(x, position_exchange(x)), quantity, cost, "")


def position_multi_end(req_id: int) -> bytes:
    return frame(72, 1, req_id)


def position_exchange(x: Instrument) -> str:
    """A position names where a stock is listed, and nothing for an option, as TWS does."""
    return x.primary if x.sec_type == "STK" else "" if x.sec_type == "OPT" else x.exchange


def pnl(req_id: int, daily: str, unrealized: str, realized: str) -> bytes:
    return frame(94, req_id, daily, unrealized, realized)


def pnl_single(req_id: int, quantity: int, daily: str, unrealized: str, realized: str, value: str) -> bytes:
    return frame(95, req_id, quantity, daily, unrealized, realized, value)
