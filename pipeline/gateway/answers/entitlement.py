"""Which data a client may see: live where it is subscribed to, delayed where it asked for that, else TWS's refusal."""

from __future__ import annotations

from collections.abc import Collection

from pipeline.gateway.answers.area import House
from pipeline.gateway.asks.request import BadRequest
from pipeline.gateway.market.universe import Instrument
from pipeline.gateway.session import Session

LIVE, FROZEN, DELAYED, DELAYED_FROZEN = 1, 2, 3, 4
EVERYTHING = "*"
INDEPENDENT = {104, 106, 165, 236, 258, 292, 411, 456, 460}  # generic ticks that need no live data
NEEDS_MORE = (
    "Requested market data requires additional subscription for API. "
    "See link in 'Market Data Connections' dialog for more details."
)
NOT_SUBSCRIBED, LATE_IS_THERE = "Requested market data is not subscribed.", "Delayed market data is available."
SHOWN_LATE = "Requested market data is not subscribed. Displaying delayed market data."
IN_PART = "Part of requested market data is not subscribed. Subscription-independent ticks are still active."


def is_live(house: House, x: Instrument) -> bool:
    """Whether the user has subscribed to the contract's live data; a recording plays as such."""
    if house.charts is None:
        return True
    missing = house.settings.without_live_data
    return x.symbol not in missing and EVERYTHING not in missing


def check(house: House, session: Session, req_id: int, x: Instrument, kind: int, numbers: Collection[int]) -> bool:
    """Whether a level-1 request of market data type `kind` gets delayed data; BadRequest where it gets none.

    Advisories (10167, 10090) are told; data follows them.
    """
    if is_live(house, x):
        return False
    if kind in (LIVE, FROZEN) or x.sec_type == "BAG":
        raise BadRequest(req_id, *refusal(x))
    house.error(session, req_id, 10167, SHOWN_LATE)
    if not set(numbers) <= INDEPENDENT:
        house.error(session, req_id, 10090, f"{IN_PART}{LATE_IS_THERE}{place(x)}")
    return True


def refusal(x: Instrument) -> tuple[int, str]:
    """Code and text: 10089 of stocks, 354 of all others."""
    if x.sec_type == "STK":
        return 10089, f"{NEEDS_MORE}{LATE_IS_THERE}{place(x)}"
    return 354, f"{NOT_SUBSCRIBED}{LATE_IS_THERE}{place(x)}"


def place(x: Instrument) -> str:
    where = {"NASDAQ": "NASDAQ.NMS"}.get(x.primary, x.primary) or x.exchange
    return f"{x.symbol} {where}/TOP/ALL"
