"""A TWS gone mad: wounded frames and noise without an end; our client drops, reconnects, and stays small."""

from __future__ import annotations

import contextlib
import os
import random
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from pipeline.tws.callbacks import Callbacks
from pipeline.tws.client import TwsClient
from pipeline.tws.link import LinkLost
from tests.integration.gateway.mutations import noise
from tests.integration.tws import corpus

VERSIONS = (157, 163, 170, 176, 178, 182, 187, 193, 196, 198, 200)
SHORT_FRAMES, LONG_FRAMES = 100_000, 10_000_000
LOT = 200  # frames at a time
GROWTH = 48 << 20  # bytes after the first third; the buffer may grow to the longest frame, 16 MB
HANG_S = 30.0
NOISE = 0.0001
TICK = b"\0\0\0\x151\x006\x007\x001\x00123.45\x00300\x000\x00"


class Counting(Callbacks):
    """Nothing of a callback is kept."""

    def __init__(self) -> None:
        super().__init__()
        self.bad = 0

    def greeted(self) -> None: ...

    def error(self, *arguments: object) -> None:
        """The stock one logs it."""

    def bad_frame(self, kind: str, text: str) -> None:
        self.bad += 1


class MadTws:
    """Both ends in one thread: what the server says, and our client that hears it."""

    def __init__(self, payloads: list[bytes], dice: random.Random) -> None:
        self._payloads, self._dice = payloads, dice
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.handler = Counting()
        self.client = TwsClient(self.handler, messages_per_s=50.0)
        self.said = self.ended = 0
        self._server: socket.socket | None = None
        self._storm = self._weather()

    def _weather(self) -> Iterator[bytes]:
        """Mostly a wounded frame with a good tick behind it: eight bad ones in a row end the connection."""
        wounds, alone = corpus.wounded(self._payloads, self._dice), 0
        while True:
            chance = self._dice.random()
            if chance < NOISE:
                yield noise(self._dice)
            elif chance < 2 * NOISE:
                alone = 20
            payload = self._dice.choice(self._payloads) if chance > 0.95 else next(wounds)
            alone = max(alone - 1, 0)
            yield len(payload).to_bytes(4, "big") + payload + (b"" if alone else TICK)

    def connect(self) -> None:
        if self._server is not None:
            self.ended += 1
            self._server.close()
        self.client.dial(*self._listener.getsockname(), 1)
        self._server, _ = self._listener.accept()
        greeting = b"%d\x0020261123 10:00:00 EST\x00" % self._dice.choice(VERSIONS)
        self._server.sendall(len(greeting).to_bytes(4, "big") + greeting)
        deadline = time.monotonic() + HANG_S
        while not self.client.greeted:
            assert time.monotonic() < deadline, "no greeting"
            self.client.flush(0.0)
            self.client.pump(1, 1)
        for request in range(1, 10_000):
            self.client.lines.add(request, request, 0)
        self._server.setblocking(False)

    def turn(self) -> None:
        """Say a lot of frames; the client reads all of it, or hangs up."""
        data = b"".join(next(self._storm) for _ in range(LOT))
        self.said += LOT
        deadline = time.monotonic() + HANG_S
        assert self._server is not None
        try:
            while True:
                assert time.monotonic() < deadline, "neither read nor given up"
                if data:
                    with contextlib.suppress(BlockingIOError):
                        data = data[self._server.send(data) :]
                if not self.client.pump(1, 1) and not data:
                    return
        except LinkLost:
            self.connect()

    def close(self) -> None:
        self.client.hang_up()
        if self._server is not None:
            self._server.close()
        self._listener.close()


def storm(folder: Path, frames: int) -> None:
    seed = int(os.environ.get("MARGINDESK_FUZZ_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 32)
    print(f"MARGINDESK_FUZZ_SEED={seed}")
    dice = random.Random(seed)
    mad = MadTws(corpus.chosen(corpus.record(folder, 200), 20, dice), dice)
    process, settled, began_s = psutil.Process(), 0, time.monotonic()
    mad.connect()
    try:
        while mad.said < frames:
            mad.turn()
            if not settled and mad.said > frames / 3:
                settled = process.memory_info().rss
    finally:
        mad.close()
    grown = process.memory_info().rss - settled
    took_s = time.monotonic() - began_s
    print(f"{mad.said:,} wounded frames said, {mad.handler.bad:,} dropped, {took_s:.0f} s")
    print(f"{mad.client.frames:,} read, with the good ticks between them")
    print(f"{mad.ended:,} connections given up, memory grown by {grown:,} bytes")
    assert mad.client.frames > mad.said, "with the ticks between them there were about twice as many"
    assert mad.handler.bad > 0
    assert mad.ended > 0
    assert grown < GROWTH


def test_a_storm_of_wounded_frames(tmp_path: Path) -> None:
    storm(tmp_path, SHORT_FRAMES)


@pytest.mark.long
@pytest.mark.timeout(7200)
def test_ten_million_wounded_frames(tmp_path: Path) -> None:
    storm(tmp_path, LONG_FRAMES)
