"""The terms of an order as its client set them, under the names of the TWS API. Plain data; pure.

What a client left unset is absent, so what TWS tells back is exactly what was placed.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from typing import Any

Value = str | int | float | bool


@dataclass(frozen=True, slots=True)
class Leg:
    """One leg of a BAG; `con_id` … `exchange` say what it is, the rest is told back."""

    con_id: int
    ratio: int
    action: str
    exchange: str
    open_close: int = 0
    short_slot: int = 0
    location: str = ""
    exempt: int = -1


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition; which fields count depends on `kind`."""

    kind: int  # 1 price, 3 time, 4 margin, 5 execution, 6 volume, 7 percent change
    joined: str = "a"  # to the next one: a (and) or o (or)
    more: bool = False
    value: str = ""
    con_id: int = 0
    exchange: str = ""
    method: int = 0
    sec_type: str = ""
    symbol: str = ""


@dataclass(frozen=True)
class Terms:
    """All of an order's fields but those that PlaceOrder names itself."""

    values: dict[str, Value] = field(default_factory=dict)
    legs: tuple[Leg, ...] = ()
    leg_prices: tuple[float | None, ...] = ()
    routing: tuple[tuple[str, str], ...] = ()
    algo: tuple[tuple[str, str], ...] = ()
    conditions: tuple[Condition, ...] = ()

    def text(self, name: str) -> str:
        return str(self.values.get(name, ""))

    def number(self, name: str) -> float:
        """A double; nan where it is unset."""
        value = self.values.get(name)
        return math.nan if value is None or isinstance(value, str) else float(value)

    def integer(self, name: str) -> int:
        value = self.values.get(name, 0)
        return 0 if isinstance(value, str) else int(value)

    def flag(self, name: str) -> bool:
        return self.values.get(name) is True


def dumped(terms: Terms) -> dict[str, Any]:
    """Terms as JSON takes them."""
    found = vars(terms).copy()
    found["legs"] = [asdict(leg) for leg in terms.legs]
    found["conditions"] = [asdict(one) for one in terms.conditions]
    return found


def restored(row: dict[str, Any]) -> Terms:
    """Terms from what `dumped` and JSON made of them."""
    return Terms(
        row["values"],
        tuple(Leg(**leg) for leg in row["legs"]),
        tuple(row["leg_prices"]),
        tuple((tag, value) for tag, value in row["routing"]),
        tuple((tag, value) for tag, value in row["algo"]),
        tuple(Condition(**one) for one in row["conditions"]),
    )
