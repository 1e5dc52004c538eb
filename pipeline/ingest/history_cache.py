"""Pieces of history that never change, kept in files that may be thrown away."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

MAX_BYTES = 512 << 20
KEEP_SHARE = 0.8  # of it after a clearance


class Cache:
    """A file a piece: `<con_id>/<kind>/<from_ns>.npy`. A damaged file is as good as none."""

    def __init__(self, directory: Path, max_bytes: int = MAX_BYTES) -> None:
        self._directory, self._max_bytes = directory, max_bytes
        self._bytes = sum(path.stat().st_size for path in directory.rglob("*.npy")) if directory.exists() else 0

    def get(self, con_id: int, kind: str, from_ns: int, dtype: np.dtype[np.void]) -> NDArray[np.void] | None:
        """The piece, or None."""
        path = self._path(con_id, kind, from_ns)
        try:
            found = np.load(path, allow_pickle=False)
        except (OSError, ValueError, EOFError):
            return None
        if found.dtype != dtype:
            return None
        path.touch()
        return np.asarray(found)

    def put(self, con_id: int, kind: str, from_ns: int, records: NDArray[np.void]) -> None:
        """Keep it; a disk that refuses costs only the next request."""
        path = self._path(con_id, kind, from_ns)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            fresh = path.with_suffix(".new")
            with fresh.open("wb") as file:
                np.save(file, records, allow_pickle=False)
            fresh.replace(path)
            self._bytes += path.stat().st_size
        except OSError:
            return
        if self._bytes > self._max_bytes:
            self._clear()

    def _clear(self) -> None:
        """The pieces that were not used for longest go."""
        found = sorted((path.stat().st_mtime, path.stat().st_size, path) for path in self._directory.rglob("*.npy"))
        self._bytes = sum(size for _, size, _ in found)
        for _, size, path in found:
            if self._bytes <= self._max_bytes * KEEP_SHARE:
                return
            path.unlink(missing_ok=True)
            self._bytes -= size

    def _path(self, con_id: int, kind: str, from_ns: int) -> Path:
        return self._directory / str(con_id) / kind / f"{from_ns}.npy"
