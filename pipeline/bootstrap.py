"""The private environment on first use: makes `.venv` beside run.py, installs the locked packages, goes on in it.

Standard library only, because it runs before anything is installed. `.venv/stamp` holds the sha256 of the lock file
that was installed last: while it matches, a start asks nothing of pip. A lock in `.venv` lets two first uses wait for
each other instead of building into the same directory.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.metadata
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO

OLDEST = (3, 11)
EXIT_USAGE = 2


class SetupFailed(Exception):
    """One plain line for the person who started us."""


def enter(root: Path) -> None:
    """Return only in an environment with the locked packages; from any other, go on in `.venv` by exec."""
    try:
        check_version(sys.version_info[:2])
        python = ensure(root)
    except SetupFailed as failure:
        print(f"run.py: {failure}", file=sys.stderr)
        raise SystemExit(EXIT_USAGE) from None
    if python is None:
        return
    words = [str(python), *sys.argv]
    if os.name == "nt":  # exec there returns to the shell at once
        raise SystemExit(subprocess.call(words))
    os.execv(words[0], words)  # noqa: S606  (the same program in its own environment)


def check_version(version: tuple[int, int]) -> None:
    """Refuse a Python that is too old for the sources."""
    if version < OLDEST:
        wanted, found = ".".join(map(str, OLDEST)), ".".join(map(str, version))
        raise SetupFailed(
            f"expected Python {wanted} or newer, found {found} ({sys.executable}); start me with a newer one"
        )


def ensure(root: Path) -> Path | None:
    """The interpreter to go on in; None when that is the one that runs."""
    lock_file, venv = root / "requirements.lock", root / ".venv"
    wanted = digest(lock_file)
    python = interpreter(venv)
    if is_current(venv):
        if stamp(venv) != wanted:
            with building(venv):
                install(python, lock_file, venv, wanted)
        return None
    if stamp(venv) == wanted and python.exists():
        return python
    if not venv.exists() and satisfied(lock_file):
        return None
    with building(venv):
        if stamp(venv) != wanted or not python.exists():  # nobody did it while we waited
            make(venv, python)
            install(python, lock_file, venv, wanted)
    return python


def digest(lock_file: Path) -> str:
    try:
        return hashlib.sha256(lock_file.read_bytes()).hexdigest()
    except OSError as error:
        raise SetupFailed(
            f"expected the lock file {lock_file}, found: {error.strerror}; is the checkout whole?"
        ) from None


def interpreter(venv: Path) -> Path:
    return venv / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def is_current(venv: Path) -> bool:
    """Whether we run in that environment already."""
    return venv.exists() and Path(sys.prefix).resolve() == venv.resolve()


def stamp(venv: Path) -> str:
    """Digest of the lock file installed last; empty when there is none."""
    try:
        return (venv / "stamp").read_text(encoding="ascii").strip()
    except OSError:
        return ""


def make(venv: Path, python: Path) -> None:
    """An empty environment; what is left of a broken one goes first."""
    if works(python):
        return
    if not has_ensurepip():
        name = f"python3.{sys.version_info[1]}-venv"
        raise SetupFailed(f"expected Python's venv module, found none; install it: apt-get install {name}")
    say(f"making a private environment in {venv}")
    for entry in venv.iterdir():
        if entry.name != "lock":
            shutil.rmtree(entry) if entry.is_dir() and not entry.is_symlink() else entry.unlink()
    run([sys.executable, "-m", "venv", str(venv)], f"could not make {venv}")


def works(python: Path) -> bool:
    """Whether that interpreter starts and has pip (the Python below it may be gone since)."""
    if not python.exists():
        return False
    return subprocess.run([str(python), "-c", "import pip"], capture_output=True).returncode == 0


def has_ensurepip() -> bool:
    """Debian's python3 has venv without the part that brings pip; python3-venv brings it."""
    try:
        import ensurepip
    except ImportError:
        return False
    return bool(ensurepip.version())


def install(python: Path, lock_file: Path, venv: Path, wanted: str) -> None:
    """Exactly the locked packages, each checked against its hash; the stamp comes last."""
    say("installing the locked packages (once; some 300 MB)")
    words = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]
    words += ["--require-hashes", "--no-deps", "-r", str(lock_file)]
    run(words, "could not install the locked packages; is there a network? Started again, it goes on where it stopped")
    fresh = venv / "stamp.new"
    fresh.write_text(wanted + "\n", encoding="ascii")
    fresh.replace(venv / "stamp")
    say("the environment is ready")


def run(words: list[str], failure: str) -> None:
    """Run a step; what it prints goes to standard error, so that standard output stays the command's own."""
    done = subprocess.run(words, stdout=sys.stderr, stderr=subprocess.PIPE, text=True)
    if done.returncode != 0:
        last = (done.stderr or "").strip().splitlines()[-1:] or [f"exit code {done.returncode}"]
        raise SetupFailed(f"{failure} ({last[0]})")


@contextlib.contextmanager
def building(venv: Path) -> Iterator[None]:
    """Hold the lock of the environment; a second first use waits here and says so."""
    try:
        venv.mkdir(exist_ok=True)
        file = (venv / "lock").open("a+b")
    except OSError as error:
        raise SetupFailed(f"expected to be able to write {venv}, found: {error.strerror}") from None
    with file:
        if not try_lock(file):
            say("another start is setting up; waiting for it")
            wait_lock(file)
        yield


def try_lock(file: IO[bytes]) -> bool:
    try:
        if os.name == "nt":
            import msvcrt

            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def wait_lock(file: IO[bytes]) -> None:
    import time

    while not try_lock(file):
        time.sleep(0.2)


def satisfied(lock_file: Path) -> bool:
    """Whether the running environment has every locked package at its version already."""
    return not differences(lock_file)


def differences(lock_file: Path) -> list[str]:
    """Each locked package that the running environment lacks or has at another version."""
    found: list[str] = []
    for name, version in locked(lock_file.read_text(encoding="utf-8")):
        try:
            have = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found.append(f"{name} {version} is missing")
            continue
        if have != version:
            found.append(f"{name}: expected {version}, found {have}")
    return found


def locked(text: str) -> list[tuple[str, str]]:
    """(name, version) of each package in the lock file that is for this machine."""
    lines = re.findall(r"^([A-Za-z0-9_.-]+)==(\S+)[ ]*(?:;[ ]*([^\\\n]+))?", text, flags=re.MULTILINE)
    return [(name, version) for name, version, marker in lines if not marker or applies(marker)]


def applies(marker: str) -> bool:
    """Whether an environment marker holds here; the lock uses comparisons joined by `and` and `or` alone."""
    return any(all(_holds(part) for part in either.split(" and ")) for either in marker.strip().split(" or "))


def _holds(part: str) -> bool:
    match = re.fullmatch(r"\s*\(?\s*(\w+) (==|!=|<=|>=|<|>) '([^']*)'\s*\)?\s*", part)
    if match is None:
        raise SetupFailed(f"expected a simple marker in the lock file, found {part!r}")
    name, sign, wanted = match.groups()
    facts = {
        "sys_platform": sys.platform,
        "platform_system": platform.system(),
        "platform_machine": platform.machine(),
        "platform_python_implementation": platform.python_implementation(),
        "implementation_name": sys.implementation.name,
        "python_version": ".".join(platform.python_version_tuple()[:2]),
        "python_full_version": platform.python_version(),
    }
    have = facts[name]
    if name.startswith("python_"):
        left, right = _numbers(have), _numbers(wanted)
        return bool(
            {
                "==": left == right,
                "!=": left != right,
                "<": left < right,
                "<=": left <= right,
                ">": left > right,
                ">=": left >= right,
            }[sign]
        )
    return (have == wanted) is (sign == "==")


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:3])


def say(text: str) -> None:
    print(f"run.py: {text}", file=sys.stderr, flush=True)
