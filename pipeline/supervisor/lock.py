"""One supervisor a state directory, and none beside the processes that a killed one left for a moment."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from pathlib import Path
from typing import IO

from pipeline.errors import MargindeskError

NAME = "run.lock"
CHILDREN = "children.lock"
_FAR = 1 << 30  # Windows locks bytes; this one is behind the text, so that others can read the pid


class AlreadyRuns(MargindeskError):
    """Another supervisor runs on this state directory."""

    def __init__(self, pid: int, state_dir: Path) -> None:
        super().__init__(f"a run on {state_dir} is active already (pid {pid}); stop it first, or give another --state")
        self.pid = pid


class RunLock:
    """Held while this process lives; the kernel frees it however the process ends."""

    def __init__(self, state_dir: Path) -> None:
        path = state_dir / NAME
        self._file = path.open("a+", encoding="ascii")
        if not _try(self._file):
            self._file.close()
            raise AlreadyRuns(pid_in(path), state_dir)
        self._file.seek(0)
        self._file.truncate()
        self._file.write(f"{os.getpid()}\n")
        self._file.flush()

    def release(self) -> None:
        self._file.close()


class ChildrenLock:
    """Inherited by every child: free again only when the last of them is gone.

    A supervisor that was killed leaves children which end within two seconds; a successor waits for that here, so that
    they never meet at a journal or a port.
    """

    def __init__(self, state_dir: Path) -> None:
        self._file = (state_dir / CHILDREN).open("a+", encoding="ascii")

    def wait(self, deadline_s: float) -> bool:
        """True when no process of an earlier run is left."""
        end = time.monotonic() + deadline_s
        while not _try(self._file):
            if time.monotonic() > end:
                return False
            time.sleep(0.02)
        return True

    @property
    def inherited(self) -> tuple[int, ...]:
        """Descriptors to hand to a child."""
        return () if sys.platform == "win32" else (self._file.fileno(),)

    def release(self) -> None:
        self._file.close()


def holder(state_dir: Path) -> int:
    """Pid of the supervisor that runs on this state directory; 0 when none does."""
    path = state_dir / NAME
    with contextlib.suppress(OSError), path.open("r+", encoding="ascii") as file:
        if not _try(file):
            return pid_in(path)
    return 0


def pid_in(path: Path) -> int:
    try:
        return int(path.read_text(encoding="ascii").strip() or 0)
    except (OSError, ValueError):
        return 0


def _try(file: IO[str]) -> bool:
    try:
        if sys.platform == "win32":
            import msvcrt

            file.seek(_FAR)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
