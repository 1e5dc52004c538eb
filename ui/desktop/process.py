"""The desk as a child of the supervisor: beats from the GUI thread (a hung window looks hung), leaves when told."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable
from typing import Any

import psutil
import zmq
from PyQt5.QtCore import QObject, QTimer

from pipeline import logs, messages
from pipeline.bus import sockets
from pipeline.runtime import Runtime
from pipeline.service import BEAT_EVERY_S

NAME = "desk"
LOOK_MS = 100


class DeskProcess(QObject):
    """What `Service` is for the other processes, on Qt's loop."""

    def __init__(self, context: sockets.Context, runtime: Runtime, stopping: threading.Event) -> None:
        super().__init__()
        self.state = messages.State.STARTING
        self.detail: Callable[[], dict[str, Any]] = dict
        self.lag_ms: Callable[[], float] = lambda: 0.0
        self.last_error = ""
        self._memory = psutil.Process()
        self._supervisor = sockets.dealer(context, runtime.endpoint("supervisor", "ctl"))
        self._stopping = stopping
        self._on_stop: Callable[[], None] = lambda: None
        self._beat_timer = self._timer(round(BEAT_EVERY_S * 1000), self.beat)
        self._look_timer = self._timer(LOOK_MS, self._look)

    def start(self, on_stop: Callable[[], None]) -> None:
        """Beat from now on; `on_stop` is called once when the process is to leave."""
        self._on_stop = on_stop
        self.beat()
        self._beat_timer.start()
        self._look_timer.start()

    def become(self, state: messages.State) -> None:
        """Change the state and tell the supervisor at once."""
        if state is not self.state:
            self.state = state
            logs.event(NAME, state.value.lower())
            self.beat()

    def beat(self) -> None:
        """Tell the supervisor how it goes; into the void where there is none."""
        beat = messages.Beat(
            process=NAME,
            pid=os.getpid(),
            state=self.state,
            loop_lag_ms=self.lag_ms(),
            rss_bytes=self._memory.memory_info().rss,
            detail=self.detail(),
            last_error=self.last_error,
        )
        with contextlib.suppress(zmq.Again):
            self._supervisor.send_multipart([b"BEAT", messages.pack(beat)], flags=zmq.NOBLOCK)

    def close(self) -> None:
        """The last beat, then silence."""
        self._beat_timer.stop()
        self._look_timer.stop()
        self.become(messages.State.STOPPED)
        self._supervisor.close(linger=200)

    def _look(self) -> None:
        """Signals and the lifeline set an event; here the window hears of it."""
        if self._stopping.is_set():
            self._look_timer.stop()
            self.become(messages.State.STOPPING)
            self._on_stop()

    def _timer(self, every_ms: int, work: Callable[[], None]) -> QTimer:
        timer = QTimer(self)
        timer.setInterval(every_ms)
        timer.timeout.connect(work)
        return timer
