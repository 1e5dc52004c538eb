"""A real PostgreSQL: one server a session, a fresh migrated database a test."""

from __future__ import annotations

import itertools
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from pipeline.runtime import Runtime
from storage import binaries, connection
from storage.embedded import place, prepare
from storage.embedded.cluster import Cluster

TEMPLATE = "margindesk_template"
DEADLINE_S = 60.0
_numbers = itertools.count(1)


TABLES = """
    SELECT c.relname FROM pg_class c WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition
    AND c.relnamespace = 'public'::regnamespace
    AND (SELECT count(*) FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname IN ('stream', 'epoch', 'seq')) = 3
"""


@dataclass(frozen=True)
class Server:
    """A running server whose template has all roles and tables."""

    runtime: Runtime
    cluster: Cluster

    def admin(self, database: str = "postgres") -> psycopg.Connection[Any]:
        """As the superuser."""
        return psycopg.connect(
            host=self.cluster.host,
            port=self.cluster.port,
            dbname=database,
            user=connection.ADMIN,
            password=connection.password(self.runtime, connection.ADMIN),
            autocommit=True,
        )

    def announce(self, runtime: Runtime, database: str) -> None:
        """Tell the processes of `runtime` of this server."""
        facts = {"host": self.cluster.host, "port": self.cluster.port, "pid": self.cluster.pid}
        runtime.announce("postgres", **facts, database=database, embedded=True)


@dataclass(frozen=True)
class TestDatabase:
    """A fresh copy, and a state directory whose processes find it."""

    __test__ = False
    server: Server
    runtime: Runtime
    name: str

    def facts(self, role: str) -> dict[str, Any]:
        return connection.facts(self.runtime, role)

    def connect(self, role: str = connection.READER) -> psycopg.Connection[Any]:
        return psycopg.connect(**self.facts(role), autocommit=True)

    def admin(self) -> psycopg.Connection[Any]:
        return self.server.admin(self.name)

    def rows(self, query: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """What the reader sees."""
        with self.connect() as reader:
            return reader.execute(query, parameters or None).fetchall()

    def recorded(self) -> list[tuple[int, int, int]]:
        """The position of every row in every table of journaled records."""
        tables = [name for (name,) in self.rows(TABLES)]
        assert "tick" in tables
        return self.rows(" UNION ALL ".join(f"SELECT stream, epoch, seq FROM {name}" for name in tables))


def new_runtime(directory: Path, settings: str = '{"name": "demo"}') -> Runtime:
    """A state directory with its sockets."""
    runtime = Runtime(directory)
    runtime.prepare()
    runtime.settings_file.write_text(settings, encoding="utf-8")
    return runtime


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The embedded server; ends with the session, also when the session is killed (parent-death signal)."""
    umask = os.umask(0o077)
    runtime = new_runtime(tmp_path_factory.mktemp("postgres"))
    password = connection.ensure_password(runtime, connection.ADMIN)
    where = place.ensure(runtime)
    programs = binaries.find()
    cluster = Cluster(where, binaries.shared(programs) if where.user else programs, runtime.logs / "server.log")
    cluster.create(password)
    cluster.start()
    try:
        server = Server(runtime, cluster)
        wait_until_it_answers(server)
        with server.admin() as admin:
            prepare.make_roles(admin, runtime)
            prepare.make_database(admin, TEMPLATE)
        with server.admin(TEMPLATE) as admin:
            prepare.lay_out(admin, TEMPLATE)
        server.announce(runtime, TEMPLATE)
        prepare.migrate(runtime, runtime.logs / "migrate.log")
        yield server
    finally:
        cluster.stop()
        place.remove(runtime)
        shutil.rmtree(runtime.sockets, ignore_errors=True)
        os.umask(umask)


def wait_until_it_answers(server: Server) -> None:
    import time

    deadline = time.monotonic() + DEADLINE_S
    while True:
        try:
            server.admin().close()
            return
        except psycopg.OperationalError:
            assert time.monotonic() < deadline, "the server accepted no connection"
            assert server.cluster.left() is None, (server.runtime.logs / "server.log").read_text()
            time.sleep(0.02)


@pytest.fixture
def database(postgres_server: Server, tmp_path: Path) -> Iterator[TestDatabase]:
    """A copy of the template, found by the processes of `database.runtime`."""
    name = f"test_{os.getpid()}_{next(_numbers)}"
    umask = os.umask(0o077)
    runtime = new_runtime(tmp_path / "state")
    for path in postgres_server.runtime.keys.glob("*.password"):
        shutil.copy2(path, runtime.keys / path.name)
    with postgres_server.admin() as admin:
        admin.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(TEMPLATE)))
    with postgres_server.admin(name) as admin:
        prepare.lay_out(admin, name)  # settings of roles belong to a database and are not copied
    postgres_server.announce(runtime, name)
    yield TestDatabase(postgres_server, runtime, name)
    os.umask(umask)
    with postgres_server.admin() as admin:
        admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
    shutil.rmtree(runtime.sockets, ignore_errors=True)
