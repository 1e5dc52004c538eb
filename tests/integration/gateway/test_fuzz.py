"""Bad hands on several connections of one gateway, while a genuine client keeps its ticks and its answers."""

from __future__ import annotations

import os
import random
import re
import socket
import subprocess
import sys
import time

import ibapi.client
import psutil
import pytest

from tests.integration.gateway.conftest import App
from tests.integration.gateway.mutations import storm

DEADLINE_S = 30.0
CONNECTIONS = 4
FRAMES_A_TURN = 50
QUESTION, ANSWER = b"\0\0\0\x0549\x001\0", b"\0\0\0\x1049\x001\0"  # reqCurrentTime
LOST_S = 0.5  # a question that a wrong length swallowed is not waited for
SHORT_S, LONG_FRAMES = 60.0, 2_000_000
GROWTH = 40 << 20  # bytes of the gateway's memory after the first third
VERSIONS = (157, 163, 170, 176, 178, 182, 187, 193, 196, 198, 200)


class Rowdy:
    """A raw connection that says bad things and comes again when it is shown out.

    Each lot ends with a question; the next one waits for its answer, so that nothing only fills the kernel's buffers.
    """

    def __init__(self, address: tuple[str, int], client_id: int, seed: int) -> None:
        self._address, self._client_id = address, client_id
        self._dice = random.Random(seed)
        self._version = self._dice.choice(VERSIONS)
        self._storm = storm(self._version, self._dice)
        self.said = self.shown_out = 0
        self._connect()

    def _connect(self) -> None:
        self._socket = socket.create_connection(self._address, DEADLINE_S)
        versions = f"v100..{self._version}".encode()
        start = f"71\x002\0{self._client_id}\0\0".encode()
        self._socket.sendall(b"API\0" + len(versions).to_bytes(4, "big") + versions)
        assert self._socket.recv(4)
        self._socket.sendall(len(start).to_bytes(4, "big") + start)
        self._socket.setblocking(False)
        self._pending = self._tail = b""
        self._answered, self._said_s = True, 0.0

    def turn(self) -> None:
        """Read what there is, say some more if the last is gone."""
        try:
            for _ in range(16):
                heard = self._socket.recv(1 << 18)
                if not heard:
                    raise ConnectionResetError
                self._answered = self._answered or ANSWER in self._tail + heard
                self._tail = heard[-len(ANSWER) :]
        except BlockingIOError:
            pass
        except OSError:
            self.shown_out += 1
            self._socket.close()
            self._connect()
            return
        if not self._pending and (self._answered or time.monotonic() - self._said_s > LOST_S):
            self._pending = b"".join(next(self._storm) for _ in range(FRAMES_A_TURN)) + QUESTION
            self.said += FRAMES_A_TURN
            self._answered, self._said_s = False, time.monotonic()
        try:
            self._pending = self._pending[self._socket.send(self._pending) :]
        except BlockingIOError:
            pass
        except OSError:
            self._pending = b""  # the next turn reads the end and connects again

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def gateway(tmp_path):
    """A gateway of its own, its process and its log."""
    command = [sys.executable, "-m", "pipeline.gateway.alone", "--port", "0", "--rate", "300", "--hours", "always"]
    command += ["--messages-per-s", "1000000", "--history-identical-s", "0", "--history-same", "1000000"]
    command += ["--history-in-10-min", "20000", "--day", "2026-11-23"]
    log = tmp_path / "log"
    with log.open("wb") as file, subprocess.Popen(command, stdout=subprocess.PIPE, stderr=file, text=True) as process:
        found = re.fullmatch(r"listening on (.+):(\d+)\n", process.stdout.readline())
        assert found
        try:
            yield (found[1], int(found[2])), psutil.Process(process.pid), log
        finally:
            process.terminate()


def rampage(gateway, app, make_contract, done):
    """Let them go on until `done(frames said)`, a share, is 1; the good client asks and is watched all the time."""
    address, process, log = gateway
    seed = int(os.environ.get("MARGINDESK_FUZZ_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 32)
    print(f"MARGINDESK_FUZZ_SEED={seed}")
    app.connect(address, 900)
    app.wait("nextValidId")
    app.client.reqMktData(1, make_contract(), "", False, False, [])
    app.wait("tickPrice")
    rowdies = [Rowdy(address, 100 + n, seed + n) for n in range(CONNECTIONS)]
    asked_s, answers, ticks, settled = time.monotonic(), 0, 0, 0
    try:
        while (share := done(said := sum(rowdy.said for rowdy in rowdies))) < 1.0:
            for rowdy in rowdies:
                rowdy.turn()
            answered = len(app.named("currentTime"))
            if answered == answers and time.monotonic() - asked_s > DEADLINE_S:
                raise AssertionError(f"the good client waits for an answer since {DEADLINE_S} s; seed {seed}")
            if time.monotonic() - asked_s > 0.5 and answered >= answers:
                seen = len(app.named("tickPrice")) + len(app.named("tickSize"))
                answers, asked_s = answered + 1, time.monotonic()
                assert seen > ticks or answers < 4, f"no ticks any more; seed {seed}"
                ticks = seen
                app.client.reqCurrentTime()
            if not settled and share > 0.34:
                settled = process.memory_info().rss
        app.client.reqContractDetails(7, make_contract())
        app.wait("contractDetailsEnd", lambda req_id: req_id == 7)
    finally:
        for rowdy in rowdies:
            rowdy.close()
    grown = process.memory_info().rss - settled
    print(f"{said:,} frames, {sum(rowdy.shown_out for rowdy in rowdies)} connections ended, grown by {grown:,} bytes")
    told = log.read_text(errors="replace")
    at = told.find("request_failed")
    assert at < 0, (
        f"{told.count('request_failed')} requests met a fault of the gateway; seed {seed}\n{told[at:][:6000]}"
    )
    assert said > 2_000
    assert grown < GROWTH


@pytest.fixture
def good(monkeypatch):
    monkeypatch.setattr(ibapi.client, "MAX_CLIENT_VER", 200)
    found = App()
    yield found
    found.close()


def test_a_good_client_notices_nothing(gateway, good, make_contract):
    begin_s = time.monotonic()
    rampage(gateway, good, make_contract, lambda _said: (time.monotonic() - begin_s) / SHORT_S)


@pytest.mark.long
@pytest.mark.timeout(7200)
def test_millions_of_frames(gateway, good, make_contract):
    rampage(gateway, good, make_contract, lambda said: said / LONG_FRAMES)
