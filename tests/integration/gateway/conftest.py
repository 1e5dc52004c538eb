"""A gateway in its own process, the genuine client, and a bare socket that speaks the protocol."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import ib_async
import ibapi.client
import pytest
from ibapi.client import EClient
from ibapi.contract import Contract
from ibapi.order import Order
from ibapi.wrapper import EWrapper

from pipeline import config
from pipeline.gateway import alone

DEADLINE_S = 30.0
CLIENT_IDS = itertools.count(1000)


class App(EWrapper):
    """The genuine client in its own thread; keeps every callback and waits for the ones it is asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[tuple[str, tuple[Any, ...]]] = []
        self.news = threading.Condition()
        self.client = EClient(self)
        self._thread = threading.Thread(target=self.client.run, name="ibapi")

    def __getattribute__(self, name: str) -> Any:
        found = object.__getattribute__(self, name)
        if name in EWrapper.__dict__ and callable(found) and not name.startswith("_"):
            return lambda *arguments, **_named: self._keep(name, arguments)
        return found

    def _keep(self, name: str, arguments: tuple[Any, ...]) -> None:
        with self.news:
            self.calls.append((name, arguments))
            self.news.notify_all()

    def connect(self, address: tuple[str, int], client_id: int) -> None:
        self.client.connect(*address, client_id)
        self._thread.start()

    def named(self, name: str) -> list[tuple[Any, ...]]:
        with self.news:
            return [arguments for called, arguments in self.calls if called == name]

    def wait(self, name: str, fits: Callable[..., bool] = lambda *_: True) -> tuple[Any, ...]:
        """The first such callback; it fails after the deadline with what came instead."""
        found: list[tuple[Any, ...]] = []

        def here() -> bool:
            found[:] = [x for called, x in self.calls if called == name and fits(*x)]
            return bool(found)

        with self.news:
            if not self.news.wait_for(here, DEADLINE_S):
                raise AssertionError(f"no {name} in {DEADLINE_S} s; there were {sorted({n for n, _ in self.calls})}")
        return found[0]

    def close(self) -> None:
        """End the connection and let the client's own thread finish.

        Its disconnect() forgets the server version at once, while that thread may still decode what came.
        """
        if self.client.conn is not None:
            self.client.conn.disconnect()
        if self._thread.is_alive():
            self._thread.join(DEADLINE_S)


class Wire:
    """A client that says exactly the bytes it is told to."""

    def __init__(self, address: tuple[str, int]) -> None:
        self.socket = socket.create_connection(address, DEADLINE_S)
        self._buffer = b""

    def say(self, *fields: object) -> None:
        payload = "".join(f"{field}\0" for field in fields).encode()
        self.socket.sendall(len(payload).to_bytes(4, "big") + payload)

    def hear(self) -> list[str] | None:
        """Fields of the next frame; None at the end of the connection."""
        while len(self._buffer) < 4 or len(self._buffer) < 4 + int.from_bytes(self._buffer[:4], "big"):
            data = self.socket.recv(65536)
            if not data:
                return None
            self._buffer += data
        length = int.from_bytes(self._buffer[:4], "big")
        payload, self._buffer = self._buffer[4 : 4 + length], self._buffer[4 + length :]
        return payload.decode().split("\0")[:-1]

    def hear_until(self, *start: str) -> list[list[str]]:
        """All frames up to the first that begins with these fields."""
        heard: list[list[str]] = []
        while True:
            fields = self.hear()
            assert fields is not None, f"the connection ended; heard {heard[-3:]}"
            heard.append(fields)
            if fields[: len(start)] == list(start):
                return heard

    def greet(self, versions: str = "v100..200") -> str:
        self.socket.sendall(b"API\0" + len(versions).to_bytes(4, "big") + versions.encode())
        fields = self.hear()
        assert fields is not None
        return fields[0]

    def start(self, client_id: int) -> None:
        self.greet()
        self.say(71, 2, client_id, "")
        self.hear_until("4", "-1", "2158")

    def close(self) -> None:
        self.socket.close()


@pytest.fixture(scope="session", autouse=True)
def _ib_async_loop() -> Iterator[None]:
    """ib_async makes an event loop for itself and never closes it."""
    yield
    loop = ib_async.util.getLoop()
    for _ in range(10):  # transports that are closing need a few turns
        loop.run_until_complete(asyncio.sleep(0))
    loop.close()
    asyncio.set_event_loop(None)


@pytest.fixture(scope="module")
def address() -> Iterator[tuple[str, int]]:
    with alone.running(config.Gateway(rate=600), 0, None, "--day", "2026-11-23") as found:
        yield found


@pytest.fixture(params=[200])
def app(request: pytest.FixtureRequest, address: tuple[str, int], monkeypatch: pytest.MonkeyPatch) -> Iterator[App]:
    monkeypatch.setattr(ibapi.client, "MAX_CLIENT_VER", request.param)
    found = App()
    found.connect(address, next(CLIENT_IDS))  # the genuine client keeps its socket for a second after the end
    found.wait("nextValidId")
    yield found
    found.close()


@pytest.fixture
def wire(address: tuple[str, int]) -> Iterator[Wire]:
    found = Wire(address)
    with contextlib.closing(found):
        yield found


@pytest.fixture
def connect_wire(address: tuple[str, int]) -> Iterator[Callable[..., Wire]]:
    """More clients, of the shared gateway or of another one."""
    made: list[Wire] = []

    def make(other: tuple[str, int] | None = None) -> Wire:
        made.append(Wire(other or address))
        return made[-1]

    yield make
    for one in made:
        one.close()


def contract(con_id: int = 265598, exchange: str = "SMART") -> Contract:
    found = Contract()
    found.conId, found.exchange = con_id, exchange
    return found


def order(action: str, quantity: float, limit: float | None = None, account: str = "DU1234502") -> Order:
    found = Order()
    found.action, found.totalQuantity, found.account = action, quantity, account
    found.orderType = "MKT" if limit is None else "LMT"
    if limit is not None:
        found.lmtPrice = limit
    return found


@pytest.fixture
def make_contract() -> Callable[..., Contract]:
    return contract


@pytest.fixture
def make_order() -> Callable[..., Order]:
    return order
