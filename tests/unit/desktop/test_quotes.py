"""The array of quotes: newest wins, whatever the burst."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pipeline.messages import TICK, TickFlag
from ui.desktop.picture.quotes import Field, Quotes


def test_newest_in_a_burst_wins(make: Any) -> None:
    quotes = Quotes()
    quotes.apply(make.ticks((7, 1, 10.0, 100.0), (9, 1, 20.0, 1.0), (7, 1, 11.0, 300.0)))
    assert quotes.value(7, Field.BID) == 11.0
    assert quotes.value(7, Field.BID_SIZE) == 300.0
    assert quotes.value(9, Field.BID) == 20.0
    assert math.isnan(quotes.value(8, Field.BID))


def test_only_differences_are_dirty(make: Any) -> None:
    quotes = Quotes()
    quotes.apply(make.ticks((7, 1, 10.0, 100.0)))
    quotes.dirty[:] = False
    quotes.apply(make.ticks((7, 1, 10.0, 100.0)))
    assert not quotes.dirty.any()
    quotes.apply(make.ticks((7, 1, 10.5, 100.0)))
    assert np.argwhere(quotes.dirty).tolist() == [[quotes.slots[7], Field.BID]]


def test_a_price_that_ends_is_unknown(make: Any) -> None:
    quotes = Quotes()
    quotes.apply(make.ticks((7, 2, 10.0, 100.0)))
    quotes.apply(make.ticks((7, 2, math.nan, math.nan)))
    assert math.isnan(quotes.value(7, Field.ASK))
    assert quotes.value(7, Field.ASK_SIZE) == 100.0  # no size came with it


def test_suspect_ticks_are_not_shown(make: Any) -> None:
    quotes = Quotes()
    array = make.ticks((7, 4, 10.0, 1.0), (7, 4, 9999.0, 1.0))
    array["flags"][1] = TickFlag.SUSPECT
    quotes.apply(array)
    assert quotes.value(7, Field.LAST) == 10.0


def test_sizes_and_unknown_types(make: Any) -> None:
    quotes = Quotes()
    quotes.apply(make.ticks((7, 8, math.nan, 5e6), (7, 3, math.nan, 4.0), (7, 88, 1.0, 1.0), (7, 30_000, 1.0, 1.0)))
    assert quotes.value(7, Field.VOLUME) == 5e6
    assert quotes.value(7, Field.ASK_SIZE) == 4.0


@given(
    st.lists(
        st.lists(st.tuples(st.integers(1, 200), st.sampled_from([1, 2, 4, 9]), st.floats(1, 100)), max_size=40),
        max_size=8,
    )
)
def test_equal_to_one_at_a_time(batches: list[list[tuple[int, int, float]]]) -> None:
    quotes, expected = Quotes(), {}
    fields = {1: Field.BID, 2: Field.ASK, 4: Field.LAST, 9: Field.CLOSE}
    for batch in batches:
        array = np.zeros(len(batch), dtype=TICK)
        for record, (con_id, kind, price) in zip(array, batch, strict=True):
            record["con_id"], record["tick_type"], record["price"] = con_id, kind, price
            expected[con_id, fields[kind]] = price
        quotes.apply(array)
    assert {place: quotes.value(*place) for place in expected} == expected
