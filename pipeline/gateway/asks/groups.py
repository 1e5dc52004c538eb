"""What a client asks of TWS's display groups, and of the verification of partners."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.gateway.asks.fields import Fields, Reader, plain
from pipeline.gateway.asks.request import Request


@dataclass(frozen=True, slots=True)
class GroupEvents(Request):
    group: int = 0


@dataclass(frozen=True, slots=True)
class UpdateGroup(Request):
    contract: str = ""  # "none", "combo", or conId@exchange


def _events(f: Fields) -> Request:
    f.skip()
    return GroupEvents(f.id(), f.integer())


def _update(f: Fields) -> Request:
    f.skip()
    return UpdateGroup(f.id(), f.text())


READERS: dict[int, Reader] = {
    67: plain("queryDisplayGroups", 1),
    68: _events,
    69: _update,
    70: plain("unsubscribeFromGroupEvents", 1),
    65: plain("verify"),
    66: plain("verify"),
    72: plain("verifyAndAuth"),
    73: plain("verifyAndAuth"),
}
