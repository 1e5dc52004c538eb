"""A process's whole life, with real signals and a real parent."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
import zmq

from pipeline import messages
from pipeline.bus import sockets
from pipeline.config import Settings
from pipeline.runtime import Runtime

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")

CHILD = """
import sys
from pipeline import errors, service

class Child(service.Service):
    name = "child"
    def setup(self):
        if "refuse" in sys.argv:
            raise errors.CannotStart("expected an account, found none")
    def step(self, timeout_ms):
        self.stopping.wait(timeout_ms / 1000)
        if "crash" in sys.argv:
            raise errors.MargindeskError("expected a tick, found a tock")

sys.exit(service.main(Child))
"""
DEADLINE_S = 30


@pytest.fixture
def runtime(tmp_path: Path) -> Iterator[Runtime]:
    made = Runtime(tmp_path / "state")
    made.prepare()
    made.settings_file.write_bytes(msgspec.json.encode(Settings()))
    yield made
    for path in made.sockets.iterdir():
        path.unlink()
    made.sockets.rmdir()


Start = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def start(runtime: Runtime) -> Iterator[Start]:
    with contextlib.ExitStack() as stack:

        def begin(*words: str, lifeline: bool = False) -> subprocess.Popen[bytes]:
            environment = os.environ | {"MARGINDESK_STATE": str(runtime.state_dir)}
            if lifeline:
                environment |= {"MARGINDESK_LIFELINE": "1", "MARGINDESK_PARENT": str(os.getpid())}
            command = [sys.executable, "-c", CHILD, *words]
            child = subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stderr=subprocess.PIPE)
            stack.enter_context(child)
            stack.callback(child.kill)
            return child

        yield begin


@pytest.fixture
def supervisor(runtime: Runtime) -> Iterator[zmq.Socket[bytes]]:
    context = zmq.Context()
    socket = sockets.router(context, runtime.endpoint("supervisor", "ctl"))
    yield socket
    socket.close(linger=0)
    sockets.terminate(context)


def wait_for(socket: zmq.Socket[bytes], state: messages.State) -> messages.Beat:
    deadline = time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline:
        if socket.poll(1000):
            beat = messages.unpack_as(socket.recv_multipart()[-1], messages.Beat)
            if beat.state == state:
                return beat
    raise AssertionError(f"no beat with state {state} in {DEADLINE_S} s")


def test_it_says_ready_beats_and_ends_with_0_when_asked(start: Start, supervisor: zmq.Socket[bytes]) -> None:
    child = start()
    beat = wait_for(supervisor, messages.State.READY)
    assert (beat.process, beat.pid) == ("child", child.pid)
    assert beat.rss_bytes > 1 << 20
    child.send_signal(signal.SIGTERM)
    wait_for(supervisor, messages.State.STOPPED)
    assert child.wait(DEADLINE_S) == 0


def test_what_a_retry_cannot_mend_is_exit_code_3_with_the_reason(start: Start, runtime: Runtime) -> None:
    child = start("refuse")
    _, error = child.communicate(timeout=DEADLINE_S)
    assert child.returncode == 3
    assert b"expected an account, found none" in error
    assert "cannot_start" in (runtime.logs / "child.log").read_text(encoding="utf-8")


def test_another_fault_is_exit_code_1(start: Start) -> None:
    child = start("crash")
    _, error = child.communicate(timeout=DEADLINE_S)
    assert child.returncode == 1
    assert b"found a tock" in error


def test_it_leaves_when_the_lifeline_ends(start: Start, supervisor: zmq.Socket[bytes]) -> None:
    child = start(lifeline=True)
    wait_for(supervisor, messages.State.READY)
    assert child.stdin is not None
    child.stdin.close()
    started = time.monotonic()
    assert child.wait(DEADLINE_S) in (0, 1)
    print(f"gone {time.monotonic() - started:.3f} s after the lifeline's end")


def test_sigusr1_writes_all_stacks(start: Start, runtime: Runtime, supervisor: zmq.Socket[bytes]) -> None:
    child = start()
    wait_for(supervisor, messages.State.READY)
    deadline = time.monotonic() + DEADLINE_S
    stacks = runtime.logs / "child.stacks"
    while "in step" not in stacks.read_text(encoding="utf-8") and time.monotonic() < deadline:
        child.send_signal(signal.SIGUSR1)  # an earlier one may have met it on its way to the first step
        supervisor.poll(50)
    assert "in step" in stacks.read_text(encoding="utf-8")
    child.send_signal(signal.SIGTERM)
    assert child.wait(DEADLINE_S) == 0


def test_no_run_named_is_said_in_words() -> None:
    environment = {key: value for key, value in os.environ.items() if key != "MARGINDESK_STATE"}
    done = subprocess.run([sys.executable, "-c", CHILD], env=environment, capture_output=True, timeout=DEADLINE_S)
    assert done.returncode == 3
    assert b"MARGINDESK_STATE" in done.stderr
