"""Pieces on a grid, TWS's pace, rows, and a cache that may be thrown away."""

from __future__ import annotations

import itertools
import math
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ibapi.common import BarData, HistoricalTickBidAsk, HistoricalTickLast

from pipeline.ingest import history_rows as rows
from pipeline.ingest.history_cache import Cache
from pipeline.ingest.history_pacing import IDENTICAL_S, LONG_AT_MOST, LONG_S, SAME_AT_MOST, SAME_S, Pacing
from pipeline.ingest.history_plan import DAY_S, NS, SIZES, Piece, duration, pieces, read_time, size_of, spelled
from pipeline.messages import BAR, TickFlag

T0 = 1_795_392_000 * NS  # 2026-11-23 00:00 UTC


@given(st.integers(0, 40 * DAY_S), st.integers(1, 40 * DAY_S), st.sampled_from([1_800, DAY_S, 28 * DAY_S]),
       st.integers(-5 * DAY_S, 90 * DAY_S))  # fmt: skip
def test_pieces_cover_what_is_asked_for_once(first_s: int, length_s: int, grid_s: int, now_s: int) -> None:
    begin, end, now = T0 + first_s * NS, T0 + (first_s + length_s) * NS, T0 + now_s * NS
    made = pieces(begin, end, grid_s, now)
    if begin >= now:
        assert made == []
        return
    assert made[0].from_ns <= begin
    assert made[-1].to_ns >= min(end, now)
    assert all(one.to_ns == other.from_ns for one, other in itertools.pairwise(made))
    for piece in made:
        assert piece.to_ns <= now
        assert piece.whole == (piece.from_ns % (grid_s * NS) == 0 and piece.to_ns - piece.from_ns == grid_s * NS)


@pytest.mark.parametrize(("size", "seconds", "expected"), [
    ("1 min", DAY_S, "86400 S"), ("1 min", 90, "90 S"), ("1 secs", 3, "30 S"), ("1 hour", 28 * DAY_S, "28 D"),
    ("1 day", 3600, "1 D"), ("1 day", 364 * DAY_S, "364 D"),
])  # fmt: skip
def test_durations_are_never_too_short(size: str, seconds: int, expected: str) -> None:
    assert duration(Piece(T0, T0 + seconds * NS, True), SIZES[size][0]) == expected


def test_spellings() -> None:
    assert spelled(T0) == "20261123-00:00:00"
    assert read_time("20261123") == T0
    assert read_time("1795392060") == T0 + 60 * NS
    assert (size_of("1 min"), size_of(" 1W"), size_of("7 mins")) == ("1 min", "1 week", "")
    with pytest.raises(ValueError, match="remains"):
        read_time("20261399")


def test_an_identical_request_waits() -> None:
    pacing = Pacing()
    pacing.sent("a", "c", 1, 100.0)
    assert pacing.wait_s("a", "c", 1, 100.0) == pytest.approx(IDENTICAL_S)
    assert pacing.wait_s("b", "c", 1, 100.0) == 0.0
    assert pacing.wait_s("a", "c", 1, 100.0 + IDENTICAL_S) == 0.0


def test_requests_of_one_contract_are_spread_and_others_are_not() -> None:
    pacing = Pacing()
    for number in range(SAME_AT_MOST):
        pacing.sent(number, "c", 1, 100.0)
    assert pacing.wait_s("x", "c", 1, 100.5) == pytest.approx(SAME_S - 0.5)
    assert pacing.wait_s("x", "d", 1, 100.5) == 0.0


def test_ten_minutes_hold_so_many_and_bids_count_twice() -> None:
    pacing = Pacing()
    for number in range(LONG_AT_MOST // 2):
        pacing.sent(number, number, 2, 100.0 + number)
    assert pacing.wait_s("x", "x", 1, 130.0) > 0.0
    assert pacing.wait_s("x", "x", 2, 130.0) == pytest.approx(100.0 + LONG_S - 130.0)
    assert pacing.wait_s("x", "x", 2, 100.0 + LONG_S) == 0.0


@given(st.lists(st.tuples(st.floats(0.0, 30.0), st.integers(0, 3), st.integers(1, 2)), max_size=150))
def test_at_this_pace_no_rule_of_tws_is_broken(asks: list[tuple[float, int, int]]) -> None:
    pacing, now, left = Pacing(), 0.0, []
    for number, (pause, contract, weight) in enumerate(asks):
        now += pause
        now += pacing.wait_s(number % 7, contract, weight, now)
        pacing.sent(number % 7, contract, weight, now)
        left.append((now, number % 7, contract, weight))
    for i, (at, identity, contract, _) in enumerate(left):
        later = left[i + 1 :]
        assert all(other - at >= 15.0 for other, who, _, _ in later if who == identity)
        assert sum(other - at <= 2.0 for other, _, which, _ in later if which == contract) + 1 <= 5
        assert sum(weight for other, _, _, weight in left[i:] if other - at < 600.0) <= 60


def test_a_bar_without_trades_says_so() -> None:
    told = BarData()
    told.date, told.open, told.high, told.low, told.close = "1795392060", 1.0, 2.0, 0.5, 1.5
    told.volume, told.wap, told.barCount = Decimal(-1), Decimal(-1), -1
    made = rows.bar(told, 7, "MIDPOINT", 60, 5)[0]
    assert (made["market_ns"], made["what"], made["seconds"], made["count"]) == (T0 + 60 * NS, 1, 60, -1)
    assert math.isnan(made["volume"])
    assert made["flags"] & TickFlag.HISTORICAL


def test_ticks_keep_their_attributes_and_the_order_of_a_second() -> None:
    trade = HistoricalTickLast()
    trade.time, trade.price, trade.size, trade.exchange = 1_795_392_000, 10.5, Decimal(3), "ARCA"
    trade.tickAttribLast.unreported = True
    made = rows.trades([trade, trade], 7, 5)
    assert made["exchange"].tolist() == [b"ARCA", b"ARCA"]
    assert int(made["flags"][0]) == TickFlag.HISTORICAL | TickFlag.UNREPORTED
    quote = HistoricalTickBidAsk()
    quote.time, quote.priceBid = 1_795_392_000, 1.0
    assert math.isnan(rows.quotes([quote], 7, 5)["bid_size"][0])
    made["price"] = [2.0, 1.0]
    assert rows.inside(made, T0, T0 + NS)["price"].tolist() == [2.0, 1.0]
    assert len(rows.inside(made, T0 + NS, T0 + 2 * NS)) == 0


def test_the_cache_gives_back_what_it_was_given_and_damage_is_none(tmp_path: Path) -> None:
    cache, held = Cache(tmp_path / "history"), np.ones(3, dtype=BAR)
    assert cache.get(1, "k", 0, BAR) is None
    cache.put(1, "k", 0, held)
    found = cache.get(1, "k", 0, BAR)
    assert found is not None
    assert found.tobytes() == held.tobytes()
    (path,) = tmp_path.rglob("*.npy")
    path.write_bytes(path.read_bytes()[:-5])
    assert cache.get(1, "k", 0, BAR) is None
    path.write_bytes(b"rubbish")
    assert cache.get(1, "k", 0, BAR) is None


def test_the_cache_is_bounded(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "history", max_bytes=20_000)
    for number in range(40):
        cache.put(1, "k", number, np.ones(20, dtype=BAR))
    assert sum(path.stat().st_size for path in tmp_path.rglob("*.npy")) <= 20_000
    assert cache.get(1, "k", 39, BAR) is not None
