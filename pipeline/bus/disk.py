"""What the journal asks of a file system, with the way around where a platform lacks it."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)  # no room; everything else is a failure of the disk
ZEROS = bytes(1 << 20)
O_BINARY = getattr(os, "O_BINARY", 0)


def allocate(descriptor: int, size: int) -> None:
    """Take `size` bytes of disk now, as zeros, so that a full disk shows here and not at a write."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(descriptor, 0, size)
        return
    for start in range(0, size, len(ZEROS)):
        write_at(descriptor, ZEROS[: min(len(ZEROS), size - start)], start)


def write_at(descriptor: int, data: bytes, offset: int) -> None:
    """All of `data` at `offset`; a short write is an error."""
    if hasattr(os, "pwrite"):
        written = os.pwrite(descriptor, data, offset)
    else:
        os.lseek(descriptor, offset, os.SEEK_SET)
        written = os.write(descriptor, data)
    if written != len(data):
        raise OSError(errno.ENOSPC, f"short write: expected {len(data)} bytes, wrote {written}")


def sync(descriptor: int) -> None:
    """The file's bytes are on the disk."""
    getattr(os, "fdatasync", os.fsync)(descriptor)


def sync_directory(path: Path) -> None:
    """The names in the directory are on the disk; Windows can't and need not."""
    if sys.platform == "win32":
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_file(path: Path, data: bytes) -> None:
    """A small file, whole or not at all: `.new`, sync, rename. The caller syncs the directory."""
    fresh = path.with_suffix(".new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | O_BINARY, 0o600)
    try:
        write_at(descriptor, data, 0)
        sync(descriptor)
    finally:
        os.close(descriptor)
    os.replace(fresh, path)


def lock(path: Path) -> int | None:
    """A descriptor that holds the lock until it is closed or the process dies; None if another process has it."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | O_BINARY, 0o600)
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor
