"""A desk against real publishers: `plant` publishes, `desk` is the window, offscreen."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import zmq
from PyQt5.QtWidgets import QLabel, QWidget

from pipeline.bus import sockets
from pipeline.runtime import Runtime
from tests.integration.desktop.plant import Plant, prepare
from ui.desktop.app import Desk, dress

WAIT_MS = 20_000


@pytest.fixture
def runtime(tmp_path: Path) -> Iterator[Runtime]:
    runtime = prepare(tmp_path / "state")
    yield runtime
    shutil.rmtree(runtime.sockets, ignore_errors=True)


@pytest.fixture
def plant(runtime: Runtime) -> Iterator[Plant]:
    plant = Plant(runtime)
    plant.start()
    yield plant
    plant.stop()


@pytest.fixture
def open_desk(runtime: Runtime, qtbot: Any, qapp: Any) -> Iterator[Callable[[], Desk]]:
    """Opens desks that are closed after the test."""
    opened: list[tuple[Desk, sockets.Context]] = []

    def open_one() -> Desk:
        context: sockets.Context = zmq.Context()
        desk = Desk(context, runtime, runtime.settings(), dress(qapp, "dark"), layout=None)
        desk.frames.start()
        desk.reader.start()
        desk.window.show()
        qtbot.addWidget(desk.window)
        opened.append((desk, context))
        return desk

    yield open_one
    for desk, context in opened:
        desk.close()
        sockets.terminate(context)


@pytest.fixture
def desk(plant: Plant, open_desk: Callable[[], Desk], qtbot: Any) -> Desk:
    """A window that shows the plant's book."""
    plant.do(lambda p: p.book())
    desk = open_desk()
    qtbot.waitUntil(lambda: desk.picture.system is not None and bool(desk.window.positions.model.keys), timeout=WAIT_MS)
    qtbot.waitUntil(lambda: label(desk, "strip.net").startswith("≈"), timeout=WAIT_MS)
    return desk


def label(desk: Desk, name: str) -> str:
    """Text of a label by its object name."""
    found = desk.window.findChild(QLabel, name)
    assert found is not None, f"no label {name}"
    return str(found.text())


@pytest.fixture
def text(desk: Desk) -> Callable[[str], str]:
    """Text of anything by its object name."""

    def of(name: str) -> str:
        found = desk.window.findChild(QWidget, name)
        assert found is not None, f"no widget {name}"
        return str(found.text())

    return of


@pytest.fixture
def wait(qtbot: Any) -> Callable[[Callable[[], bool]], None]:
    """Wait for a condition, generously."""
    return lambda condition: qtbot.waitUntil(condition, timeout=WAIT_MS)
