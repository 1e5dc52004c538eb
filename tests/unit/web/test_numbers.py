import math

import pytest

from ui.web import numbers


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (math.nan, "—"),
        (math.inf, "—"),
        (0.0, "0.00"),
        (-0.001, "0.00"),
        (-12.5, "\u221212.50"),
        (1234.5, "1,234.50"),
        (99_999.994, "99,999.99"),
        (100_000.0, "100,000"),
        (-716_130.4, "\u2212716,130"),
    ],
)
def test_money_has_cents_below_a_hundred_thousand_and_never_a_hyphen(value, expected):
    assert numbers.money(value) == expected


def test_a_model_figure_is_marked_and_a_bound_too():
    assert numbers.model(5.0) == "≈ 5.00"
    assert numbers.model(5.0, at_least=True) == "≥ 5.00"
    assert numbers.model(math.nan, at_least=True) == "—"


@pytest.mark.parametrize(
    ("value", "expected"),
    [(4218.0, "▲ +4,218.00"), (-310.0, "▼ \u2212310.00"), (0.0, "0.00"), (0.001, "0.00"), (math.nan, "—")],
)
def test_a_change_carries_arrow_and_sign(value, expected):
    assert numbers.change(value) == expected


@pytest.mark.parametrize(
    ("value", "signed", "expected"),
    [
        (0.1187, False, "11.9 %"),
        (0.002, True, "+0.2 %"),
        (-0.002, True, "\u22120.2 %"),
        (0.0, True, "0.0 %"),
        (math.nan, True, "—"),
    ],
)
def test_percent(value, signed, expected):
    assert numbers.percent(value, signed=signed) == expected


@pytest.mark.parametrize(
    ("tick", "expected"),
    [
        (0.01, "5,822.25"),
        (0.25, "5,822.25"),
        (1.0, "5,822"),
        (0.0001, "5,822.2500"),
        (math.nan, "5,822.25"),
        (0.1, "5,822.2"),
    ],
)
def test_a_price_has_the_decimals_of_its_tick(tick, expected):
    assert numbers.price(5822.25, tick) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [(1500.0, "1,500"), (-10.0, "\u221210"), (0.5, "0.5"), (math.nan, "—"), (1e9 + 0.25, "1,000,000,000.25")],
)
def test_quantity(value, expected):
    assert numbers.quantity(value) == expected


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0.31, "0.3 s"),
        (-1.0, "0.0 s"),
        (12.4, "12 s"),
        (240.0, "4 min"),
        (7500.0, "2 h 05"),
        (90_000.0 * 4, "4 d 04 h"),
        (math.nan, "—"),
    ],
)
def test_age(seconds, expected):
    assert numbers.age(seconds) == expected
