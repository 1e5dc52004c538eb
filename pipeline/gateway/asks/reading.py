"""Requests read from a client's frames: one table of readers. Pure; a bad frame raises BadRequest and nothing else."""

from __future__ import annotations

from pipeline.gateway.asks import (
    accounts,
    advisor,
    calculations,
    contracts,
    history,
    market_data,
    orders,
    session,
    streams,
)
from pipeline.gateway.asks.fields import Fields, Reader, plain, split
from pipeline.gateway.asks.refusals import REFUSED
from pipeline.gateway.asks.request import BadRequest, Request

AREAS = (session, contracts, history, market_data, streams, calculations, accounts, advisor, orders)
# Cancels of what is never granted: TWS says nothing either when there is nothing to cancel.
UNGRANTED: dict[int, Reader] = {
    23: plain("nothing", 1),
    13: plain("nothing"),
    101: plain("nothing", 0),
    103: plain("nothing", 0),
}
READERS: dict[int, Reader] = {message: reader for area in AREAS for message, reader in area.READERS.items()} | UNGRANTED


def decode(payload: bytes, sv: int) -> Request:
    """The request in one frame; BadRequest when it is none."""
    parts = split(payload)
    try:
        message = int(parts[0])
    except ValueError:
        raise BadRequest(-1, 320, f"Error reading request. Unable to parse data. '{parts[0][:40]}'") from None
    fields = Fields(parts[1:], sv)
    if message in READERS:
        return READERS[message](fields)
    if message in REFUSED:
        place, code, text = REFUSED[message]
        fields.skip(max(place, 0))
        raise BadRequest(fields.id() if place >= 0 else -1, code, text)
    raise BadRequest(-1, 320, f"Error reading request. Unknown message id {message}")
