"""A server of yours, by DSN: what it must be like, and who logs in. Nothing of it is started, stopped or made."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict

from pipeline.config import LOOPBACK, Postgres
from pipeline.errors import CannotStart

DEFAULT_PORT = "5432"


def facts(settings: Postgres) -> dict[str, Any]:
    """host, port, dbname, user (and sslmode) of the DSN; CannotStart names what is missing or unsafe."""
    try:
        told = conninfo_to_dict(settings.dsn)
    except psycopg.ProgrammingError as error:
        raise CannotStart(f"postgres.dsn: expected a PostgreSQL connection string, found: {error}") from error
    host = str(told.get("host") or told.get("hostaddr") or "/var/run/postgresql")
    if not told.get("user") or not told.get("dbname"):
        raise CannotStart("postgres.dsn: expected a user and a dbname, e.g. postgresql://margin@db.example/margindesk")
    if not settings.pass_file:
        raise CannotStart("postgres.pass_file: expected the 0600 file that holds the password of the DSN's user")
    sslmode = str(told.get("sslmode") or "")
    local = host.startswith("/") or host in LOOPBACK
    if not local and sslmode != "verify-full" and not settings.insecure_transport:
        raise CannotStart(
            f"postgres.dsn: {host} is another machine: expected sslmode=verify-full, found {sslmode or 'none'}; "
            "set it, or insecure_transport = true where the way there is safe otherwise"
        )
    found = {"host": host, "port": int(told.get("port") or DEFAULT_PORT), "dbname": str(told["dbname"])}
    return found | {"user": str(told["user"])} | ({"sslmode": sslmode} if sslmode else {})


def announcement(found: dict[str, Any], pass_file: Path, *, one_role: bool) -> dict[str, Any]:
    """What the other processes are told."""
    told = {"host": found["host"], "port": found["port"], "database": found["dbname"], "pid": 0, "embedded": False}
    if "sslmode" in found:
        told["sslmode"] = found["sslmode"]
    return told | ({"user": found["user"], "pass_file": str(pass_file)} if one_role else {})


def may_make_roles(database: psycopg.Connection[Any]) -> bool:
    """Only a superuser can give each process a role of its own; otherwise all use the DSN's."""
    row = database.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user").fetchone()
    return row is not None and bool(row[0])
