"""A process that speaks TWS's wire protocol to one client at a time, as fast or as evenly as it is asked to."""

from __future__ import annotations

import multiprocessing
import os
import signal
import socket
import threading
import time
from dataclasses import dataclass
from multiprocessing.connection import Connection as Pipe

import numpy as np

TICKERS = 100
END_REQUEST = 9_999  # contractDetailsEnd of this request ends a burst
GREETING = b"178\x0020261122 10:00:00 UTC\x00"
DIGITS = 12  # of a time in µs that stands in a tick's size
STEP_S = 0.001  # an even rate leaves in lots of so many seconds


@dataclass(frozen=True)
class Order:
    """What the next client gets: bursts, or ticks at an even rate whose sizes are the times they were due."""

    bursts: int = 1
    stall_s: float = 0.0  # the client's process is stopped for so long while the burst leaves
    ticks_per_s: float = 0.0
    seconds: float = 0.0


def frame(*fields: object) -> bytes:
    """One text frame."""
    payload = b"".join(str(field).encode() + b"\0" for field in fields)
    return len(payload).to_bytes(4, "big") + payload


def burst(frames: int, seed: int = 7) -> bytes:
    """Half tickPrice, 35 % tickSize, 15 % tickString (time) over 100 tickers, as TWS spells them."""
    random = np.random.default_rng(seed)
    kinds, requests = random.random(frames), random.integers(1, TICKERS + 1, frames)
    prices, sizes = random.uniform(10, 500, frames), random.integers(1, 2000, frames)
    choice = random.integers(0, 3, frames)
    out = []
    for i in range(frames):
        if kinds[i] < 0.5:
            out.append(frame(1, 6, requests[i], (1, 2, 4)[choice[i]], f"{prices[i]:.2f}", sizes[i], 1))
        elif kinds[i] < 0.85:
            out.append(frame(2, 6, requests[i], (0, 3, 5)[choice[i]], sizes[i]))
        else:
            out.append(frame(46, 6, requests[i], 45, 1_700_000_000 + i))
    return b"".join(out)


class Sender:
    """The sending process and what is asked of it."""

    def __init__(self, frames: int) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, frames), daemon=True)
        self._process.start()
        self.port = int(self._pipe.recv())
        self.begin_s = 0.0

    def prepare(self, order: Order) -> None:
        """The next client gets this."""
        self._pipe.send(order)

    def release(self) -> None:
        """Send now."""
        self.begin_s = time.perf_counter()
        self._pipe.send("go")

    def done(self) -> None:
        """The client has read everything, or has given up; `begin_s` is when it could begin to read."""
        self._pipe.send("read")
        self.begin_s = float(self._pipe.recv()) or self.begin_s

    def close(self) -> None:
        self._pipe.send(None)
        self._process.join(5)


def _serve(pipe: Pipe, frames: int) -> None:
    data = burst(frames)
    listener = socket.create_server(("127.0.0.1", 0))
    pipe.send(listener.getsockname()[1])
    while (order := pipe.recv()) is not None:
        connection, _ = listener.accept()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.recv(64)
        connection.sendall(len(GREETING).to_bytes(4, "big") + GREETING)
        connection.recv(4096)
        connection.sendall(frame(15, 1, "DU1") + frame(9, 1, 1))
        pipe.recv()  # the client is ready
        began_s = 0.0
        leaving = threading.Thread(target=_send, args=(connection, data, order))
        if order.stall_s:
            os.kill(os.getppid(), signal.SIGSTOP)
            leaving.start()
            time.sleep(order.stall_s)
            began_s = time.perf_counter()
            os.kill(os.getppid(), signal.SIGCONT)
        else:
            leaving.start()
        pipe.recv()  # the client has read it
        connection.close()
        leaving.join()
        pipe.send(began_s)


def _send(connection: socket.socket, data: bytes, order: Order) -> None:
    try:
        if order.ticks_per_s:
            _evenly(connection, order)
        else:
            for _ in range(order.bursts):
                connection.sendall(data)
        connection.sendall(frame(52, 1, END_REQUEST))
    except OSError:
        pass  # the client gave up


def _evenly(connection: socket.socket, order: Order) -> None:
    """Ticks are told the time when they were due, not when a slow client let them leave."""
    step_s = max(STEP_S, 1.0 / order.ticks_per_s)
    count = max(1, round(order.ticks_per_s * step_s))
    one = frame(2, 6, 7, 0, "0" * DIGITS)
    lot = np.frombuffer(one * count, dtype=np.uint8).reshape(count, len(one)).copy()
    places = slice(len(one) - 1 - DIGITS, len(one) - 1)
    due_s = time.perf_counter()
    end_s = due_s + order.seconds
    while due_s < end_s:
        while (wait := due_s - time.perf_counter()) > 0:
            time.sleep(wait * 0.5 if wait > 0.0002 else 0)
        lot[:, places] = np.frombuffer(b"%0*d" % (DIGITS, int(due_s * 1e6)), dtype=np.uint8)
        connection.sendall(lot.tobytes())
        due_s += step_s
