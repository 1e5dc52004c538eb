"""An empty figure is unknown: the genuine Decoder reads it as 0, so it gets TWS's own word for unset before. Pure."""

from __future__ import annotations

from collections.abc import Iterable

UNSET = b"1.7976931348623157E308"
# Prices and sums of money by message; the message id stands at 0; the places are the same in versions 157–200.
PLACES = {
    7: (14, 15, 16, 17, 18),  # portfolio: price, value, cost, profit not realized and realized
    11: (20, 25),  # execution: price, average price
    59: (3, 5, 6),  # commission, realized profit, yield
    61: (15,),  # position: average cost
    71: (16,),  # position of one account or model: average cost
    94: (2, 3, 4),  # profit of the day, not realized, realized
    95: (3, 4, 5, 6),  # the same of one position, and its value
}
# Messages with rows: fields of a row, fields behind the last row, places in a row. What is left is the head.
ROWS = {
    17: (8, 0, (1, 2, 3, 4, 6)),  # bars: open, high, low, close, weighted average
    96: (4, 1, (2,)),  # midpoints
    97: (6, 1, (2, 3)),  # bids and asks
    98: (6, 1, (2,)),  # trades
}
HEADS = (3, 5)  # a request id and a count; with the period's begin and end below version 196


def told(message: int, fields: list[bytes]) -> list[bytes]:
    """`fields` with UNSET where a price or a sum is empty; the same list, changed in place."""
    for place in PLACES[message] if message in PLACES else _in_rows(message, len(fields)):
        if place < len(fields) and not fields[place]:
            fields[place] = UNSET
    return fields


def _in_rows(message: int, count: int) -> Iterable[int]:
    if message not in ROWS:
        return
    size, behind, places = ROWS[message]
    head = (count - behind) % size
    if head in HEADS:
        for row in range(head, count - behind, size):
            yield from (row + place for place in places)
