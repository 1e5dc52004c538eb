"""The first user: `admin`, with a random password in a 0600 file. There is no default password."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from django.contrib.auth.models import Group, User
from django.db import InterfaceError, OperationalError, ProgrammingError, connections, transaction

from pipeline.runtime import Runtime

NAME = "admin"
ROLES = ("viewer", "trader", "operator")


@dataclass(frozen=True, slots=True)
class FirstUser:
    """Who it is, where the password stands ("" where its file is gone), and whether it was made just now."""

    name: str
    password_file: str
    new: bool = False


def ensure(runtime: Runtime) -> FirstUser | None:
    """Make the roles and, where there is no user at all, the first one. None: PostgreSQL can't be asked yet."""
    try:
        with transaction.atomic():
            return _ensure(runtime.keys / f"{NAME}.password")
    except (OperationalError, InterfaceError, ProgrammingError):  # away, or its tables are still being made
        return None
    finally:
        connections.close_all()


def _ensure(path: Path) -> FirstUser:
    for role in ROLES:
        Group.objects.get_or_create(name=role)
    if User.objects.exists():
        return FirstUser(NAME, str(path) if _still_true(path) else "")
    password = secrets.token_urlsafe(18)
    write_secret(path, password)
    user = User.objects.create_superuser(NAME, password=password)
    user.groups.set(Group.objects.filter(name__in=ROLES))
    return FirstUser(NAME, str(path), new=True)


def _still_true(path: Path) -> bool:
    """A file whose password was changed since says nothing true any more: remove it."""
    if not path.exists():
        return False
    user = User.objects.filter(username=NAME).first()
    if user is not None and user.check_password(path.read_text(encoding="ascii").strip()):
        return True
    path.unlink()
    return False


def write_secret(path: Path, text: str) -> None:
    """Replace `path` by a file that only we can read."""
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(text + "\n")
    fresh.replace(path)
