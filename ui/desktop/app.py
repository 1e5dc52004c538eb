"""Wiring of the desk: one GUI thread, one reader thread, one supervisor beat."""

from __future__ import annotations

import contextlib
import faulthandler
import getpass
import logging
import os
import signal
import sys
import threading
import traceback
from types import TracebackType
from typing import NoReturn

import pyqtgraph as pg
import zmq
from PyQt5.QtCore import QCoreApplication, Qt, QTimer
from PyQt5.QtGui import QGuiApplication
from PyQt5.QtWidgets import QApplication, QMessageBox

from pipeline import logs, messages
from pipeline.bus import sockets
from pipeline.clock import SystemClock
from pipeline.config import Settings
from pipeline.errors import CannotStart, ConfigError, MargindeskError
from pipeline.runtime import Runtime, from_environment
from pipeline.service import EXIT_ASKED, EXIT_CANNOT_START, EXIT_ERROR, leave_with_parent, stop_on_signal
from ui.desktop import theme
from ui.desktop.commands import Commands
from ui.desktop.frame_clock import FrameClock
from ui.desktop.layout import Layout
from ui.desktop.looks import Looks
from ui.desktop.picture.picture import Picture
from ui.desktop.process import NAME, DeskProcess
from ui.desktop.session import Session
from ui.desktop.stream import FrameQueue, Reader
from ui.desktop.window import Window

SHOW_ERROR_MS = 15_000


class Desk:
    """Everything of one window. `open()`, then Qt's loop, then `close()`."""

    def __init__(
        self, context: sockets.Context, runtime: Runtime, settings: Settings, looks: Looks, layout: Layout | None
    ) -> None:
        clock = SystemClock()
        self.queue = FrameQueue()
        self.reader = Reader(context, runtime, clock, self.queue)
        self.picture = Picture()
        self.commands = Commands(self.reader, clock, f"{getpass.getuser()}@desk")
        self.session = Session(self.picture, self.commands, lambda: self.reader.links, clock, settings)
        self.frames = FrameClock(self.picture, self.queue, self.commands, clock)
        self.window = Window(self.session, looks, self.frames, self.queue, layout)

    def open(self) -> None:
        """Read, tick, show."""
        self.reader.start()
        self.frames.start()
        self.window.show()

    def close(self) -> None:
        """Stop ticking, end the reader and wait for it."""
        self.frames.stop()
        self.reader.leave()

    def facts(self) -> dict[str, object]:
        """For the supervisor's table."""
        return {
            "fps": round(self.frames.frames_per_s),
            "lag_p99_ms": round(self.frames.lag_p99_ms, 1),
            "lags": self.frames.lags,
            "frames_read": self.reader.frames_read,
            "dropped": self.queue.dropped,
        }


def make_application(arguments: list[str]) -> QApplication:
    """High-DPI attributes must stand before the application does; plots are dark or light like the rest."""
    QCoreApplication.setAttribute(Qt.AA_EnableHighDpiScaling, True)
    QCoreApplication.setAttribute(Qt.AA_UseHighDpiPixmaps, True)
    QGuiApplication.setHighDpiScaleFactorRoundingPolicy(Qt.HighDpiScaleFactorRoundingPolicy.PassThrough)
    application = QApplication(arguments)
    application.setApplicationName("Margindesk")
    pg.setConfigOptions(useOpenGL=False, antialias=False)
    return application


def dress(application: QApplication, palette: str) -> Looks:
    """Fusion, our palette, our fonts."""
    looks = Looks(theme.THEMES[palette])
    looks.dress(application)
    return looks


def no_display() -> str:
    """Why no window can be shown here; empty where it can."""
    if sys.platform != "linux" or os.environ.get("QT_QPA_PLATFORM"):
        return ""
    if os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"):
        return ""
    return "no display: set DISPLAY, or use --headless and the page"


def install_excepthook(process: DeskProcess | None = None) -> None:
    """A bug is logged and shown, then the process ends; the supervisor starts a new one."""

    def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        text = "".join(traceback.format_exception(kind, error, trace))
        logs.event(NAME, "crash", level=50, text=str(error), trace=text)
        print(text, file=sys.stderr)
        application = QApplication.instance()
        if application is None:
            return
        sys.excepthook = _unheard  # the first one counts; Qt would abort on the default hook
        if process is not None:
            process.last_error = str(error)
        box = QMessageBox(QMessageBox.Critical, "Margindesk", f"The desk has to close: {error}", QMessageBox.Close)
        box.setDetailedText(text)
        box.finished.connect(lambda _code: QApplication.exit(EXIT_ERROR))
        QTimer.singleShot(0 if QGuiApplication.platformName() == "offscreen" else SHOW_ERROR_MS, box.reject)
        box.open()
        _held.append(box)

    sys.excepthook = hook


def _unheard(_kind: type[BaseException], _error: BaseException, _trace: TracebackType | None) -> None:
    """What follows the first bug, while the process is ending."""


_held: list[QMessageBox] = []  # Qt deletes what Python forgets


def run(runtime: Runtime) -> int:
    """The whole life of the process; the exit code."""
    settings = runtime.settings()
    if reason := no_display():
        raise CannotStart(reason)
    stopping = threading.Event()
    application = make_application(sys.argv[:1])
    looks = dress(application, settings.desk.palette)
    context: sockets.Context = zmq.Context()
    process = DeskProcess(context, runtime, stopping)
    install_excepthook(process)
    desk = Desk(context, runtime, settings, looks, Layout(runtime.state_dir / "desk" / "layout.ini"))
    process.detail, process.lag_ms = desk.facts, lambda: desk.frames.lag_p99_ms
    desk.window.painted.connect(lambda: process.become(messages.State.READY))
    try:
        with stop_on_signal(stopping), leave_with_parent(stopping):
            process.start(desk.window.close)
            desk.open()
            code = application.exec_()
    finally:
        desk.close()
        process.close()
        sockets.terminate(context)
    logs.event(NAME, "closed", code=code)
    return code


def leave(code: int) -> NoReturn:
    """End the process when everything is closed: Qt's objects may crash when an ending interpreter deletes them."""
    sys.stdout.flush()
    sys.stderr.flush()
    logging.shutdown()
    os._exit(code)


def main() -> int:
    """Entry of `python -m ui.desktop`."""
    try:
        runtime = from_environment()
        runtime.prepare()
        logs.configure(NAME, runtime.logs)
        stacks = (runtime.logs / f"{NAME}.stacks").open("a", encoding="utf-8")
        faulthandler.enable(stacks)
        if hasattr(signal, "SIGUSR1"):
            faulthandler.register(signal.SIGUSR1, file=stacks, all_threads=True)
        return run(runtime) or EXIT_ASKED
    except (CannotStart, ConfigError) as error:
        logs.event(NAME, "cannot_start", level=40, text=str(error))
        print(f"{NAME}: {error}", file=sys.stderr)
        return EXIT_CANNOT_START
    except MargindeskError as error:
        logs.event(NAME, "failed", level=40, text=str(error))
        with contextlib.suppress(OSError):
            print(f"{NAME}: {error}", file=sys.stderr)
        return EXIT_ERROR
