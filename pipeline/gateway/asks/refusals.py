"""What this TWS does not offer: the code and text that each such request gets. A table."""

from __future__ import annotations


def _validation(what: str) -> str:
    return f"Error validating request.-'bX' : cause - {what} is not offered by this simulated TWS"


REFUSED: dict[int, tuple[int, int, str]] = {  # message → fields before its id (-1: none), code, text
    22: (0, 162, "Historical Market Data Service error message:No scanner in this simulated TWS"),
    24: (-1, 321, _validation("A scanner")),
    85: (-1, 321, _validation("News")),
    84: (0, 321, _validation("News")),
    86: (0, 321, _validation("News")),
    12: (-1, 321, _validation("A news bulletin")),
    52: (1, 321, _validation("Fundamental data")),
    53: (1, 321, _validation("Fundamental data")),
    100: (0, 321, _validation("Wall Street Horizon data")),
    102: (0, 321, _validation("Wall Street Horizon data")),
    65: (-1, 321, _validation("The verification of partners")),
    66: (-1, 321, _validation("The verification of partners")),
    67: (1, 321, _validation("A display group")),
    68: (1, 321, _validation("A display group")),
    69: (1, 321, _validation("A display group")),
    70: (1, 321, _validation("A display group")),
    72: (-1, 321, _validation("The verification of partners")),
    73: (-1, 321, _validation("The verification of partners")),
}
