"""A picture of the desk on a running state: `python -m ui.desktop.screenshot --state DIR --out docs/img/desk.png`.

Opens a window of its own on that run (offscreen, or under whatever display there is), waits until figures are live and
the chart has something to show, saves the window and leaves. It sends one preview, and no order.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import zmq
from PyQt5.QtCore import QTimer

from pipeline.bus import sockets
from pipeline.errors import MargindeskError
from pipeline.runtime import Runtime
from ui.desktop.app import Desk, dress, install_excepthook, leave, make_application
from ui.desktop.picture.health import Condition

LOOK_MS = 250
POSE_S = 4.0  # for the answer to the preview


class Photographer:
    """Looks four times a second whether the window is worth a picture."""

    def __init__(self, desk: Desk, out: Path, chart_s: float, timeout_s: float, leave: Callable[[int], None]) -> None:
        self._desk, self._out, self._chart_s, self._leave = desk, out, chart_s, leave
        self._until_s = time.monotonic() + timeout_s
        self._posed = False
        self._timer = QTimer()
        self._timer.setInterval(LOOK_MS)
        self._timer.timeout.connect(self._look)

    def start(self) -> None:
        """Begin to look."""
        self._timer.start()

    def missing(self) -> list[str]:
        """What is not live yet."""
        session, window = self._desk.session, self._desk.window
        account = session.account
        wanted = {
            "quotes": session.of_market().condition is Condition.LIVE and bool(window.watchlist.model.keys),
            "margin": session.of_margin().condition is Condition.LIVE,
            "positions": bool(window.positions.model.keys),
            "reasons": account is not None and bool(account.reasons),
            "chart": account is not None and account.ring.last_s - account.ring.first_s >= self._chart_s,
            "status": session.picture.system is not None,
        }
        return [name for name, there in wanted.items() if not there]

    def _look(self) -> None:
        missing = self.missing()
        if not missing and not self._posed:
            self._posed = True
            self._pose()
            self._until_s = time.monotonic() + POSE_S
        elif time.monotonic() >= self._until_s:
            self._timer.stop()
            self._finish(missing)

    def _pose(self) -> None:
        """Open the dearest underlying, ask for one preview."""
        window, session = self._desk.window, self._desk.session
        window.margin.tree.expandToDepth(0)
        lines = [line for line in session.picture.subscriptions.values() if line.watched]
        if lines:
            session.choose_contract(lines[0].con_id)
            window.ticket.pick(lines[0].con_id)
            window.ticket.quantity.setText("100")

    def _finish(self, missing: list[str]) -> None:
        if missing:
            print(f"screenshot: not live in time: {', '.join(missing)}", file=sys.stderr)
            self._leave(1)
            return
        self._out.parent.mkdir(parents=True, exist_ok=True)
        saved = self._desk.window.grab().save(str(self._out))
        print(f"{self._out}" if saved else f"screenshot: {self._out} can't be written", file=sys.stderr)
        self._leave(0 if saved else 1)


def main() -> int:
    """0: the picture is there. 1: something was not live in time; it is named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--state", type=Path, required=True, help="state directory of the running Margindesk")
    parser.add_argument("--out", type=Path, default=Path("docs/img/desk.png"))
    parser.add_argument("--size", default="1600x1000")
    parser.add_argument("--palette", default="", help="dark, light, dark-cb or light-cb; else the configured one")
    parser.add_argument("--account", default="")
    parser.add_argument("--chart", type=float, default=20.0, help="seconds that the chart must hold")
    parser.add_argument("--timeout", type=float, default=90.0)
    options = parser.parse_args()
    runtime = Runtime(options.state)
    try:
        settings = runtime.settings()
    except (OSError, MargindeskError) as error:
        print(f"screenshot: no run in {options.state}: {error}", file=sys.stderr)
        return 1
    os.environ.setdefault("QT_FONT_DPI", "96")  # pixels are pixels, whatever screen there is
    application = make_application(sys.argv[:1])
    looks = dress(application, options.palette or settings.desk.palette)
    install_excepthook()
    context: sockets.Context = zmq.Context()
    desk = Desk(context, runtime, settings, looks, layout=None)
    if options.account:
        desk.session.choose_account(options.account)
    desk.window.resize(*(int(side) for side in options.size.split("x")))
    desk.open()
    photographer = Photographer(desk, options.out, options.chart, options.timeout, application.exit)
    photographer.start()
    try:
        return int(application.exec_())
    finally:
        desk.close()
        sockets.terminate(context)


if __name__ == "__main__":
    leave(main())
