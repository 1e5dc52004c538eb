"""The tables. Rows of journaled records have (stream, epoch, seq), their position for ever, and are never changed.

Units: `_ns` is UTC nanoseconds; money is the account's base currency unless a comment says otherwise; NULL is unknown.
`epoch` is the journal's random unsigned 64-bit number as a signed bigint (two's complement, see `storage.rows`).
Tables without these three columns are latest values, derived from the rows, one a key.
"""

from storage.models.account import (
    AccountPnL,
    AccountValue,
    LatestAccountValue,
    LatestPosition,
    Position,
)
from storage.models.feeds import Bar, Depth, Midpoint, Quote, Trade
from storage.models.margin import MarginAccountSnapshot, MarginGroupSnapshot
from storage.models.market import (
    Instrument,
    InstrumentVersion,
    LatestQuote,
    OptionComputation,
    Tick,
)
from storage.models.orders import (
    Audit,
    Commission,
    Execution,
    LatestOrder,
    OrderIntent,
    OrderPreview,
    OrderState,
)
from storage.models.system import (
    Event,
    Gap,
    ProcessEvent,
    RejectedRow,
    TwsState,
    Watermark,
)

__all__ = [
    "AccountPnL",
    "AccountValue",
    "Audit",
    "Bar",
    "Commission",
    "Depth",
    "Event",
    "Execution",
    "Gap",
    "Instrument",
    "InstrumentVersion",
    "LatestAccountValue",
    "LatestOrder",
    "LatestPosition",
    "LatestQuote",
    "MarginAccountSnapshot",
    "MarginGroupSnapshot",
    "Midpoint",
    "OptionComputation",
    "OrderIntent",
    "OrderPreview",
    "OrderState",
    "Position",
    "ProcessEvent",
    "Quote",
    "RejectedRow",
    "Tick",
    "Trade",
    "TwsState",
    "Watermark",
]
