"""What orders have taken from the displayed sizes; it comes back with time or with a new quote. Pure."""

from __future__ import annotations

BACK_AFTER = 10  # steps


class Liquidity:
    """Sizes still there, by contract and side."""

    def __init__(self) -> None:
        self._taken: dict[tuple[int, str], tuple[float, int, int, int]] = {}  # price, displayed, taken, step

    def left(self, con_id: int, side: str, price: float, displayed: int, step: int) -> int:
        """Of `displayed` at `price`, what nobody has taken yet."""
        found = self._taken.get((con_id, side))
        if found is None or found[:2] != (price, displayed) or step - found[3] >= BACK_AFTER:
            return displayed
        return max(displayed - found[2], 0)

    def take(self, con_id: int, side: str, price: float, displayed: int, quantity: int, step: int) -> None:
        left = self.left(con_id, side, price, displayed, step)
        self._taken[con_id, side] = price, displayed, displayed - left + quantity, step

    def clear(self) -> None:
        """A new day."""
        self._taken.clear()
