"""TWS's historical bars and ticks as records. Pure; unset spellings end here."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.ingest.history_plan import NS, read_time
from pipeline.messages import BAR, BAR_KINDS, TBT_LAST, TBT_MID, TBT_QUOTE, TickFlag
from pipeline.tws.translate import number

Records = NDArray[np.void]
HISTORICAL = int(TickFlag.HISTORICAL)


def bar(told: Any, con_id: int, what: str, seconds: int, recv_ns: int, asked_for: bool = True) -> Records:
    """One BAR; ValueError where its time can't be read. `asked_for`: of the past, on request."""
    made = np.zeros(1, dtype=BAR)
    made["recv_ns"], made["market_ns"], made["con_id"] = recv_ns, read_time(str(told.date).strip()), con_id
    made["what"], made["flags"], made["seconds"] = BAR_KINDS.index(what), HISTORICAL * asked_for, seconds
    for name in ("open", "high", "low", "close"):
        made[name] = number(getattr(told, name))
    made["volume"], made["wap"] = _counted(told.volume), _counted(told.wap)
    count = number(told.barCount)
    made["count"] = -1 if math.isnan(count) else int(count)
    return made


def _counted(value: Any) -> float:
    """−1 is TWS's word for none."""
    found = number(value)
    return math.nan if found == -1.0 else found


def trades(told: Sequence[Any], con_id: int, recv_ns: int) -> Records:
    """TBT_LAST of historicalTicksLast."""
    made = _stamped(np.zeros(len(told), dtype=TBT_LAST), told, con_id, recv_ns, 1)
    for row, tick in zip(made, told, strict=True):
        row["price"], row["size"] = number(tick.price), number(tick.size)
        row["exchange"], row["conditions"] = _ascii(tick.exchange), _ascii(tick.specialConditions)
        attributes = tick.tickAttribLast
        row["flags"] |= (TickFlag.PAST_LIMIT if attributes.pastLimit else 0) | (
            TickFlag.UNREPORTED if attributes.unreported else 0
        )
    return made


def quotes(told: Sequence[Any], con_id: int, recv_ns: int) -> Records:
    """TBT_QUOTE of historicalTicksBidAsk."""
    made = _stamped(np.zeros(len(told), dtype=TBT_QUOTE), told, con_id, recv_ns, 3)
    for row, tick in zip(made, told, strict=True):
        row["bid"], row["ask"] = number(tick.priceBid), number(tick.priceAsk)
        row["bid_size"], row["ask_size"] = number(tick.sizeBid), number(tick.sizeAsk)
        attributes = tick.tickAttribBidAsk
        row["flags"] |= (TickFlag.BID_PAST_LOW if attributes.bidPastLow else 0) | (
            TickFlag.ASK_PAST_HIGH if attributes.askPastHigh else 0
        )
    return made


def midpoints(told: Sequence[Any], con_id: int, recv_ns: int) -> Records:
    """TBT_MID of historicalTicks."""
    made = _stamped(np.zeros(len(told), dtype=TBT_MID), told, con_id, recv_ns, 4)
    for row, tick in zip(made, told, strict=True):
        row["price"] = number(tick.price)
    return made


def _stamped(made: Records, told: Sequence[Any], con_id: int, recv_ns: int, kind: int) -> Records:
    made["recv_ns"], made["con_id"], made["flags"], made["tick_type"] = recv_ns, con_id, HISTORICAL, kind
    made["market_ns"] = [int(tick.time) * NS for tick in told]
    return made


def _ascii(text: str) -> bytes:
    return text.encode("ascii", "replace")


def inside(records: Records, from_ns: int, to_ns: int) -> Records:
    """Those in [from_ns, to_ns), in order of time; ticks of one second keep TWS's order."""
    kept = records[(records["market_ns"] >= from_ns) & (records["market_ns"] < to_ns)]
    return kept[np.argsort(kept["market_ns"], kind="stable")]
