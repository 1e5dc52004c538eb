from __future__ import annotations

import os
import subprocess
import sys

import pytest

from pipeline.supervisor.lock import AlreadyRuns, ChildrenLock, RunLock, holder


def test_a_second_run_is_refused_by_name(tmp_path):
    first = RunLock(tmp_path)
    assert holder(tmp_path) == os.getpid()
    with pytest.raises(AlreadyRuns, match=f"pid {os.getpid()}"):
        RunLock(tmp_path)
    first.release()
    assert holder(tmp_path) == 0
    RunLock(tmp_path).release()


def test_an_inherited_lock_is_free_when_the_last_child_is_gone(tmp_path):
    lock = ChildrenLock(tmp_path)
    assert lock.wait(5.0)
    words = [sys.executable, "-c", "import sys; sys.stdin.read()"]
    child = subprocess.Popen(words, stdin=subprocess.PIPE, pass_fds=lock.inherited)
    lock.release()  # as a killed supervisor does
    successor = ChildrenLock(tmp_path)
    assert not successor.wait(0.2)
    child.communicate(b"")
    assert successor.wait(10.0)
    successor.release()
