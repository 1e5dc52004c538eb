"""A publisher of figures that move, on the real bus: what ingest, margin, orders and the supervisor would say."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import psycopg
import pytest
import zmq
from django.conf import settings
from django.db import connections

from pipeline import config, messages
from pipeline.bus import sockets
from pipeline.bus.control import ControlServer
from pipeline.bus.live import Stream
from pipeline.clock import SystemClock
from pipeline.messages import State, StreamId
from pipeline.runtime import STATE_VARIABLE, Runtime
from storage import connection

ACCOUNTS = ("DU1000001", "DU1000002")
STOCKS = ("AAPL", "MSFT", "NVDA", "TSLA", "SPY", "QQQ", "AMD", "BRK B")
PROCESSES = ("postgres", "gateway", "writer", "ingest", "orders", "margin", "web")
TURN_S = 0.1
DEADLINE_S = 60.0
ROOT = Path(__file__).parents[3]


class Feed:
    """Publishes a made-up book; `turn` moves it one step."""

    def __init__(self, runtime: Runtime) -> None:
        self.context: zmq.Context[Any] = zmq.Context()
        self.clock = SystemClock()
        self.steps = 0
        self.excess_liquidity = 96_310.0
        self.streams: dict[str, Stream] = {}
        self.controls: list[ControlServer] = []
        for name, stream_id in (
            ("ingest", StreamId.INGEST),
            ("margin", StreamId.MARGIN),
            ("orders", StreamId.ORDERS),
            ("supervisor", StreamId.SUPERVISOR),
        ):
            self._open(runtime, name, stream_id)

    def _open(self, runtime: Runtime, name: str, stream_id: StreamId) -> None:
        socket = sockets.publisher(self.context, runtime.endpoint(name, "pub"))
        stream = Stream(stream_id, self.clock, socket=socket)
        picture = getattr(self, name)
        self.streams[name] = stream
        self.controls.append(
            ControlServer(self.context, runtime, name, self.clock, stream=stream, snapshot=lambda: _items(picture()))
        )

    def serve(self) -> list[Any]:
        """Answer snapshots, keep alive; what is left are commands."""
        asked = []
        for control in self.controls:
            asked += [(control, request) for request in control.receive()]
        for control, request in asked:
            if request.command is None:  # the web's own beats
                continue
            control.reply(request, self.answer(request.command))
        for stream in self.streams.values():
            stream.keep_alive(self.clock.monotonic())
        return asked

    def answer(self, command: Any) -> messages.Reply:
        """What margin says to an explain; everything else is refused."""
        if isinstance(command, messages.Explain) and command.account in ACCOUNTS:
            body = {"tree": msgspec.to_builtins(self._tree(command.account))}
            return messages.Reply(request_id=command.request_id, ok=True, body=body)
        return messages.Reply(request_id=command.request_id, ok=False, text="no such account")

    def turn(self) -> None:
        """Everything moves a little and is published."""
        self.steps += 1
        self.excess_liquidity = 96_310.0 + 37.0 * self.steps
        for name in ("ingest", "margin", "supervisor"):
            for topic, item in _items(getattr(self, name)()):
                if isinstance(item, np.ndarray):
                    self.streams[name].records(topic, item)
                elif not isinstance(item, messages.Instrument | messages.Subscription):
                    self.streams[name].map(item)

    def close(self) -> None:
        for stream in self.streams.values():
            stream.end()
        self.context.destroy(linger=0)

    def ingest(self) -> list[Any]:
        now = self.clock.now_ns()
        tws = messages.TwsState(
            client="ingest",
            state="READY",
            paper=True,
            accounts=list(ACCOUNTS),
            market_time_ns=now,
            lines_used=8,
            lines_limit=100,
        )
        instruments: list[Any] = [
            messages.Instrument(
                con_id=100 + i, symbol=name, sec_type="STK", currency="USD", exchange="SMART", min_tick=0.01
            )
            for i, name in enumerate(STOCKS)
        ]
        instruments.append(
            messages.Instrument(
                con_id=900, symbol="SPY", sec_type="OPT", currency="USD", exchange="SMART", min_tick=0.01,
                expiry="20261218", strike=560.0, right="P", multiplier=100.0,
            )
        )  # fmt: skip
        lines = [
            messages.Subscription(con_id=100 + i, symbol=name, state="live", watched=i < 6, held=True)
            for i, name in enumerate(STOCKS)
        ]
        positions = [
            messages.Position(
                account=account, con_id=100 + i, quantity=-220.0 if i % 3 == 2 else 1_500.0, average_cost=99.0
            )
            for account in ACCOUNTS
            for i in range(len(STOCKS))
        ]
        positions.append(messages.Position(account=ACCOUNTS[0], con_id=900, quantity=-10.0, average_cost=560.0))
        pnl = [
            messages.AccountPnL(account=account, daily=4_218.0 - self.steps, unrealized=1.0, realized=0.0, recv_ns=now)
            for account in ACCOUNTS
        ]
        snapshots = [
            messages.AccountSnapshot(account=a, complete=True, values=9, positions=9, base_currency="USD", recv_ns=now)
            for a in ACCOUNTS
        ]
        return [tws, *instruments, *lines, *positions, *pnl, *snapshots, (b"md.tick", self._ticks(now))]

    def _ticks(self, now: int) -> np.ndarray[Any, Any]:
        ticks = np.zeros(len(STOCKS) * 4, dtype=messages.TICK)
        ticks["con_id"] = np.repeat(np.arange(len(STOCKS)) + 100, 4)
        ticks["tick_type"] = [1, 2, 4, 9] * len(STOCKS)
        ticks["recv_ns"] = now
        ticks["price"] = 100.0 + 0.01 * self.steps + 0.05 * ticks["tick_type"]
        ticks["price"][ticks["tick_type"] == 9] = 100.0
        return ticks

    def margin(self) -> list[Any]:
        accounts = np.zeros(len(ACCOUNTS), dtype=messages.MARGIN_ACCOUNT)
        now = self.clock.now_ns()
        for i, account in enumerate(ACCOUNTS):
            row = accounts[i]
            row["account"] = account.encode()
            row["oldest_ns"] = row["newest_ns"] = row["market_ns"] = row["tws_ns"] = now
            row["level"], row["flags"], row["positions"] = i, 0, len(STOCKS)
            row["net_liquidation"], row["maintenance_margin"], row["initial_margin"] = 812_440.0, 716_130.0, 748_902.0
            row["excess_liquidity"] = self.excess_liquidity
            row["cushion"] = self.excess_liquidity / 812_440.0
            row["available_funds"], row["buying_power"] = 63_538.0, 254_150.0
            row["tws_net_liquidation"], row["tws_maintenance_margin"] = 812_000.0, 716_500.0
            row["tws_initial_margin"], row["tws_excess_liquidity"] = 748_000.0, 95_500.0
            row["gap"] = -0.0005
        groups = np.zeros(len(ACCOUNTS) * len(STOCKS), dtype=messages.MARGIN_GROUP)
        for i, row in enumerate(groups):
            row["account"], row["underlying"] = ACCOUNTS[i // len(STOCKS)].encode(), STOCKS[i % len(STOCKS)].encode()
            row["legs"] = 1
            row["maintenance_margin"] = 90_000.0 - 5_000.0 * (i % len(STOCKS)) + self.steps
            row["share"] = row["maintenance_margin"] / 716_130.0
            row["unrealized_pnl"] = 500.0 - 300.0 * (i % len(STOCKS))
        return [(b"margin.account", accounts), (b"margin.group", groups), *(self._tree(a) for a in ACCOUNTS)]

    def _tree(self, account: str) -> messages.MarginTree:
        children = [
            messages.MarginNode(
                level="underlying",
                name=name,
                maintenance_margin=90_000.0 - 5_000.0 * i,
                children=[
                    messages.MarginNode(
                        level="group",
                        name=name,
                        rule="stock long",
                        formula="rate × value",
                        numbers="0.25 × 360,000.00",
                        maintenance_margin=90_000.0 - 5_000.0 * i,
                        children=[
                            messages.MarginNode(
                                level="leg", name=name, con_id=100 + i, maintenance_margin=90_000.0 - 5_000.0 * i
                            )
                        ],
                    )
                ],
            )
            for i, name in enumerate(STOCKS)
        ]
        root = messages.MarginNode(level="account", name=account, maintenance_margin=716_130.0, children=children)
        return messages.MarginTree(account=account, rule_set="ibkr_reg_t", newest_ns=self.clock.now_ns(), root=root)

    def orders(self) -> list[Any]:
        now = self.clock.now_ns()
        order = messages.OrderState(
            perm_id=7, order_id=3, client_id=12, account=ACCOUNTS[0], con_id=100, symbol="AAPL", side="BUY",
            order_type="LMT", quantity=100.0, limit_price=99.5, status="Submitted", recv_ns=now,
        )  # fmt: skip
        fill = messages.Execution(
            exec_id="0001.01", perm_id=6, order_id=2, client_id=12, account=ACCOUNTS[0], con_id=101, symbol="MSFT",
            side="BOT", shares=50.0, price=100.25, cumulative=50.0, average_price=100.25, exchange="SMART",
            time_text="", recv_ns=now,
        )  # fmt: skip
        return [order, fill, messages.TradingState(enabled=False, reasons=["off since the start"])]

    def supervisor(self) -> list[Any]:
        rows = [
            messages.ProcessStatus(
                process=name, state=State.READY, pid=100 + i, up_s=3600.0 + self.steps, restarts=int(name == "margin"),
                rss_bytes=96_000_000, cpu_percent=3.0, loop_lag_ms=2.0,
            )
            for i, name in enumerate(PROCESSES)
        ]  # fmt: skip
        status = messages.SystemStatus(run="test", state=State.READY, up_s=3600.0, processes=rows)
        return (
            [status]
            if self.steps
            else [status, messages.ProcessEvent(process="margin", event="restart", text="exit 1")]
        )


def _items(items: list[Any]) -> list[tuple[bytes, Any]]:
    return [item if isinstance(item, tuple) else (item.topic.encode(), item) for item in items]


class Feeding:
    """A thread that turns a feed; `pause` stops the movement, `silence` also the keep-alives."""

    def __init__(self, runtime: Runtime) -> None:
        self.feed = Feed(runtime)
        self.moving = threading.Event()
        self.moving.set()
        self.speaking = threading.Event()
        self.speaking.set()
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, name="feed")
        self._thread.start()

    def _run(self) -> None:
        while not self._end.wait(TURN_S):
            if self.speaking.is_set():
                self.feed.serve()
                if self.moving.is_set():
                    self.feed.turn()
        self.feed.close()

    def close(self) -> None:
        self._end.set()
        self._thread.join(10)


class Site:
    """The web process as a browser meets it."""

    def __init__(self, runtime: Runtime, process: subprocess.Popen[bytes]) -> None:
        self.runtime = runtime
        self.process = process
        self.cookies: dict[str, str] = {}
        self.url = str((runtime.announced("web") or {})["url"])  # as it was then: another one may be started beside it

    @property
    def password(self) -> str:
        return (self.runtime.keys / "admin.password").read_text().strip()

    def connect(self, timeout_s: float = 30.0) -> http.client.HTTPConnection:
        parts = urllib.parse.urlsplit(self.url)
        return http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=timeout_s)

    def ask(self, method: str, path: str, body: str | None = None, **headers: str) -> tuple[int, str]:
        """Status and text; cookies are kept as a browser keeps them."""
        connection = self.connect()
        cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        connection.request(method, path, body, {"Cookie": cookie, **headers})
        answer = connection.getresponse()
        for line in answer.headers.get_all("Set-Cookie") or []:
            name, _, value = line.split(";")[0].partition("=")
            self.cookies[name] = value
        text = answer.read().decode()
        connection.close()
        return answer.status, text

    def login(self) -> None:
        _, text = self.ask("GET", "/login")
        token = text.split('name="csrfmiddlewaretoken" value="')[1].split('"')[0]
        form = {"username": "admin", "password": self.password, "csrfmiddlewaretoken": token}
        kind = "application/x-www-form-urlencoded"
        status, text = self.ask("POST", "/login", urllib.parse.urlencode(form), **{"Content-Type": kind})
        assert status == 302, text

    def events(self, path: str = "/live") -> Iterator[tuple[str, str, dict[str, Any]]]:
        """Server-sent events as they come: name, id, data."""
        connection = self.connect()
        cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        connection.request("GET", path, headers={"Cookie": cookie})
        answer = connection.getresponse()
        assert answer.status == 200, answer.read()
        assert answer.headers["Content-Type"] == "text/event-stream"
        event: dict[str, str] = {}
        try:
            while line := answer.readline().decode():
                name, _, value = line.rstrip("\n").partition(": ")
                if name:
                    event[name] = value
                elif event:
                    yield event["event"], event["id"], json.loads(event["data"])
                    event = {}
        finally:
            connection.close()


def start(module: str, runtime: Runtime) -> subprocess.Popen[bytes]:
    """A process of this run, as the supervisor would start it but without its lifeline."""
    environment = {**os.environ, STATE_VARIABLE: str(runtime.state_dir)}
    return subprocess.Popen([sys.executable, "-m", module], env=environment, cwd=ROOT, stdin=subprocess.DEVNULL)


def stop(process: subprocess.Popen[bytes]) -> int:
    """SIGTERM, then patience, then SIGKILL."""
    if process.poll() is None:
        process.terminate()
        try:
            return process.wait(DEADLINE_S)
        except subprocess.TimeoutExpired:
            process.kill()
    return process.wait()


def until(condition: Callable[[], Any], what: str, process: subprocess.Popen[bytes] | None = None) -> Any:
    """What `condition` says as soon as that is true."""
    deadline = time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline:
        if found := condition():
            return found
        assert process is None or process.poll() is None, f"{what}: the process has ended"
        time.sleep(0.05)
    raise AssertionError(f"expected {what} within {DEADLINE_S:.0f} s")


def make_runtime(prefix: str) -> Runtime:
    runtime = Runtime(Path(tempfile.mkdtemp(prefix=prefix)))
    runtime.prepare()
    runtime.settings_file.write_bytes(msgspec.json.encode(config.Settings(name="test")))
    return runtime


def remove(runtime: Runtime) -> None:
    shutil.rmtree(runtime.sockets, ignore_errors=True)
    shutil.rmtree(runtime.state_dir, ignore_errors=True)


class Processes:
    """Web processes of one test; all are ended behind it."""

    def __init__(self) -> None:
        self.started: list[subprocess.Popen[bytes]] = []

    def site(self, runtime: Runtime) -> Site:
        """A web process that has announced its address."""
        process = start("configs.web", runtime)
        self.started.append(process)
        until(lambda: (runtime.announced("web") or {}).get("pid") == process.pid, "an address", process)
        return Site(runtime, process)

    def refused(self, runtime: Runtime, port: int) -> tuple[int, str]:
        """Exit code and words of a web process that can't have its port."""
        settings = config.Settings(name="test", web=config.Web(port=port))
        runtime.settings_file.write_bytes(msgspec.json.encode(settings))
        environment = {**os.environ, STATE_VARIABLE: str(runtime.state_dir)}
        words = [sys.executable, "-m", "configs.web"]
        ended = subprocess.run(words, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=DEADLINE_S)
        return ended.returncode, ended.stderr


@pytest.fixture
def processes() -> Iterator[Processes]:
    processes = Processes()
    yield processes
    for process in processes.started:
        stop(process)


@pytest.fixture
def bare_runtime() -> Iterator[Runtime]:
    """A state directory with settings and nothing that runs."""
    runtime = make_runtime("margindesk-bare-")
    yield runtime
    remove(runtime)


@pytest.fixture(scope="session")
def web_runtime() -> Iterator[Runtime]:
    """A run whose PostgreSQL is up and migrated."""
    runtime = make_runtime("margindesk-web-")
    postgres = start("storage.embedded", runtime)
    try:
        until(lambda: is_migrated(runtime), "a migrated PostgreSQL", postgres)
        yield runtime
    finally:
        stop(postgres)
        remove(runtime)


def is_migrated(runtime: Runtime) -> bool:
    if runtime.announced("postgres") is None:
        return False
    try:
        with psycopg.connect(**connection.facts(runtime, "app_web")) as link:
            return bool(link.execute("select 1 from schema_stamp").fetchall())  # the last thing that is written
    except psycopg.Error:
        return False


@pytest.fixture(scope="session")
def feeding(web_runtime: Runtime) -> Iterator[Feeding]:
    """Figures that move."""
    feeding = Feeding(web_runtime)
    yield feeding
    feeding.close()


@pytest.fixture(scope="session")
def site(web_runtime: Runtime, feeding: Feeding) -> Iterator[Site]:
    """The web process beside the feed."""
    process = start("configs.web", web_runtime)
    try:
        until(lambda: (web_runtime.announced("web") or {}).get("password_file"), "the first user", process)
        yield Site(web_runtime, process)
    finally:
        stop(process)


@pytest.fixture(scope="session")
def database(site: Site, django_db_blocker: Any) -> Iterator[None]:
    """Django in this process asks the run's PostgreSQL, as the web does; `owner` may write.

    The web process comes first: it makes the first user only where no test has made one.
    """
    before, settings.RUNTIME = settings.RUNTIME, site.runtime
    with django_db_blocker.unblock():
        yield
        connections.close_all()
    settings.RUNTIME = before
