"""TWS's Read-Only API: which requests it refuses. Pure."""

from __future__ import annotations

from pipeline.gateway.asks.request import BadRequest

# Message → the mark in TWS's text. Orders, what-ifs too, exercises, and what tells of orders; executions are told.
REFUSED = {3: "bW", 4: "bV", 58: "bL", 21: "bM", 8: "b7", 5: "as", 16: "as", 15: "as", 99: "S"}


def check(message: int, req_id: int) -> None:
    """BadRequest if a read-only session may not ask this."""
    if message in REFUSED:
        cause = "cause - The API interface is currently in Read-Only mode."
        raise BadRequest(req_id, 321, f"Error validating request.-'{REFUSED[message]}' : {cause}")
