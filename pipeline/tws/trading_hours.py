"""Is a market open? TWS's own trading hours of a contract, read at market time. Pure."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

_SPAN = re.compile(r"(\d{8}):(\d{4})-(\d{8}):(\d{4})")
_ZONES = {"EST": "America/New_York", "EST5EDT": "America/New_York", "CST": "America/Chicago", "MET": "Europe/Paris",
          "JST": "Asia/Tokyo", "GB": "Europe/London", "HKT": "Asia/Hong_Kong"}  # fmt: skip


def is_open(hours: str, zone: str, market_ns: int) -> bool | None:
    """True or False in the days that `hours` tells (as tradingHours or liquidHours), None where it tells nothing."""
    spans, days = _spans(hours, zone)
    if not days:
        return None
    if any(begin <= market_ns < end for begin, end in spans):
        return True
    return False if days[0] <= market_ns < days[1] else None


@lru_cache(maxsize=4096)
def _spans(hours: str, zone: str) -> tuple[list[tuple[int, int]], tuple[int, ...]]:
    """Sessions in UTC ns, and the first and the last moment of the days told."""
    try:
        place = ZoneInfo(_ZONES.get(zone, zone) or "UTC")
    except (KeyError, ValueError, OSError):
        return [], ()
    spans, told = [], []
    for part in hours.split(";"):
        day = part.strip()[:8]
        if not day.isdigit() or len(day) != 8:
            continue
        try:
            midnight = datetime.strptime(day, "%Y%m%d").replace(tzinfo=place)
        except ValueError:
            continue
        told += [_ns(midnight), _ns(midnight + timedelta(days=1))]
        for d1, t1, d2, t2 in _SPAN.findall(part):
            try:
                begin, end = (datetime.strptime(d + t, "%Y%m%d%H%M").replace(tzinfo=place) for d, t in
                              ((d1, t1), (d2, t2)))  # fmt: skip
            except ValueError:
                continue
            spans.append((_ns(begin), _ns(end)))
            told += spans[-1]
    return spans, (min(told), max(told)) if told else ()


def _ns(moment: datetime) -> int:
    return int(moment.timestamp()) * 1_000_000_000
