"""What each role may do, and that nobody changes the audit."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from pipeline import messages
from pipeline.messages import StreamId
from storage import audit, connection

DENIED = psycopg.errors.InsufficientPrivilege


@pytest.fixture
def audited(database: Any, producers: Any, writer: Any) -> Any:
    """A database with three rows of audit."""
    orders = producers(StreamId.ORDERS)
    for number in range(3):
        orders.map(messages.Audit(actor="anna", action="arm", body={"n": number, "limit": 1.5, "text": 'é\n"x"'}))
    writer.until_committed(orders)
    return database


WRITER_MAY_NOT = (
    "UPDATE audit SET actor = 'x'",
    "DELETE FROM audit",
    "TRUNCATE audit",
    "DELETE FROM tick",
    "UPDATE tick SET price = 1",
    "TRUNCATE execution",
    "DELETE FROM watermark",
    "CREATE TABLE mine (x int)",
    "ALTER TABLE audit DISABLE TRIGGER ALL",
    "DROP TABLE tick",
    "INSERT INTO web.auth_group (name) VALUES ('x')",
)
READERS_MAY_NOT = (
    "INSERT INTO gap SELECT * FROM gap",
    "UPDATE watermark SET next_seq = 1",
    "DELETE FROM audit",
    "SELECT make_partition('tick', '2026-11-22')",
)


def refused(connected: Any, statement: str) -> bool:
    try:
        connected.execute(statement)
    except DENIED:
        return True
    return False


def test_the_writer_only_inserts(audited: Any) -> None:
    with audited.connect(connection.WRITER) as writer:
        assert [statement for statement in WRITER_MAY_NOT if not refused(writer, statement)] == []


def test_readers_only_read(audited: Any) -> None:
    for role in (connection.READER, connection.WEB):
        with audited.connect(role) as reader:
            assert [statement for statement in READERS_MAY_NOT if not refused(reader, statement)] == []


def test_readers_read_everything(audited: Any) -> None:
    for role in (connection.READER, connection.WEB):
        with audited.connect(role) as reader:
            assert reader.execute("SELECT count(*) FROM audit").fetchone() == (3,)
            assert reader.execute("SELECT count(*) FROM tick").fetchone() == (0,)


def test_only_the_web_sees_its_users(database: Any) -> None:
    with database.connect(connection.WEB) as web:
        assert web.execute("SELECT count(*) FROM auth_user").fetchone() == (0,)
    with database.connect(connection.READER) as reader, pytest.raises(DENIED):
        reader.execute("SELECT * FROM web.auth_user")


def test_not_even_the_owner_or_superuser_changes_the_audit(audited: Any) -> None:
    for connected in (audited.connect(connection.OWNER), audited.admin()):
        with connected:
            for statement in WRITER_MAY_NOT[:3]:
                with pytest.raises(DENIED, match="append-only"):
                    connected.execute(statement)


def test_the_owner_has_no_login(database: Any) -> None:
    facts = database.facts(connection.OWNER) | {"user": connection.OWNER}
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(**facts)


def test_a_wrong_password_is_refused(database: Any) -> None:
    for role in (*connection.ROLES, connection.ADMIN):
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(**database.facts(connection.READER) | {"user": role, "password": "wrong"})


def test_the_audit_is_a_chain(audited: Any) -> None:
    check = audit.verify(audited.rows(audit.SELECT))
    assert (check.rows, check.fault) == (3, "")
    assert check.head == bytes(audited.rows("SELECT hash FROM audit WHERE chain = 3")[0][0])


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ("UPDATE audit SET actor = 'mallory' WHERE chain = 2", "row 2: its hash"),
        ("UPDATE audit SET body = '{}' WHERE chain = 1", "row 1: its hash"),
        ("DELETE FROM audit WHERE chain = 2", "expected row 2"),
        ("UPDATE audit SET prev = hash WHERE chain = 3", "row 3: prev"),
    ],
)
def test_a_change_behind_the_triggers_shows(audited: Any, change: str, fault: str) -> None:
    with audited.admin() as admin:
        admin.execute("ALTER TABLE audit DISABLE TRIGGER USER")
        admin.execute(change)
    assert fault in audit.verify(audited.rows(audit.SELECT)).fault
