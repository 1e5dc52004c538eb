"""The rows of a market-depth book, made from the quote: the same quote always gives the same book. Pure."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from pipeline.gateway.market import listing
from pipeline.gateway.market.tape import MANNERS, Quote
from pipeline.gateway.market.universe import Instrument, price_step
from pipeline.gateway.tells.streams import ASK_SIDE, BID_SIDE, DELETE, INSERT, UPDATE

MOST_ROWS = 50
EXCHANGES = tuple(name for name, kind, _, _ in listing.DEPTH_EXCHANGES if kind == "STK")  # whose depth SMART shows
MAKERS = ("NSDQ", "UBSS", "GSCO", "MSCO", "JPMS", "CDRG", "NITE")  # who quotes on an exchange that names them
FURTHER_APART = 3  # one row in so many stands a step further away


@dataclass(frozen=True, slots=True)
class Row:
    """One row of one side, the best first; `maker` is empty where the book names nobody."""

    price: float
    size: int
    maker: str = ""


def rows(x: Instrument, quote: Quote, side: int, count: int, makers: tuple[str, ...] = ()) -> list[Row]:
    """The first `count` rows of one side; the best is the quote itself, and no bid has no rows."""
    best, size = (quote.bid, quote.bid_size) if side == BID_SIDE else (quote.ask, quote.ask_size)
    if best <= 0 or size <= 0:
        return []
    found: list[Row] = []
    price, away = best, -1.0 if side == BID_SIDE else 1.0
    while len(found) < min(count, MOST_ROWS) and price > 0:
        chance = zlib.crc32(f"{x.con_id} {side} {price:.6f}".encode())
        maker = makers[chance % len(makers)] if makers else ""
        found.append(Row(price, _size(x, chance) if found else size, maker))
        steps = 2 if chance % FURTHER_APART == 0 else 1
        price = round(price + away * steps * price_step(x.rule_id, price), 6)
    return found


def _size(x: Instrument, chance: int) -> int:
    manner = MANNERS[x.sec_type]
    return manner.lot * (1 + (chance >> 8) % (2 * manner.depth))


def operations(old: list[Row], new: list[Row]) -> Iterator[tuple[int, int, Row]]:
    """What turns `old` into `new`: (operation, position, row).

    Rows are only added and taken away at the end. A client that shifts the rows behind an insert or a delete, and one
    that does not, end up with the same book.
    """
    for position, row in enumerate(new):
        if position >= len(old):
            yield INSERT, position, row
        elif old[position] != row:
            yield UPDATE, position, row
    for position in range(len(old) - 1, len(new) - 1, -1):
        yield DELETE, position, old[position]


SIDES = (ASK_SIDE, BID_SIDE)
