"""From an empty server to one that the other processes can use: roles, database, tables, rights. Safe to repeat."""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from pipeline.errors import MargindeskError
from pipeline.runtime import STATE_VARIABLE, Runtime
from storage import connection, roles

DATABASE = "margindesk"
ROOT = Path(__file__).resolve().parents[2]
MIGRATE_S = 150.0
PACKAGES = ("Django", "django-axes", "djangorestframework")  # they bring migrations of their own


def make_roles(admin: psycopg.Connection[Any], runtime: Runtime) -> None:
    """The roles with the passwords of this run's key files."""
    logins = [role for role in (*connection.ROLES, connection.MIGRATOR) if role != connection.OWNER]
    verifiers = {
        role: admin.pgconn.encrypt_password(
            connection.ensure_password(runtime, role).encode(), role.encode(), b"scram-sha-256"
        ).decode()
        for role in logins
    }
    existing = {str(row[0]) for row in admin.execute("SELECT rolname FROM pg_roles")}
    for statement in roles.make(verifiers, existing):
        admin.execute(statement)


def make_database(admin: psycopg.Connection[Any], name: str) -> None:
    """The database, where it is missing."""
    if admin.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone() is None:
        admin.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))


def lay_out(admin: psycopg.Connection[Any], database: str) -> None:
    """Schemas and search paths; `admin` is connected to the database itself."""
    for statement in roles.lay_out(database):
        admin.execute(statement)


def stamp() -> str:
    """What the tables are made from: our migrations, the settings, the versions of packages with tables."""
    digest = hashlib.sha256()
    settings = importlib.util.find_spec("configs.settings")
    files = [*sorted((ROOT / "storage").glob("migrations/*.py")), ROOT / "storage" / "partitions.py"]
    files += [ROOT / "storage" / "audit.py", ROOT / "storage" / "roles.py", Path(__file__)]
    if settings is not None and settings.origin is not None:
        files.append(Path(settings.origin))
    for path in files:
        digest.update(path.read_bytes())
    for package in PACKAGES:
        digest.update(f"{package} {importlib.metadata.version(package)}".encode())
    return digest.hexdigest()


def stamped(facts: dict[str, Any]) -> str:
    """The stamp of the last migration of this database; empty where there was none."""
    with psycopg.connect(**facts, connect_timeout=5, autocommit=True) as owner:
        if owner.execute("SELECT to_regclass('public.schema_stamp')").fetchone() == (None,):
            return ""
        row = owner.execute("SELECT stamp FROM public.schema_stamp").fetchone()
    return str(row[0]) if row is not None else ""


def migrate(runtime: Runtime, log: Path, beat: Callable[[], None] = lambda: None) -> None:
    """Run the migrations in a process of their own, which ends with its memory; MargindeskError tells what failed."""
    environment = os.environ | {STATE_VARIABLE: str(runtime.state_dir)}
    with log.open("ab") as output:
        start = output.tell()
        child = subprocess.Popen(
            [sys.executable, "-m", "storage.migrate"],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=ROOT,
            env=environment,
        )
        try:
            code = _wait(child, beat)
        finally:
            child.kill()
            child.wait()
    if code:
        with log.open("rb") as said:
            said.seek(start)
            last = said.read().decode("utf-8", "replace").strip().splitlines()[-1:]
        raise MargindeskError(f"the migrations failed ({log} has all): {' '.join(last)}")


def _wait(child: subprocess.Popen[bytes], beat: Callable[[], None]) -> int:
    for _ in range(int(MIGRATE_S / 0.2)):
        try:
            return child.wait(0.2)
        except subprocess.TimeoutExpired:
            beat()
    raise MargindeskError(f"the migrations took longer than {MIGRATE_S:.0f} s")
