"""Where this run's PostgreSQL listens now, and with which password a role gets in."""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path
from typing import Any

from pipeline.errors import MargindeskError
from pipeline.runtime import Runtime

OWNER, WRITER, READER, WEB = "app_owner", "app_writer", "app_reader", "app_web"
ROLES = (OWNER, WRITER, READER, WEB)
MIGRATOR = "app_migrator"  # logs in for app_owner, which has no login
ADMIN = "margindesk"  # the embedded server's superuser: makes roles and the database, nothing else


class NoDatabase(MargindeskError):
    """PostgreSQL of this run has not come up yet."""


def facts(runtime: Runtime, role: str) -> dict[str, Any]:
    """host, port, dbname, user, password (and sslmode) for psycopg and Django; ask again at each connect.

    NoDatabase where no server was announced. The owner logs in as `app_migrator`, which becomes `app_owner` at once.
    """
    told = runtime.announced("postgres")
    if told is None:
        raise NoDatabase(f"expected PostgreSQL to be announced in {runtime.state_dir}, found nothing; start the run")
    found: dict[str, Any] = {"host": told["host"], "port": told["port"], "dbname": told["database"]}
    if told.get("sslmode"):
        found["sslmode"] = told["sslmode"]
    if told.get("user"):  # one role for all: a server of yours whose user may not make roles
        return found | {"user": told["user"], "password": read_secret(Path(told["pass_file"]))}
    login = MIGRATOR if role == OWNER else role
    return found | {"user": login, "password": password(runtime, login)}


def password(runtime: Runtime, role: str) -> str:
    """The password of `role` from its 0600 file."""
    return read_secret(runtime.keys / f"{role}.password")


def ensure_password(runtime: Runtime, role: str) -> str:
    """The password of `role`; random and durable in a new 0600 file where there was none."""
    path = runtime.keys / f"{role}.password"
    runtime.keys.mkdir(parents=True, exist_ok=True, mode=0o700)
    with contextlib.suppress(FileExistsError):
        fresh = path.with_suffix(f".{os.getpid()}.new")
        handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(secrets.token_urlsafe(32) + "\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(fresh, path)  # never replaces one that is there
        finally:
            fresh.unlink()
    return read_secret(path)


def read_secret(path: Path) -> str:
    """The text of a secret file; NoDatabase where it is missing or others may read it."""
    try:
        found = path.stat()
        text = path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise NoDatabase(f"{path}: expected a readable password file, found: {error.strerror}") from error
    if os.name == "posix" and found.st_mode & 0o077:
        raise NoDatabase(f"{path}: expected mode 0600, found {found.st_mode & 0o777:o}; chmod 600 it")
    return text
