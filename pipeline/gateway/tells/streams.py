"""Frames of the finer streams: tick by tick, market depth, bars of five seconds. Pure."""

from __future__ import annotations

from pipeline.gateway.tells.frames import frame

LAST, ALL_LAST, BID_ASK, MID_POINT = 1, 2, 3, 4  # kinds of a tick by tick
INSERT, UPDATE, DELETE = 0, 1, 2  # operations on a row of the depth
ASK_SIDE, BID_SIDE = 0, 1


def tick_last(req_id: int, kind: int, time_s: int, price: float, size: int, exchange: str, conditions: str) -> bytes:
    """A trade; `kind` LAST or ALL_LAST. Neither past a limit nor unreported (mask 0)."""
    return frame(99, req_id, kind, time_s, price, size, 0, exchange, conditions)


def tick_bid_ask(
    req_id: int, time_s: int, bid: float, ask: float, bid_size: int, ask_size: int, below_low: bool, above_high: bool
) -> bytes:
    """A quote; whether its bid stands below the day's low, its ask above the day's high."""
    mask = (1 if below_low else 0) | (2 if above_high else 0)
    return frame(99, req_id, BID_ASK, time_s, bid, ask, bid_size, ask_size, mask)


def tick_mid_point(req_id: int, time_s: int, price: float) -> bytes:
    return frame(99, req_id, MID_POINT, time_s, price)


def depth_row(req_id: int, position: int, operation: int, side: int, price: float, size: int) -> bytes:
    return frame(12, 1, req_id, position, operation, side, price, size)


def depth_row_of(
    req_id: int, position: int, maker: str, operation: int, side: int, price: float, size: int, smart: bool
) -> bytes:
    """A row with its market maker, or with its exchange where the depth is SMART's."""
    return frame(13, 1, req_id, position, maker, operation, side, price, size, smart)


def real_time_bar(
    req_id: int, time_s: int, open_: float, high: float, low: float, close: float, volume: int, wap: float, count: int
) -> bytes:
    """A bar that began at `time_s`; volume, wap and count -1 where bars are not made of trades."""
    return frame(50, 3, req_id, time_s, open_, high, low, close, volume, wap, count)
