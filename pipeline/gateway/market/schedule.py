"""Trading hours as TWS writes them, from the same spans by which the market opens and closes. Pure."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from pipeline.gateway.market import days, sessions
from pipeline.gateway.market.instruments import Instrument
from pipeline.gateway.market.sessions import FUTURE, Phase

EASTERN, CENTRAL = "US/Eastern", "US/Central"
CHICAGO_SYMBOLS = ("SPX", "VIX", "ES", "NQ")
DAYS_TOLD = 6


def zone_of(x: Instrument) -> str:
    """TWS's name of the exchange's time zone."""
    return CENTRAL if x.symbol in CHICAGO_SYMBOLS and x.sec_type != "STK" else EASTERN


def trading_hours(x: Instrument, first: date) -> str:
    """`20261123:0400-20261123:2000;20261126:CLOSED;…`: every span of the day joined, in the exchange's zone."""
    return hours_text(sessions.kind_of(x), zone_of(x), first, False)


def liquid_hours(x: Instrument, first: date) -> str:
    return hours_text(sessions.kind_of(x), zone_of(x), first, True)


@cache
def hours_text(kind: str, zone: str, first: date, liquid: bool) -> str:
    """The hours of six trade dates; `liquid`: without the time before and after, of futures Chicago's day."""
    return ";".join(_day(kind, zone, first + timedelta(days=n), liquid) for n in range(DAYS_TOLD))


def _day(kind: str, zone: str, day: date, liquid: bool) -> str:
    spans = [s for s in sessions.spans(kind, day) if s[2] is Phase.OPEN or not liquid]
    if not spans:
        return f"{day:%Y%m%d}:CLOSED"
    begin, end = _wall(spans[0][0], zone), _wall(spans[-1][1], zone)
    if liquid and kind == FUTURE:
        opens = "0830" if zone == CENTRAL else "0930"
        return f"{day:%Y%m%d}:{opens}-{end:%Y%m%d:%H%M}"
    return f"{begin:%Y%m%d:%H%M}-{end:%Y%m%d:%H%M}"


def _wall(ns: int, zone: str) -> datetime:
    return datetime.fromtimestamp(ns // days.NS, ZoneInfo(zone))


def last_trade(x: Instrument) -> str:
    """The last day, with the time at which a derivative's final value is fixed; empty without an expiry."""
    if not x.expiry or x.bond is not None:
        return x.expiry
    at = _wall(days.end_of(x.expiry), zone_of(x))
    return f"{x.expiry} {at:%H:%M} {zone_of(x)}"
