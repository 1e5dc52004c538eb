"""Frames as TWS spells them, and the genuine Decoder's opinion about them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ibapi.comm import read_fields
from ibapi.decoder import Decoder
from ibapi.wrapper import EWrapper


class Said(EWrapper):
    """Keeps what the genuine Decoder calls."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[tuple[Any, ...]] = []

    def logAnswer(self, fnName: str, fnParams: Any) -> None: ...

    def tickPrice(self, reqId: int, tickType: int, price: float, attrib: Any) -> None:
        mask = attrib.canAutoExecute | attrib.pastLimit << 1 | attrib.preOpen << 2
        self.calls.append(("price", reqId, tickType, price, mask))

    def tickSize(self, reqId: int, tickType: int, size: Any) -> None:
        self.calls.append(("size", reqId, tickType, size))

    def tickGeneric(self, reqId: int, tickType: int, value: float) -> None:
        self.calls.append(("generic", reqId, tickType, value))

    def tickString(self, reqId: int, tickType: int, value: str) -> None:
        self.calls.append(("string", reqId, tickType, value))

    def tickOptionComputation(self, *arguments: Any) -> None:
        self.calls.append(("option", *arguments))


@pytest.fixture
def frame() -> Callable[..., bytes]:
    def make(*fields: object) -> bytes:
        payload = b"".join(field if isinstance(field, bytes) else str(field).encode() for field in _ended(fields))
        return len(payload).to_bytes(4, "big") + payload

    return make


def _ended(fields: tuple[object, ...]) -> list[object]:
    return [part for field in fields for part in (field, b"\0")]


@pytest.fixture
def genuine() -> Callable[[bytes, int], list[tuple[Any, ...]] | None]:
    """Calls of the genuine Decoder for a payload (without its length); None where it fails or drops it."""

    def decode(payload: bytes, version: int) -> list[tuple[Any, ...]] | None:
        said = Said()
        decoder = Decoder(said, version)
        identifier, _, rest = payload.partition(b"\0")
        try:
            decoder.interpret(read_fields(rest), int(identifier))
        except Exception:  # the genuine Decoder raises whatever the bytes make it raise
            return None
        return said.calls or None

    return decode
