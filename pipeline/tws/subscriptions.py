"""Which contracts get TWS's market-data lines: underlyings first, then held legs, then what somebody looks at,
then the watchlist. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum


class Priority(IntEnum):
    """Lower goes first."""

    UNDERLYING = 0
    HELD = 1
    LEASED = 2  # somebody looks at it now
    WATCHED = 3


@dataclass(frozen=True, slots=True)
class Want:
    """A contract that should have a line; among equals the larger weight (its share of margin or value) goes first."""

    con_id: int
    priority: Priority
    weight: float = 0.0


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do now. `left_out` have no line because the others came first."""

    cancel: list[int]
    request: list[int]
    left_out: list[int]


def merge(wants: Iterable[Want]) -> dict[int, Want]:
    """One want a contract: its best priority, then its largest weight."""
    best: dict[int, Want] = {}
    for want in wants:
        known = best.get(want.con_id)
        if known is None or (want.priority, -want.weight) < (known.priority, -known.weight):
            best[want.con_id] = want
    return best


def plan(wants: Iterable[Want], active: Mapping[int, object], max_lines: int) -> Plan:
    """Compare what is wanted with the lines that are used.

    A used line goes only when nobody wants it or when somebody of better priority needs it: weights alone never take a
    line away, so that figures which move about each other don't make lines flap.
    """
    ordered = sorted(
        merge(wants).values(), key=lambda want: (want.priority, want.con_id not in active, -want.weight, want.con_id)
    )
    chosen = [want.con_id for want in ordered[:max_lines]]
    inside = set(chosen)
    return Plan(
        cancel=[con_id for con_id in active if con_id not in inside],
        request=[con_id for con_id in chosen if con_id not in active],
        left_out=[want.con_id for want in ordered[max_lines:]],
    )
