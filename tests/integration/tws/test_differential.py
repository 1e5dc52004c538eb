"""What our client hands out equals what the genuine Decoder says, frame by frame, at every server version.

A frame that the genuine Decoder fails on must give nothing here: a whole frame or none. Frames of the hot kinds are
compared with it field by field in the unit tests; here they must give one record each where it says something.
"""

from __future__ import annotations

import contextlib
import logging
import os
import random
import socket
from collections.abc import Callable, Iterable
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any

import pytest
from ibapi.comm import read_fields
from ibapi.decoder import Decoder

from pipeline.tws import figures, slow
from pipeline.tws.client import TwsClient
from tests.integration.tws import corpus

VERSIONS = range(157, 201)
MARK = 7_000_000_000_000  # reqCurrentTime's answers that stand between the frames
AT_A_TIME = 100
LARGEST_REQUEST = 10_000
Call = tuple[str, Any]


class Told:
    """A wrapper that keeps each call, spelled so that equal values are equal texts."""

    def __init__(self) -> None:
        self.calls: list[Call] = []

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *arguments: self.calls.append((name, [spelled(one) for one in arguments]))

    def ticks(self, records: Any, slots: Any) -> None:
        self.calls += [("record", len(record)) for record in records]

    options = ticks

    def feed(self, topic: bytes, records: Any) -> None:
        self.ticks(records, None)

    def greeted(self) -> None: ...


def spelled(value: Any) -> Any:
    if isinstance(value, (str, int, float, Decimal, Enum)) or value is None:
        return repr(value)
    if isinstance(value, dict):
        return {repr(key): spelled(one) for key, one in value.items()}
    if isinstance(value, (list, tuple, set)):
        return [spelled(one) for one in sorted(value, key=repr)] if isinstance(value, set) else [*map(spelled, value)]
    return type(value).__name__, {name: spelled(one) for name, one in vars(value).items()}


class Genuine:
    """The Decoder of ibapi at one version."""

    def __init__(self, version: int) -> None:
        self._told = Told()
        self._decoder = Decoder(self._told, version)

    def says(self, payload: bytes) -> list[Call] | None:
        """None where it fails or drops the frame."""
        self._told.calls = []
        message, *rest = read_fields(payload) or (b"",)
        if not message.isdigit() or int(message) not in self._decoder.msgId2handleInfo:
            return None
        try:
            self._decoder.interpret(tuple(rest), int(message))
        except Exception:  # whatever the bytes make it raise
            return None
        return self._told.calls


class Ours:
    """A TwsClient over a real socket, fed by the test."""

    def __init__(self, version: int) -> None:
        self.told = Told()
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self.client = TwsClient(self.told, messages_per_s=50.0)
            self.client.dial(*listener.getsockname(), 1)
            self._socket, _ = listener.accept()
        greeting = b"%d\x0020261123 10:00:00 EST\x00" % version
        self._socket.sendall(len(greeting).to_bytes(4, "big") + greeting)
        while not self.client.greeted:
            self.client.flush(0.0)
            self.client.pump(1, 1)
        for request in range(1, LARGEST_REQUEST):
            self.client.lines.add(request, request, 0)

    def say(self, payloads: list[bytes]) -> list[list[Call]]:
        """What each payload made the client call."""
        self.told.calls = []
        data = bytearray()
        for n, payload in enumerate(payloads):
            mark = b"49\x001\x00%d\x00" % (MARK + n)
            data += len(payload).to_bytes(4, "big") + payload + len(mark).to_bytes(4, "big") + mark
        last = ("currentTime", [repr(MARK + len(payloads) - 1)])
        self._socket.setblocking(False)
        while not self.told.calls or self.told.calls[-1] != last:
            if data:
                with contextlib.suppress(BlockingIOError):
                    del data[: self._socket.send(data)]
            self.client.pump(1, 1)
        return self._cut(len(payloads))

    def _cut(self, count: int) -> list[list[Call]]:
        found: list[list[Call]] = [[]]
        for call in self.told.calls:
            if call == ("currentTime", [repr(MARK + len(found) - 1)]):
                found.append([])
            else:
                found[-1].append(call)
        assert len(found) == count + 1
        return found[:-1]

    def close(self) -> None:
        self.client.hang_up()
        self._socket.close()


def compare(version: int, payloads: Iterable[bytes]) -> tuple[int, int]:
    """(frames, of them understood by both); fails at the first that is told otherwise."""
    genuine, ours = Genuine(version), Ours(version)
    waiting, frames, understood = list(payloads), 0, 0
    try:
        for start in range(0, len(waiting), AT_A_TIME):
            lot = waiting[start : start + AT_A_TIME]
            for payload, heard in zip(lot, ours.say(lot), strict=True):
                expected = genuine.says(payload)
                understood += _same(version, payload, expected, heard)
                frames += 1
    finally:
        ours.close()
    return frames, understood


def _same(version: int, payload: bytes, expected: list[Call] | None, heard: list[Call]) -> bool:
    """True where both understood it."""
    fields = slow.fields_of(payload)
    told = [call for call in heard if call[0] != "bad_frame"]
    place = f"version {version}: {payload!r}\n ours {heard}\n genuine {expected}"
    if fields and fields[0].isdigit() and int(fields[0]) in slow.HOT_IDS:
        assert len(heard) == 1, place
        return bool(told) and expected is not None
    if expected is None:
        assert not told, place
        return False
    if expected and figures.told(int(fields[0]), list(fields)) != fields:
        return bool(told)  # unknown here, 0 for the genuine client
    assert told == expected, place
    return bool(told)


@pytest.fixture(autouse=True)
def _quiet() -> None:
    logging.getLogger("ibapi").setLevel(logging.CRITICAL)  # it reports each message that it drops


def _seed() -> int:
    seed = int(os.environ.get("MARGINDESK_FUZZ_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 32)
    print(f"MARGINDESK_FUZZ_SEED={seed}")
    return seed


def test_the_oldest_and_the_newest_layouts_at_every_version(tmp_path: Path) -> None:
    """A layout of another version is a wounded one; that of its own must be understood."""
    dice = random.Random(_seed())
    said = {version: corpus.record(tmp_path / str(version), version) for version in (157, 200)}
    for version in VERSIONS:
        if version in said:
            frames, understood = compare(version, said[version])
            print(f"version {version}: {frames} frames, {understood} understood by both")
            assert understood > 0.99 * frames
        for corpus_said in said.values():
            few = corpus.chosen(corpus_said, 3, dice)
            wounds = corpus.wounded(few, dice)
            compare(version, [*few, *(next(wounds) for _ in range(300))])


@pytest.mark.long
@pytest.mark.timeout(7200)
def test_each_version_in_its_own_layout_and_with_wounds(tmp_path: Path) -> None:
    dice = random.Random(_seed())
    total = 0
    for version in VERSIONS:
        said = corpus.record(tmp_path / str(version), version)
        frames, understood = compare(version, said)
        assert understood > 0.99 * frames, version
        wounds = corpus.wounded(corpus.chosen(said, 40, dice), dice)
        more, _ = compare(version, [next(wounds) for _ in range(50_000)])
        total += frames + more
    print(f"{total:,} frames at {len(VERSIONS)} versions: the same values")
