from datetime import date, time

import pytest

from pipeline.gateway.market import days, schedule, sessions


@pytest.mark.parametrize(
    "holiday",
    [
        date(2026, 1, 1), date(2026, 1, 19), date(2026, 2, 16), date(2026, 4, 3), date(2026, 5, 25), date(2026, 6, 19),
        date(2026, 7, 3), date(2026, 9, 7), date(2026, 11, 26), date(2026, 12, 25), date(2023, 1, 2),
    ],
)  # fmt: skip
def test_exchange_holidays(holiday):
    assert not days.is_business_day(holiday)


def test_sunday_gives_way_to_monday_and_thanksgiving_to_friday():
    assert days.business_day(date(2026, 11, 22)) == date(2026, 11, 23)
    assert days.business_day(date(2026, 11, 26)) == date(2026, 11, 27)


def test_expiry_moves_off_a_holiday():
    assert days.third_friday(2026, 12) == date(2026, 12, 18)
    assert days.third_friday(2026, 6) == date(2026, 6, 18)  # the 19th is Juneteenth


def test_expiries_are_at_least_ten_days_away():
    assert days.monthly_expiries(date(2026, 11, 23), 2) == [date(2026, 12, 18), date(2027, 1, 15)]
    assert days.monthly_expiries(date(2026, 12, 10), 1, (3, 6, 9, 12)) == [date(2027, 3, 19)]


@pytest.mark.parametrize(
    ("rule", "month", "expiry"),
    [
        ("CL", date(2027, 1, 1), date(2026, 12, 21)),  # Christmas, a holiday, and a weekend before the 25th
        ("CL", date(2027, 3, 1), date(2027, 2, 22)),
        ("GC", date(2026, 12, 1), date(2026, 12, 29)),
        ("GC", date(2027, 2, 1), date(2027, 2, 24)),
        ("third Friday", date(2027, 6, 1), date(2027, 6, 17)),
    ],
)
def test_last_days_of_futures(rule, month, expiry):
    assert days.future_expiry(rule, month) == expiry


def test_a_curve_of_futures_begins_ten_days_ahead():
    curve = days.future_expiries("third Friday", date(2026, 12, 9), (3, 6, 9, 12), 2)
    assert curve == [(date(2027, 3, 19), date(2027, 3, 1)), (date(2027, 6, 17), date(2027, 6, 1))]


@pytest.mark.parametrize(
    ("day", "half"),
    [
        (date(2026, 11, 27), True), (date(2026, 12, 24), True), (date(2028, 7, 3), True),
        (date(2026, 7, 3), False), (date(2027, 12, 24), False), (date(2026, 11, 25), False),
    ],
)  # fmt: skip
def test_half_days(day, half):
    """Independence Day 2026 is observed on the 3rd, Christmas 2027 on the 24th: those are whole holidays."""
    assert days.is_half_day(day) is half
    assert days.closing_time(day) == (time(13) if half else time(16))


def test_new_york_time_follows_daylight_saving():
    assert days.ns_of(date(2026, 11, 23), time(9, 30)) // days.NS % 86_400 == 14 * 3600 + 30 * 60
    assert days.ns_of(date(2026, 7, 1), time(9, 30)) // days.NS % 86_400 == 13 * 3600 + 30 * 60


def test_years_to_expiry_never_reach_zero():
    close = days.ns_of(date(2026, 12, 18), days.CLOSE)
    assert days.years_to(date(2026, 12, 18), close - 365 * 86_400 * days.NS) == pytest.approx(1.0)
    assert days.years_to(date(2026, 12, 18), close + days.NS) == pytest.approx(1 / 8760)


@pytest.mark.parametrize(
    ("kind", "zone", "liquid", "text"),
    [
        (
            sessions.STOCK,
            "US/Eastern",
            False,
            "20261125:0400-20261125:2000;20261126:CLOSED;20261127:0400-20261127:1700;",
        ),
        (
            sessions.STOCK,
            "US/Eastern",
            True,
            "20261125:0930-20261125:1600;20261126:CLOSED;20261127:0930-20261127:1300;",
        ),
        (
            sessions.OPTION,
            "US/Central",
            True,
            "20261125:0830-20261125:1500;20261126:CLOSED;20261127:0830-20261127:1200;",
        ),
        (sessions.FUTURE, "US/Central", False, "20261124:1700-20261125:1600;20261125:1700-20261126:1200;"),
        (sessions.FUTURE, "US/Central", True, "20261125:0830-20261125:1600;20261126:0830-20261126:1200;"),
        (sessions.PAIR, "US/Eastern", False, "20261124:1715-20261125:1700;20261125:1715-20261126:1700;"),
    ],
)
def test_hours_are_written_as_the_exchange_keeps_them(kind, zone, liquid, text):
    told = schedule.hours_text(kind, zone, date(2026, 11, 25), liquid)
    assert told.startswith(text)
    assert len(told.split(";")) == 6
    assert told.endswith(";20261128:CLOSED;20261129:CLOSED;" + told.split(";")[-1])
