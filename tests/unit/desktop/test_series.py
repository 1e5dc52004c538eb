"""Ring buffers and their reduction."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ui.desktop.picture.series import Ring, reduce, span


def test_an_empty_ring_has_nothing() -> None:
    ring = Ring(4, 2)
    times, values = ring.since(0.0)
    assert len(ring) == 0
    assert len(times) == 0
    assert values.shape == (2, 0)
    assert math.isnan(ring.last_s)


@given(st.integers(1, 12), st.integers(0, 60))
def test_a_ring_holds_the_newest_in_order(capacity: int, count: int) -> None:
    ring = Ring(capacity, 1)
    for i in range(count):
        ring.append(float(i), float(10 * i))
    times, values = ring.since(-1.0)
    expected = list(range(max(0, count - capacity), count))
    assert times.tolist() == expected
    assert values[0].tolist() == [10.0 * i for i in expected]


def test_since_cuts_by_time() -> None:
    ring = Ring(10, 1)
    for i in range(10):
        ring.append(float(i), float(i))
    assert ring.since(6.5)[0].tolist() == [7.0, 8.0, 9.0]


def test_a_ring_never_allocates_again() -> None:
    ring = Ring(8, 2)
    before = ring._values
    for i in range(100):
        ring.append(float(i), 1.0, 2.0)
    assert ring._values is before


@given(st.integers(1, 3000), st.integers(1, 300))
def test_no_peak_is_lost(count: int, pixels: int) -> None:
    values = np.random.default_rng(count).normal(size=count)
    times, reduced = reduce(np.arange(count, dtype=float), values, pixels)
    assert len(times) == len(reduced) <= max(2 * pixels, 1) or count <= 2 * pixels
    assert reduced.max() == values.max()
    assert reduced.min() == values.min()


def test_a_gap_does_not_hide_its_neighbours() -> None:
    values = np.ones(1000)
    values[500] = np.nan
    _times, reduced = reduce(np.arange(1000.0), values, 50)
    assert np.isfinite(reduced).all()


def test_span_has_room_and_survives_a_flat_line() -> None:
    assert span(np.array([np.nan])) is None
    low, high = span(np.array([100.0, 200.0])) or (0, 0)
    assert low < 100.0
    assert high > 200.0
    low, high = span(np.array([5.0, 5.0])) or (0, 0)
    assert low < 5.0 < high
