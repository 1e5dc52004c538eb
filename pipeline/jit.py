"""The one place where compiled code is set up: the `kernel` decorator, its disk cache and the lock around building it.

Numba's disk cache has two gaps that this file closes. It checks only the file that defines a function, not the files of
the functions it calls: so the directory's name holds a hash of every source file with kernels. And it is not safe for
several processes that build it at once (numba issues 4807 and 10128): so each process role has a directory of its own,
and a file lock is held while kernels are compiled or loaded.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import sys
import time
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar, cast

import platformdirs

CACHE_VARIABLE = "MARGINDESK_CACHE"  # another root for the compiled code
KEEP_UNUSED_S = 14 * 86400.0

F = TypeVar("F", bound=Callable[..., Any])
_prepared: Path | None = None


def prepare(role: str) -> Path:
    """Point numba's cache at the directory of `role` (a process name) and of these sources; call it before any kernel
    module is imported. Returns the directory."""
    global _prepared
    directory = _root() / role / _source_hash()
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    os.utime(directory)
    os.environ["NUMBA_CACHE_DIR"] = str(directory)
    if "numba" in sys.modules:  # it read the variable at its import
        sys.modules["numba"].config.CACHE_DIR = str(directory)
    _prepared = directory
    return directory


@contextlib.contextmanager
def warming(role: str) -> Iterator[None]:
    """Hold this lock while the kernels of `role` are compiled or loaded; another process of the role waits here."""
    directory = prepare(role)
    with (directory / "lock").open("a+b") as file, _locked(file.fileno()):
        yield
        _remove_unused(directory)


def kernel(function: F) -> F:
    """Compile `function` at its first call, for any thread, and keep it on disk.

    error_model="numpy": a division by zero gives inf or nan, as in numpy, and costs no branch. nogil: arrays only.
    fastmath stays off: it assumes that there is no nan, and nan is how an unknown number travels here. Nobody takes a
    kernel's C address, and one whose name begins with _ is called by kernels alone: the entries that nobody uses are
    not built, which takes a fifth off the compile time.
    """
    if _prepared is None:
        prepare(os.environ.get("PYTEST_XDIST_WORKER", "tool"))
    import numba

    inner = function.__name__.startswith("_")
    options = {"no_cfunc_wrapper": True, "no_cpython_wrapper": inner}
    return cast(F, numba.njit(cache=True, error_model="numpy", nogil=True, fastmath=False, **options)(function))


def _root() -> Path:
    given = os.environ.get(CACHE_VARIABLE)
    return Path(given) if given else Path(platformdirs.user_cache_dir("margindesk", appauthor=False)) / "kernels"


def _source_hash() -> str:
    """Of all source files with kernels, and of what compiles them."""
    digest = hashlib.sha256(f"{sys.version} {version('numba')} {version('numpy')}".encode())
    for path in sorted(Path(__file__).parent.rglob("*.py")):
        source = path.read_bytes()
        if b"@kernel" in source or path == Path(__file__):
            digest.update(source)
    return digest.hexdigest()[:16]


def _remove_unused(current: Path) -> None:
    """Directories of older sources go after two weeks without use."""
    for other in current.parent.iterdir():
        if other != current and other.is_dir() and time.time() - other.stat().st_mtime > KEEP_UNUSED_S:
            for path in sorted(other.rglob("*"), reverse=True):
                path.rmdir() if path.is_dir() else path.unlink(missing_ok=True)
            other.rmdir()


@contextlib.contextmanager
def _locked(descriptor: int) -> Iterator[None]:
    """An advisory lock that ends with the process, whatever ends it."""
    if sys.platform == "win32":
        import msvcrt

        while True:
            try:
                msvcrt.locking(descriptor, msvcrt.LK_LOCK, 1)
                break
            except OSError:  # it tries ten times, a second apart, and then raises
                continue
        try:
            yield
        finally:
            os.lseek(descriptor, 0, os.SEEK_SET)
            msvcrt.locking(descriptor, msvcrt.LK_UNLCK, 1)
    else:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(descriptor, fcntl.LOCK_UN)
