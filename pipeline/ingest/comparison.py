"""What we publish of an account beside a fresh answer of TWS. Pure.

A difference counts when two answers in a row show it: an update that is on its way explains one, never two.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

CASH_KEYS = frozenset(("CashBalance", "TotalCashBalance", "TotalCashValue"))
NONE = "nothing"


@dataclass(frozen=True, slots=True)
class Found:
    """One difference, in words for people."""

    key: str
    ours: str
    tws: str


def compare(ours: Mapping[str, float], theirs: Mapping[str, float], tolerance: float = 0.0) -> dict[str, Found]:
    """Differences by key; a quantity of 0 is as good as nothing, unknown equals unknown."""
    found: dict[str, Found] = {}
    for key in sorted(ours.keys() | theirs.keys()):
        one, other = ours.get(key, 0.0), theirs.get(key, 0.0)
        same = (math.isnan(one) and math.isnan(other)) or abs(one - other) <= tolerance
        if not same:
            found[key] = Found(key, _words(ours.get(key)), _words(theirs.get(key)))
    return found


def _words(value: float | None) -> str:
    return NONE if value is None else f"{value:.10g}"


class Doubts:
    """Differences that were seen once, by account and part."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, str], dict[str, Found]] = {}

    def settle(self, account: str, part: str, found: dict[str, Found]) -> tuple[list[Found], bool]:
        """(differences that stand, whether TWS should be asked once more soon)."""
        before = self._seen.get((account, part), {})
        standing = [one for key, one in found.items() if before.get(key) == one]
        doubted = {key: one for key, one in found.items() if before.get(key) != one}
        self._seen[account, part] = doubted
        return standing, bool(doubted)

    def clear(self) -> None:
        """A new connection: everything is asked anew."""
        self._seen.clear()
