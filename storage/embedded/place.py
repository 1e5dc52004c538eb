"""Where the server's files are and which user owns them.

As an ordinary user everything is ours and stands in the state directory. PostgreSQL refuses to run as root; so as root
it runs as `postgres` or `nobody`, and its files must be where that user may go: in the state directory where the way
there is open (mode 0711 or more, which the state directory itself is given), else in a directory beside the temporary
files (for a state directory there) or below /var/lib/margindesk, with a link `postgres` in the state directory.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import CannotStart
from pipeline.runtime import Runtime
from storage import binaries

USERS = ("postgres", "nobody")
STATE_FILE = "state_dir"  # names the state directory that a place outside belongs to


@dataclass(frozen=True, slots=True)
class User:
    """Who runs the server; None stands for ourselves."""

    name: str
    uid: int
    gid: int


@dataclass(frozen=True, slots=True)
class Place:
    """`home` holds data/ and is the server's alone; `sockets` is where it listens."""

    home: Path
    sockets: Path
    user: User | None

    @property
    def data(self) -> Path:
        return self.home / "data"


def server_user() -> User | None:
    """None: ourselves. As root the first unprivileged user that exists; CannotStart where there is none."""
    if sys.platform == "win32" or os.geteuid() != 0:
        return None
    import pwd

    for name in USERS:
        try:
            found = pwd.getpwnam(name)
        except KeyError:
            continue
        if found.pw_uid:
            return User(name, found.pw_uid, found.pw_gid)
    raise CannotStart("PostgreSQL refuses to run as root, and there is no user postgres or nobody; add one of them")


def ensure(runtime: Runtime) -> Place:
    """The place of this run's server, made where it is missing."""
    user = server_user()
    place = Place(_home(runtime, user), _sockets(runtime), user)
    for directory in (place.home, place.sockets):
        directory.mkdir(mode=0o700, exist_ok=True)
        _own(directory, user)
    return place


def remove(runtime: Runtime) -> None:
    """Delete the place with its data (for state directories that are thrown away)."""
    link = runtime.state_dir / "postgres"
    if link.exists():
        shutil.rmtree(link.resolve())
    if link.is_symlink():
        link.unlink()
    shutil.rmtree(_sockets(runtime), ignore_errors=True)


def write(path: Path, text: str, user: User | None) -> None:
    """Replace a file in the server's directory by a new one, 0600 and the server's own. The directory is not ours, so
    nothing that stands there is ever opened or followed."""
    path.unlink(missing_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        if user is not None:
            os.fchown(handle, user.uid, user.gid)
        file.write(text)


def _sockets(runtime: Runtime) -> Path:
    """A directory of its own, because as root another user owns it."""
    return Path(f"{runtime.sockets}.pg")


def _home(runtime: Runtime, user: User | None) -> Path:
    link = runtime.state_dir / "postgres"
    if user is None:
        return link
    if link.is_symlink() or link.is_dir():
        return link.resolve()
    state_dir = runtime.state_dir.resolve()
    if binaries.reachable(state_dir.parent):
        state_dir.chmod(state_dir.stat().st_mode | 0o011)
        return link
    return _outside(state_dir, link)


def _outside(state_dir: Path, link: Path) -> Path:
    """A fresh directory that the server's user can reach, linked from the state directory."""
    temporary = Path(tempfile.gettempdir()).resolve()
    if temporary in state_dir.parents and binaries.reachable(temporary):
        base = temporary
        _sweep(base)
    else:
        base = binaries.SHARED
        base.mkdir(parents=True, exist_ok=True)
        base.chmod(0o755)
    digest = hashlib.sha256(str(state_dir).encode()).hexdigest()[:12]
    link.unlink(missing_ok=True)
    home = Path(tempfile.mkdtemp(prefix=f"margindesk-{digest}-", dir=base))
    (home / STATE_FILE).write_text(str(state_dir), encoding="utf-8")
    link.symlink_to(home, target_is_directory=True)
    return home


def _sweep(base: Path) -> None:
    """Remove our directories among the temporary files whose state directory is gone."""
    for home in base.glob("margindesk-*-*"):
        named = home / STATE_FILE
        try:
            gone = home.lstat().st_mode & stat.S_IFDIR and not Path(named.read_text(encoding="utf-8")).exists()
        except OSError:
            continue
        if gone and not (home / "data" / "postmaster.pid").exists():
            shutil.rmtree(home, ignore_errors=True)


def _own(directory: Path, user: User | None) -> None:
    """The directory is ours or the server's, and nobody else's; CannotStart otherwise."""
    if sys.platform == "win32":
        return
    found = directory.lstat()
    allowed = {os.getuid()} | ({user.uid} if user else set())
    if not stat.S_ISDIR(found.st_mode) or found.st_uid not in allowed:
        raise CannotStart(f"{directory}: expected a directory of ours, found one of uid {found.st_uid}; remove it")
    directory.chmod(0o700)
    if user is not None:
        os.chown(directory, user.uid, user.gid)
