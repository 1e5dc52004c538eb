"""Hot frames one by one in plain Python: the reference of `decode.py`, and its way out for unusual spellings.

It accepts what the genuine Decoder accepts (the same `int`, `float`, `Decimal` on the same fields) and differs from
it where that loses the difference between nothing and zero: an empty number is unknown here, not 0.
"""

from __future__ import annotations

import math
import re

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import WireError
from pipeline.messages import OPTION, TICK, TickFlag
from pipeline.tws import slow_feeds
from pipeline.tws.hot import DELAYED, SIZED_TYPES
from pipeline.tws.plain import integer, number, size

HOT_IDS = frozenset((1, 2, 45, 46, 21, *slow_feeds.READERS))
_NUMBER = re.compile(rb"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
_ATTRIBUTES = int(TickFlag.AUTO_EXECUTE | TickFlag.PAST_LIMIT | TickFlag.PRE_OPEN)


def fields_of(frame: bytes) -> list[bytes]:
    """The NUL-ended fields of a payload, the message id first; what follows the last NUL is dropped, as ibapi does."""
    return frame.split(b"\0")[:-1]


def is_number(value: bytes) -> bool:
    """True for a tickString value that becomes a TICK; everything else becomes a MarketText."""
    return _NUMBER.fullmatch(value) is not None


def record(fields: list[bytes]) -> tuple[int, NDArray[np.void]]:
    """(request id, one record without recv_ns and con_id) of a hot frame that is not a text; else WireError.

    market_ns stands in it where the frame tells it, else 0.
    """
    message = integer(fields[0])
    if message in slow_feeds.READERS:
        return slow_feeds.READERS[message](fields)
    if message == 21:
        return _computation(fields)
    if message == 1:
        return _tick_price(fields)
    expected_exactly = message in (45, 46)
    if len(fields) < 5 or (expected_exactly and len(fields) != 5):
        raise WireError(f"message {message}: expected 5 fields, found {len(fields)}")
    if message == 2:
        integer(fields[1])  # of the others ibapi never looks at the version field
    value = size(fields[4]) if message == 2 else number(fields[4])
    tick = _tick(integer(fields[3]))
    tick["size" if message == 2 else "price"] = value
    return integer(fields[2]), tick


def _tick_price(fields: list[bytes]) -> tuple[int, NDArray[np.void]]:
    if len(fields) < 7:
        raise WireError(f"message 1: expected 7 fields, found {len(fields)}")
    integer(fields[1])
    tick = _tick(integer(fields[3]))
    price, amount, mask = number(fields[4]), size(fields[5]), integer(fields[6])
    sized = int(tick["tick_type"][0]) in SIZED_TYPES
    nothing = math.isnan(amount) or amount == 0.0
    if nothing and (price == -1.0 or (sized and price == 0.0)):
        price = math.nan
    tick["price"] = price
    tick["size"] = amount if sized else math.nan
    tick["flags"] |= mask & _ATTRIBUTES
    return integer(fields[2]), tick


def _tick(kind: int) -> NDArray[np.void]:
    if not 0 <= kind < 1 << 15:
        raise WireError(f"expected a tick type, found {kind}")
    tick = np.zeros(1, dtype=TICK)
    tick["tick_type"] = DELAYED.get(kind, kind)
    tick["flags"] = TickFlag.DELAYED if kind in DELAYED else 0
    tick["price"] = tick["size"] = math.nan
    return tick


def _computation(fields: list[bytes]) -> tuple[int, NDArray[np.void]]:
    if len(fields) < 12:
        raise WireError(f"message 21: expected 12 fields, found {len(fields)}")
    kind, attribute = integer(fields[2]), integer(fields[3])
    if not 0 <= kind < 1 << 15:
        raise WireError(f"expected a tick type, found {kind}")
    option = np.zeros(1, dtype=OPTION)
    option["tick_type"] = DELAYED.get(kind, kind)
    option["flags"] = (TickFlag.DELAYED if kind in DELAYED else 0) | (TickFlag.PRICE_BASED if attribute == 1 else 0)
    names = ("implied_vol", "delta", "price", "pv_dividend", "gamma", "vega", "theta", "underlying_price")
    absent = (None, -2.0, -1.0, -1.0, -2.0, -2.0, -2.0, -1.0)  # "not computed"; a volatility below 0 is always that
    for name, missing, field in zip(names, absent, fields[4:12], strict=True):
        value = number(field)
        gone = value < 0.0 if missing is None else value == missing
        option[name] = math.nan if gone else value
    return integer(fields[1]), option
