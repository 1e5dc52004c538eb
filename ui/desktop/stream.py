"""The one thread that owns the desk's sockets: reads headers only, keeps raw frames in a bounded queue, sends commands.

Policy of the queue: newest wins. When it is full (the window stood still), everything in it is dropped and each stream
is asked for a snapshot, so the window shows the newest picture first when it moves again.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections import deque
from collections.abc import Sequence

import zmq
from PyQt5.QtCore import QThread

from pipeline import logs
from pipeline.bus import sockets
from pipeline.bus.control import CommandClient
from pipeline.bus.live import Reset, Subscriber
from pipeline.clock import Clock
from pipeline.messages import AnyCommand, Frame, Reply
from pipeline.runtime import Runtime
from ui.desktop.picture.health import Link

SOURCES = ("ingest", "margin", "orders", "supervisor")
COMMANDED = ("ingest", "margin", "orders")
MAX_QUEUE_BYTES = 32 * 1024 * 1024
FRAME_OVERHEAD_BYTES = 400  # what a frame without a payload costs in memory
POLL_MS = 50
REST_S = 0.008  # after a read: lets frames gather, so that the GUI thread keeps the interpreter


class FrameQueue:
    """Frames from the reader to the window; bounded in bytes, and what does not fit empties it."""

    def __init__(self, max_bytes: int = MAX_QUEUE_BYTES) -> None:
        self._lock = threading.Lock()
        self._items: deque[Frame | Reset] = deque()
        self._bytes = 0
        self._max_bytes = max_bytes
        self.dropped = 0

    def put(self, items: Sequence[Frame | Reset]) -> bool:
        """False: it was full, everything is gone, ask for snapshots."""
        size = sum(len(i.payload) + FRAME_OVERHEAD_BYTES for i in items if isinstance(i, Frame))
        with self._lock:
            if self._bytes + size > self._max_bytes:
                self.dropped += len(self._items) + len(items)
                self._items.clear()
                self._bytes = 0
                return False
            self._items.extend(items)
            self._bytes += size
            return True

    def take(self) -> list[Frame | Reset]:
        """All that waits, in order."""
        with self._lock:
            items, self._items, self._bytes = list(self._items), deque(), 0
        return items

    def __len__(self) -> int:
        return len(self._items)


class Reader(QThread):
    """Follows the four live streams and carries commands. What other threads touch is a queue or replaced whole."""

    def __init__(self, context: sockets.Context, runtime: Runtime, clock: Clock, queue: FrameQueue) -> None:
        super().__init__()
        self.setObjectName("reader")
        self.links: dict[str, Link] = {name: Link() for name in SOURCES}
        self.replies: deque[Reply] = deque()
        self.frames_read = 0
        self._context, self._runtime, self._clock, self._queue = context, runtime, clock, queue
        self._outgoing: deque[tuple[str, AnyCommand]] = deque()
        self._leaving = threading.Event()
        self._wake_in, self._wake_out = socket.socketpair()
        self._wake_in.setblocking(False)
        self._wake_out.setblocking(False)

    def send(self, process: str, command: AnyCommand) -> None:
        """From the GUI thread: hand over a command; its reply comes in `replies`."""
        self._outgoing.append((process, command))
        self._wake()

    def leave(self) -> None:
        """From the GUI thread: end, and wait for the end."""
        self._leaving.set()
        self._wake()
        self.wait(3000)
        self._wake_in.close()
        self._wake_out.close()

    def _wake(self) -> None:
        with contextlib.suppress(BlockingIOError):
            self._wake_in.send(b".")

    def _work(self) -> None:
        self._clients = {name: CommandClient(self._context, self._runtime, name, self._clock) for name in COMMANDED}
        self._poller = zmq.Poller()
        self._poller.register(self._wake_out, zmq.POLLIN)
        for client in self._clients.values():
            self._poller.register(client.socket, zmq.POLLIN)
        self._subscribers: dict[str, Subscriber] = {}
        self._join()
        while not self._leaving.is_set():
            self._poller.poll(POLL_MS)
            with contextlib.suppress(BlockingIOError):
                while self._wake_out.recv(1024):
                    pass
            self._carry_commands()
            self._read()
            self._leaving.wait(REST_S)

    def _join(self) -> None:
        """Follow every stream from a fresh snapshot."""
        for name in SOURCES:
            if (old := self._subscribers.pop(name, None)) is not None:
                for one in old.sockets:
                    self._poller.unregister(one)
                old.close()
            self._subscribers[name] = Subscriber(self._context, self._runtime, name, self._clock)
            for one in self._subscribers[name].sockets:
                self._poller.register(one, zmq.POLLIN)

    def _read(self) -> None:
        full = False
        for name, subscriber in self._subscribers.items():
            items = subscriber.receive()
            self.frames_read += len(items)
            full = not self._queue.put(items) or full
            ever = self.links[name].ever or bool(items)
            link = Link(subscriber.stale, subscriber.silent_s, subscriber.gaps, subscriber.bad, subscriber.ended, ever)
            self.links[name] = link
        if full:
            logs.event("desk", "queue_full", level=30, dropped=self._queue.dropped)
            self._join()

    def _carry_commands(self) -> None:
        while self._outgoing:
            process, command = self._outgoing.popleft()
            self._clients[process].send(command)
        for client in self._clients.values():
            self.replies.extend(client.receive())

    def run(self) -> None:
        try:
            self._work()
        finally:
            for subscriber in self._subscribers.values():
                subscriber.close()
            for client in self._clients.values():
                client.close()
