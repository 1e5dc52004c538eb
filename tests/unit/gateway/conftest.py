"""A fresh market and broker of a fixed day, and the genuine client's own encoders and decoder."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from ibapi.client import EClient
from ibapi.comm import make_msg, read_msg
from ibapi.decoder import Decoder
from ibapi.wrapper import EWrapper

from pipeline.gateway import keeping
from pipeline.gateway.broker.brokerage import Brokerage

DAY = date(2026, 11, 23)


class Recorder(EWrapper):
    """Keeps every callback as (name, arguments)."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[tuple[str, tuple[Any, ...]]] = []

    def __getattribute__(self, name: str) -> Any:
        found = object.__getattribute__(self, name)
        if name in EWrapper.__dict__ and callable(found) and not name.startswith("_"):
            return lambda *arguments, **_named: self.calls.append((name, arguments))
        return found

    def named(self, name: str) -> list[tuple[Any, ...]]:
        return [arguments for called, arguments in self.calls if called == name]


class Encoder(EClient):
    """The genuine client with its socket taken away: what it would send is kept."""

    def __init__(self, version: int) -> None:
        super().__init__(EWrapper())
        self.serverVersion_ = version
        self.sent: list[bytes] = []

    def isConnected(self) -> bool:
        return True

    def sendMsg(self, msgId: int, msg: str) -> None:
        self.sent.append(make_msg(msgId, False, msg)[4:])

    def __del__(self) -> None:  # EClient has no socket to close here
        pass


def decode_with_ibapi(version: int, *frames: bytes) -> Recorder:
    """What the genuine Decoder makes of these frames at a server version."""
    recorder = Recorder()
    decoder = Decoder(recorder, version)
    buffer = b"".join(frames)
    while buffer:
        size, text, buffer = read_msg(buffer)
        fields = tuple(text.split(b"\0")[:-1])
        assert size == len(text)
        decoder.interpret(fields[1:], int(fields[0]))
    return recorder


@pytest.fixture
def heard() -> Callable[..., Recorder]:
    return decode_with_ibapi


@pytest.fixture
def encoder() -> Callable[[int], Encoder]:
    return Encoder


@pytest.fixture(scope="session")
def listed() -> Brokerage:
    """A broker that no test changes."""
    return keeping.begin(DAY, 7, 1.0)


@pytest.fixture
def brokerage() -> Brokerage:
    return keeping.begin(DAY, 7, 1.0)
