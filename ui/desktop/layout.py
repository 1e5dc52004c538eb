"""Where docks stand: saved on close, restored on start. A broken or foreign file costs only itself."""

from __future__ import annotations

from pathlib import Path

from PyQt5.QtCore import QByteArray, QRect, QSettings
from PyQt5.QtGui import QGuiApplication
from PyQt5.QtWidgets import QMainWindow, QTableView

from pipeline import logs

VERSION = 1
MIN_SEEN_PX = 100


class Layout:
    """One INI file; tables are kept by object name."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def save(self, window: QMainWindow) -> None:
        """Geometry, docks, column widths."""
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        settings = QSettings(str(self._path), QSettings.IniFormat)
        settings.setValue("version", VERSION)
        settings.setValue("geometry", window.saveGeometry())
        settings.setValue("docks", window.saveState(VERSION))
        for table in window.findChildren(QTableView):
            if table.objectName():
                settings.setValue(f"columns/{table.objectName()}", table.horizontalHeader().saveState())
        settings.sync()

    def restore(self, window: QMainWindow) -> bool:
        """False when nothing fit; then the window stays as it was."""
        if not self._path.exists():
            return False
        settings = QSettings(str(self._path), QSettings.IniFormat)
        docks, geometry = settings.value("docks"), settings.value("geometry")
        if str(settings.value("version")) != str(VERSION) or not isinstance(docks, QByteArray):
            logs.event("desk", "layout_refused", level=30, path=str(self._path))
            return False
        before = window.saveState(VERSION)
        if not window.restoreState(docks, VERSION):
            window.restoreState(before, VERSION)
            logs.event("desk", "layout_refused", level=30, path=str(self._path))
            return False
        if isinstance(geometry, QByteArray):
            window.restoreGeometry(geometry)
            _pull_in(window)
        for table in window.findChildren(QTableView):
            state = settings.value(f"columns/{table.objectName()}")
            if isinstance(state, QByteArray):
                table.horizontalHeader().restoreState(state)
        return True


def _pull_in(window: QMainWindow) -> None:
    """A window on a screen that is gone comes back to the main one."""
    frame: QRect = window.frameGeometry()
    for screen in QGuiApplication.screens():
        seen = screen.availableGeometry().intersected(frame)
        if seen.width() >= MIN_SEEN_PX and seen.height() >= MIN_SEEN_PX:
            return
    window.move(QGuiApplication.primaryScreen().availableGeometry().topLeft())
