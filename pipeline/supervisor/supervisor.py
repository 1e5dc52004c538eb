"""The loop over the children: start in order, watch, restart, stop in reverse order."""

from __future__ import annotations

import contextlib
import math
import random
import signal
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from types import FrameType

from pipeline import config
from pipeline.clock import Clock
from pipeline.messages import State, SystemStatus
from pipeline.runtime import Runtime
from pipeline.supervisor import notify
from pipeline.supervisor.child import UP, Child
from pipeline.supervisor.policy import Limits, Restarts
from pipeline.supervisor.table import Spec
from pipeline.supervisor.voice import Voice

STATUS_EVERY_S = 0.5
FILE_EVERY_S = 1.0
DRAIN_S = 15.0
CHILD_DRAIN_S = 8.0  # a source without a writer: 2 s for its fence, 5 s for the writer to come back
LEAST_DRAIN_S = 1.5  # also of the last ones, when the time is over: PostgreSQL ends cleanly in much less
OWN_DRAIN_S = 5.0
WORST_FIRST = (State.FAILED, State.BACKOFF, State.STARTING, State.STOPPING, State.WAITING, State.READY, State.STOPPED)


@dataclass(slots=True)
class Outcome:
    """How a run ended."""

    unclean: list[str] = field(default_factory=list)  # one plain line each

    @property
    def clean(self) -> bool:
        return not self.unclean


class Supervisor:
    """Children in start order. `tell` gets one plain line for each thing that a person should know."""

    def __init__(
        self,
        runtime: Runtime,
        settings: config.Settings,
        specs: Sequence[Spec],
        *,
        clock: Clock,
        tell: Callable[[str], None],
        limits: Limits | None = None,
        inherited: tuple[int, ...] = (),
    ) -> None:
        self.runtime = runtime
        self.settings = settings
        self.outcome = Outcome()
        self.closed_window = False  # the desk was closed by the person
        self._clock = clock
        self._tell = tell
        self._started = clock.monotonic()
        self._stopping = False
        self._signals = 0
        self._told: dict[str, str] = {}
        self._status_due = self._file_due = 0.0
        spread = random.Random()
        base = limits if limits is not None else Limits()
        self.children = [
            Child(
                spec,
                runtime,
                Restarts(replace(base, silence_s=max(base.silence_s, spec.silence_s)), lambda: spread.uniform(-1, 1)),
                inherited,
            )
            for spec in specs
        ]
        self.voice = Voice(runtime, settings.journal, clock, self.status)

    @property
    def asked_to_stop(self) -> bool:
        """A signal came."""
        return self._signals > 0

    @property
    def settled(self) -> bool:
        """Every child is up, or is known to stay down."""
        return all(child.state in (*UP, State.FAILED, State.STOPPED) and child.ever for child in self.children)

    def status(self) -> SystemStatus:
        """The table of processes now."""
        now = self._clock.monotonic()
        states = {child.state for child in self.children}
        worst = next((state for state in WORST_FIRST if state in states), State.STOPPED)
        return SystemStatus(
            run=self.settings.name,
            state=State.STOPPING if self._stopping else worst,
            up_s=now - self._started,
            processes=[child.status(now) for child in self.children],
            addresses=self.addresses(),
        )

    def addresses(self) -> dict[str, str]:
        """Where people and programs connect: only of processes that are up."""
        found: dict[str, str] = {}
        for child in self.children:
            facts = self.runtime.announced(child.name) if child.state in UP else None
            if facts and "url" in facts:
                found[child.name] = str(facts["url"])
            elif facts and "host" in facts and "port" in facts:
                found[child.name] = f"{facts['host']}:{facts['port']}"
        return found

    def turn(self, timeout_ms: int = 50) -> None:
        """One round: beats, exits, hung ones, starts, status."""
        changed = self._take_beats(timeout_ms)
        now = self._clock.monotonic()
        for child in self.children:
            if child.poll():
                self._on_exit(child, now)
                changed = True
            elif child.kill_at is not None and now >= child.kill_at:
                child.kill()
            elif reason := child.overdue(now):
                child.ask_for_stacks(now)
                self.voice.event(child.name, "hung", child.pid, reason)
                self._tell(f"{child.name} is hung ({reason}); its stacks are in logs/{child.name}.stacks; killed")
        if not self._stopping:
            for child in self.children:
                if self._may_start(child, now):
                    self._start(child, now)
                    changed = True
        self._show(changed, now)

    def stop(self, after_writer: Callable[[], None] | None = None) -> None:
        """Ask in reverse start order, each when the one before it has left; 15 s in all, then SIGKILL.

        Before the first child that records (the writer) is asked, our own last events are handed to it.
        """
        self._stopping = True
        notify.tell("STOPPING=1")
        end = self._clock.monotonic() + DRAIN_S
        for child in self.children:
            self.voice.event(child.name, "stop", child.pid)
        recorded = False
        for child in reversed(self.children):
            if child.spec.sink and not recorded:
                recorded = True
                self._hand_over(end)
            self._stop_one(child, end)
            if child.spec.sink and after_writer is not None:
                before = self._clock.monotonic()
                after_writer()
                end += self._clock.monotonic() - before  # the others still have their share
                after_writer = None
        if after_writer is not None:
            after_writer()
        self._kill_the_rest()
        self.voice.write_status()

    def close(self) -> None:
        self.voice.close()

    @contextlib.contextmanager
    def signals(self) -> Iterator[None]:
        """SIGINT and SIGTERM ask for an ordered stop; the second one kills."""

        def on_signal(_signum: int, _frame: FrameType | None) -> None:
            self._signals += 1

        wanted = [signal.SIGINT, signal.SIGTERM]
        if hasattr(signal, "SIGHUP"):  # the terminal was closed
            wanted.append(signal.SIGHUP)
        old = {signum: signal.signal(signum, on_signal) for signum in wanted}
        try:
            yield
        finally:
            for signum, handler in old.items():
                signal.signal(signum, handler)

    # What a turn is made of.

    def _take_beats(self, timeout_ms: int) -> bool:
        by_name = {child.name: child for child in self.children}
        changed = False
        for beat in self.voice.receive(timeout_ms):
            child = by_name.get(beat.process)
            if child is None:
                continue
            was_up = child.state in UP
            if child.take(beat, self._clock.monotonic()):
                changed = True
                if child.state in UP and not was_up:
                    took = self._clock.monotonic() - child.started_at
                    self.voice.event(child.name, "ready", child.pid, f"{took:.2f} s after its start")
        return changed

    def _may_start(self, child: Child, now: float) -> bool:
        if child.runs() or now < child.again_at or child.state is State.STOPPED:
            return False
        if child.ever:
            return child.state in (State.BACKOFF, State.FAILED)
        before = {other.name: other for other in self.children}
        needed = [before[name] for name in child.spec.after if name in before]
        return all(other.ever and other.state in (*UP, State.FAILED, State.STOPPED) for other in needed)

    def _start(self, child: Child, now: float) -> None:
        again = child.ever
        child.start(now)
        if again:
            child.restarts.restarted()
        self.voice.event(child.name, "restart" if again else "start", child.pid)

    def _on_exit(self, child: Child, now: float) -> None:
        why = child.why_it_left()
        self.voice.event(child.name, "exit", text=why, exit_code=child.exit_code)
        if child.stop_at is not None:
            child.state = State.STOPPED
        elif self._stopping:
            child.state = State.STOPPED
            self.outcome.unclean.append(f"{child.name} {why} before it was asked to stop")
        elif child.spec.window and child.exit_code == 0:
            child.state, self.closed_window = State.STOPPED, True
        else:
            self._decide(child, why, now)

    def _decide(self, child: Child, why: str, now: float) -> None:
        verdict = child.restarts.exited(child.exit_code, now, killed=child.was_killed)
        child.again_at, child.reason = verdict.again_at, why
        child.state = State.FAILED if verdict.failed else State.BACKOFF
        if not verdict.failed:
            if self._told.get(child.name) != why:  # a crash at every start is told once
                self._told[child.name] = why
                self._tell(f"{child.name} {why}; it starts again")
            return
        again = "" if math.isinf(verdict.again_at) else f"; tried again in {verdict.again_at - now:.0f} s"
        self.voice.event(child.name, "failed", text=f"{verdict.reason}: {why}", exit_code=child.exit_code)
        self._tell(f"{child.name} does not run: {why}{again}; see logs/{child.name}.out; the rest goes on")

    def _show(self, changed: bool, now: float) -> None:
        if changed or now >= self._status_due:
            self._status_due = now + STATUS_EVERY_S
            self.voice.publish_status()
        if now >= self._file_due:
            self._file_due = now + FILE_EVERY_S
            for child in self.children:
                child.measure()
            self.voice.write_status()
            notify.tell("WATCHDOG=1")

    # What a stop is made of.

    def _hand_over(self, end: float) -> None:
        remaining = max(0.0, end - self._clock.monotonic())
        writer_up = any(child.spec.sink and child.runs() for child in self.children)
        if not self.voice.end(min(OWN_DRAIN_S, remaining)) and writer_up:
            self._tell("the writer did not take all of the supervisor's events in time; they stay in the journal")

    def _stop_one(self, child: Child, end: float) -> None:
        if not child.runs():
            if child.state in (State.FAILED, State.BACKOFF):
                self.outcome.unclean.append(f"{child.name} did not run: {child.reason}")
            child.state = State.STOPPED
            return
        was_starting = child.state is State.STARTING  # it holds nothing yet, and may compile for a while
        now = self._clock.monotonic()
        child.ask_to_stop(now)
        last = max(min(end, now + CHILD_DRAIN_S), now + LEAST_DRAIN_S) if not was_starting else now + LEAST_DRAIN_S
        while child.runs() and self._clock.monotonic() < last and self._signals < 2:
            self.turn(20)
        if child.runs():
            self.outcome.unclean.append(f"{child.name} did not leave in time and was killed")
            child.ask_for_stacks(self._clock.monotonic())
            while child.runs():
                self.turn(20)
        elif child.exit_code != 0 and not (was_starting and child.exit_code == -signal.SIGTERM):
            self.outcome.unclean.append(f"{child.name} {child.why_it_left()}")

    def _kill_the_rest(self) -> None:
        for child in self.children:
            child.kill()
        while any(child.runs() for child in self.children):
            self.turn(20)
