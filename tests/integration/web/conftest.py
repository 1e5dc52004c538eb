"""A publisher of figures that move, on the real bus: what ingest, margin, orders and the supervisor would say."""

from __future__ import annotations

import shutil
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import zmq

from pipeline import config, messages
from pipeline.bus import sockets
from pipeline.bus.control import ControlServer
from pipeline.bus.live import Stream
from pipeline.clock import SystemClock
from pipeline.messages import State, StreamId
from pipeline.runtime import Runtime

ACCOUNTS = ("DU1000001", "DU1000002")
STOCKS = ("AAPL", "MSFT", "NVDA", "TSLA", "SPY", "QQQ", "AMD", "BRK B")
PROCESSES = ("postgres", "gateway", "writer", "ingest", "orders", "margin", "web")
TURN_S = 0.1


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


@pytest.fixture(scope="session")
def web_runtime() -> Iterator[Runtime]:
    """A state directory with settings, as the supervisor would have made it."""
    directory = Path(tempfile.mkdtemp(prefix="margindesk-web-"))
    runtime = Runtime(directory)
    runtime.prepare()
    runtime.settings_file.write_bytes(msgspec.json.encode(config.Settings(name="test")))
    yield runtime
    shutil.rmtree(runtime.sockets, ignore_errors=True)
    shutil.rmtree(directory, ignore_errors=True)
