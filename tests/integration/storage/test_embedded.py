"""`python -m storage.embedded`: from nothing to a server, and through what can happen to it."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest

from pipeline.runtime import Runtime
from storage import connection
from storage.embedded import place
from storage.embedded.cluster import has_gone

ROOT = Path(__file__).parents[3]
DEADLINE_S = 90.0


class Server:
    """The service as a process of its own."""

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime

    def start(self) -> None:
        environment = os.environ | {"MARGINDESK_STATE": str(self.runtime.state_dir)}
        with (self.runtime.logs / "postgres.out").open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "storage.embedded"],
                cwd=ROOT,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def events(self, name: str) -> list[dict[str, Any]]:
        path = self.runtime.logs / "postgres.log"
        lines = path.read_text().splitlines() if path.exists() else []
        return [event for event in map(json.loads, lines) if event["event"] == name]

    def wait_for(self, event: str, times: int = 1) -> None:
        deadline = time.monotonic() + DEADLINE_S
        while len(self.events(event)) < times:
            said = (self.runtime.logs / "postgres.out").read_text()
            assert self.process.poll() is None, f"it left: {said}"
            assert time.monotonic() < deadline, f"no event {event}: {said}"
            time.sleep(0.02)

    def connect(self, role: str = connection.READER) -> psycopg.Connection[Any]:
        return psycopg.connect(**connection.facts(self.runtime, role), autocommit=True)

    @property
    def postmaster(self) -> psutil.Process:
        return psutil.Process((self.runtime.announced("postgres") or {})["pid"])

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(DEADLINE_S)


def new_runtime(directory: Path) -> Iterator[Runtime]:
    umask = os.umask(0o077)
    made = Runtime(directory)
    made.prepare()
    made.settings_file.write_text('{"name": "demo"}')
    yield made
    os.umask(umask)
    place.remove(made)
    shutil.rmtree(made.sockets, ignore_errors=True)


@pytest.fixture
def runtime(tmp_path: Path) -> Iterator[Runtime]:
    """A state directory where another user may not go."""
    yield from new_runtime(tmp_path / "state")


@pytest.fixture
def open_runtime() -> Iterator[Runtime]:
    """A state directory that everybody may reach."""
    parent = Path("/tmp") / f"margindesk-test-{os.getpid()}"
    parent.mkdir()
    parent.chmod(0o711)
    yield from new_runtime(parent / "state")
    shutil.rmtree(parent)


@pytest.fixture
def server(runtime: Runtime) -> Iterator[Server]:
    made = Server(runtime)
    made.start()
    yield made
    with contextlib.suppress(psutil.NoSuchProcess, KeyError):
        postmaster = made.postmaster
        made.process.kill()
        made.process.wait()
        assert has_gone(postmaster, DEADLINE_S)


def test_from_nothing_to_a_server_and_back(server: Server) -> None:
    server.wait_for("ready")
    with server.connect() as reader:
        facts = {
            name: reader.execute(f"SHOW {name}").fetchone()
            for name in (
                "listen_addresses",
                "data_checksums",
                "server_encoding",
                "password_encryption",
                "synchronous_commit",
            )
        }
        assert facts == {
            "listen_addresses": ("",),
            "data_checksums": ("on",),
            "server_encoding": ("UTF8",),
            "password_encryption": ("scram-sha-256",),
            "synchronous_commit": ("on",),
        }
        assert reader.execute("SELECT count(*) FROM tick").fetchone() == (0,)
    assert all(path.stat().st_mode & 0o077 == 0 for path in server.runtime.keys.iterdir())
    assert Path(server.postmaster.cmdline()[0]).name == "postgres"
    assert server.postmaster.uids().real != 0
    home = (server.runtime.state_dir / "postgres").resolve()
    assert (home / "data").stat().st_mode & 0o077 == 0
    postmaster = server.postmaster
    assert server.stop() == 0
    assert has_gone(postmaster, 0.0)
    assert [event["how"] for event in server.events("postmaster_stopped")] == ["fast"]
    server.start()
    server.wait_for("ready", times=2)
    assert len(server.events("migrated")) == 1, "the second start had nothing to migrate"
    assert server.stop() == 0


def test_where_the_server_s_user_may_go_all_is_in_the_state_directory(open_runtime: Runtime) -> None:
    server = Server(open_runtime)
    server.start()
    server.wait_for("ready")
    home = open_runtime.state_dir / "postgres"
    assert home.is_dir()
    assert not home.is_symlink()
    with server.connect() as reader:
        assert reader.execute("SELECT 1").fetchone() == (1,)
    assert server.stop() == 0


def test_a_killed_postmaster_comes_back(server: Server) -> None:
    server.wait_for("ready")
    first = server.postmaster
    first.kill()
    server.wait_for("postmaster_back")
    with server.connect() as reader:
        assert reader.execute("SELECT 1").fetchone() == (1,)
    assert server.postmaster.pid != first.pid
    assert server.stop() == 0


def test_a_killed_service_takes_its_server_along_and_the_next_one_starts(server: Server) -> None:
    server.wait_for("ready")
    orphan = server.postmaster
    server.process.kill()
    server.process.wait()
    server.start()  # at once: the orphan may still be there
    server.wait_for("ready", times=2)
    assert has_gone(orphan, 0.0)
    assert server.stop() == 0


def test_an_orphan_that_goes_on_is_ended_first(server: Server) -> None:
    server.wait_for("ready")
    orphan = server.postmaster
    orphan.suspend()  # so that the parent-death signal does nothing yet
    server.process.kill()
    server.process.wait()
    server.start()
    orphan.resume()
    server.wait_for("ready", times=2)
    assert has_gone(orphan, 0.0)
    assert server.stop() == 0


def test_a_stale_pid_file_of_a_stranger_harms_nobody(server: Server) -> None:
    server.wait_for("ready")
    assert server.stop() == 0
    stranger = subprocess.Popen(["sleep", "600"])
    pid_file = (server.runtime.state_dir / "postgres").resolve() / "data" / "postmaster.pid"
    pid_file.write_text(f"{stranger.pid}\n/somewhere\n1\n5432\n\n\n\n")
    server.start()
    server.wait_for("ready", times=2)
    assert stranger.poll() is None
    assert server.stop() == 0
    stranger.kill()
    stranger.wait()


def test_a_cut_initdb_is_begun_anew(runtime: Runtime) -> None:
    fresh = place.ensure(runtime).home / "data.new"
    fresh.mkdir()
    (fresh / "PG_VERSION").write_text("18\n")
    server = Server(runtime)
    server.start()
    server.wait_for("ready")
    assert server.stop() == 0


def test_another_version_s_directory_is_refused_with_a_reason(runtime: Runtime) -> None:
    where = place.ensure(runtime)
    where.data.mkdir(mode=0o700)
    (where.data / "PG_VERSION").write_text("9\n")
    server = Server(runtime)
    server.start()
    assert server.process.wait(DEADLINE_S) == 3
    assert "was made by PostgreSQL 9" in (runtime.logs / "postgres.out").read_text()


@pytest.fixture
def external(postgres_server: Any, database: Any) -> Callable[..., Runtime]:
    """Settings of a run whose server is the session's own, by DSN."""

    def make(**postgres: Any) -> Runtime:
        facts = database.facts(connection.READER)
        key = postgres_server.runtime.keys / f"{connection.ADMIN}.password"
        dsn = f"postgresql://{connection.ADMIN}@/{database.name}?host={facts['host']}&port={facts['port']}"
        settings = {"postgres": {"dsn": dsn, "pass_file": str(key)} | postgres}
        database.runtime.settings_file.write_text(json.dumps(settings))
        (database.runtime.state_dir / "announced" / "postgres.json").unlink()
        return database.runtime

    return make


def test_a_server_of_yours_is_migrated_and_watched(external: Any, postgres_server: Any) -> None:
    runtime = external()
    server = Server(runtime)
    server.start()
    server.wait_for("ready")
    told = runtime.announced("postgres")
    assert told["embedded"] is False
    with server.connect(connection.WRITER) as writer:
        assert writer.execute("SELECT count(*) FROM watermark").fetchone() == (0,)
    assert server.stop() == 0
    with postgres_server.admin() as admin:
        assert admin.execute("SELECT 1").fetchone() == (1,)
    assert not (runtime.state_dir / "postgres").exists()


def test_an_unsafe_dsn_is_refused(external: Any) -> None:
    runtime = external(dsn="postgresql://margin@db.example.net/margin")
    server = Server(runtime)
    server.start()
    assert server.process.wait(DEADLINE_S) == 3
    assert "verify-full" in (runtime.logs / "postgres.out").read_text()


def test_a_server_of_yours_that_is_away_is_waited_for(external: Any, tmp_path: Path) -> None:
    runtime = external(dsn=f"postgresql://margin@/margin?host={tmp_path}")
    server = Server(runtime)
    server.start()
    server.wait_for("server_away")
    assert server.stop() == 0
