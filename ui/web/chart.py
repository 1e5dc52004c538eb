"""The last quarter of an hour of excess liquidity as an SVG path. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from ui.web import numbers

WIDTH, HEIGHT = 100.0, 24.0  # of the view box; it is stretched to the card
SHORTEST_NS = 60_000_000_000

Points = Sequence[tuple[int, float]]


def line(points: Points) -> str:
    """The newest point at the right edge, at least a minute wide; nothing where there are fewer than two."""
    if len(points) < 2:
        return ""
    low, high = _range(points)
    newest = points[-1][0]
    span = max(newest - points[0][0], SHORTEST_NS)
    places = [(WIDTH * (1 - (newest - at) / span), HEIGHT * (1 - (value - low) / (high - low))) for at, value in points]
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in places)


def labels(points: Points) -> dict[str, str]:
    """Lowest and highest value, and how far back the line goes."""
    if len(points) < 2:
        return {"low": "", "high": "", "span": "the line begins in some seconds"}
    values = [value for _, value in points]
    span = numbers.age((points[-1][0] - points[0][0]) / 1e9)
    return {"low": numbers.money(min(values)), "high": numbers.money(max(values)), "span": f"last {span}"}


def _range(points: Points) -> tuple[float, float]:
    """With a little room, so that a flat line stands in the middle."""
    values = [value for _, value in points]
    low, high = min(values), max(values)
    room = (high - low) * 0.05 or max(abs(high), 1.0) * 0.001
    return low - room, high + room
