"""A run that is left alone: memory stays flat, nothing restarts, nothing is lost."""

from __future__ import annotations

import os
import time

import numpy as np
import pytest

SOAK_S = float(os.environ.get("MARGINDESK_SOAK_S", "600"))
FLAT_MB_A_MINUTE = 1.0  # slope of each process's memory over the second half

pytestmark = [pytest.mark.long, pytest.mark.timeout(SOAK_S + 600)]


def test_memory_stays_flat_and_nothing_restarts(demo):
    """`MARGINDESK_SOAK_S` seconds of the demo's load; the slope is fitted over the second half."""
    demo.start("--seconds", str(SOAK_S))
    demo.ready()
    began = time.monotonic()
    samples: dict[str, list[tuple[float, float]]] = {}
    while time.monotonic() - began < SOAK_S - 20:
        for process in demo.status().get("processes", []):
            point = (time.monotonic() - began, process["rss_bytes"] / 1e6)
            samples.setdefault(process["process"], []).append(point)
        time.sleep(5)  # between samples; nothing is waited for
    slopes = {}
    for name, points in samples.items():
        minutes, megabytes = np.array([point for point in points if point[0] > SOAK_S / 2]).T
        slopes[name] = float(np.polyfit(minutes / 60, megabytes, 1)[0])
    print({name: f"{slope:+.2f} MB/min, {samples[name][-1][1]:.0f} MB" for name, slope in slopes.items()})
    summary = demo.summary(SOAK_S + 300)
    assert {name: slope for name, slope in slopes.items() if slope > FLAT_MB_A_MINUTE} == {}
    assert set(summary["restarts"].values()) == {0}
    assert (summary["lost"], summary["duplicated"]) == (0, 0)
    assert summary["ticks_recorded"] == summary["ticks_published"] == summary["ticks_received"]
