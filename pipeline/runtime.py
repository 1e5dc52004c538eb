"""Where a run keeps its things: one state directory, one short 0700 directory of sockets."""

from __future__ import annotations

import hashlib
import json
import os
import stat
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline import config
from pipeline.errors import CannotStart

STATE_VARIABLE = "MARGINDESK_STATE"


@dataclass(frozen=True, slots=True)
class Runtime:
    """The places of one run; every process of it is given the same state directory."""

    state_dir: Path

    @property
    def sockets(self) -> Path:
        """Short, because an ipc path must stay under 100 bytes."""
        digest = hashlib.sha256(str(self.state_dir.resolve()).encode()).hexdigest()[:12]
        owner = os.getuid() if hasattr(os, "getuid") else 0
        root = "/tmp" if os.path.isdir("/tmp") else tempfile.gettempdir()  # noqa: S108  (a 0700 directory of ours in it)
        return Path(root) / f"md-{owner}-{digest}"

    def journal_dir(self, stream: str) -> Path:
        return self.state_dir / "journal" / stream

    @property
    def logs(self) -> Path:
        return self.state_dir / "logs"

    @property
    def keys(self) -> Path:
        return self.state_dir / "keys"

    @property
    def settings_file(self) -> Path:
        """The configuration as the supervisor read it, for its children."""
        return self.state_dir / "settings.json"

    def endpoint(self, process: str, socket: str) -> str:
        """ipc endpoint of `process`; `socket` is `pub` (live stream) or `ctl` (ROUTER)."""
        return f"ipc://{self.sockets / process}.{socket}"

    def prepare(self) -> None:
        """Make both directories, 0700 and ours; CannotStart if somebody else's stands there."""
        os.umask(0o077)
        for path in (self.state_dir, self.logs, self.keys, self.state_dir / "announced", self.sockets):
            path.mkdir(parents=True, exist_ok=True, mode=0o700)
        if sys.platform != "win32":
            found = self.sockets.lstat()
            if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
                raise CannotStart(
                    f"{self.sockets}: expected a directory of ours with mode 0700, found one of uid {found.st_uid} "
                    f"with mode {stat.S_IMODE(found.st_mode):o}; remove it"
                )

    def announce(self, name: str, **facts: Any) -> None:
        """Tell the other processes of this run an address or a fact; atomic, replaces what was told before."""
        path = self.state_dir / "announced" / f"{name}.json"
        fresh = path.with_suffix(f".{os.getpid()}.new")
        fresh.write_text(json.dumps(facts), encoding="utf-8")
        fresh.replace(path)

    def announced(self, name: str) -> dict[str, Any] | None:
        """What `name` announced last; None if nothing (readers ask again at each connect)."""
        try:
            value = json.loads((self.state_dir / "announced" / f"{name}.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return value if isinstance(value, dict) else None

    def settings(self) -> config.Settings:
        """The configuration of this run, as the supervisor wrote it."""
        return config.parse(json.loads(self.settings_file.read_text(encoding="utf-8")), str(self.settings_file))


def from_environment() -> Runtime:
    """The run that this child belongs to."""
    state = os.environ.get(STATE_VARIABLE)
    if not state:
        raise CannotStart(f"expected the state directory of a run in {STATE_VARIABLE}; start me with run.py")
    return Runtime(Path(state))
