"""How many frames were sent to a client, in a mapped file that survives a kill -9.

`sent-<client id>.bin` holds two little-endian u64: tick frames (messages 1, 2, 45, 46, 21), then all frames. A frame
counts once the kernel has taken all its bytes.
"""

from __future__ import annotations

import mmap
import struct
from pathlib import Path

LAYOUT = struct.Struct("<QQ")


class Ledger:
    """The counters of one client id; they go on from what the file holds."""

    def __init__(self, directory: Path, client_id: int) -> None:
        path = directory / f"sent-{client_id}.bin"
        with path.open("a+b") as file:
            if path.stat().st_size < LAYOUT.size:
                file.truncate(LAYOUT.size)
            self._map = mmap.mmap(file.fileno(), LAYOUT.size)

    def add(self, ticks: int, frames: int) -> None:
        old_ticks, old_frames = LAYOUT.unpack_from(self._map)
        LAYOUT.pack_into(self._map, 0, old_ticks + ticks, old_frames + frames)

    def close(self) -> None:
        self._map.close()


def read(directory: Path, client_id: int) -> tuple[int, int]:
    """Tick frames and all frames sent to a client so far; nothing sent yet: (0, 0)."""
    try:
        data = (directory / f"sent-{client_id}.bin").read_bytes()
    except FileNotFoundError:
        return 0, 0
    ticks, frames = LAYOUT.unpack_from(data.ljust(LAYOUT.size, b"\0"))
    return ticks, frames
