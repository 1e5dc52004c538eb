from __future__ import annotations

import pytest

from pipeline.clock import JumpWatch


class Hands:
    """Two clocks, moved by hand."""

    wall_s = 1_000_000.0
    steady_s = 50.0

    def now_ns(self) -> int:
        return int(self.wall_s * 1e9)

    def monotonic(self) -> float:
        return self.steady_s

    def pass_(self, seconds: float, wall: float = 0.0) -> None:
        self.steady_s += seconds
        self.wall_s += seconds + wall


@pytest.mark.parametrize("moved", [3600.0, -3600.0, 1.5])
def test_a_jump_is_told_once(moved: float) -> None:
    hands = Hands()
    watch = JumpWatch(hands)
    hands.pass_(1.0, wall=moved)
    assert watch.moved() == pytest.approx(moved, abs=1e-3)
    hands.pass_(1.0)
    assert watch.moved() is None


def test_a_slow_drift_never_adds_up_to_a_jump() -> None:
    hands = Hands()
    watch = JumpWatch(hands)
    for _ in range(100):
        hands.pass_(60.0, wall=0.03)
        assert watch.moved() is None
