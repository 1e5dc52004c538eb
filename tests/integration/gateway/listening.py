"""What a client hears in a conversation, as plain values that two clients' answers can be compared by."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import re
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any, Protocol

import ib_async
import ib_async.client
import ibapi.client
import pytest
from ibapi.const import UNSET_DOUBLE

from pipeline.gateway import keeping
from tests.integration.gateway import conversation
from tests.integration.gateway.conftest import App

DAY = date(2026, 11, 23)
DEADLINE_S = 30.0
CLIENT_IDS = itertools.count(5000)
RENAMED = {"commissionReport": "commissionAndFeesReport", "priceSizeTick": "tickPrice"}
Call = tuple[str, tuple[Any, ...]]


class Ear(Protocol):
    """A client that keeps its callbacks."""

    client: Any
    calls: list[Call]
    classes: conversation.Library

    def until(self, fits: Callable[[], bool]) -> bool:
        """Wait until `fits` holds; False after the deadline."""


class IbapiEar(App):
    """The genuine ibapi, capped at a server version."""

    classes = conversation.IBAPI

    def until(self, fits: Callable[[], bool]) -> bool:
        with self.news:
            return self.news.wait_for(fits, DEADLINE_S)


class IbAsyncEar:
    """ib_async's client and decoder with a wrapper that keeps everything."""

    classes = conversation.IB_ASYNC

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.ib = None  # what its decoder asks for a time zone
        self.defaultTimezone = None
        self.client = ib_async.client.Client(self)

    def __getattr__(self, name: str) -> Any:
        if name.startswith(("_", "tcpData")):
            raise AttributeError(name)
        return lambda *arguments, **named: self.calls.append((RENAMED.get(name, name), (*arguments, *named.values())))

    def until(self, fits: Callable[[], bool]) -> bool:
        with contextlib.suppress(asyncio.TimeoutError):
            ib_async.util.run(asyncio.wait_for(_polled(fits), DEADLINE_S))
        return fits()


async def _polled(fits: Callable[[], bool]) -> None:
    while not fits():
        await asyncio.sleep(0.005)


class Heard:
    """The answers to a conversation, step by step."""

    def __init__(self, ear: Ear, version: int) -> None:
        self.ear, self.version = ear, version
        assert ear.until(lambda: any(name == "nextValidId" for name, _ in ear.calls)), "no greeting"
        first = next(told[0] for name, told in ear.calls if name == "nextValidId")
        universe = keeping.begin(DAY, 7, 1.0).universe
        self.talk = conversation.Talk(ear.client, universe, ear.classes, order_id=first - 1, calls=ear.calls)
        self.steps: dict[str, list[tuple[str, Any]]] = {}

    def take(self, steps: list[conversation.Step]) -> None:
        for step in steps:
            if step.since <= self.version:
                self.steps[step.name] = self._one(step)

    def names(self) -> set[str]:
        return {name for name, _ in self.ear.calls}

    def _one(self, step: conversation.Step) -> list[tuple[str, Any]]:
        """All callbacks from the question to the end of its answer."""
        calls = self.ear.calls
        start = 0 if step.heard_before else len(calls)
        step.say(self.talk)

        def ended() -> bool:
            return any(name == step.ends and step.fits(*told) for name, told in calls[start:])

        if not self.ear.until(ended):
            errors = [told for name, told in calls[start:] if name == "error"]
            raise AssertionError(f"{step.name}: no {step.ends} in {DEADLINE_S} s; errors: {errors}")
        return [(name, plain(told)) for name, told in calls[start:]]


@contextlib.contextmanager
def ibapi_heard(address: tuple[str, int], version: int, client_id: int | None = None) -> Iterator[Heard]:
    """A conversation of the genuine ibapi at a server version."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ibapi.client, "MAX_CLIENT_VER", version)
        ear = IbapiEar()
        ear.connect(address, next(CLIENT_IDS) if client_id is None else client_id)
        try:
            heard = Heard(ear, version)
            assert ear.client.serverVersion() == version
            yield heard
        finally:
            ear.close()


@contextlib.contextmanager
def ib_async_heard(address: tuple[str, int], client_id: int | None = None) -> Iterator[Heard]:
    """A conversation of ib_async at the version that it speaks, 178."""
    ear = IbAsyncEar()
    client_id = next(CLIENT_IDS) if client_id is None else client_id
    ib_async.util.run(ear.client.connectAsync(*address, client_id, DEADLINE_S))
    try:
        yield Heard(ear, ear.client.serverVersion())
    finally:
        ear.client.disconnect()
        ib_async.util.run(asyncio.sleep(0))


def ib_async_callbacks() -> set[str]:
    """The names of all callbacks that ib_async's decoder can make."""
    source = Path(ib_async.decoder.__file__).read_text(encoding="utf-8")
    found = set(re.findall(r'self\.wrap\(\s*"(\w+)"', source)) | set(re.findall(r"self\.wrapper\.(\w+)\(", source))
    return {RENAMED.get(name, name) for name in found}


def plain(value: Any) -> Any:
    """A callback's arguments to be compared: numbers, texts of numbers and times as floats, objects as dicts."""
    if isinstance(value, bool | Enum) or value is None:
        return value
    if isinstance(value, datetime):
        return value.timestamp()
    if isinstance(value, (str, int, float, Decimal)):
        with contextlib.suppress(ValueError):
            return float(value)
        return value
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return {name: plain(one) for name, one in value._asdict().items()}
    if isinstance(value, (list, tuple)):
        return [plain(one) for one in value]
    if isinstance(value, (set, frozenset)):
        return [plain(one) for one in sorted(value)]
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if hasattr(value, "__dict__"):
        return {name: plain(one) for name, one in vars(value).items()}
    return str(value)


def differences(one: Any, other: Any, key: str = "") -> set[str]:
    """The names of the fields that both answers have and in which they differ; other shapes: what they are."""
    if isinstance(one, dict) and isinstance(other, dict):
        return set().union(*(differences(one[name], other[name], name) for name in one.keys() & other.keys()))
    if isinstance(one, (list, tuple)) and isinstance(other, (list, tuple)) and len(one) == len(other):
        return set().union(*(differences(a, b, key) for a, b in zip(one, other, strict=True)))
    nothing = (None, [], "", 0.0, UNSET_DOUBLE)
    return set() if one == other or (one in nothing and other in nothing) else {key or f"{one} is not {other}"}
