"""What a client asks about the session itself: its start, ids, time, user."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.gateway.asks.fields import Fields, Reader, plain
from pipeline.gateway.asks.request import Request


@dataclass(frozen=True, slots=True)
class StartApi(Request):
    client_id: int = 0


def _start(f: Fields) -> Request:
    f.skip()
    return StartApi(client_id=f.integer())


READERS: dict[int, Reader] = {
    71: _start,
    8: plain("ids"),
    17: plain("managedAccts"),
    49: plain("currentTime"),
    105: plain("currentTimeInMillis"),
    14: plain("setServerLogLevel"),
    79: plain("softDollarTiers", 0),
    104: plain("userInfo", 0),
}
