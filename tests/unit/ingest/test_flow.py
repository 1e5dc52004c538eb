"""Leases, whether data comes, and whether a market is open."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from pipeline.ingest.flow import CHECK_AFTER_S, Flow, Seen
from pipeline.ingest.leases import LONGEST_S, Leases
from pipeline.tws.trading_hours import is_open

S = 1_000_000_000
T0 = 1000 * S


def test_a_lease_ends_with_its_last_holder() -> None:
    leases: Leases[str] = Leases()
    assert leases.hold("a", "desk", 0.0, 60.0)
    assert not leases.hold("a", "script", 0.0, 10.0)
    assert leases.left_s("a", 0.0) == 60.0
    assert leases.expire(10.0) == []
    assert not leases.drop("a", "nobody")
    assert leases.drop("a", "desk")
    assert leases.wanted() == []
    assert not leases.drop("a", "desk")


def test_a_lease_is_renewed_and_bounded() -> None:
    leases: Leases[int] = Leases()
    leases.hold(1, "x", 0.0, 1e9)
    assert leases.left_s(1, 0.0) == LONGEST_S
    leases.hold(1, "x", 5.0, 0.0)
    assert leases.expire(5.5) == []
    assert leases.expire(6.0) == [1]
    assert 1 not in leases


def state(flow: Flow, seen_ns: int, now_ns: int, degraded: str = "", farms: tuple[str, ...] = ()) -> str:
    return flow.state(Seen(1, T0, seen_ns), now_ns, "live", degraded, farms, None)[0]


def test_nothing_stale_is_called_live() -> None:
    flow = Flow()
    assert state(flow, 0, T0 + S) == "requested"
    assert state(flow, T0 + S, T0 + 2 * S) == "live"
    assert state(flow, T0 + S, T0 + 2 * S, degraded="lost") == "stale"
    flow.stopped(T0 + 3 * S)
    assert state(flow, T0 + S, T0 + 4 * S) == "stale", "TWS is back, but nothing has come since"
    assert state(flow, T0 + 5 * S, T0 + 5 * S) == "live"
    assert state(flow, T0 + 5 * S, T0 + 100 * S) == "silent"
    assert state(flow, 0, T0 + 100 * S) == "silent"


def test_a_broken_farm_makes_stale_what_no_longer_comes() -> None:
    flow = Flow()
    assert state(flow, T0 + 9 * S, T0 + 10 * S, farms=("usfarm",)) == "live"
    assert state(flow, T0 + 4 * S, T0 + 10 * S, farms=("usfarm",)) == "stale"


def test_what_brings_nothing_after_an_outage_is_asked_for_again_once() -> None:
    flow = Flow()
    flow.begin(100.0, T0)
    good, mute = Seen(1, T0 - S, T0 + S), Seen(2, T0 - S, T0 - S)
    assert flow.ask_again([good, mute], 101.0) == []
    assert not flow.verified
    assert flow.ask_again([good, mute], 100.0 + CHECK_AFTER_S) == [2]
    again = Seen(2, T0 + 11 * S, 0)
    assert flow.ask_again([good, again], 111.0) == []
    assert flow.ask_again([good, again], 100.0 + 2 * CHECK_AFTER_S) == []
    assert flow.verified, "asked twice; it is told as silent"


def test_when_all_bring_something_it_is_verified_at_once() -> None:
    flow = Flow()
    flow.begin(100.0, T0)
    assert flow.ask_again([Seen(1, T0 - S, T0 + 1)], 100.5) == []
    assert flow.verified


HOURS = "20261123:0930-20261123:1600;20261124:CLOSED;20261125:1800-20261126:1700"


def ns(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * S


@pytest.mark.parametrize(("moment", "expected"), [
    ("2026-11-23T14:29:59", False), ("2026-11-23T14:30:00", True), ("2026-11-23T20:59:59", True),
    ("2026-11-23T21:00:00", False), ("2026-11-24T15:00:00", False), ("2026-11-26T15:00:00", True),
    ("2026-11-22T15:00:00", None), ("2026-12-01T15:00:00", None),
])  # fmt: skip
def test_open_by_the_hours_of_the_exchange(moment: str, expected: bool | None) -> None:
    assert is_open(HOURS, "US/Eastern", ns(moment)) is expected


@pytest.mark.parametrize(
    ("hours", "zone"), [("", "UTC"), ("rubbish", "UTC"), (HOURS, "Nowhere/Land"), ("20269999:0930-1", "UTC")]
)
def test_hours_that_say_nothing_decide_nothing(hours: str, zone: str) -> None:
    assert is_open(hours, zone, ns("2026-11-23T15:00:00")) is None
