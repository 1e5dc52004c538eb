"""Requests read from a client's frames: one table of readers. Pure; a bad frame raises BadRequest and nothing else."""

from __future__ import annotations

from pipeline.gateway.asks import (
    accounts,
    advisor,
    calculations,
    contracts,
    groups,
    history,
    market_data,
    news,
    orders,
    scanner,
    session,
    streams,
)
from pipeline.gateway.asks.fields import Fields, Reader, split
from pipeline.gateway.asks.request import BadRequest, Request

AREAS = (
    session,
    contracts,
    history,
    scanner,
    news,
    groups,
    market_data,
    streams,
    calculations,
    accounts,
    advisor,
    orders,
)
READERS: dict[int, Reader] = {message: reader for area in AREAS for message, reader in area.READERS.items()}


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
    raise BadRequest(-1, 320, f"Error reading request. Unknown message id {message}")
