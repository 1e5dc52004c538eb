"""A process: one loop that owns its sockets, says ready after its warm-up, beats, drains, leaves with its parent."""

from __future__ import annotations

import contextlib
import faulthandler
import os
import signal
import sys
import threading
from collections.abc import Iterator
from types import FrameType
from typing import Any

import psutil
import zmq

from pipeline import logs, messages
from pipeline.bus import sockets
from pipeline.clock import Clock, SystemClock
from pipeline.errors import CannotStart, MargindeskError
from pipeline.runtime import Runtime, from_environment

BEAT_EVERY_S = 0.5
DRAIN_S = 15.0
CONNECT_MS = 500
EXIT_ASKED, EXIT_ERROR, EXIT_CANNOT_START = 0, 1, 3


class Service:
    """Subclass it: `setup`, `step`, `drain`, `close`. Sockets are made in `setup` from `self.context`."""

    name = "service"

    def __init__(self, runtime: Runtime, clock: Clock | None = None) -> None:
        self.runtime = runtime
        self.clock: Clock = clock if clock is not None else SystemClock()
        self.settings = runtime.settings()
        self.stopping = threading.Event()
        self.state = messages.State.STARTING
        self.last_error = ""
        self._beat_due = 0.0
        self._step_started = self.clock.monotonic()
        self._lag_ms = 0.0
        self._memory = psutil.Process()

    # What a subclass says.

    def setup(self) -> None:
        """Connect, warm kernels; slow things happen here. Raise CannotStart for what a retry can't mend."""

    def step(self, timeout_ms: int) -> None:
        """One bounded piece of work; waits at most `timeout_ms` for input."""
        raise AssertionError(f"{type(self).__name__} has no step")

    def drain(self) -> None:
        """After the stop: finish what is here, within DRAIN_S."""

    def close(self) -> None:
        """Close every socket and file."""

    def beat_detail(self) -> dict[str, Any]:
        """Numbers and short texts for the supervisor's table."""
        return {}

    def beat_queue(self) -> int:
        """Work that waits."""
        return 0

    def beat_seq(self) -> int:
        """The last seq of the own stream."""
        return 0

    # What every process does the same way.

    def run(self) -> None:
        """The whole life of the process."""
        self.context = zmq.Context()
        self._supervisor = sockets.dealer(self.context, self.runtime.endpoint("supervisor", "ctl"))
        if os.environ.get("MARGINDESK_LIFELINE") == "1":  # else the first beats would be dropped before they connect
            self._supervisor.poll(CONNECT_MS, zmq.POLLOUT)
        try:
            with stop_on_signal(self.stopping), leave_with_parent(self.stopping):
                self.beat()
                self.setup()
                self.become(messages.State.READY)
                self.event("ready")
                while not self.stopping.is_set():
                    self._step_started = self.clock.monotonic()
                    self.step(timeout_ms=50)
                    self._lag_ms = max(self._lag_ms, (self.clock.monotonic() - self._step_started) * 1e3 - 50.0)
                    if self.clock.monotonic() >= self._beat_due:
                        self.beat()
                self.become(messages.State.STOPPING)
                self.drain()
                self.become(messages.State.STOPPED)
                self.event("stopped")
        finally:
            self.close()
            self._supervisor.close(linger=0)
            sockets.terminate(self.context)

    def become(self, state: messages.State) -> None:
        """Change the state and tell the supervisor at once."""
        self.state = state
        self.beat()

    def beat(self) -> None:
        """Tell the supervisor how it goes; called by the loop itself, so a hung loop looks hung."""
        self._beat_due = self.clock.monotonic() + BEAT_EVERY_S
        beat = messages.Beat(
            process=self.name,
            pid=os.getpid(),
            state=self.state,
            loop_lag_ms=self._lag_ms,
            queue=self.beat_queue(),
            seq=self.beat_seq(),
            rss_bytes=self._memory.memory_info().rss,
            detail=self.beat_detail(),
            last_error=self.last_error,
        )
        self._lag_ms = 0.0
        with contextlib.suppress(zmq.Again):  # no supervisor: a process started by hand beats into the void
            self._supervisor.send_multipart([b"BEAT", messages.pack(beat)], flags=zmq.NOBLOCK)

    def event(self, name: str, **facts: Any) -> None:
        """Log one event of this process."""
        logs.event(self.name, name, **facts)


@contextlib.contextmanager
def stop_on_signal(stopping: threading.Event) -> Iterator[None]:
    """SIGTERM or SIGINT sets `stopping`; the second one finds the old handler, so it kills."""
    old: dict[int, Any] = {}

    def on_signal(signum: int, _frame: FrameType | None) -> None:
        stopping.set()
        signal.signal(signum, old[signum])

    for signum in (signal.SIGTERM, signal.SIGINT):
        old[signum] = signal.signal(signum, on_signal)
    try:
        yield
    finally:
        for number, handler in old.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def leave_with_parent(stopping: threading.Event) -> Iterator[None]:
    """End of file on the lifeline (standard input, a pipe from the supervisor) means that the parent is gone: drain.

    A timer ends the process anyway, so no child is alive two seconds after a killed supervisor.
    """
    if os.environ.get("MARGINDESK_LIFELINE") != "1":
        yield
        return
    if sys.platform == "linux":
        _die_with_parent()

    def watch() -> None:
        with contextlib.suppress(OSError):
            while os.read(0, 64):
                pass
        stopping.set()
        threading.Timer(1.5, os._exit, args=(EXIT_ERROR,)).start()

    threading.Thread(target=watch, name="lifeline", daemon=True).start()
    yield


def _die_with_parent() -> None:
    """SIGTERM from the kernel when the parent dies; compare the parent afterwards, it may be gone already."""
    import ctypes

    ctypes.CDLL(None, use_errno=True).prctl(1, signal.SIGTERM, 0, 0, 0)
    if str(os.getppid()) != os.environ.get("MARGINDESK_PARENT", str(os.getppid())):
        os.kill(os.getpid(), signal.SIGTERM)


def main(kind: type[Service]) -> int:
    """Entry of `python -m <package>`: run the service, map its end to an exit code."""
    try:
        runtime = from_environment()
        runtime.prepare()
        logs.configure(kind.name, runtime.logs)
        stacks = (runtime.logs / f"{kind.name}.stacks").open("a", encoding="utf-8")
        faulthandler.enable(stacks)
        if hasattr(signal, "SIGUSR1"):
            faulthandler.register(signal.SIGUSR1, file=stacks, all_threads=True)
        kind(runtime).run()
    except CannotStart as error:
        logs.event(kind.name, "cannot_start", level=40, text=str(error))
        print(f"{kind.name}: {error}", file=sys.stderr)
        return EXIT_CANNOT_START
    except MargindeskError as error:
        logs.event(kind.name, "failed", level=40, text=str(error))
        print(f"{kind.name}: {error}", file=sys.stderr)
        return EXIT_ERROR
    return EXIT_ASKED
