import math
from datetime import date

import numpy as np
import pytest

from pipeline.gateway import keeping
from pipeline.gateway.market import days
from pipeline.gateway.market.days import NS

DAY = date(2026, 11, 23)


def path(seed: int, steps: list[int], watch: bool = False) -> np.ndarray:
    market = keeping.begin(DAY, seed, 1.0).market
    for step in steps:
        market.advance(step)
        if watch:
            for x in market.universe.options("AAPL"):
                market.theory(x)
    return market.spot


def test_same_seed_same_path_whoever_looks():
    assert np.array_equal(path(7, [3000]), path(7, [1, 17, 1024, 1025, 3000], watch=True))
    assert not np.array_equal(path(7, [3000]), path(8, [3000]))


def test_market_day_begins_at_the_open_in_market_time():
    market = keeping.begin(date(2026, 11, 22), 7, 60.0).market
    assert days.new_york(market.now_ns).isoformat() == "2026-11-23T09:30:00-05:00"
    market.advance(20)  # one real second at 60×
    assert market.now_ns - market.start_ns == 60 * NS


def test_prices_move_together_as_correlated():
    market = keeping.begin(DAY, 7, 60.0).market
    logs = []
    for step in range(0, 8000, 4):
        market.advance(step)
        logs.append(np.log(market.spot))
    moves = np.diff(np.array(logs), axis=0)
    pairs = np.corrcoef(moves.T)
    a, spx, ndx = (market.index[name] for name in ("AAPL", "SPX", "NDX"))
    assert pairs[a, spx] == pytest.approx(0.72, abs=0.05)
    assert pairs[spx, ndx] == pytest.approx(0.92, abs=0.03)
    year = 252 * 6.5 * 3600
    assert moves[:, a].std() * math.sqrt(year / (4 * 0.05 * 60)) == pytest.approx(0.27, rel=0.05)


def test_index_etf_and_future_hang_together():
    market = keeping.begin(DAY, 7, 1.0).market
    market.advance(500)
    universe = market.universe
    spx, spy, es = (market.theory(x).mid for x in (universe.stock("SPX"), universe.stock("SPY"), universe.future("ES")))
    assert 0.0 < spy - spx / 10 < 1.85  # what the fund has gathered of its next dividend
    assert 1.0 < es / spx < 1.005
