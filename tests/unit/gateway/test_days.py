from datetime import date, time

import pytest

from pipeline.gateway.market import days


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


def test_new_york_time_follows_daylight_saving():
    assert days.ns_of(date(2026, 11, 23), time(9, 30)) // days.NS % 86_400 == 14 * 3600 + 30 * 60
    assert days.ns_of(date(2026, 7, 1), time(9, 30)) // days.NS % 86_400 == 13 * 3600 + 30 * 60


def test_years_to_expiry_never_reach_zero():
    close = days.ns_of(date(2026, 12, 18), days.CLOSE)
    assert days.years_to(date(2026, 12, 18), close - 365 * 86_400 * days.NS) == pytest.approx(1.0)
    assert days.years_to(date(2026, 12, 18), close + days.NS) == pytest.approx(1 / 8760)


def test_hours_name_closed_days():
    text = days.hours_text(date(2026, 11, 25), "0930", "1600", 2)
    assert text == "20261125:0930-20261125:1600;20261126:CLOSED"
    assert days.future_hours_text(date(2026, 11, 23), 1) == "20261122:1700-20261123:1600"
