"""Twenty thousand cell updates a second: the newest value is on screen, and nothing piles up."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from pipeline.runtime import Runtime
from ui.desktop.app import Desk
from ui.desktop.models.quotes import QuoteColumn

RATE = 20_000
SECONDS = 3.0


def test_newest_value_on_screen_under_load(
    runtime: Runtime, open_desk: Callable[[], Desk], qtbot: Any, wait: Callable[[Callable[[], bool]], None]
) -> None:
    arguments = ["--rate", str(RATE), "--symbols", "300", "--seconds", str(SECONDS + 2), "--linger", "20"]
    command = [sys.executable, "-m", "tests.integration.desktop.plant", str(runtime.state_dir), *arguments]
    publisher = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert publisher.stdout is not None
        assert publisher.stdout.readline() == "ready\n"
        desk = open_desk()
        model, quotes = desk.window.watchlist.model, desk.picture.quotes
        for column in range(len(model.columns)):
            desk.window.watchlist.table.setColumnHidden(column, False)
        wait(lambda: len(model.keys) == 300)
        desk.frames.lateness_ms.clear()
        desk.frames.longest_queue = 0
        started, applied = time.monotonic(), quotes.applied
        qtbot.wait(round(SECONDS * 1000))
        rate = (quotes.applied - applied) / (time.monotonic() - started)
        late = np.array(desk.frames.lateness_ms)
        print(
            f"\n{rate:,.0f} updates/s applied, timer late by p50 {np.percentile(late, 50):.1f} ms, "
            f"p99 {np.percentile(late, 99):.1f} ms, {desk.frames.frames_per_s:.0f} fps, "
            f"longest queue {desk.frames.longest_queue} frames"
        )
        assert rate > 0
        assert publisher.stdout.readline() == "said\n"
        first, last = model.visible
        assert last > first
        wait(lambda: all(model.cell_at(row, QuoteColumn.LAST).text == "777.77" for row in range(first, last + 1)))
        assert len(desk.queue) < 1000
        assert desk.queue.dropped == 0
    finally:
        publisher.kill()
        publisher.wait()
        assert publisher.stdout is not None
        publisher.stdout.close()
