from __future__ import annotations

import math

import pytest

from pipeline.supervisor.policy import Limits, Restarts, overdue


def waits(restarts: Restarts, exits: list[float]) -> list[float]:
    return [restarts.exited(1, at).again_at - at for at in exits]


def test_waits_double_up_to_the_longest():
    restarts = Restarts(Limits(many=100))
    assert waits(restarts, [0.0] * 9) == pytest.approx([0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10.0, 10.0])


def test_waits_are_spread_but_never_more_than_asked():
    assert waits(Restarts(spread=lambda: 1.0), [0.0]) == pytest.approx([0.12])
    assert waits(Restarts(spread=lambda: -1.0), [0.0]) == pytest.approx([0.08])
    assert waits(Restarts(spread=lambda: 50.0), [0.0]) == pytest.approx([0.12])


def test_thirty_seconds_ready_begin_the_waits_anew():
    restarts = Restarts(Limits())
    waits(restarts, [0.0, 1.0, 2.0])
    restarts.ready(3.0)
    assert restarts.exited(-9, 33.0).again_at == pytest.approx(33.1)


def test_less_than_thirty_seconds_ready_do_not():
    restarts = Restarts(Limits())
    waits(restarts, [0.0, 1.0])
    restarts.ready(2.0)
    assert restarts.exited(-9, 31.9).again_at == pytest.approx(31.9 + 0.4)


def test_more_than_five_exits_in_a_minute_fail_and_are_tried_once_a_minute():
    restarts = Restarts(Limits())
    verdicts = [restarts.exited(1, float(second)) for second in range(6)]
    assert [verdict.failed for verdict in verdicts] == [False] * 5 + [True]
    assert verdicts[-1].again_at == 65.0
    assert "6 exits within 60 s" in verdicts[-1].reason
    for at in (65.1, 125.2, 190.0):  # every further try is one a minute
        verdict = restarts.exited(1, at)
        assert verdict.failed
        assert verdict.again_at == at + 60.0
    restarts.ready(250.0)
    assert not restarts.exited(1, 281.0).failed


def test_kills_from_outside_are_no_failure_of_its_own():
    restarts, now = Restarts(Limits()), 0.0
    for _ in range(60):
        restarts.ready(now)
        verdict = restarts.exited(-9, now + 3.0, killed=True)
        assert not verdict.failed
        assert verdict.again_at == pytest.approx(now + 3.1)
        now += 3.2


def test_kills_before_it_was_ready_count():
    restarts = Restarts(Limits())
    assert [restarts.exited(-9, float(second), killed=True).failed for second in range(6)] == [False] * 5 + [True]


def test_old_exits_do_not_count():
    restarts = Restarts(Limits())
    assert not any(restarts.exited(1, 12.1 * turn).failed for turn in range(50))


def test_a_crash_at_every_start_makes_at_most_twelve_starts_in_the_first_minute():
    restarts, now, starts = Restarts(Limits(), lambda: -1.0), 0.0, 0
    while now < 60.0:
        starts += 1
        now = restarts.exited(1, now + 0.05).again_at
    assert starts <= 12


@pytest.mark.parametrize("before", [0, 3])
def test_exit_three_is_never_tried_again(before):
    restarts = Restarts(Limits())
    waits(restarts, [0.0] * before)
    verdict = restarts.exited(3, 1.0)
    assert verdict.failed
    assert math.isinf(verdict.again_at)


@pytest.mark.parametrize(("code", "words"), [(1, "exit code 1"), (-9, "signal 9"), (0, "exit code 0")])
def test_any_other_unasked_exit_starts_again(code, words):
    verdict = Restarts(Limits()).exited(code, 5.0)
    assert not verdict.failed
    assert verdict.again_at == pytest.approx(5.1)
    assert words in verdict.reason


@pytest.mark.parametrize(
    ("ready", "started_at", "beat_at", "hung"),
    [
        (True, 0.0, 97.1, False),
        (True, 0.0, 96.9, True),
        (False, 41.0, 41.0, False),  # the watchdog is armed by ready, not by the start
        (False, 39.0, 99.9, True),
    ],
)
def test_silence_counts_once_ready_and_the_start_has_a_deadline(ready, started_at, beat_at, hung):
    told = overdue(Limits(), ready=ready, started_at=started_at, beat_at=beat_at, now=100.0)
    assert bool(told) is hung


@pytest.mark.parametrize(("cpu_percent", "now", "hung"), [(0.0, 61.0, True), (90.0, 61.0, False), (90.0, 241.0, True)])
def test_one_that_computes_at_its_start_is_given_more_time(cpu_percent, now, hung):
    told = overdue(Limits(), ready=False, started_at=0.0, beat_at=0.0, now=now, cpu_percent=cpu_percent)
    assert bool(told) is hung
