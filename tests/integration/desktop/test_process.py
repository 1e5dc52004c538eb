"""`python -m ui.desktop` as a child: it beats, leaves when told, and with its parent; layouts cost only themselves."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import zmq
from PyQt5.QtCore import QSettings

from pipeline.bus import sockets
from pipeline.messages import Beat, State, unpack_as
from pipeline.runtime import Runtime
from tests.integration.desktop.plant import Plant
from ui.desktop.app import Desk
from ui.desktop.layout import Layout

DEADLINE_S = 40.0


class Supervisor:
    """A ROUTER where the supervisor's would be."""

    def __init__(self, runtime: Runtime) -> None:
        self._context: sockets.Context = zmq.Context()
        self._router = sockets.router(self._context, runtime.endpoint("supervisor", "ctl"))

    def wait_for(self, state: State) -> Beat:
        until = time.monotonic() + DEADLINE_S
        while time.monotonic() < until:
            if self._router.poll(200):
                parts = self._router.recv_multipart()
                if parts[1] == b"BEAT" and (beat := unpack_as(parts[2], Beat)).state is state:
                    return beat
        raise AssertionError(f"no beat with {state}")

    def close(self) -> None:
        self._router.close(linger=0)
        sockets.terminate(self._context)


@pytest.fixture
def supervisor(runtime: Runtime) -> Iterator[Supervisor]:
    supervisor = Supervisor(runtime)
    yield supervisor
    supervisor.close()


@pytest.fixture
def child(runtime: Runtime) -> Iterator[subprocess.Popen[bytes]]:
    environment = dict(
        os.environ,
        MARGINDESK_STATE=str(runtime.state_dir),
        MARGINDESK_LIFELINE="1",
        MARGINDESK_PARENT=str(os.getpid()),
        QT_QPA_PLATFORM="offscreen",
    )
    process = subprocess.Popen([sys.executable, "-m", "ui.desktop"], env=environment, stdin=subprocess.PIPE)
    yield process
    process.kill()
    process.wait()
    assert process.stdin is not None
    process.stdin.close()


def test_it_beats_and_leaves_on_a_signal(supervisor: Supervisor, child: subprocess.Popen[bytes]) -> None:
    beat = supervisor.wait_for(State.READY)
    assert (beat.process, beat.pid) == ("desk", child.pid)
    assert supervisor.wait_for(State.READY).detail["fps"] >= 0
    child.send_signal(signal.SIGTERM)
    assert child.wait(DEADLINE_S) == 0


def test_it_leaves_with_its_parent(supervisor: Supervisor, child: subprocess.Popen[bytes]) -> None:
    supervisor.wait_for(State.READY)
    assert child.stdin is not None
    child.stdin.close()
    child.wait(DEADLINE_S)


def test_without_a_display_it_says_so_and_is_not_tried_again(runtime: Runtime) -> None:
    environment = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")}
    environment["MARGINDESK_STATE"] = str(runtime.state_dir)
    done = subprocess.run(
        [sys.executable, "-m", "ui.desktop"], env=environment, capture_output=True, text=True, timeout=DEADLINE_S
    )
    assert done.returncode == 3
    assert "no display" in done.stderr


def test_a_bug_is_logged_and_ends_the_process(runtime: Runtime, tmp_path: Path) -> None:
    script = tmp_path / "broken.py"
    script.write_text(
        "import sys\n"
        "from PyQt5.QtCore import QTimer\n"
        "from ui.desktop import app, frame_clock\n"
        "def broken(self): raise RuntimeError('a bug')\n"
        "frame_clock.FrameClock.tick = broken\n"
        "sys.exit(app.main())\n"
    )
    environment = dict(
        os.environ, MARGINDESK_STATE=str(runtime.state_dir), QT_QPA_PLATFORM="offscreen", PYTHONPATH=os.getcwd()
    )
    done = subprocess.run(
        [sys.executable, str(script)], env=environment, capture_output=True, text=True, timeout=DEADLINE_S
    )
    assert done.returncode == 1
    assert "a bug" in (runtime.logs / "desk.log").read_text()


def test_a_layout_comes_back(desk: Desk, tmp_path: Path) -> None:
    layout = Layout(tmp_path / "layout.ini")
    desk.window.log.hide()
    desk.window.watchlist.table.setColumnWidth(1, 123)
    layout.save(desk.window)
    desk.window.log.show()
    desk.window.watchlist.table.setColumnWidth(1, 50)
    assert layout.restore(desk.window)
    assert desk.window.log.isHidden()
    assert desk.window.watchlist.table.columnWidth(1) == 123


@pytest.mark.parametrize("content", [b"", b"not an ini \x00\xff", b"[General]\nversion=99\ndocks=@ByteArray(xx)\n"])
def test_a_broken_layout_costs_only_itself(desk: Desk, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "layout.ini"
    path.write_bytes(content)
    shown = [name for name, dock in desk.window.docks.items() if not dock.isHidden()]
    assert not Layout(path).restore(desk.window)
    assert [name for name, dock in desk.window.docks.items() if not dock.isHidden()] == shown


def test_a_torn_layout_leaves_the_window_as_it_was(desk: Desk, tmp_path: Path) -> None:
    path = tmp_path / "layout.ini"
    Layout(path).save(desk.window)
    settings = QSettings(str(path), QSettings.IniFormat)
    settings.setValue("docks", settings.value("docks")[:20])
    settings.sync()
    del settings
    shown = [name for name, dock in desk.window.docks.items() if not dock.isHidden()]
    assert not Layout(path).restore(desk.window)
    assert [name for name, dock in desk.window.docks.items() if not dock.isHidden()] == shown


def test_reset_brings_all_docks_back(desk: Desk) -> None:
    for dock in desk.window.docks.values():
        dock.hide()
    desk.window.arrange()
    assert all(not dock.isHidden() for dock in desk.window.docks.values())


def test_a_picture_of_a_running_state(plant: Plant, runtime: Runtime, tmp_path: Path) -> None:
    from tests.integration.desktop.plant import live

    plant.do(lambda p: p.book())
    plant.do(lambda p: p.every.append(live(p, 400.0)))
    out = tmp_path / "desk.png"
    command = [sys.executable, "-m", "ui.desktop.screenshot", "--state", str(runtime.state_dir), "--out", str(out)]
    environment = dict(os.environ, QT_QPA_PLATFORM="offscreen")
    done = subprocess.run(
        [*command, "--chart", "1"], env=environment, capture_output=True, text=True, timeout=DEADLINE_S
    )
    assert done.returncode == 0, done.stderr
    assert out.read_bytes().startswith(b"\x89PNG")
