"""Which days get a partition, and which lose theirs."""

from __future__ import annotations

from storage import partitions

TODAY = 20_779  # 2026-11-22


def test_a_day_and_the_three_after_it() -> None:
    assert partitions.wanted({TODAY}) == {TODAY, TODAY + 1, TODAY + 2, TODAY + 3}


def test_a_day_of_2013_is_an_ordinary_day() -> None:
    assert 15_900 in partitions.wanted({15_900})


def test_no_market_s_day_gets_none() -> None:
    assert partitions.wanted({0, -5, 106_000}) == set()
    assert partitions.wanted(set(range(TODAY, TODAY + 17))) == set(), "too many to be true"


def test_names_tell_the_day() -> None:
    assert partitions.partition_name("tick", TODAY) == "tick_20261122"
    assert partitions.day_of(TODAY * partitions.DAY_NS) == TODAY
    assert partitions.day_of(TODAY * partitions.DAY_NS - 1) == TODAY - 1


def test_retention_goes_by_the_market_s_day() -> None:
    assert partitions.dropped_before(TODAY, TODAY, 30) == TODAY - 30
    assert partitions.dropped_before(15_900, TODAY, 30) == 15_870


def test_a_simulated_future_drops_nothing() -> None:
    assert partitions.dropped_before(TODAY + 2, TODAY, 30) is None
    assert partitions.dropped_before(0, TODAY, 30) is None
