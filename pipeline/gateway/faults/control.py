"""The control channel: a socket in a directory of its owner alone; a line is a fault, the answer is a line."""

from __future__ import annotations

import contextlib
import os
import selectors
import socket
import stat
from collections.abc import Callable
from pathlib import Path

from pipeline.errors import CannotStart

LONGEST_LINE = 4096
MOST_CLIENTS = 8


class Control:
    """Listens at `path`; each line goes to `answer`. Shares the server's selector, never waits."""

    def __init__(self, path: Path, selector: selectors.BaseSelector, answer: Callable[[str], str]) -> None:
        self._path, self._selector, self._answer = path, selector, answer
        self._clients: dict[socket.socket, bytearray] = {}
        _own(path.parent)
        with contextlib.suppress(FileNotFoundError):
            if not stat.S_ISSOCK(path.lstat().st_mode):
                raise CannotStart(f"{path}: expected no file there, or a socket of an earlier run")
            path.unlink()
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._listener.bind(str(path))
        except OSError as error:
            self._listener.close()
            raise CannotStart(f"{path}: expected a path for a socket, found: {error}") from error
        path.chmod(0o600)
        self._listener.listen(MOST_CLIENTS)
        self._listener.setblocking(False)
        selector.register(self._listener, selectors.EVENT_READ, self._accept)

    def close(self) -> None:
        for sock in list(self._clients):
            self._end(sock)
        self._selector.unregister(self._listener)
        self._listener.close()
        self._path.unlink(missing_ok=True)

    def _accept(self) -> None:
        try:
            sock, _ = self._listener.accept()
        except OSError:
            return  # gone before we looked
        if len(self._clients) >= MOST_CLIENTS:
            sock.close()
            return
        sock.setblocking(False)
        self._clients[sock] = bytearray()
        self._selector.register(sock, selectors.EVENT_READ, lambda: self._read(sock))

    def _read(self, sock: socket.socket) -> None:
        try:
            data = sock.recv(LONGEST_LINE)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        buffer = self._clients[sock]
        buffer += data
        while b"\n" in buffer:
            line, _, rest = bytes(buffer).partition(b"\n")
            buffer[:] = rest
            answer = self._answer(line.decode("utf-8", "replace").strip())
            try:
                sock.send(answer.encode() + b"\n")
            except OSError:
                data = b""  # who does not read its answers is shown out
        if not data or len(buffer) > LONGEST_LINE:
            self._end(sock)

    def _end(self, sock: socket.socket) -> None:
        del self._clients[sock]
        self._selector.unregister(sock)
        sock.close()


def _own(directory: Path) -> None:
    """Make the directory, or see that nobody else may enter it."""
    if not hasattr(socket, "AF_UNIX"):
        raise CannotStart("--control: expected a system with Unix sockets")
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = directory.stat()
    except OSError as error:
        raise CannotStart(f"{directory}: expected a directory for the control socket, found: {error}") from error
    if found.st_uid != os.geteuid() or found.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        mode = stat.S_IMODE(found.st_mode)
        raise CannotStart(f"{directory}: expected a directory of this user with mode 0700, found mode {mode:04o}")
