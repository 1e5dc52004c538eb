"""Frames about the past: bars, ticks, the first time, a histogram, a schedule. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pipeline.gateway.market.bars import Bar
from pipeline.gateway.tells.frames import Value, frame, number

END_APART_FROM = 196


def size(value: float) -> str:
    """A whole quantity without a point."""
    return str(int(value)) if value == int(value) else number(value)


def historical_data(sv: int, req_id: int, start: str, end: str, bars: Sequence[tuple[str, Bar]]) -> list[bytes]:
    """All bars, each with its time as text, and their end: in one frame below 196, in two from there on."""
    fields: list[Value] = [17, req_id]
    if sv < END_APART_FROM:
        fields += [start, end]
    fields.append(len(bars))
    for text, bar in bars:
        fields += [text, bar.open, bar.high, bar.low, bar.close, size(bar.volume), size(bar.wap), bar.count]
    frames = [frame(*fields)]
    if sv >= END_APART_FROM:
        frames.append(historical_data_end(req_id, start, end))
    return frames


def historical_data_end(req_id: int, start: str, end: str) -> bytes:
    return frame(108, req_id, start, end)


def historical_data_update(req_id: int, text: str, bar: Bar) -> bytes:
    """The newest bar of a request that is kept up to date; mind the order of its prices."""
    return frame(90, req_id, bar.count, text, bar.open, bar.close, bar.high, bar.low, size(bar.wap), size(bar.volume))


def head_timestamp(req_id: int, text: str) -> bytes:
    return frame(88, req_id, text)


def histogram(req_id: int, rows: Sequence[tuple[float, float]]) -> bytes:
    """Rows of price and size."""
    return frame(89, req_id, len(rows), *(field for price, count in rows for field in (price, size(count))))


def schedule(req_id: int, start: str, end: str, zone: str, sessions: Sequence[tuple[str, str, str]]) -> bytes:
    """Sessions as start, end and reference date."""
    return frame(106, req_id, start, end, zone, len(sessions), *(text for row in sessions for text in row))


def ticks(req_id: int, rows: Sequence[tuple[int, float]], done: bool) -> bytes:
    """Midpoints: UTC seconds and price."""
    fields: Iterable[Value] = (f for time_s, price in rows for f in (time_s, 0, price, "0"))
    return frame(96, req_id, len(rows), *fields, done)


def ticks_bid_ask(req_id: int, rows: Sequence[tuple[int, float, float, float, float]], done: bool) -> bytes:
    """Quotes: UTC seconds, bid, ask, size of each."""
    fields: Iterable[Value] = (f for t, bid, ask, b, a in rows for f in (t, 0, bid, ask, size(b), size(a)))
    return frame(97, req_id, len(rows), *fields, done)


def ticks_last(req_id: int, rows: Sequence[tuple[int, float, float, str]], done: bool) -> bytes:
    """Trades: UTC seconds, price, size, exchange."""
    fields: Iterable[Value] = (f for t, price, count, where in rows for f in (t, 0, price, size(count), where, ""))
    return frame(98, req_id, len(rows), *fields, done)
