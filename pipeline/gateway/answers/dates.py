"""Times as TWS writes them in answers about the past. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from pipeline.gateway.asks import period
from pipeline.gateway.asks.request import BadRequest
from pipeline.gateway.market import days, schedule
from pipeline.gateway.market.instruments import Instrument
from pipeline.gateway.market.queries import Duration, Stretch, months_before

PERIODS = {"sec": "S", "day": "D", "week": "W", "month": "M", "year": "Y"}
LONGEST_PERIOD = {"S": 86_400, "D": 30, "W": 4, "M": 1}


def zone(x: Instrument) -> str:
    return schedule.zone_of(x)


def text(x: Instrument, time_s: int) -> str:
    """`20261123 09:30:00 US/Eastern`, in the exchange's zone."""
    return f"{_local(x, time_s):%Y%m%d %H:%M:%S} {zone(x)}"


def dashed(x: Instrument, ns: int) -> str:
    """`20261123-09:30:00`, in the exchange's zone."""
    return f"{_local(x, ns // days.NS):%Y%m%d-%H:%M:%S}"


def head(ns: int, date_format: int) -> str:
    """`20201102-14:30:00` in UTC, or with format 2 seconds."""
    seconds = ns // days.NS
    return str(seconds) if date_format == 2 else f"{datetime.fromtimestamp(seconds, UTC):%Y%m%d-%H:%M:%S}"


def begin_ns(end_ns: int, duration: Duration, of: Stretch) -> int:
    """Where the answer says that a duration begins: counted on the calendar, whatever was traded."""
    end = days.new_york(end_ns)
    if duration.unit == "S":
        return of.begin_ns or end_ns - duration.count * days.NS
    if duration.unit in "DW":
        begin = end - timedelta(days=duration.count * (7 if duration.unit == "W" else 1))
    else:
        months = duration.count * (12 if duration.unit == "Y" else 1)
        begin = datetime.combine(months_before(end.date(), min(months, 1200)), end.timetz())
    return int(begin.timestamp()) * days.NS


def histogram_period(req_id: int, asked: str) -> Duration:
    """`3 days`, `1 week`: a number and a unit in letters; a month is the longest here."""
    count, _, unit = asked.strip().partition(" ")
    found = PERIODS.get(unit.lower().rstrip("s"))
    if not count.isascii() or not count.isdigit() or found is None:
        raise BadRequest(req_id, 320, f"Error reading request. Unable to parse data. '{asked[:40]}'")
    if not 0 < int(count[:9]) <= LONGEST_PERIOD.get(found, 0):
        raise period.refused(req_id, "Historical data requested duration is invalid.")
    return Duration(int(count), found)


def _local(x: Instrument, time_s: int) -> datetime:
    return datetime.fromtimestamp(time_s, ZoneInfo(zone(x)))
