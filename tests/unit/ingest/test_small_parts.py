"""Files that ingest keeps for itself, and the table of newest ticks."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.ingest.instruments import MAX_AGE_S, Instruments
from pipeline.ingest.latest import Latest
from pipeline.ingest.outage import Outage
from pipeline.ingest.watch import Watchlist
from pipeline.messages import OPTION, TICK, Instrument, TickFlag


def instrument(con_id: int, symbol: str = "AAPL", **fields: Any) -> Instrument:
    return Instrument(con_id=con_id, symbol=symbol, sec_type="STK", currency="USD", exchange="SMART", **fields)


def ticks(*rows: tuple[int, int, float]) -> np.ndarray[Any, Any]:
    out = np.zeros(len(rows), dtype=TICK)
    for i, (con_id, kind, price) in enumerate(rows):
        out[i] = (i + 1, 0, con_id, kind, 0, price, math.nan)
    return out


def test_latest_keeps_the_newest_of_each_kind() -> None:
    latest = Latest(2)
    slots = np.array([latest.slot(c) for c in (11, 12, 11, 11)], dtype=np.int32)
    latest.ticks(ticks((11, 1, 1.0), (12, 1, 2.0), (11, 1, 3.0), (11, 4, 4.0)), slots)
    held, options = latest.snapshot()
    assert sorted((int(t["con_id"]), int(t["tick_type"]), float(t["price"])) for t in held) == [
        (11, 1, 3.0), (11, 4, 4.0), (12, 1, 2.0),
    ]  # fmt: skip
    assert (held["flags"] == TickFlag.SNAPSHOT).all()
    assert len(options) == 0
    latest.forget(11)
    assert len(latest.snapshot()[0]) == 1


def marked(latest: Latest, con_id: int, *prices: float, kind: int = 4) -> list[bool]:
    """Which of these ticks are flagged SUSPECT."""
    records = ticks(*((con_id, kind, price) for price in prices))
    latest.ticks(records, np.full(len(prices), latest.slot(con_id), dtype=np.int32))
    return [bool(flags & TickFlag.SUSPECT) for flags in records["flags"]]


def test_a_leap_is_suspect_until_it_is_said_twice() -> None:
    latest = Latest()
    assert marked(latest, 1, 100.0, 1000.0, 101.0, 99.0) == [False, True, False, False]
    assert marked(latest, 1, 20.0, 20.1, 20.0) == [True, False, False], "the second says the same: it is the price"
    assert [float(t["price"]) for t in latest.snapshot()[0]] == [20.0]
    assert marked(latest, 2, 0.05, 0.40, 1.0) == [False, False, False], "small prices leap"


def test_a_share_below_zero_is_suspect_and_a_spread_is_not() -> None:
    latest = Latest()
    latest.never_negative(1)
    assert marked(latest, 1, -5.0, 0.0, 5.0) == [True, True, False]
    assert marked(latest, 1, 0.0, kind=1) == [False], "an option's bid may be zero"
    assert marked(latest, 2, -37.63) == [False]
    assert len(latest.snapshot()[0]) == 3


def test_latest_grows_past_its_capacity() -> None:
    latest = Latest(1)
    for con_id in range(1, 40):
        latest.ticks(ticks((con_id, 1, float(con_id))), np.array([latest.slot(con_id)], dtype=np.int32))
    assert len(latest.snapshot()[0]) == 39


def test_latest_ignores_what_has_no_slot_or_an_unknown_type() -> None:
    latest = Latest(1)
    latest.ticks(ticks((1, 1, 1.0), (1, 500, 1.0), (1, -1, 1.0)), np.array([-1, latest.slot(1), 5], dtype=np.int32))
    assert len(latest.snapshot()[0]) == 0
    option = np.zeros(1, dtype=OPTION)
    option["tick_type"], option["recv_ns"] = 13, 5
    latest.options(option, np.array([0], dtype=np.int32))
    assert len(latest.snapshot()[1]) == 1


def test_contracts_survive_a_restart_and_age(tmp_path: Path) -> None:
    path = tmp_path / "ingest" / "contracts.json"
    known = Instruments(path, 1000.0)
    assert known.provisional(instrument(1))
    assert not known.provisional(instrument(1))
    assert known.described(instrument(1, long_name="APPLE"), 1000.0)
    known.described(instrument(2, symbol="MSFT", min_tick=0.01), 1000.0)
    known.provisional(instrument(3))
    known.save()
    again = Instruments(path, 1001.0)
    assert [i.con_id for i in again.all()] == [1, 2]
    found = again.get(2)
    assert found is not None
    assert (found.min_tick, math.isnan(found.strike)) == (0.01, True)
    assert Instruments(path, 1000.0 + MAX_AGE_S + 1).all() == []


@pytest.mark.parametrize("text", ["", "{", "[1]", '[{"instrument": {}, "described_s": 1}]', '{"a": 1}'])
def test_damaged_contract_cache_is_only_a_cache(tmp_path: Path, text: str) -> None:
    path = tmp_path / "contracts.json"
    path.write_text(text)
    assert Instruments(path, 5.0).all() == []


def test_watchlist_is_configured_less_removed_plus_added(tmp_path: Path) -> None:
    path = tmp_path / "watchlist.json"
    watch = Watchlist(path, ["MSFT", "SPY"])
    assert watch.symbols == ["MSFT", "SPY"]
    watch.resolved("MSFT", instrument(2, "MSFT"))
    watch.resolved("SPY", instrument(3, "SPY"))
    assert watch.symbols == []
    assert watch.add(instrument(6, "TSLA"))
    assert not watch.add(instrument(6, "TSLA"))
    assert watch.remove(2)
    assert not watch.remove(2)
    assert watch.con_ids == [3, 6]
    again = Watchlist(path, ["MSFT", "SPY"])
    assert again.symbols == ["SPY"]
    assert again.con_ids == [6]
    again.add(instrument(2, "MSFT"))
    assert Watchlist(path, ["MSFT", "SPY"]).symbols == ["MSFT", "SPY"]


def test_damaged_watchlist_falls_back_to_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "watchlist.json").write_text('{"added": 5}')
    assert Watchlist(tmp_path / "watchlist.json", ["SPY"]).symbols == ["SPY"]


def test_killed_process_opens_an_outage_from_its_last_frame(tmp_path: Path) -> None:
    first = Outage(tmp_path)
    first.started(1, 0)
    assert first.close(50) is None  # the very first start missed nothing
    second = Outage(tmp_path)
    second.started(100, 42)
    gap = second.close(99)
    assert gap is not None
    assert (gap.process, gap.from_ns, gap.to_ns) == ("ingest", 42, 99)
    second.told()
    assert second.close(100) is None


def test_stop_on_purpose_opens_none(tmp_path: Path) -> None:
    first = Outage(tmp_path)
    first.started(1, 0)
    first.ended(100)
    second = Outage(tmp_path)
    second.started(100, 42)
    assert second.close(99) is None
    third = Outage(tmp_path)  # the second was killed
    third.started(150, 60)
    gap = third.close(99)
    assert gap is not None
    assert gap.from_ns == 60


def test_outage_survives_being_killed_inside_it_and_keeps_its_beginning(tmp_path: Path) -> None:
    first = Outage(tmp_path)
    first.started(1, 0)
    first.open(10, "no connection to TWS: closed")
    first.open(20, "later")
    again = Outage(tmp_path)
    again.started(5, 30)
    gap = again.close(40)
    assert gap is not None
    assert (gap.from_ns, gap.reason) == (10, "no connection to TWS: closed")
