"""The state machine over made-up times."""

from __future__ import annotations

import math
import random

import pytest

from pipeline.tws.error_codes import TwsError, meaning
from pipeline.tws.session import (
    CONNECT_S,
    ID_IN_USE_WAIT_S,
    PROBE_EVERY_S,
    REFUSED_WAIT_S,
    SYNC_S,
    MarketClock,
    Session,
)


def told(session: Session, code: int, text: str = "text") -> bool:
    return session.told(TwsError(-1, code, text, meaning(code, -1)))


def make(**named: object) -> Session:
    return Session(7, random=random.Random(1), **{"may_change_id": False, **named})  # type: ignore[arg-type]


def ready(session: Session, now: float = 0.0) -> Session:
    session.dialled(now)
    session.greeted(now)
    session.named_accounts(["DU1"])
    session.named_order_id(5)
    session.ready(now)
    return session


def test_ready_needs_accounts_and_id() -> None:
    session = make()
    assert session.may_dial(0.0)
    session.dialled(0.0)
    assert not session.may_dial(0.0)
    session.greeted(0.1)
    assert (session.state, session.complete) == ("SYNCING", False)
    session.named_accounts(["DU1"])
    assert not session.complete
    session.named_order_id(1)
    assert session.complete
    session.ready(0.2)
    assert session.state == "READY"


def test_greeting_and_sync_have_deadlines() -> None:
    session = make()
    session.dialled(10.0)
    assert session.overdue(10.0 + CONNECT_S - 0.1) == ""
    assert "no greeting" in session.overdue(10.0 + CONNECT_S)
    session.greeted(11.0)
    assert session.overdue(11.0 + SYNC_S - 0.1) == ""
    assert "no accounts" in session.overdue(11.0 + SYNC_S)


def test_back_off_doubles_to_its_limit_and_starts_again_after_a_stable_time() -> None:
    session, now, waits = make(longest_wait_s=10.0), 0.0, []
    for _ in range(12):
        session.dialled(now)
        session.lost(now, "refused")
        start = now
        while not session.may_dial(now):
            now += 0.01
        waits.append(now - start)
    assert waits[0] < 0.2
    assert waits[:6] == sorted(waits[:6])
    assert max(waits) <= 12.1
    ready(session, now)
    session.lost(now + 31.0, "gone")
    assert session.may_dial(now + 31.0 + 0.13)


def test_short_lived_connections_keep_the_back_off() -> None:
    session = make()
    for _ in range(6):
        ready(session, 0.0)
        session.lost(1.0, "gone")
    assert not session.may_dial(1.0 + 1.0)


def test_two_missed_probes_end_a_silent_connection() -> None:
    session = ready(make())
    assert session.probe_due(0.0)
    session.probed(0.0, frames=10)
    assert not session.probe_due(PROBE_EVERY_S - 0.1)
    session.probed(PROBE_EVERY_S, frames=10)
    assert session.silent(PROBE_EVERY_S, 10) == ""
    assert "did not answer 2 times" in session.silent(2 * PROBE_EVERY_S, 10)
    assert session.silent(2 * PROBE_EVERY_S, 11) == ""  # something came meanwhile: busy, not dead
    for n in range(2, 6):
        session.probed(n * PROBE_EVERY_S, 10 + n)
    assert session.silent(6 * PROBE_EVERY_S, 100) != ""  # alive but deaf for too long


def test_answer_gives_the_round_trip() -> None:
    session = ready(make())
    assert math.isnan(session.round_trip_s)
    session.probed(1.0, 0)
    session.answered(1.25)
    assert session.round_trip_s == 0.25
    assert session.waiting_probes == 0
    session.answered(2.0)  # one too many changes nothing
    assert session.round_trip_s == 0.25


def test_1100_degrades_and_1102_restores_1101_wants_everything_again() -> None:
    session = ready(make())
    assert told(session, 1100, "lost")
    assert (session.state, session.reason) == ("DEGRADED", "lost")
    assert told(session, 1102)
    assert (session.state, session.data_kept) == ("READY", True)
    told(session, 1100)
    told(session, 1101)
    assert (session.state, session.data_kept) == ("READY", False)


def test_farms_are_kept_one_by_one() -> None:
    session = ready(make())
    assert told(session, 2104, "Market data farm connection is OK:usfarm")
    assert not told(session, 2104, "Market data farm connection is OK:usfarm")
    told(session, 2106, "HMDS data farm connection is OK:ushmds")
    assert told(session, 2103, "Market data farm connection is broken:usfarm")
    assert session.farms == {"usfarm": "broken", "ushmds": "ok"}


def test_id_in_use_waits_and_orders_never_change_it() -> None:
    session, now = make(), 0.0
    for _ in range(5):
        session.dialled(now)
        session.greeted(now)
        told(session, 326)
        session.lost(now, "closed")
        assert "client id 7 is in use" in session.reason
        assert not session.may_dial(now + ID_IN_USE_WAIT_S - 0.5)
        now += 20.0
    assert session.client_id == 7


def test_data_client_takes_another_id_after_three_times() -> None:
    session, ids = make(may_change_id=True), []
    for n in range(5):
        session.dialled(20.0 * n)
        ids.append(session.client_id)
        told(session, 326)
        session.lost(20.0 * n, "closed")
    assert ids == [7, 7, 7, 107, 207]


def test_refused_is_tried_once_a_minute() -> None:
    session = make()
    session.dialled(0.0)
    session.refuse(1.0, "wrong accounts")
    session.lost(1.0, "we hung up")
    assert (session.state, session.reason) == ("REFUSED", "wrong accounts")
    assert not session.may_dial(REFUSED_WAIT_S)
    assert session.may_dial(1.0 + REFUSED_WAIT_S)


@pytest.mark.parametrize("rate", [1.0, 60.0])
def test_market_clock_runs_at_its_rate(rate: float) -> None:
    clock = MarketClock(rate)
    assert clock.at(5.0) == 0
    clock.told(1_000_000_000_000, sent_s=10.0, now_s=10.2)
    assert clock.at(10.1) == 1_000_000_000_000
    assert clock.at(11.1) == pytest.approx(1_000_000_000_000 + rate * 1e9)


def test_market_clock_of_whole_seconds_takes_the_middle() -> None:
    clock = MarketClock()
    clock.told(1_000_000_000_000, 10.0, 10.0, 1_000_000_000)
    assert clock.at(10.0) == 1_000_500_000_000
