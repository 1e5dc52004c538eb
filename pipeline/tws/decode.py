"""One numba pass over the receive buffer: cuts frames, decodes the hot ones, leaves the rest in their place.

A frame is a big-endian length and a payload of fields, each ended by NUL, the first one the message id. Hot are
tickPrice (1), tickSize (2), tickGeneric (45), tickString with a number (46), tickOptionComputation (21), tickByTick
(99), marketDepth (12, 13) and realTimeBar (50). A frame that is hot but not spelled as TWS spells it is left to
`slow.py`, which gives the same record for every frame that this pass decodes (a differential test holds that, and both
against the genuine Decoder).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.jit import kernel
from pipeline.messages import BAR, DEPTH, OPTION, TBT_LAST, TBT_MID, TBT_QUOTE, TICK
from pipeline.tws.fields import Bytes
from pipeline.tws.hot import (
    GOOD,
    UNSURE,
    _bar,
    _by_tick,
    _computation,
    _depth,
    _hot_id,
    _midpoint,
    _quote,
    _tick_price,
    _tick_value,
    _trade,
)
from pipeline.tws.lines import Lines

MAX_FRAME_BYTES = 0xFFFFFF  # the genuine client stops at the same length
MAX_TICKS = 1 << 16
MAX_OTHERS = 1 << 15  # of each other kind
MAX_COLD = 1 << 12

MORE, FULL, TOO_LONG = 0, 1, 2  # why the kernel stopped
OFFSET, LENGTH, BEFORE = 0, 1, 2  # columns of `cold`; from BEFORE on one a kind of record

# Kinds of records, by their place in `Output.counts`.
TICKS, OPTIONS, TRADES, QUOTES, MIDPOINTS, DEPTHS, BARS = range(7)
KINDS = 7
DTYPES = (TICK, OPTION, TBT_LAST, TBT_QUOTE, TBT_MID, DEPTH, BAR)
TOPICS = (b"md.tick", b"md.option", b"md.last", b"md.quote", b"md.mid", b"md.depth", b"md.bar")


@kernel
def _feed(
    message: int,
    buffer: Bytes,
    at: int,
    end: int,
    con_ids: NDArray[np.int32],
    flags: NDArray[np.uint16],
    what: NDArray[np.int16],
    recv_ns: int,
    market_ns: int,
    trades: NDArray[np.void],
    quotes: NDArray[np.void],
    midpoints: NDArray[np.void],
    depths: NDArray[np.void],
    bars: NDArray[np.void],
    counts: NDArray[np.int64],
) -> int:
    """A frame of 99, 12, 13 or 50 into its array; its request id, or −1 where it is left to the slow path."""
    known = con_ids.size
    if message == 99:
        request, kind, time_ns, at = _by_tick(buffer, at, end)
        if at < 0 or request >= known or con_ids[request] == 0:
            return -1
        if kind <= 2:
            trade = trades[counts[TRADES]]
            if _trade(buffer, at, end, trade) != GOOD:
                return -1
            trade.tick_type = kind
            trade.market_ns = time_ns
            trade.recv_ns = recv_ns
            trade.con_id = con_ids[request]
            trade.flags |= flags[request]
            counts[TRADES] += 1
        elif kind == 3:
            quote = quotes[counts[QUOTES]]
            if _quote(buffer, at, end, quote) != GOOD:
                return -1
            quote.tick_type = kind
            quote.market_ns = time_ns
            quote.recv_ns = recv_ns
            quote.con_id = con_ids[request]
            quote.flags |= flags[request]
            counts[QUOTES] += 1
        else:
            midpoint = midpoints[counts[MIDPOINTS]]
            if _midpoint(buffer, at, end, midpoint) != GOOD:
                return -1
            midpoint.tick_type = kind
            midpoint.market_ns = time_ns
            midpoint.recv_ns = recv_ns
            midpoint.con_id = con_ids[request]
            midpoint.flags |= flags[request]
            counts[MIDPOINTS] += 1
        return request
    if message == 50:
        bar = bars[counts[BARS]]
        status, request = _bar(buffer, at, end, bar)
        if status != GOOD or request >= known or con_ids[request] == 0:
            return -1
        bar.what = what[request]
        bar.recv_ns = recv_ns
        bar.con_id = con_ids[request]
        bar.flags |= flags[request]
        counts[BARS] += 1
        return request
    depth = depths[counts[DEPTHS]]
    status, request = _depth(buffer, at, end, message == 13, depth)
    if status != GOOD or request >= known or con_ids[request] == 0:
        return -1
    depth.market_ns = market_ns
    depth.recv_ns = recv_ns
    depth.con_id = con_ids[request]
    depth.flags |= flags[request]
    counts[DEPTHS] += 1
    return request


@kernel
def decode(
    buffer: Bytes,
    start: int,
    end: int,
    con_ids: NDArray[np.int32],
    slots: NDArray[np.int32],
    line_flags: NDArray[np.uint16],
    what: NDArray[np.int16],
    seen_ns: NDArray[np.int64],
    recv_ns: int,
    market_ns: int,
    ticks: NDArray[np.void],
    tick_slots: NDArray[np.int32],
    options: NDArray[np.void],
    option_slots: NDArray[np.int32],
    trades: NDArray[np.void],
    quotes: NDArray[np.void],
    midpoints: NDArray[np.void],
    depths: NDArray[np.void],
    bars: NDArray[np.void],
    counts: NDArray[np.int64],
    cold: NDArray[np.int64],
) -> tuple[int, int, int]:
    """Frames of buffer[start:end] into the arrays of records and `cold`; `counts` becomes how many of each kind.

    `con_ids`, `slots`, `line_flags`, `what` and `seen_ns` are indexed by request id; con_id 0 is no line of ours, and
    `seen_ns` becomes `recv_ns` where a record came. `cold` gets, in order, offset and length of each payload that is
    not decoded here and how many records of each kind came before it.
    Returns (index of the first byte not used, cold frames, MORE | FULL | TOO_LONG).
    """
    n_ticks = 0
    n_options = 0
    n_cold = 0
    counts[:] = 0
    others_full = False
    at = start
    why = MORE
    while end - at >= 4:
        length: Any = (
            (np.int64(buffer[at]) << 24)
            | (np.int64(buffer[at + 1]) << 16)
            | (np.int64(buffer[at + 2]) << 8)
            | np.int64(buffer[at + 3])
        )
        if length > MAX_FRAME_BYTES:
            why = TOO_LONG
            break
        head = at + 4
        tail = head + length
        if tail > end:
            break
        if n_ticks == ticks.size or n_options == options.size or n_cold == cold.shape[0] or others_full:
            why = FULL
            break
        message, body = _hot_id(buffer, head, tail)
        status = UNSURE
        request = 0
        if message == 1:
            status, request = _tick_price(buffer, body, tail, ticks[n_ticks])
        elif message == 2 or message == 45 or message == 46:
            status, request = _tick_value(buffer, body, tail, message == 2, ticks[n_ticks])
        elif message == 21:
            status, request = _computation(buffer, body, tail, options[n_options])
        elif message != 0:
            request = _feed(
                message, buffer, body, tail, con_ids, line_flags, what, recv_ns, market_ns,
                trades, quotes, midpoints, depths, bars, counts,
            )  # fmt: skip
            if request >= 0:
                seen_ns[request] = recv_ns
                others_full = (
                    counts[TRADES] == trades.size
                    or counts[QUOTES] == quotes.size
                    or counts[MIDPOINTS] == midpoints.size
                    or counts[DEPTHS] == depths.size
                    or counts[BARS] == bars.size
                )
                at = tail
                continue
        if status == GOOD and request < con_ids.size and con_ids[request] != 0:
            seen_ns[request] = recv_ns
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
            row = cold[n_cold]
            row[OFFSET] = head
            row[LENGTH] = length
            row[BEFORE + TICKS] = n_ticks
            row[BEFORE + OPTIONS] = n_options
            for kind in range(TRADES, KINDS):
                row[BEFORE + kind] = counts[kind]
            n_cold += 1
        at = tail
    counts[TICKS] = n_ticks
    counts[OPTIONS] = n_options
    return at, n_cold, why


def _writable(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The same layout with texts as arrays of bytes, which compiled code can write."""
    assert dtype.names is not None
    parts = [(n, dtype[n]) if dtype[n].kind != "S" else (n, "u1", (dtype[n].itemsize,)) for n in dtype.names]
    return np.dtype(parts)


class Output:
    """The arrays that the kernel fills; they are used again by the next call. `records[kind]` and `counts[kind]`."""

    def __init__(self) -> None:
        sizes = [MAX_TICKS] + [MAX_OTHERS] * (KINDS - 1)
        pairs = zip(DTYPES, sizes, strict=True)
        self.raw: list[NDArray[Any]] = [np.zeros(size, dtype=_writable(dtype)) for dtype, size in pairs]
        self.records = [raw.view(dtype) for raw, dtype in zip(self.raw, DTYPES, strict=True)]
        self.slots: list[NDArray[np.int32]] = [np.zeros(size, dtype=np.int32) for size in sizes[:2]]
        self.counts: NDArray[np.int64] = np.zeros(KINDS, dtype=np.int64)
        self.cold: NDArray[np.int64] = np.zeros((MAX_COLD, BEFORE + KINDS), dtype=np.int64)


def run(buffer: NDArray[np.uint8], start: int, end: int, lines: Lines, recv_ns: int, market_ns: int,
        out: Output) -> tuple[int, int, int]:  # fmt: skip
    """`decode` over typed holders: (index of the first byte not used, cold frames, why it stopped)."""
    ticks, options, *feeds = out.raw
    trades, quotes, midpoints, depths, bars = feeds
    return decode(
        buffer, start, end, lines.con_ids, lines.slots, lines.flags, lines.what, lines.seen_ns, recv_ns, market_ns,
        ticks, out.slots[0], options, out.slots[1], trades, quotes, midpoints, depths, bars, out.counts, out.cold,
    )  # fmt: skip


def warm() -> None:
    """Compile or load the kernel (once a process, before `ready`)."""
    run(np.zeros(8, dtype=np.uint8), 0, 0, Lines(8), 0, 0, Output())
