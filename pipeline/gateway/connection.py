"""One client's socket, plain or TLS, and its session: bytes in, bytes out, never waiting."""

from __future__ import annotations

import contextlib
import os
import selectors
import socket
import ssl
import struct
import time
from typing import Protocol

from pipeline.gateway import tls
from pipeline.gateway.session import Phase, Session

READ_BYTES = 1 << 16
READS_A_TURN = 8
SEND_BUFFER = 1 << 18
SENDS_A_TURN = 64
CLOSE_GRACE_S = 2.0
LATER = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class Valve(Protocol):
    """A fault on the pace of what leaves: how many bytes may go now."""

    def room(self, now_s: float) -> int: ...

    def passed(self, count: int, now_s: float) -> None: ...


class Connection:
    """A client. Methods that touch the socket raise OSError when it is at its end."""

    def __init__(self, sock: socket.socket, session: Session, now_s: float) -> None:
        self.sock, self.session = sock, session
        self.valves: list[Valve] = []
        self.deaf = False  # a fault: what the client says is not read
        self.shaking = isinstance(sock, ssl.SSLSocket)
        self.shaken_by_s = now_s + tls.HANDSHAKE_S
        self.closes_at_s = float("inf")
        self._half_closed = False

    @classmethod
    def accepted(cls, sock: socket.socket, session: Session, context: ssl.SSLContext | None) -> Connection:
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)  # the rest waits where it is counted
        if context is not None:
            sock = context.wrap_socket(sock, server_side=True, do_handshake_on_connect=False)
        return cls(sock, session, time.monotonic())

    @property
    def wants(self) -> int:
        """The selector's mask: what this connection waits for."""
        if self.shaking:
            return selectors.EVENT_READ
        waits_to_send = bool(self.session.queue) and not self.valves
        reads = selectors.EVENT_READ if not self.deaf else 0
        return reads | (selectors.EVENT_WRITE if waits_to_send else 0)

    def shake(self) -> bool:
        """Go on with the TLS handshake; whether it is done."""
        assert isinstance(self.sock, ssl.SSLSocket)
        try:
            self.sock.do_handshake()
        except LATER:
            return False
        self.shaking = False
        return True

    def read(self) -> bool:
        """Feed the session with what came, at most a turn's share; False at the end of the stream."""
        for _ in range(READS_A_TURN):
            try:
                data = self.sock.recv(READ_BYTES)
            except LATER:
                return True
            if not data:
                return False
            if self.session.phase is not Phase.CLOSING:
                self.session.feed(data)
        return True

    @property
    def more(self) -> bool:
        """Whether TLS holds bytes that no selector sees."""
        return isinstance(self.sock, ssl.SSLSocket) and not self.shaking and self.sock.pending() > 0

    def write(self, now_s: float) -> None:
        """Send what waits, as far as the kernel and the faults let it."""
        session = self.session
        session.seal(now_s)
        if self.shaking:
            return
        for _ in range(SENDS_A_TURN):
            if not session.queue:
                return
            data = session.queue[0].data
            if self.valves:
                room = min(valve.room(now_s) for valve in self.valves)
                if room <= 0:
                    return
                data = data[:room]
            try:
                count = self.sock.send(data)
            except LATER:
                return
            session.sent(count)
            for valve in self.valves:
                valve.passed(count, now_s)

    def finish(self, now_s: float) -> bool:
        """Say that nothing follows once all is sent, then wait a little for the client's end; whether it is time.

        A close with unread input is a reset, which takes away what the client has not read yet.
        """
        if now_s > self.closes_at_s:
            return True
        if not self.session.queue and not self._half_closed:
            self._half_closed = True
            with contextlib.suppress(OSError):  # the other side may be gone
                self.sock.shutdown(socket.SHUT_WR)
        return False

    def close(self, *, reset: bool = False) -> None:
        """End it now, orderly or by a reset."""
        with contextlib.suppress(OSError):  # the other side may be gone
            if reset:
                self.sock.setsockopt(
                    socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("hh" if os.name == "nt" else "ii", 1, 0)
                )
            else:
                self.sock.shutdown(socket.SHUT_RDWR)
        self.sock.close()
