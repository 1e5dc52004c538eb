"""Hot messages: contiguous numpy structured arrays, one dtype a kind."""

from __future__ import annotations

from enum import IntFlag
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import WireError
from pipeline.messages.envelope import Frame


class TickFlag(IntFlag):
    """`flags` of a TICK and an OPTION."""

    AUTO_EXECUTE = 1
    PAST_LIMIT = 2
    PRE_OPEN = 4
    DELAYED = 8
    FROZEN = 16
    SNAPSHOT = 32  # sent as part of a subscription's first picture
    SUSPECT = 64  # outside what a sane market gives; kept, never used for margin
    PRICE_BASED = 128  # of an OPTION: computed from prices, not from returns
    HISTORICAL = 256  # answered from TWS's history, not told as it happened
    UNREPORTED = 512  # of a TBT_LAST: a trade that the exchange doesn't report
    BID_PAST_LOW = 1024  # of a TBT_QUOTE
    ASK_PAST_HIGH = 2048  # of a TBT_QUOTE
    SMART_DEPTH = 4096  # of a DEPTH: a row of the book over all exchanges


TICK = np.dtype(
    [
        ("recv_ns", "<i8"),
        ("market_ns", "<i8"),
        ("con_id", "<i4"),
        (
            "tick_type",
            "<i2",
        ),  # TWS's own: 1 bid, 2 ask, 4 last, 0/3/5 their sizes, 8 volume, 9 close, 45 time …
        ("flags", "<u2"),
        ("price", "<f8"),  # nan where the type carries none
        ("size", "<f8"),  # nan where the type carries none
    ]
)
OPTION = np.dtype(
    [
        ("recv_ns", "<i8"),
        ("market_ns", "<i8"),
        ("con_id", "<i4"),
        ("tick_type", "<i2"),  # 10 bid, 11 ask, 12 last, 13 model computation
        ("flags", "<u2"),
        ("implied_vol", "<f8"),
        ("delta", "<f8"),
        ("price", "<f8"),
        ("pv_dividend", "<f8"),
        ("gamma", "<f8"),
        ("vega", "<f8"),
        ("theta", "<f8"),
        ("underlying_price", "<f8"),
    ]
)
TBT_LAST = np.dtype(
    [
        ("recv_ns", "<i8"),
        ("market_ns", "<i8"),  # TWS's own time of the trade, whole seconds
        ("con_id", "<i4"),
        ("tick_type", "<i2"),  # TWS's: 1 Last, 2 AllLast
        ("flags", "<u2"),
        ("price", "<f8"),
        ("size", "<f8"),
        ("exchange", "S12"),
        ("conditions", "S12"),
    ]
)
TBT_QUOTE = np.dtype(
    [
        ("recv_ns", "<i8"),
        ("market_ns", "<i8"),  # TWS's own time of the quote, whole seconds
        ("con_id", "<i4"),
        ("tick_type", "<i2"),  # TWS's: 3
        ("flags", "<u2"),
        ("bid", "<f8"),
        ("ask", "<f8"),
        ("bid_size", "<f8"),
        ("ask_size", "<f8"),
    ]
)
TBT_MID = np.dtype(
    [
        ("recv_ns", "<i8"),
        ("market_ns", "<i8"),  # TWS's own time, whole seconds
        ("con_id", "<i4"),
        ("tick_type", "<i2"),  # TWS's: 4
        ("flags", "<u2"),
        ("price", "<f8"),
    ]
)
DEPTH = np.dtype(
    [
        ("recv_ns", "<i8"),
        ("market_ns", "<i8"),
        ("con_id", "<i4"),
        ("position", "<i2"),  # row of the book, 0 is the best
        ("operation", "i1"),  # 0 insert, 1 update, 2 delete
        ("side", "i1"),  # 0 ask, 1 bid
        ("price", "<f8"),
        ("size", "<f8"),
        ("market_maker", "S14"),  # or the exchange of a smart book; empty in a book without names
        ("flags", "<u2"),
    ]
)
BAR = np.dtype(
    [
        ("recv_ns", "<i8"),
        ("market_ns", "<i8"),  # its start; midnight UTC of its date for a day and longer
        ("con_id", "<i4"),
        ("what", "<i2"),  # index of BAR_KINDS
        ("flags", "<u2"),
        ("open", "<f8"),
        ("high", "<f8"),
        ("low", "<f8"),
        ("close", "<f8"),
        ("volume", "<f8"),  # nan where the kind has none
        ("wap", "<f8"),
        ("count", "<i4"),  # trades; −1 where the kind has none
        ("seconds", "<i4"),  # 5 of a live bar; a month counts as 30 days
    ]
)
BAR_KINDS = (
    "TRADES", "MIDPOINT", "BID", "ASK", "BID_ASK", "HISTORICAL_VOLATILITY", "OPTION_IMPLIED_VOLATILITY",
    "ADJUSTED_LAST", "SCHEDULE", "FEE_RATE", "YIELD_BID", "YIELD_ASK", "YIELD_BID_ASK", "YIELD_LAST", "AGGTRADES",
)  # fmt: skip
MARGIN_ACCOUNT = np.dtype(
    [
        ("account", "S16"),
        ("oldest_ns", "<i8"),  # receive time of the oldest tick not answered before
        ("newest_ns", "<i8"),
        ("market_ns", "<i8"),
        ("input_seq", "<u8"),  # of ingest's stream, the last record applied
        ("level", "<u2"),  # 0 OK · 1 CAUTION · 2 WARN · 3 ALARM · 4 CRITICAL
        ("flags", "<u2"),  # MarginFlag
        ("positions", "<i4"),
        ("net_liquidation", "<f8"),
        ("equity_with_loan", "<f8"),
        ("initial_margin", "<f8"),
        ("maintenance_margin", "<f8"),
        ("reg_t_margin", "<f8"),
        ("available_funds", "<f8"),
        ("excess_liquidity", "<f8"),
        ("cushion", "<f8"),
        ("buying_power", "<f8"),
        ("gross_position_value", "<f8"),
        ("unrealized_pnl", "<f8"),
        ("daily_pnl", "<f8"),
        ("sma", "<f8"),
        ("cash", "<f8"),
        ("net_liquidation_s", "<f8"),
        ("initial_margin_s", "<f8"),
        ("maintenance_margin_s", "<f8"),
        ("net_liquidation_c", "<f8"),
        ("initial_margin_c", "<f8"),
        ("maintenance_margin_c", "<f8"),
        ("tws_net_liquidation", "<f8"),
        ("tws_initial_margin", "<f8"),
        ("tws_maintenance_margin", "<f8"),
        ("tws_excess_liquidity", "<f8"),
        ("tws_ns", "<i8"),  # receive time of TWS's figures; 0 where there is none
        ("gap", "<f8"),  # (model − TWS) / TWS of maintenance margin
    ]
)
MARGIN_GROUP = np.dtype(
    [
        ("account", "S16"),
        ("underlying", "S16"),  # symbol of the class group
        ("con_id", "<i4"),  # of the underlying where it is known, else 0
        ("flags", "<u2"),  # MarginFlag
        ("legs", "<u2"),
        ("oldest_ns", "<i8"),
        ("newest_ns", "<i8"),
        ("initial_margin", "<f8"),
        ("maintenance_margin", "<f8"),
        ("reg_t_margin", "<f8"),
        ("market_value", "<f8"),
        ("unrealized_pnl", "<f8"),
        ("share", "<f8"),  # of the account's maintenance margin, 0…1
    ]
)


class MarginFlag(IntFlag):
    """What to know about a margin figure."""

    AT_LEAST = 1  # an input is missing: the figure is a lower bound
    STALE_INPUT = 2
    MODELLED = 4  # a price was modelled from the underlying
    AFTER_FILL = 8
    LEVEL_CHANGE = 16


RECORD_TOPICS: dict[bytes, np.dtype[Any]] = {
    b"md.tick": TICK,
    b"md.option": OPTION,
    b"md.last": TBT_LAST,
    b"md.quote": TBT_QUOTE,
    b"md.mid": TBT_MID,
    b"md.depth": DEPTH,
    b"md.bar": BAR,
    b"hist.last": TBT_LAST,
    b"hist.quote": TBT_QUOTE,
    b"hist.mid": TBT_MID,
    b"hist.bar": BAR,
    b"margin.account": MARGIN_ACCOUNT,
    b"margin.group": MARGIN_GROUP,
}


def records(frame: Frame) -> NDArray[np.void]:
    """The records of a RECORDS frame, read-only and without a copy; WireError where topic and size disagree."""
    dtype = RECORD_TOPICS.get(frame.topic)
    if dtype is None:
        raise WireError(f"no record kind has the topic {frame.topic!r}")
    if len(frame.payload) != frame.header.count * dtype.itemsize:
        raise WireError(
            f"{frame.topic!r}: expected {frame.header.count} records of {dtype.itemsize} bytes, "
            f"found {len(frame.payload)} bytes"
        )
    return np.frombuffer(frame.payload, dtype=dtype)
