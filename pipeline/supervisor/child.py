"""One OS process of a run: start, signals, exit; its own interpreter and session, never a fork of ours."""

from __future__ import annotations

import contextlib
import math
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil

from pipeline.messages import Beat, ProcessStatus, State
from pipeline.runtime import STATE_VARIABLE, Runtime
from pipeline.supervisor.policy import Limits, Restarts, overdue, told
from pipeline.supervisor.table import Spec

ROOT = Path(__file__).resolve().parents[2]
UP = (State.READY, State.WAITING)


class Child:
    """A spec, the process that runs it now (if any), and what its beats told. Starts only from the main thread: the
    kernel's parent-death signal belongs to the thread that started."""

    def __init__(self, spec: Spec, runtime: Runtime, restarts: Restarts, inherited: tuple[int, ...] = ()) -> None:
        self.spec = spec
        self.restarts = restarts
        self.state = State.WAITING  # for those that it starts after
        self.beat: Beat | None = None
        self.beat_at = self.started_at = -math.inf
        self.again_at = -math.inf  # not before
        self.stop_at: float | None = None  # when it was asked to stop
        self.kill_at: float | None = None  # hung: stacks were asked for, the kill follows
        self.exit_code: int | None = None
        self.reason = ""
        self.ever = False  # it was started at least once
        self._runtime = runtime
        self._inherited = inherited
        self._process: subprocess.Popen[bytes] | None = None
        self._usage: psutil.Process | None = None
        self._cpu_percent = 0.0

    @property
    def name(self) -> str:
        return self.spec.name

    @property
    def limits(self) -> Limits:
        return self.restarts.limits

    @property
    def pid(self) -> int:
        return self._process.pid if self._process is not None else 0

    def runs(self) -> bool:
        """Whether there is a process, as far as `poll` has seen."""
        return self._process is not None

    @property
    def output(self) -> Path:
        return self._runtime.logs / f"{self.name}.out"

    def start(self, now: float) -> None:
        """Start the process; what it prints is appended to a file, never piped through us."""
        self.state, self.beat, self.exit_code, self.reason = State.STARTING, None, None, ""
        self.ever = True
        self.started_at = self.beat_at = now
        self.stop_at = self.kill_at = None
        environment = os.environ | {
            STATE_VARIABLE: str(self._runtime.state_dir),
            "MARGINDESK_LIFELINE": "1",
            "MARGINDESK_PARENT": str(os.getpid()),
            "PYTHONUNBUFFERED": "1",
        }
        with self.output.open("ab") as output:
            self._process = subprocess.Popen(
                self.spec.command(sys.executable),
                stdin=subprocess.PIPE,  # the lifeline: its end tells the child that we are gone
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=ROOT,
                env=environment,
                start_new_session=True,
                pass_fds=self._inherited,
            )
        self._cpu_percent = 0.0
        with contextlib.suppress(psutil.Error):
            self._usage = psutil.Process(self._process.pid)

    def take(self, beat: Beat, now: float) -> bool:
        """Note a beat; True when the state changed. A dead predecessor's late beat does not count."""
        if beat.pid != self.pid:
            return False
        self.beat, self.beat_at = beat, now
        if self.stop_at is not None or beat.state == self.state:
            return False
        if self.state not in UP and beat.state in UP:
            self.restarts.ready(now)
        self.state = beat.state
        return True

    @property
    def was_killed(self) -> bool:
        """SIGKILL ended it, and not ours."""
        return sys.platform != "win32" and self.exit_code == -signal.SIGKILL and self.kill_at is None

    def poll(self) -> bool:
        """True once, when the process has left."""
        if self._process is None:
            return False
        code = self._process.poll()
        if code is None:
            return False
        self.exit_code = code
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._process = self._usage = None
        return True

    def overdue(self, now: float) -> str:
        """Why it counts as hung; empty while it doesn't."""
        if not self.runs() or self.stop_at is not None or self.kill_at is not None:
            return ""
        ready = self.state is not State.STARTING
        return overdue(
            self.limits,
            ready=ready,
            started_at=self.started_at,
            beat_at=self.beat_at,
            now=now,
            cpu_percent=self._cpu_percent,
        )

    def ask_for_stacks(self, now: float) -> None:
        """SIGUSR1: faulthandler writes all stacks to logs/<name>.stacks; the kill follows after `dump_s`."""
        self.kill_at = now + self.limits.dump_s
        if hasattr(signal, "SIGUSR1"):
            self._signal(signal.SIGUSR1)

    def ask_to_stop(self, now: float) -> None:
        self.stop_at = now
        self.state = State.STOPPING
        if sys.platform == "win32":  # there is no SIGTERM to catch: the end of the lifeline says the same
            if self._process is not None and self._process.stdin is not None:
                self._process.stdin.close()
        else:
            self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL to its whole session group: nothing of it stays behind."""
        if self._process is None:
            return
        if sys.platform == "win32":
            self._process.kill()
        else:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)

    def last_words(self) -> str:
        """The last line that it printed: for a process that can't start, the reason."""
        try:
            with self.output.open("rb") as output:
                output.seek(max(0, output.seek(0, os.SEEK_END) - 4096))
                lines = output.read().decode("utf-8", "replace").strip().splitlines()
        except OSError:
            return ""
        return lines[-1].strip().removeprefix(f"{self.name}: ") if lines else ""

    def measure(self) -> None:
        """CPU use since the last call."""
        if self._usage is not None:
            with contextlib.suppress(psutil.Error):
                self._cpu_percent = self._usage.cpu_percent(None)

    def status(self, now: float) -> ProcessStatus:
        """Its line in the table."""
        beat = self.beat
        told_error = beat.last_error if beat is not None else ""
        return ProcessStatus(
            process=self.name,
            state=self.state,
            pid=self.pid,
            up_s=now - self.started_at if self.runs() else 0.0,
            restarts=self.restarts.count,
            rss_bytes=beat.rss_bytes if beat is not None else 0,
            cpu_percent=self._cpu_percent if self.runs() else 0.0,
            loop_lag_ms=beat.loop_lag_ms if beat is not None else math.nan,
            queue=beat.queue if beat is not None else 0,
            seq=beat.seq if beat is not None else 0,
            beat_age_s=now - self.beat_at if beat is not None and self.runs() else math.nan,
            detail=beat.detail if beat is not None else {},
            last_error=self.reason or told_error,
        )

    def why_it_left(self) -> str:
        """Exit code in words, and its own last words where it said any."""
        words = self.last_words() if self.exit_code not in (0, None) else ""
        return f"left {told(self.exit_code)}" + (f": {words}" if words else "")

    def _signal(self, signum: int) -> None:
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(signum)
