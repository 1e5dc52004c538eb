from __future__ import annotations

import os
import signal

import pytest

from pipeline.commands import status as status_command
from pipeline.messages import State
from pipeline.supervisor.policy import Limits


def test_starts_in_order_and_stops_in_reverse(start):
    run = start({"first": "good", "second": "good"}, second={"after": ("first",)})
    run.supervisor.turn(0)
    assert run.child("first").runs()
    assert not run.child("second").runs()
    run.until(lambda: run.supervisor.settled)
    assert run.supervisor.status().state is State.READY
    run.supervisor.stop()
    assert run.supervisor.outcome.clean, run.outputs()
    assert [child.exit_code for child in run.supervisor.children] == [0, 0]
    assert run.events("first")[:2] == ["start", "ready"]


def test_a_killed_child_returns_and_the_others_stay(start):
    run = start({"steady": "good", "victim": "good"})
    run.until(lambda: run.supervisor.settled)
    steady, victim = run.child("steady").pid, run.child("victim").pid
    os.kill(victim, signal.SIGKILL)
    run.until(lambda: run.child("victim").restarts.count == 1 and run.supervisor.settled)
    assert run.child("victim").pid != victim
    assert run.child("steady").pid == steady
    assert run.events("victim") == ["start", "ready", "exit", "restart", "ready"]
    run.supervisor.stop()
    assert run.supervisor.outcome.clean, run.outputs()


def test_a_hung_child_tells_its_stacks_and_is_replaced(start):
    run = start({"sleeper": "hang"})
    run.until(lambda: run.child("sleeper").restarts.count == 1 and run.supervisor.settled)
    assert "hung" in run.events("sleeper")
    assert "in step" in (run.runtime.logs / "sleeper.stacks").read_text()
    assert any("hung" in line for line in run.told)


def test_a_stopped_process_is_replaced(start):
    run = start({"frozen": "good"})
    run.until(lambda: run.supervisor.settled)
    os.kill(run.child("frozen").pid, signal.SIGSTOP)
    run.until(lambda: run.child("frozen").restarts.count == 1 and run.supervisor.settled)


def test_one_that_never_gets_ready_has_a_deadline(start):
    run = start({"mute": "mute"}, limits=Limits(start_s=2.0, first_wait_s=0.02))
    run.until(lambda: run.child("mute").restarts.count == 1)
    assert any("not ready" in line for line in run.told)


def test_a_crash_at_every_start_becomes_failed_and_the_rest_goes_on(start):
    run = start({"broken": "fail", "steady": "good"})
    run.until(lambda: run.child("broken").state is State.FAILED and run.child("steady").state is State.READY)
    assert run.child("broken").restarts.count == 5
    assert run.supervisor.status().state is State.FAILED
    assert any("broken does not run" in line and "failed before it was ready" in line for line in run.told), run.told
    run.supervisor.stop()
    assert not run.supervisor.outcome.clean


def test_exit_three_is_not_tried_again_and_its_reason_is_told(start):
    run = start({"refusing": "refuse"})
    run.until(lambda: run.child("refusing").state is State.FAILED)
    assert run.child("refusing").restarts.count == 0
    assert any("port 1 is taken; set another one" in line for line in run.told), run.told
    assert "port 1 is taken" in run.supervisor.status().processes[0].last_error


def test_one_that_leaves_unasked_returns(start):
    run = start({"leaver": "leave"})
    run.until(lambda: run.child("leaver").restarts.count == 1 and run.supervisor.settled)


def test_a_closed_window_is_no_failure(start):
    run = start({"desk": "leave"}, desk={"window": True})
    run.until(lambda: run.supervisor.closed_window)
    assert run.child("desk").state is State.STOPPED
    assert run.child("desk").restarts.count == 0
    run.supervisor.stop()
    assert run.supervisor.outcome.clean


def test_one_that_ignores_the_stop_is_killed_and_the_end_is_not_clean(start, monkeypatch):
    monkeypatch.setattr("pipeline.supervisor.supervisor.CHILD_DRAIN_S", 1.0)
    run = start({"stubborn": "stubborn", "good": "good"})
    run.until(lambda: run.supervisor.settled)
    run.supervisor.stop()
    assert run.child("stubborn").exit_code == -signal.SIGKILL
    assert run.child("good").exit_code == 0
    assert run.supervisor.outcome.unclean == ["stubborn did not leave in time and was killed"]


def test_status_file_and_snapshot_tell_the_same(start):
    run = start({"first": "good"})
    run.until(lambda: run.supervisor.settled)
    run.supervisor.voice.write_status()
    written = status_command.written(run.runtime)
    assert written is not None
    assert written.processes[0].pid == run.child("first").pid
    lines = status_command.table(written, 1, "status.json")
    assert any(line.startswith("first") and "READY" in line for line in lines)


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_asks_for_a_stop(start, signum):
    run = start({"first": "good"})
    with run.supervisor.signals():
        assert not run.supervisor.asked_to_stop
        os.kill(os.getpid(), signum)
        run.until(lambda: run.supervisor.asked_to_stop)
