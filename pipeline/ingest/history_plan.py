"""A period of history cut into requests that TWS accepts. Pure.

Pieces lie on a grid of UTC time, so that the same piece has the same name whoever asks for it: a cache can hold it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

NS = 1_000_000_000
DAY_S = 86_400
MAX_PIECES = 400

# Bar size in TWS's spelling → its seconds, and the longest period that TWS gives in one answer (its own table of
# durations, rounded down to what divides a grid); a month counts as 30 days.
SIZES: dict[str, tuple[int, int]] = {
    "1 secs": (1, 1_800), "5 secs": (5, 3_600), "10 secs": (10, 14_400), "15 secs": (15, 14_400),
    "30 secs": (30, 28_800), "1 min": (60, DAY_S), "2 mins": (120, DAY_S), "3 mins": (180, DAY_S),
    "5 mins": (300, DAY_S), "10 mins": (600, DAY_S), "15 mins": (900, DAY_S), "20 mins": (1_200, DAY_S),
    "30 mins": (1_800, DAY_S), "1 hour": (3_600, 28 * DAY_S), "2 hours": (7_200, 28 * DAY_S),
    "3 hours": (10_800, 28 * DAY_S), "4 hours": (14_400, 28 * DAY_S), "8 hours": (28_800, 28 * DAY_S),
    "1 day": (DAY_S, 364 * DAY_S), "1 week": (7 * DAY_S, 364 * DAY_S), "1 month": (30 * DAY_S, 364 * DAY_S),
}  # fmt: skip
ALIASES = {"1 sec": "1 secs", "1 mins": "1 min", "1 hours": "1 hour", "1W": "1 week", "1M": "1 month"}
BAR_KINDS_ASKED = ("TRADES", "MIDPOINT", "BID", "ASK", "BID_ASK", "HISTORICAL_VOLATILITY",
                   "OPTION_IMPLIED_VOLATILITY", "ADJUSTED_LAST")  # fmt: skip
TICK_KINDS = ("TRADES", "BID_ASK", "MIDPOINT")
TICK_PIECE_S = 300  # a page has a thousand: an hour of a busy contract would be dozens of requests


@dataclass(frozen=True, slots=True)
class Piece:
    """[from_ns, to_ns) to be asked for; `whole` when it is a piece of the grid that has ended: it never changes."""

    from_ns: int
    to_ns: int
    whole: bool


def size_of(text: str) -> str:
    """TWS's own spelling of a bar size; empty for what is none."""
    known = ALIASES.get(text.strip(), text.strip())
    return known if known in SIZES else ""


def pieces(from_ns: int, to_ns: int, grid_s: int, now_ns: int) -> list[Piece]:
    """The pieces that cover [from_ns, to_ns), oldest first. Nothing lies ahead of now; the unfinished one is cut."""
    grid_ns, end_ns = grid_s * NS, min(to_ns, now_ns)
    made = []
    start = from_ns - from_ns % grid_ns if from_ns < end_ns else end_ns
    while start < end_ns:
        stop = start + grid_ns
        if stop <= now_ns:
            made.append(Piece(start, stop, whole=True))
        else:
            made.append(Piece(max(start, from_ns), end_ns, whole=False))
        start = stop
    return made


def duration(piece: Piece, bar_s: int) -> str:
    """TWS's word for the length of a piece, never shorter: days are trading days for TWS, so they may bring more."""
    seconds = -(-(piece.to_ns - piece.from_ns) // NS)
    if seconds > DAY_S or bar_s >= DAY_S:
        return f"{max(1, -(-seconds // DAY_S))} D"
    return f"{max(seconds, 30)} S"


def spelled(ns: int) -> str:
    """A time as requests for history have it, in UTC."""
    return datetime.fromtimestamp(ns // NS, UTC).strftime("%Y%m%d-%H:%M:%S")


def read_time(text: str) -> int:
    """UTC ns of a bar's time: seconds since 1970, or yyyymmdd for a day and longer; ValueError for anything else."""
    if len(text) == 8 and text.isdigit():
        return int(datetime.strptime(text, "%Y%m%d").replace(tzinfo=UTC).timestamp()) * NS
    return int(text) * NS
