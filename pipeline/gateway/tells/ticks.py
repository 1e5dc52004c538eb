"""Frames of level-1 market data; ticks come in two halves so that one tail serves every subscriber. Pure."""

from __future__ import annotations

from pipeline.gateway.tells.frames import frame, number


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


def not_computed(kind: int) -> bytes:
    """An option computation without a result."""
    return b"%d\x000\0-1\0-2\0-1\0-1\0-2\0-2\0-2\0-1\0" % kind
