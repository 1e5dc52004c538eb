"""A scripted TWS: speaks the handshake, sends the bytes it is told to, keeps what it receives."""

from __future__ import annotations

import select
import socket
import threading
import time
from collections.abc import Callable

DEADLINE_S = 60.0


def frame(*fields: object) -> bytes:
    """One text frame of the protocol."""
    payload = b"".join(str(field).encode() + b"\0" for field in fields)
    return len(payload).to_bytes(4, "big") + payload


class ScriptedTws:
    """One listening port; `script(session)` runs in a thread for each client."""

    def __init__(self, script: Callable[[Session], None], port: int = 0) -> None:
        self._listener = socket.create_server(("127.0.0.1", port))
        self.port = self._listener.getsockname()[1]
        self._script = script
        self._closing = threading.Event()
        self.failures: list[BaseException] = []
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while not self._closing.is_set():
            if not select.select([self._listener], [], [], 0.05)[0]:
                continue
            connection, _ = self._listener.accept()
            with connection:
                try:
                    self._script(Session(connection, self._closing))
                except OSError:
                    pass  # the client hung up: many scripts end that way
                except BaseException as error:
                    self.failures.append(error)

    def close(self) -> None:
        self._closing.set()
        self._thread.join(timeout=DEADLINE_S)
        self._listener.close()
        assert not self.failures, self.failures


class Session:
    """The server's side of one connection."""

    def __init__(self, connection: socket.socket, closing: threading.Event) -> None:
        self.connection, self.closing = connection, closing
        self._buffer = b""

    def send(self, *parts: bytes) -> None:
        self.connection.sendall(b"".join(parts))

    def receive(self, count: int) -> bytes:
        while len(self._buffer) < count:
            if self.closing.is_set():
                raise OSError("closing")
            if not select.select([self.connection], [], [], 0.05)[0]:
                continue
            data = self.connection.recv(65536)
            if not data:
                raise OSError("the client hung up")
            self._buffer += data
        out, self._buffer = self._buffer[:count], self._buffer[count:]
        return out

    def hello(self) -> str:
        """The client's version range."""
        assert self.receive(4) == b"API\0"
        return self.receive(int.from_bytes(self.receive(4), "big")).decode()

    def message(self) -> list[str]:
        """The next frame of the client, as fields."""
        return self.receive(int.from_bytes(self.receive(4), "big")).decode().split("\0")[:-1]

    def until(self, message_id: int) -> list[str]:
        """Skip to the next message with this id; answers probes on the way."""
        while True:
            fields = self.message()
            if int(fields[0]) == message_id:
                return fields
            self.answer(fields)

    def answer(self, fields: list[str]) -> None:
        if fields[0] == "49":
            self.send(frame(49, 1, int(time.time())))
        elif fields[0] == "105":
            self.send(frame(109, int(time.time() * 1000)))

    def greet(self, version: int = 178, accounts: str = "DU1,DU2", order_id: int = 1) -> None:
        """Handshake, startApi, accounts and id."""
        self.hello()
        self.send(frame(version, "20261122 10:00:00 UTC"))
        assert self.message()[0] == "71"
        self.send(frame(15, 1, accounts), frame(9, 1, order_id))

    def serve(self) -> None:
        """Answer probes until the client or the test ends it."""
        while True:
            self.answer(self.message())
