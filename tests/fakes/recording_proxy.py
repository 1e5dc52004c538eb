"""A TCP proxy between a TWS and its client that keeps every byte which the TWS sent."""

from __future__ import annotations

import select
import socket
import threading


class RecordingProxy:
    """Each connection's bytes from the TWS stand in `recorded`, one bytearray a connection."""

    def __init__(self, target_port: int) -> None:
        self._target_port = target_port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.recorded: list[bytearray] = []
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while not self._closing.is_set():
            if select.select([self._listener], [], [], 0.02)[0]:
                client, _ = self._listener.accept()
                with client:
                    try:
                        self._pass_on(client)
                    except OSError:
                        continue  # one of the two is gone: the next connection

    def _pass_on(self, client: socket.socket) -> None:
        kept = bytearray()
        with socket.create_connection(("127.0.0.1", self._target_port)) as tws:
            self.recorded.append(kept)
            while not self._closing.is_set():
                for side in select.select([client, tws], [], [], 0.02)[0]:
                    data = side.recv(65536)
                    if not data:
                        return
                    if side is tws:
                        kept += data
                        client.sendall(data)
                    else:
                        tws.sendall(data)

    def frames(self) -> list[bytes]:
        """All payloads that the TWS sent, the greeting of each connection left out."""
        out: list[bytes] = []
        for kept in self.recorded:
            at, mine = 0, []
            while len(kept) - at >= 4:
                length = int.from_bytes(kept[at : at + 4], "big")
                mine.append(bytes(kept[at + 4 : at + 4 + length]))
                at += 4 + length
            out += mine[1:]
        return out

    def close(self) -> None:
        self._closing.set()
        self._thread.join(timeout=20)
        self._listener.close()
