"""Stretches of time as clients write them: ends, durations, bar sizes. Pure; what TWS can't read it refuses."""

from __future__ import annotations

import re
from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pipeline.gateway.asks.request import BadRequest
from pipeline.gateway.market import days
from pipeline.gateway.market.queries import BAR_SIZES, Duration

OTHER_SPELLINGS = {"1 week": "1W", "1w": "1W", "1 w": "1W", "1 month": "1M", "1m": "1M", "1 m": "1M"}
UNITS = {"S": "S", "s": "S", "D": "D", "d": "D", "W": "W", "w": "W", "M": "M", "m": "M", "Y": "Y", "y": "Y"}
LONGEST = {"S": 86_400, "D": 365, "W": 52, "M": 12}
TOO_LONG = {
    "S": "Historical data request for greater than 86400 seconds rejected.",
    "D": "Historical data requests for durations longer than 365 days must be made in years.",
    "W": "Historical data request for durations longer than 52 weeks must be made in years.",
    "M": "Historical data request for durations longer than 12 months must be made in years.",
}
SHORTEST_S, LONGEST_YEARS = 30, 200
TIME = re.compile(r"(?:(\d{8})[ -]\s*)?(\d{1,2}):(\d{2}):(\d{2})(?:\s+(\S+(?: \S+)*))?")
UTC_TIME = re.compile(r"(\d{8})-(\d{2}):(\d{2}):(\d{2})")
ZONES = {"EST": "America/New_York", "EDT": "America/New_York", "CST": "America/Chicago", "GMT": "UTC"}
BAD_TIME = """{what}: The date, time, or time-zone entered is invalid.
The correct format is yyyymmdd hh:mm:ss xx/xxxx
where yyyymmdd and xx/xxxx are optional.
E.g.: 20031126 15:59:00 US/Eastern

Note that there is a space between the date and time,
and between the time and time-zone.

If no date is specified, current date is assumed.
If no time-zone is specified, local time-zone is assumed(deprecated).

You can also provide yyyymmddd-hh:mm:ss time is in UTC.
Note that there is a dash between the date and time in UTC notation."""


def refused(req_id: int, cause: str) -> BadRequest:
    return BadRequest(req_id, 321, f"Error validating request.-'bM' : cause - {cause}")


def bar_size(req_id: int, text: str) -> str:
    """The size as TWS spells it, a key of BAR_SIZES."""
    found = OTHER_SPELLINGS.get(text.lower(), text if text in BAR_SIZES else text.lower())
    if found not in BAR_SIZES:
        legal = ", ".join(BAR_SIZES)
        raise refused(req_id, f"Historical data bar size setting is invalid. Legal ones are: {legal}")
    return found


def duration(req_id: int, text: str) -> Duration:
    """A duration; without a unit it is in seconds."""
    if not text:
        raise refused(req_id, "Historical data request duration not specified.")
    count, space, unit = text.strip().partition(" ")
    if not space and count.isdigit():
        space, unit = " ", "S"
    if not space or not count.isascii() or not count.isdigit() or unit not in UNITS:
        legal = "When specifying a unit, historical data request duration format is integer{SPACE}unit (S|D|W|M|Y)."
        raise refused(req_id, legal)
    found = Duration(int(count[:10]), UNITS[unit])
    if found.count < 1 or (found.unit == "S" and found.count < SHORTEST_S):
        raise refused(req_id, "Historical data requested duration is invalid.")
    if found.count > LONGEST.get(found.unit, LONGEST_YEARS):
        raise refused(req_id, TOO_LONG.get(found.unit, "Historical data requested duration is invalid."))
    return found


def moment_ns(req_id: int, text: str, now_ns: int, what: str) -> int:
    """UTC ns of a time as clients write it; without a zone it is New York's, without a date today's there."""
    text = text.strip()
    utc = UTC_TIME.fullmatch(text)
    found = utc or TIME.fullmatch(text)
    bad = BadRequest(req_id, 10314, BAD_TIME.format(what=what))
    if found is None:
        raise bad
    today = days.new_york(now_ns)
    day = found[1] or f"{today:%Y%m%d}"
    zone = UTC if utc else _zone(found[5] or "", bad)
    try:
        moment = datetime(
            int(day[:4]), int(day[4:6]), int(day[6:]), int(found[2]), int(found[3]), int(found[4]), tzinfo=zone
        )
    except ValueError:
        raise bad from None
    if not 1978 <= moment.year <= 3000:
        raise bad
    return int(moment.timestamp()) * days.NS


def _zone(name: str, bad: BadRequest) -> tzinfo:
    if not name:
        return days.NEW_YORK
    try:
        return ZoneInfo(ZONES.get(name.upper(), name))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise bad from None
