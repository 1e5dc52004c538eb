"""A program of PostgreSQL as a child of ours: its user, its environment, its end when we end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, Any

from storage.embedded.place import User

PR_SET_PDEATHSIG = 1


def environment() -> dict[str, str]:
    """Ours without anything that PostgreSQL's programs would listen to."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "LC_", "MARGINDESK"))}
    return kept | {"LC_ALL": "C", "TZ": "UTC"}


def start(words: Sequence[str], user: User | None, output: IO[Any] | int, cwd: Path) -> subprocess.Popen[bytes]:
    """Start a program in a session of its own. Call it from the main thread: the kernel's parent-death signal belongs
    to the thread that started."""
    as_user: dict[str, Any] = {}
    if user is not None:
        as_user = {"user": user.uid, "group": user.gid, "extra_groups": []}
    if sys.platform == "linux":
        as_user["preexec_fn"] = _parent_death_signal()
    return subprocess.Popen(
        list(words),
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        cwd=cwd,
        env=environment(),
        start_new_session=True,
        **as_user,
    )


def _parent_death_signal() -> Callable[[], None]:
    """Runs in the child after setuid, which clears the signal: SIGINT (fast shutdown) when we are gone."""
    import ctypes

    prctl = ctypes.CDLL(None, use_errno=True).prctl
    parent = os.getpid()

    def ask() -> None:
        prctl(PR_SET_PDEATHSIG, int(signal.SIGINT), 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)

    return ask
