"""When TWS is away on purpose: its restart each night, and the login that IBKR asks of a person once a week. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from pipeline.config import Tws

NIGHTLY, WEEKLY = "nightly restart", "weekly login"
IBKR_ZONE = ZoneInfo("America/New_York")
WEEKLY_DAY, WEEKLY_HOUR = 6, 1  # Sunday, 01:00 in New York: sessions end, a person has to log in again
BEFORE = timedelta(minutes=2)  # clocks differ


def planned(now_s: float, settings: Tws) -> str:
    """`nightly restart` or `weekly login` while an absence of TWS is expected at this wall-clock time, else empty."""
    new_york = datetime.fromtimestamp(now_s, IBKR_ZONE)
    hours = new_york.hour + new_york.minute / 60.0
    if new_york.weekday() == WEEKLY_DAY and WEEKLY_HOUR <= hours < WEEKLY_HOUR + settings.login_within_h:
        return WEEKLY
    if not settings.restart_time:
        return ""
    there = datetime.fromtimestamp(now_s, ZoneInfo(settings.restart_zone))
    hour, minute = (int(part) for part in settings.restart_time.split(":"))
    for day in (there - timedelta(days=1), there, there + timedelta(days=1)):
        begin = day.replace(hour=hour, minute=minute, second=0, microsecond=0)
        if begin - BEFORE <= there < begin + timedelta(minutes=settings.restart_within_min):
            return NIGHTLY
    return ""


def overdue(now_s: float, settings: Tws) -> bool:
    """True on a Sunday in New York when the time for the weekly login is over: a person is needed."""
    new_york = datetime.fromtimestamp(now_s, IBKR_ZONE)
    hours = new_york.hour + new_york.minute / 60.0
    return new_york.weekday() == WEEKLY_DAY and hours >= WEEKLY_HOUR + settings.login_within_h
