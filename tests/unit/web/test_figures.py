import math

import pytest

from storage.api import figures


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        (math.nan, None),
        (-math.inf, None),
        (0.0, "0"),
        (-0.0, "0"),
        (96310.5, "96310.5"),
        (-1e-7, "-0.0000001"),
        (1e15, "1000000000000000"),
        (5822.25, "5822.25"),
        (352047.6900000001, "352047.69"),
        (0.1 + 0.2, "0.3"),
        (1e300, "1" + "0" * 300),
    ],
)
def test_decimals_are_text_without_exponent_and_unknown_is_null(value, expected):
    assert figures.decimal(value) == expected


def test_times_are_utc_iso_and_unknown_is_null():
    assert figures.utc(1_790_000_000_123_456_789) == "2026-09-21T14:13:20.123456Z"
    assert figures.utc(0) is None
    assert figures.utc(None) is None


def test_a_tree_keeps_its_shape_and_has_no_float():
    assert figures.plain({"a": 1.5, "b": [math.nan, {"c": 3}], "d": "x", "e": True}) == {
        "a": "1.5",
        "b": [None, {"c": 3}],
        "d": "x",
        "e": True,
    }
