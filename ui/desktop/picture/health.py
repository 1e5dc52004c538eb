"""What state a dock or a hop is in, from links and from what TWS says. Pure: same input, same words."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import IntEnum

from pipeline.messages import STALE_AFTER_S, TwsState
from ui.desktop import format as fmt

DISCONNECTED_AFTER_S = 5.0


class Condition(IntEnum):
    """From best to worst; a dock shows the worst of what it shows."""

    LIVE = 0
    EMPTY = 1
    LOADING = 2
    STALE = 3
    DISCONNECTED = 4
    ERROR = 5


@dataclass(frozen=True)
class Link:
    """The live stream of one process, as the reader sees it."""

    stale: bool = True
    silent_s: float = math.inf  # since the last good frame
    gaps: int = 0
    bad: int = 0
    ended: bool = False
    ever: bool = False  # a whole picture came at least once


@dataclass(frozen=True)
class Health:
    """State of a dock: the condition, and a sentence for its header."""

    condition: Condition
    text: str = ""

    @property
    def old(self) -> bool:
        """Figures must look old."""
        return self.condition >= Condition.STALE


LIVE = Health(Condition.LIVE)


def of_link(process: str, link: Link, since_text: str = "") -> Health:
    """State of everything that comes from one process."""
    if not link.ever:
        return Health(Condition.LOADING, f"waiting for {process}")
    if link.silent_s > DISCONNECTED_AFTER_S:
        return Health(Condition.DISCONNECTED, f"{process} silent {since_text}".rstrip())
    if link.stale or link.silent_s > STALE_AFTER_S["keep_alive"]:
        return Health(Condition.STALE, f"{process} silent {fmt.age(link.silent_s)}")
    return LIVE


def of_tws(state: TwsState | None, since_text: str = "") -> Health:
    """State of everything that comes from TWS through a living process."""
    if state is None:
        return Health(Condition.LOADING, "waiting for TWS")
    reason = f": {state.reason}" if state.reason else ""
    match state.state:
        case "READY":
            return LIVE
        case "SYNCING":
            return Health(Condition.LOADING, "TWS is sending the accounts")
        case "CONNECTING":
            return Health(Condition.DISCONNECTED, f"connecting to TWS{reason} {since_text}".rstrip())
        case "DEGRADED":
            return Health(Condition.STALE, f"TWS degraded{reason}")
        case "REFUSED":
            return Health(Condition.ERROR, f"TWS refuses us{reason}")
        case _:
            return Health(Condition.DISCONNECTED, f"no TWS{reason} {since_text}".rstrip())


def worst(*parts: Health) -> Health:
    """The first of the worst."""
    return max(parts, key=lambda part: part.condition)


def with_rows(health: Health, rows: int, empty_text: str) -> Health:
    """An empty table says so once everything before it is well."""
    if rows or health.condition is not Condition.LIVE:
        return health
    return Health(Condition.EMPTY, empty_text)
