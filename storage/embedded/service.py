"""The `postgres` Service: makes, starts, watches and stops the run's server, or watches yours."""

from __future__ import annotations

import time
from collections import deque
from pathlib import Path
from typing import Any

import psycopg

from pipeline import messages
from pipeline.errors import MargindeskError
from pipeline.service import Service
from storage import binaries, connection
from storage.embedded import external, place, prepare
from storage.embedded.cluster import Cluster

ACCEPT_S = 60.0  # recovery after a kill can take a while; each beat tells that we wait
LOOK_EVERY_S = 1.0
AGAIN_S = 10.0  # a postmaster whose predecessor's backends linger is started again for so long
MAX_DEATHS, WITHIN_S = 5, 60.0


class PostgresService(Service):
    """Ready when `select 1` answers as the writer's role: server, roles and tables are there."""

    name = "postgres"
    cluster: Cluster | None = None
    _watch: psycopg.Connection[Any] | None = None
    _look_due = 0.0

    def setup(self) -> None:
        """The server, its roles, its tables."""
        self._deaths: deque[float] = deque(maxlen=MAX_DEATHS)
        self._log = self.runtime.logs / "postgres.server.log"
        if self.settings.postgres.dsn:
            self._setup_external()
        else:
            self._setup_embedded()

    # The embedded server.

    def _setup_embedded(self) -> None:
        password = connection.ensure_password(self.runtime, connection.ADMIN)
        where = place.ensure(self.runtime)
        programs = binaries.find()
        if where.user is not None:
            programs = binaries.shared(programs)
        self.cluster = Cluster(where, programs, self._log)
        if self.cluster.create(password):
            self.event("database_made", directory=str(where.data), user=where.user.name if where.user else "")
        self._start()
        with self._admin("postgres") as admin:
            prepare.make_roles(admin, self.runtime)
            prepare.make_database(admin, prepare.DATABASE)
        with self._admin(prepare.DATABASE) as admin:
            prepare.lay_out(admin, prepare.DATABASE)
        self._announce()
        self._migrate()
        self._ask()

    def _admin(self, database: str) -> psycopg.Connection[Any]:
        assert self.cluster is not None
        return psycopg.connect(
            host=self.cluster.host,
            port=self.cluster.port,
            dbname=database,
            user=connection.ADMIN,
            password=connection.password(self.runtime, connection.ADMIN),
            connect_timeout=5,
            autocommit=True,
        )

    def _start(self) -> None:
        """Start the postmaster and wait until it accepts connections; MargindeskError when it does not."""
        assert self.cluster is not None
        again_until = self.clock.monotonic() + AGAIN_S
        deadline = self.clock.monotonic() + ACCEPT_S
        self.cluster.start()
        while not self.stopping.is_set():
            if self.cluster.left() is not None:
                if self.clock.monotonic() > again_until:
                    raise MargindeskError(f"PostgreSQL does not start: {self._last_words()} ({self._log} has all)")
                time.sleep(0.1)
                self.cluster.start()
            try:
                self._admin("postgres").close()
                return
            except psycopg.OperationalError as error:
                if "password authentication failed" in str(error):
                    raise MargindeskError(self._lost_password()) from error
                if self.clock.monotonic() > deadline:
                    raise MargindeskError(f"PostgreSQL accepted no connection in {ACCEPT_S:.0f} s: {error}") from error
            time.sleep(0.01)
            self._beat_when_due()

    def _lost_password(self) -> str:
        assert self.cluster is not None
        key = self.runtime.keys / f"{connection.ADMIN}.password"
        return f"{self.cluster.place.data} does not accept the password in {key}; restore that file from a backup"

    def _announce(self) -> None:
        assert self.cluster is not None
        self.runtime.announce(
            "postgres",
            host=self.cluster.host,
            port=self.cluster.port,
            database=prepare.DATABASE,
            pid=self.cluster.pid,
            embedded=True,
        )

    def _last_words(self) -> str:
        lines = self._log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        told = [line for line in lines[-20:] if "FATAL" in line or "PANIC" in line or "ERROR" in line]
        return (told or lines or ["it said nothing"])[-1]

    def _revive(self, code: int) -> None:
        """The postmaster is gone: start it here, which is quicker than to be started again ourselves."""
        now = self.clock.monotonic()
        self.last_error = f"the postmaster left with {code}"
        self.event("postmaster_left", exit_code=code)
        self.become(messages.State.WAITING)
        if len(self._deaths) == MAX_DEATHS and now - self._deaths[0] < WITHIN_S:
            raise MargindeskError(f"the postmaster left {MAX_DEATHS + 1} times in {WITHIN_S:.0f} s")
        self._deaths.append(now)
        self._start()
        if not self.stopping.is_set():
            self._announce()
            self._ask()
            self.become(messages.State.READY)
            self.event("postmaster_back", after_s=round(self.clock.monotonic() - now, 3))

    # A server of yours.

    def _setup_external(self) -> None:
        found = external.facts(self.settings.postgres)
        pass_file = Path(self.settings.postgres.pass_file).expanduser()
        while not self.stopping.is_set():
            try:
                self._prepare_external(found, pass_file)
                return
            except (psycopg.OperationalError, connection.NoDatabase) as error:
                self._now_away(error)
            self.stopping.wait(0.5)
            self._beat_when_due()

    def _prepare_external(self, found: dict[str, Any], pass_file: Path) -> None:
        password = connection.read_secret(pass_file)
        with psycopg.connect(**found, password=password, connect_timeout=2, autocommit=True) as admin:
            one_role = not external.may_make_roles(admin)
            if not one_role:
                prepare.make_roles(admin, self.runtime)
                prepare.lay_out(admin, found["dbname"])
        self.runtime.announce("postgres", **external.announcement(found, pass_file, one_role=one_role))
        if one_role:
            self.event("one_role_for_all", user=found["user"])
        self._migrate()
        self._ask()

    def _now_away(self, error: Exception) -> None:
        told = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        if told != self.last_error or self.state is not messages.State.WAITING:
            self.last_error = told
            self.event("server_away", text=told)
            self.become(messages.State.WAITING)

    # Both.

    def _migrate(self) -> None:
        if prepare.stamped(connection.facts(self.runtime, connection.OWNER)) == prepare.stamp():
            return
        prepare.migrate(self.runtime, self.runtime.logs / "postgres.migrate.log", self._beat_when_due)
        self.event("migrated")

    def _ask(self) -> None:
        """`select 1` as the writer, on a connection that stays."""
        if self._watch is None or self._watch.closed:
            facts = connection.facts(self.runtime, connection.WRITER)
            self._watch = psycopg.connect(
                **facts, connect_timeout=2, autocommit=True, application_name="margindesk postgres"
            )
        self._watch.execute("SELECT 1")

    def _beat_when_due(self) -> None:
        if self.clock.monotonic() >= self._beat_due:
            self.beat()

    def step(self, timeout_ms: int) -> None:
        """Look at the postmaster each 50 ms, ask it each second."""
        self.stopping.wait(timeout_ms / 1e3)
        if self.cluster is not None and (code := self.cluster.left()) is not None:
            self._watch = None
            self._revive(code)
        if self.clock.monotonic() < self._look_due:
            return
        self._look_due = self.clock.monotonic() + LOOK_EVERY_S
        try:
            self._ask()
        except (psycopg.OperationalError, connection.NoDatabase) as error:
            self._watch = None
            self._now_away(error)
        else:
            if self.state is messages.State.WAITING:
                self.become(messages.State.READY)
                self.event("server_back")

    def beat_detail(self) -> dict[str, Any]:
        """Which server, and where."""
        if self.cluster is None:
            return {"embedded": False}
        return {"embedded": True, "postmaster": self.cluster.pid, "directory": str(self.cluster.place.data)}

    def close(self) -> None:
        """Stop the server that is ours."""
        if self._watch is not None:
            self._watch.close()
        if self.cluster is not None:
            took = self.cluster.stop(self._beat_when_due)
            self.event("postmaster_stopped", how=took)
