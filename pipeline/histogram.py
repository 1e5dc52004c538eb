"""Counts of durations in a small memory-mapped file: they survive a kill -9 of the process that counts.

The file is 8 bytes of magic and 512 little-endian u64 counts. Bucket i holds durations up to `LOW_NS * RATIO**i`:
from 1 µs to 60 s in steps of 3.6 %, shorter ones in the first bucket, longer ones in the last. One process writes; any
reads.
"""

from __future__ import annotations

import math
import mmap
import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

MAGIC = b"MDHIST01"
BUCKETS = 512
LOW_NS = 1e3
HIGH_NS = 60e9
RATIO = (HIGH_NS / LOW_NS) ** (1.0 / (BUCKETS - 1))
EDGES_NS: NDArray[np.float64] = LOW_NS * RATIO ** np.arange(BUCKETS)
FILE_BYTES = len(MAGIC) + 8 * BUCKETS
_LOG_RATIO = math.log(RATIO)

Counts = NDArray[np.uint64]


class Histogram:
    """The counting side: `open`, then `add` nanoseconds."""

    def __init__(self, memory: mmap.mmap) -> None:
        self._memory = memory
        self._counts: Counts = np.frombuffer(memory, dtype="<u8", count=BUCKETS, offset=len(MAGIC))

    @classmethod
    def open(cls, path: Path) -> Histogram:
        """Map the file at `path`; a missing one, or one that is no histogram, is begun anew."""
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o600)
        try:
            if os.fstat(descriptor).st_size != FILE_BYTES or os.read(descriptor, len(MAGIC)) != MAGIC:
                os.ftruncate(descriptor, 0)
                os.lseek(descriptor, 0, os.SEEK_SET)
                os.write(descriptor, MAGIC + bytes(8 * BUCKETS))
            return cls(mmap.mmap(descriptor, FILE_BYTES))
        finally:
            os.close(descriptor)

    def add(self, latency_ns: float) -> None:
        """Count one duration; a negative one (the wall clock was set back) counts as the shortest."""
        self._counts[bucket(latency_ns)] += np.uint64(1)

    def add_many(self, latencies_ns: NDArray[np.float64] | NDArray[np.int64]) -> None:
        """Count a batch."""
        clipped = np.clip(np.asarray(latencies_ns, dtype=np.float64), LOW_NS, HIGH_NS)
        where = np.minimum(np.ceil(np.log(clipped / LOW_NS) / _LOG_RATIO - 1e-9).astype(np.intp), BUCKETS - 1)
        self._counts += np.bincount(where, minlength=BUCKETS).astype(np.uint64)

    def counts(self) -> Counts:
        """A copy of the counts so far."""
        return self._counts.copy()

    def close(self) -> None:
        """Give the mapping back; the counts are in the file."""
        self._counts = np.zeros(BUCKETS, dtype=np.uint64)
        self._memory.close()


def bucket(latency_ns: float) -> int:
    """Where a duration is counted."""
    if not latency_ns > LOW_NS:
        return 0
    return min(math.ceil(math.log(latency_ns / LOW_NS) / _LOG_RATIO - 1e-9), BUCKETS - 1)


def read(path: Path) -> Counts:
    """The counts in the file at `path`; all zero where there is none yet."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return np.zeros(BUCKETS, dtype=np.uint64)
    if len(data) != FILE_BYTES or not data.startswith(MAGIC):
        return np.zeros(BUCKETS, dtype=np.uint64)
    return np.frombuffer(data, dtype="<u8", offset=len(MAGIC)).copy()


def quantile_ns(counts: Counts, share: float) -> float:
    """The duration below which `share` of the counted ones lie (the upper edge of its bucket); nan without any."""
    total = int(counts.sum())
    if total == 0:
        return math.nan
    wanted = max(1, math.ceil(share * total))
    return float(EDGES_NS[int(np.searchsorted(np.cumsum(counts), wanted))])
