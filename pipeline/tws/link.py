"""The socket to TWS: non-blocking, bounded buffers, no copy per frame, made for a loop that polls it."""

from __future__ import annotations

import errno
import socket
import ssl

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import MargindeskError

BUFFER_BYTES = 4 << 20
READ_BYTES = 512 << 10  # of one read: what fits the processor's cache with its records
MAX_UNSENT_BYTES = 1 << 20
USER_TIMEOUT_MS = 10_000
_LATER = (BlockingIOError, InterruptedError, ssl.SSLWantWriteError)


class LinkLost(MargindeskError):
    """The connection to TWS is gone; the text says how."""


class Link:
    """One TCP connection: `open`, then `fileno` in a poller, `read`, `send`, `flush`, `close`.

    Received bytes stand in `buffer[start:end]`; whoever uses them calls `consume`.
    """

    def __init__(self, host: str, port: int, tls: ssl.SSLContext | None = None, server_name: str = "") -> None:
        self.buffer: NDArray[np.uint8] = np.zeros(BUFFER_BYTES, dtype=np.uint8)
        self.start = self.end = 0
        self.received = self.sent = 0  # bytes
        self._unsent = bytearray()
        self._view = self.buffer.data
        self.connected = False
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._socket = socket.socket(family, socket.SOCK_STREAM)
        self._socket.setblocking(False)
        self._where = f"{host}:{port}"
        self._tls, self._server_name = tls, server_name or host
        self._wants_write = False
        code = self._socket.connect_ex((host, port))
        if code not in (0, errno.EINPROGRESS, errno.EWOULDBLOCK, getattr(errno, "WSAEWOULDBLOCK", 0)):
            self._socket.close()
            raise LinkLost(f"{self._where}: {errno.errorcode.get(code, code)}")
        if code == 0:
            self._up()

    def _up(self) -> None:
        """Small messages leave at once; a dead peer is noticed by the kernel too."""
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        options = (("TCP_KEEPIDLE", 5), ("TCP_KEEPINTVL", 3), ("TCP_KEEPCNT", 3), ("TCP_USER_TIMEOUT", USER_TIMEOUT_MS))
        for name, value in options:
            if hasattr(socket, name):  # not on every system
                self._socket.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
        if self._tls is None:
            self.connected = True
            return
        try:
            self._socket = self._tls.wrap_socket(
                self._socket, server_hostname=self._server_name, do_handshake_on_connect=False
            )
        except OSError as error:
            raise LinkLost(f"{self._where}: {error}") from error

    def _shake(self, socket_: ssl.SSLSocket) -> None:
        """Go on with TLS's handshake; it is done when `connected`."""
        try:
            socket_.do_handshake()
        except ssl.SSLWantReadError:
            self._wants_write = False
        except ssl.SSLWantWriteError:
            self._wants_write = True
        except OSError as error:
            raise LinkLost(f"{self._where}: no TLS connection: {error}") from error
        else:
            self._wants_write, self.connected = False, True

    def fileno(self) -> int:
        """For a poller; −1 once closed."""
        return self._socket.fileno()

    @property
    def wants_write(self) -> bool:
        """True while the connection is being made or bytes wait to be sent."""
        if isinstance(self._socket, ssl.SSLSocket) and not self.connected:
            return self._wants_write
        return not self.connected or bool(self._unsent)

    @property
    def holds_more(self) -> bool:
        """True while TLS has bytes ready that no poller sees."""
        return isinstance(self._socket, ssl.SSLSocket) and self.connected and self._socket.pending() > 0

    def finish(self) -> bool:
        """True once connected; LinkLost when that failed."""
        if isinstance(self._socket, ssl.SSLSocket):
            if not self.connected:
                self._shake(self._socket)
            return self.connected
        if not self.connected:
            code = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if code:
                raise LinkLost(f"nothing listens at {self._where} ({errno.errorcode.get(code, code)})")
            try:
                self._socket.getpeername()
            except OSError:
                return False
            self._up()
        return self.connected

    def read(self) -> int:
        """Bytes that came in, 0 when none wait; LinkLost at the end of the stream."""
        if self.start == self.end:
            self.start = self.end = 0
        elif len(self._view) - self.end < READ_BYTES and self.start:
            self._compact()
        if self.end == len(self._view):
            raise LinkLost(f"a frame does not fit {len(self._view)} bytes: out of step")
        room = self._view[self.end : min(self.end + READ_BYTES, len(self._view))]
        try:
            count = self._socket.recv_into(room)
        except (*_LATER, ssl.SSLWantReadError):
            return 0
        except OSError as error:
            raise LinkLost(f"{self._where}: {error.strerror or error}") from error
        if count == 0:
            raise LinkLost(f"{self._where} closed the connection")
        self.end += count
        self.received += count
        return count

    def _compact(self) -> None:
        """The unfinished frame moves to the front (numpy copes with the overlap); once in many reads."""
        left = self.end - self.start
        self.buffer[:left] = self.buffer[self.start : self.end].copy()
        self.start, self.end = 0, left

    def hold(self, frame_bytes: int) -> None:
        """Make room for one long frame (`frame_bytes` with its length), as long as it is the unfinished one."""
        if frame_bytes > len(self._view):
            wider: NDArray[np.uint8] = np.zeros(frame_bytes + READ_BYTES, dtype=np.uint8)
            left = self.end - self.start
            wider[:left] = self.buffer[self.start : self.end]
            self.buffer, self._view = wider, wider.data
            self.start, self.end = 0, left

    def consume(self, upto: int) -> None:
        """Everything before index `upto` was used."""
        self.start = upto

    def send(self, data: bytes) -> None:
        """All of `data`, now or as the peer takes it; LinkLost when too much waits."""
        self._unsent += data
        if len(self._unsent) > MAX_UNSENT_BYTES:
            raise LinkLost(f"{self._where} takes nothing: {len(self._unsent)} bytes wait to be sent")
        self.flush()

    def flush(self) -> None:
        """Send what waits and can go."""
        while self._unsent and self.connected:
            try:
                count = self._socket.send(self._unsent)
            except _LATER:
                return
            except OSError as error:
                raise LinkLost(f"{self._where}: {error.strerror or error}") from error
            del self._unsent[:count]
            self.sent += count

    def close(self) -> None:
        """Give the socket back; what waits unsent is lost."""
        self.connected = False
        self._socket.close()
