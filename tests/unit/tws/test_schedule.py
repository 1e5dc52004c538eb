"""Absences of TWS that are no failure."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from pipeline.config import Tws
from pipeline.tws import schedule
from pipeline.tws.pacing import SLOW_S, Outbox, TokenBucket

NEW_YORK = ZoneInfo("America/New_York")


def at(text: str, zone: ZoneInfo = NEW_YORK) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=zone).timestamp()


@pytest.mark.parametrize(("moment", "expected"), [
    ("2026-11-23T23:42:59", ""), ("2026-11-23T23:43:00", "nightly restart"), ("2026-11-23T23:59:59", "nightly restart"),
    ("2026-11-24T00:00:00", ""), ("2026-11-22T00:59:59", ""), ("2026-11-22T01:00:00", "weekly login"),
    ("2026-11-22T12:59:59", "weekly login"), ("2026-11-22T13:00:00", ""), ("2026-11-23T02:00:00", ""),
])  # fmt: skip
def test_windows_of_the_default_settings(moment: str, expected: str) -> None:
    assert schedule.planned(at(moment), Tws()) == expected


def test_a_window_over_midnight_and_another_zone() -> None:
    settings = Tws(restart_time="23:55", restart_zone="Europe/Berlin")
    berlin = ZoneInfo("Europe/Berlin")
    assert schedule.planned(at("2026-11-24T00:05:00", berlin), settings) == schedule.NIGHTLY
    assert schedule.planned(at("2026-11-24T00:10:00", berlin), settings) == ""
    assert schedule.planned(at("2026-11-23T23:45:00"), settings) == ""
    assert schedule.planned(at("2026-11-23T23:45:00"), Tws(restart_time="")) == ""


def test_a_sunday_without_a_login_is_told() -> None:
    assert not schedule.overdue(at("2026-11-22T12:00:00"), Tws())
    assert schedule.overdue(at("2026-11-22T13:00:00"), Tws())
    assert not schedule.overdue(at("2026-11-23T13:00:00"), Tws())


def test_when_tws_says_too_fast_half_the_rate_goes_for_a_minute() -> None:
    outbox = Outbox(TokenBucket(40.0, 1), TokenBucket(20.0, 1))

    def sent(from_s: float) -> int:
        for _ in range(60):
            outbox.put(1, b"x")
        gone = sum(len(outbox.due(from_s + step / 200.0)) for step in range(200))
        outbox.clear()
        return gone

    assert 35 <= sent(100.0) <= 41
    outbox.slow_down(101.0)
    assert 16 <= sent(101.0) <= 21
    assert 35 <= sent(101.0 + SLOW_S) <= 41
