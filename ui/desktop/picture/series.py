"""Fixed ring buffers of what a chart shows, and their reduction to the pixel width. Pure numpy."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class Ring:
    """The last `capacity` samples of `width` values and their time (seconds); nothing is ever allocated again."""

    def __init__(self, capacity: int, width: int) -> None:
        self._times: Floats = np.full(2 * capacity, np.nan)
        self._values: Floats = np.full((width, 2 * capacity), np.nan)
        self._capacity = capacity
        self._end = 0  # writes go to [end] and [end - capacity], so that the newest stretch is always contiguous
        self._held = 0

    def __len__(self) -> int:
        return self._held

    @property
    def last_s(self) -> float:
        """Time of the newest sample; nan where there is none."""
        return float(self._times[self._end - 1]) if self._held else float("nan")

    @property
    def first_s(self) -> float:
        """Time of the oldest sample held; nan where there is none."""
        return float(self._times[self._end - self._held]) if self._held else float("nan")

    def append(self, time_s: float, *values: float) -> None:
        """One sample; nan breaks the line."""
        if self._end == 2 * self._capacity:
            half = self._capacity
            self._times[:half] = self._times[half:]
            self._values[:, :half] = self._values[:, half:]
            self._end = half
        self._times[self._end] = time_s
        self._values[:, self._end] = values
        self._end += 1
        self._held = min(self._held + 1, self._capacity)

    def since(self, time_s: float) -> tuple[Floats, Floats]:
        """Views of times and values from `time_s` on."""
        start = self._end - self._held
        start += int(np.searchsorted(self._times[start : self._end], time_s))
        return self._times[start : self._end], self._values[:, start : self._end]


def reduce(times: Floats, values: Floats, pixels: int) -> tuple[Floats, Floats]:
    """At most two points (least and greatest) a pixel; no peak is lost. Short series come back as they are."""
    count = len(times)
    if count <= 2 * pixels or pixels < 1:
        return times, values
    edges = np.linspace(0, count, pixels + 1).astype(np.intp)[:-1]
    reduced = np.empty(2 * pixels)
    reduced[0::2] = np.fmin.reduceat(values, edges)
    reduced[1::2] = np.fmax.reduceat(values, edges)
    return np.repeat(times[edges], 2), reduced


def span(values: Floats, padding: float = 0.08) -> tuple[float, float] | None:
    """A y range with room above and below; None where nothing is known."""
    known = values[np.isfinite(values)]
    if not len(known):
        return None
    low, high = float(known.min()), float(known.max())
    room = (high - low) * padding or max(abs(high) * 0.001, 1.0)
    return low - room, high + room
