"""Numbers as people read them."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.messages import Instrument
from ui.desktop import format as fmt


@pytest.mark.parametrize(
    ("value", "decimals", "signed", "text"),
    [
        (716130.4, 0, False, "716,130"),
        (-12.5, 2, False, "−12.50"),
        (12.5, 1, True, "+12.5"),
        (-0.001, 2, False, "0.00"),
        (0.0, 0, True, "0"),
        (math.nan, 2, False, "—"),
        (math.inf, 2, True, "—"),
    ],
)
def test_number(value: float, decimals: int, signed: bool, text: str) -> None:
    assert fmt.number(value, decimals, signed) == text


def test_money_has_cents_only_below_a_hundred_thousand() -> None:
    assert fmt.money(99_999.5) == "99,999.50"
    assert fmt.money(100_000.4) == "100,000"
    assert fmt.money(-250_000.0, signed=True) == "−250,000"


@pytest.mark.parametrize(
    ("tick", "decimals"), [(0.01, 2), (0.25, 2), (0.0001, 4), (1.0, 0), (0.05, 2), (math.nan, 2), (0.0, 2)]
)
def test_decimals_come_from_the_tick(tick: float, decimals: int) -> None:
    assert fmt.decimals_of(tick) == decimals


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.04, "0.0 s"), (9.94, "9.9 s"), (12.0, "12 s"), (125.0, "2 min"), (7200.0, "2 h"), (259_200.0, "3 d")],
)
def test_age(seconds: float, text: str) -> None:
    assert fmt.age(seconds) == text


def test_unknown_is_a_dash_everywhere() -> None:
    for text in (
        fmt.price(math.nan),
        fmt.percent(math.nan),
        fmt.age(math.nan),
        fmt.quantity(math.nan),
        fmt.clock_time(0),
    ):
        assert text == fmt.DASH
    assert fmt.model(fmt.DASH) == fmt.DASH


def test_arrow_says_the_direction_without_colour() -> None:
    assert fmt.arrow(5.0, "+5") == "▲ +5"
    assert fmt.arrow(-5.0, "−5") == "▼ −5"
    assert fmt.arrow(0.0, "0") == "0"
    assert fmt.arrow(math.nan, fmt.DASH) == fmt.DASH


def test_contract_names() -> None:
    option = Instrument(
        con_id=1,
        symbol="SPY",
        sec_type="OPT",
        currency="USD",
        exchange="SMART",
        expiry="20261219",
        strike=560.0,
        right="P",
    )
    future = Instrument(
        con_id=2, symbol="ES", sec_type="FUT", currency="USD", exchange="CME", local_symbol="ESZ6", expiry="20261218"
    )
    assert fmt.contract(option) == "SPY 19DEC26 560 P"
    assert fmt.contract(future) == "ESZ6"
    assert fmt.contract(None, 7) == "#7"


def test_raw_is_for_machines() -> None:
    assert fmt.raw(-1234.5) == "-1234.5"
    assert fmt.raw(math.nan) == ""


def test_uptime() -> None:
    assert fmt.uptime(61) == "00:01:01"
    assert fmt.uptime(3 * 86_400 + 4 * 3600 + 720) == "3 d 04:12"


@given(st.floats(allow_nan=True, allow_infinity=True), st.integers(0, 8))
def test_a_number_never_has_an_ascii_minus_and_never_fails(value: float, decimals: int) -> None:
    text = fmt.number(value, decimals)
    assert "-" not in text
    assert text == fmt.DASH or float(text.replace(",", "").replace(fmt.MINUS, "-")) == pytest.approx(value, abs=0.51)
