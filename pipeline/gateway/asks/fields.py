"""The fields of one frame from a client, read from the left. Pure; a bad field raises BadRequest and nothing else."""

from __future__ import annotations

import math
from collections.abc import Callable

from pipeline.gateway.asks.request import BadRequest, Plain, Request
from pipeline.gateway.market.universe import Description

UNSET_ABOVE = 1e300
UNSET_INT = 2147483647


class Fields:
    """The fields of one frame, read from the left; empty numbers are 0, as TWS takes them."""

    def __init__(self, fields: list[str], sv: int) -> None:
        self._fields, self._at, self.sv = fields, 0, sv
        self.req_id = -1

    def text(self) -> str:
        if self._at >= len(self._fields):
            raise BadRequest(self.req_id, 320, f"Error reading request. Expected a field {self._at + 1}, found none")
        self._at += 1
        return self._fields[self._at - 1]

    def skip(self, count: int = 1) -> None:
        for _ in range(count):
            self.text()

    def integer(self) -> int:
        text = self.text()
        try:
            value = int(text) if text else 0
        except ValueError:
            raise BadRequest(self.req_id, 320, f"Error reading request. Unable to parse data. '{text[:40]}'") from None
        if not -(1 << 63) <= value < 1 << 63:
            raise BadRequest(self.req_id, 320, f"Error reading request. Out of range: {value}")
        return value

    def decimal(self) -> float:
        """A double; nan where the client left it unset."""
        text = self.text()
        if text in ("", "Infinity", "Infinite"):
            return math.nan
        try:
            value = float(text)
        except ValueError:
            raise BadRequest(self.req_id, 320, f"Error reading request. Unable to parse data. '{text[:40]}'") from None
        return math.nan if not math.isfinite(value) or abs(value) > UNSET_ABOVE else value

    def whole(self) -> int | None:
        """An integer; None where the client left it unset."""
        if self._at < len(self._fields) and not self._fields[self._at]:
            self._at += 1
            return None
        value = self.integer()
        return None if value == UNSET_INT else value

    def double(self) -> float | None:
        """A double; None where the client left it unset, infinite where it said so."""
        if self._at < len(self._fields) and self._fields[self._at] == "Infinity":
            self._at += 1
            return math.inf
        value = self.decimal()
        return None if math.isnan(value) else value

    def unreadable(self, text: str) -> BadRequest:
        """What refuses a field that is not what its place asks for."""
        return BadRequest(self.req_id, 320, f"Error reading request. Unable to parse data. '{text[:40]}'")

    def flag(self) -> bool:
        return self.text() in ("1", "true", "True")

    def id(self) -> int:
        self.req_id = self.integer()
        return self.req_id

    def contract(self, primary: bool = True) -> Description:
        con_id, symbol, sec_type, expiry = self.integer(), self.text(), self.text(), self.text()
        strike, right, multiplier, exchange = self.decimal(), self.text(), self.text(), self.text()
        return Description(
            con_id, symbol, sec_type, expiry, 0.0 if math.isnan(strike) else strike, right, multiplier, exchange,
            self.text() if primary else "", self.text(), self.text(), self.text(),
        )  # fmt: skip

    def count(self, limit: int = 1000) -> int:
        count = self.integer()
        if not 0 <= count <= limit:
            raise BadRequest(self.req_id, 320, f"Error reading request. Expected a count up to {limit}, found {count}")
        return count


def split(payload: bytes) -> list[str]:
    """Fields of a frame; the last one ends with a NUL too."""
    return payload.decode("utf-8", "replace").removesuffix("\0").split("\0")


Reader = Callable[[Fields], Request]


def plain(name: str, place: int = -1) -> Reader:
    """A reader of a request without arguments; `place` fields stand before its id (-1: it has none)."""

    def read(fields: Fields) -> Request:
        if place < 0:
            return Plain(name=name)
        fields.skip(place)
        return Plain(fields.id(), name)

    return read
