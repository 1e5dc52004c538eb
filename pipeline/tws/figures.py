"""An empty figure is unknown: the genuine Decoder reads it as 0, so it gets TWS's own word for unset before. Pure."""

from __future__ import annotations

UNSET = b"1.7976931348623157E308"
# message → places of sums of money and prices, the message id at 0; the places are the same in versions 157–200
PLACES = {
    7: (14, 15, 16, 17, 18),  # portfolio: price, value, cost, profit not realized and realized
    59: (3, 5, 6),  # commission, realized profit, yield
    61: (15,),  # position: average cost
    71: (16,),  # position of one account or model: average cost
    94: (2, 3, 4),  # profit of the day, not realized, realized
    95: (3, 4, 5, 6),  # the same of one position, and its value
}


def told(message: int, fields: list[bytes]) -> list[bytes]:
    """`fields` with UNSET where a sum of money is empty; the same list, changed in place."""
    for place in PLACES.get(message, ()):
        if place < len(fields) and not fields[place]:
            fields[place] = UNSET
    return fields
