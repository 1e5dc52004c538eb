"""A difference counts when two answers show it."""

from __future__ import annotations

import math

from pipeline.ingest.comparison import Doubts, Found, compare


def test_what_differs_is_named_with_both_sides() -> None:
    found = compare({"1": 100.0, "2": 5.0, "3": math.nan}, {"1": 100.0, "2": 7.0, "3": math.nan, "4": -1.0})
    assert list(found.values()) == [Found("2", "5", "7"), Found("4", "nothing", "-1")]


def test_nothing_and_zero_are_the_same_and_unknown_is_not_zero() -> None:
    assert compare({"1": 0.0}, {}) == {}
    assert list(compare({"1": math.nan}, {"1": 0.0})) == ["1"]


def test_cash_is_compared_to_the_cent() -> None:
    assert compare({"a": 10.001}, {"a": 10.004}, 0.005) == {}
    assert list(compare({"a": 10.0}, {"a": 10.01}, 0.005)) == ["a"]


def test_once_is_a_doubt_and_twice_a_difference() -> None:
    doubts = Doubts()
    one = compare({"1": 1.0}, {"1": 2.0})
    assert doubts.settle("A", "positions", one) == ([], True)
    assert doubts.settle("A", "cash", one) == ([], True), "each part for itself"
    assert doubts.settle("A", "positions", one) == ([one["1"]], False)
    other = compare({"1": 1.0}, {"1": 3.0})
    assert doubts.settle("A", "positions", other) == ([], True), "it moves: look again"
    assert doubts.settle("A", "positions", {}) == ([], False)
    assert doubts.settle("A", "positions", other) == ([], True)
