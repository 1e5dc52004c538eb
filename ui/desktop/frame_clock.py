"""The beat of the window: 60 times a second drain, apply, let the docks show it. Measures its own lateness."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from PyQt5.QtCore import QObject, Qt, QTimer

from pipeline import logs
from pipeline.clock import Clock
from ui.desktop.commands import Commands
from ui.desktop.picture.picture import Picture
from ui.desktop.stream import FrameQueue

FRAME_MS = 16
LATE_MS = 33.0  # from here on plots are skipped in turn
SKIP_S = 1.0  # a plot waits at most so long for a frame in time
LAG_MS = 100.0  # counted, logged with what was at work, shown


@dataclass
class _Job:
    name: str
    work: Callable[[set[str]], None]
    every_s: float
    plot: bool
    due_s: float = 0.0
    changed: set[str] = field(default_factory=set)  # words of the picture since it last ran


class FrameClock(QObject):
    """Jobs run inside the frame, each at its own pace: tables 0.016, plots 0.1, strip 0.2, second 1.0."""

    def __init__(self, picture: Picture, queue: FrameQueue, commands: Commands, clock: Clock) -> None:
        super().__init__()
        self._picture, self._queue, self._commands, self._clock = picture, queue, commands, clock
        self._jobs: list[_Job] = []
        self._last_s = 0.0
        self.lateness_ms: deque[float] = deque(maxlen=600)
        self._frames: deque[float] = deque(maxlen=240)
        self.lags = 0
        self.longest_queue = 0
        self._worst_job = ""
        self._throttle = logs.Throttle()
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.PreciseTimer)
        self._timer.setInterval(FRAME_MS)
        self._timer.timeout.connect(self.tick)

    def every(self, seconds: float, name: str, work: Callable[[set[str]], None], plot: bool = False) -> None:
        """Run `work(what changed)` in the frame, at most each `seconds`; plots are skipped while the frame is late."""
        self._jobs.append(_Job(name, work, seconds, plot))

    def start(self) -> None:
        """From now on it ticks."""
        self._last_s = self._clock.monotonic()
        self._timer.start()

    def stop(self) -> None:
        """No further tick."""
        self._timer.stop()

    def tick(self) -> None:
        """One frame: take what came, apply it, run the jobs that are due."""
        started = self._clock.monotonic()
        late_ms = self._note(started)
        items = self._queue.take()
        self.longest_queue = max(self.longest_queue, len(items))
        self._picture.apply(items)
        self._commands.pump()
        longest = 0.0
        for job in self._jobs:
            job.changed |= self._picture.changed
            now = self._clock.monotonic()
            late = job.plot and late_ms > LATE_MS and now < job.due_s + SKIP_S
            if now < job.due_s or late:
                continue
            job.due_s = now + job.every_s - FRAME_MS / 2000.0
            changed, job.changed = job.changed, set()
            job.work(changed)
            took = self._clock.monotonic() - now
            if took > longest:
                longest, self._worst_job = took, job.name
        self._picture.changed.clear()

    def _note(self, now: float) -> float:
        """How late this frame is, ms."""
        late_ms = max(0.0, (now - self._last_s) * 1e3 - FRAME_MS) if self._last_s else 0.0
        self._last_s = now
        self._frames.append(now)
        self.lateness_ms.append(late_ms)
        if late_ms > LAG_MS:
            self.lags += 1
            held_back = self._throttle.admit(self._worst_job, now)
            if held_back is not None:
                facts = {"ms": round(late_ms), "painting": self._worst_job, "held_back": held_back}
                logs.event("desk", "ui_lag", level=30, **facts)
        return late_ms

    @property
    def frames_per_s(self) -> float:
        """Frames in the last seconds."""
        if len(self._frames) < 2 or self._frames[-1] <= self._frames[0]:
            return 0.0
        return (len(self._frames) - 1) / (self._frames[-1] - self._frames[0])

    @property
    def lag_p99_ms(self) -> float:
        """Lateness that 99 of 100 frames stay under, over the last ten seconds."""
        return float(np.percentile(np.array(self.lateness_ms), 99)) if self.lateness_ms else 0.0
