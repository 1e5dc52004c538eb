"""When an order may trade: phases of the market, good-till and good-after times. Pure."""

from __future__ import annotations

import re
from datetime import datetime, time
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pipeline.gateway.broker.ordering import CLOSING_KINDS, Order
from pipeline.gateway.market import days, sessions
from pipeline.gateway.market.sessions import Phase
from pipeline.gateway.market.universe import Instrument

WRITTEN = re.compile(r"(\d{8})?(?:[ -]*(\d{1,2}):(\d{2})(?::(\d{2}))?)? *([A-Za-z_/+\-0-9]*)")
ZONES = {
    "": "America/New_York",
    "EST": "America/New_York",
    "EDT": "America/New_York",
    "EST5EDT": "America/New_York",
    "CST": "America/Chicago",
    "PST": "America/Los_Angeles",
    "GMT": "UTC",
}
REGULAR_ONLY = ("MKT", "MTL", "MIDPRICE", "PEG MID", "PEG MKT", "REL", *CLOSING_KINDS)


def moment(text: str, now_ns: int) -> int:
    """UTC ns of a time as the API spells it: `20261123 15:59:00 US/Eastern`; a dash before the time means UTC.

    No date: today in New York. No zone: New York. ValueError when it is none of these.
    """
    found = WRITTEN.fullmatch(text.strip())
    if found is None or not (found[1] or found[2]):
        raise ValueError(f"expected a time like 20261123 15:59:00 US/Eastern, found {text[:40]!r}")
    try:
        zone = ZoneInfo("UTC" if "-" in text[8:10] and not found[5] else ZONES.get(found[5], found[5]))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"expected a time zone, found {found[5][:40]!r}") from None
    day = datetime.strptime(found[1], "%Y%m%d").date() if found[1] else days.new_york(now_ns).date()
    clock = time(int(found[2]), int(found[3]), int(found[4] or 0)) if found[2] else time(23, 59, 59)
    return int(datetime.combine(day, clock, zone).timestamp()) * days.NS


def may_trade(order: Order, phase: Phase) -> bool:
    """Whether the phase of its market lets this order trade; the closing auction is not asked about here."""
    if order.tif == "OPG":
        return phase is Phase.OPEN and not order.awaits_close
    if order.kind in CLOSING_KINDS:
        return False
    if phase is Phase.OPEN:
        return True
    return phase in (Phase.PRE, Phase.POST) and order.outside_rth and order.kind not in REGULAR_ONLY


def ends(order: Order, before: Phase, phase: Phase) -> bool:
    """Whether a day order ends as its market goes from one phase to the next."""
    if order.tif != "DAY" or before is phase:
        return False
    if order.outside_rth:
        return phase is Phase.CLOSED and before in (Phase.OPEN, Phase.POST)
    return before is Phase.OPEN


def next_open(x: Instrument, now_ns: int) -> datetime:
    """The next regular opening of this contract's market, New York time."""
    kind, due = sessions.kind_of(x), now_ns
    while sessions.at(kind, due)[2] is not Phase.OPEN:
        due = sessions.at(kind, due)[1]
    return days.new_york(sessions.at(kind, due)[0])
