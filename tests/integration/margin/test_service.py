"""The margin service on real sockets, fed by a real stream of ingest and a real one of orders."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import zmq

from pipeline import jit, messages
from pipeline.bus import sockets
from pipeline.bus.control import CommandClient, ControlServer, new_request_id
from pipeline.bus.live import Reset, Stream, Subscriber
from pipeline.bus.reading import read_frames
from pipeline.clock import SystemClock
from pipeline.config import Settings
from pipeline.margin.service import MarginService
from pipeline.messages import Frame, MarginFlag, StreamId
from pipeline.runtime import Runtime

DEADLINE_S = 30.0
ACCOUNT = "DU1"
STOCK, CALL = 10, 11


@pytest.fixture(scope="module", autouse=True)
def _warm() -> None:
    with jit.warming(os.environ.get("PYTEST_XDIST_WORKER", "tool")):
        from pipeline.margin.warmup import warm_up

        warm_up()


class Source:
    """A publisher as ingest or orders is one: a stream, its ROUTER, a snapshot of what was sent."""

    def __init__(self, context: zmq.Context[Any], runtime: Runtime, process: str, stream: StreamId) -> None:
        self.clock = SystemClock()
        self.pub = sockets.publisher(context, runtime.endpoint(process, "pub"))
        self.stream = Stream(stream, self.clock, socket=self.pub)
        self.held: list[tuple[bytes, Any]] = []
        self.control = ControlServer(
            context, runtime, process, self.clock, stream=self.stream, snapshot=lambda: self.held
        )

    def send(self, message: messages.Message) -> None:
        self.held.append((message.topic.encode(), message))
        self.stream.map(message)

    def tick(self, con_id: int, price: float, tick_type: int = 4, flags: int = 0) -> int:
        records = np.zeros(1, dtype=messages.TICK)
        now = self.clock.now_ns()
        records[0] = (now, now, con_id, tick_type, flags, price, 1.0)
        self.stream.records(b"md.tick", records)
        return now

    def step(self) -> None:
        self.control.receive()
        self.stream.keep_alive(self.clock.monotonic())

    def close(self) -> None:
        self.pub.close(linger=0)
        self.control.socket.close(linger=0)


class World:
    """Service, its sources, and one subscriber of its stream."""

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime
        self.context: zmq.Context[Any] = zmq.Context()
        self.clock = SystemClock()
        self.ingest = Source(self.context, runtime, "ingest", StreamId.INGEST)
        self.orders = Source(self.context, runtime, "orders", StreamId.ORDERS)
        self.service = MarginService(runtime)
        self.service.context = self.context
        self.service.open()
        self.reader = Subscriber(self.context, runtime, "margin", self.clock)
        self.commands = CommandClient(self.context, runtime, "margin", self.clock)
        self.silent = False
        self.seen: list[Frame | Reset] = []

    def step(self) -> None:
        if not self.silent:
            self.ingest.step()
        self.orders.step()
        self.service.step(timeout_ms=2)
        self.seen += self.reader.receive()

    def until(self, done: Callable[[], Any]) -> Any:
        deadline = time.monotonic() + DEADLINE_S
        while not (found := done()):
            assert time.monotonic() < deadline, "it did not happen in time"
            self.step()
        return found

    def figures(self) -> list[Any]:
        """All account records that were seen."""
        frames = [f for f in self.seen if isinstance(f, Frame) and f.topic == b"margin.account"]
        return [row for frame in frames for row in messages.records(frame)]

    def groups(self) -> list[Any]:
        frames = [f for f in self.seen if isinstance(f, Frame) and f.topic == b"margin.group"]
        return [row for frame in frames for row in messages.records(frame)]

    def latest(self, **wanted: float) -> Any:
        """The newest account record if it has these figures, else None."""
        rows = self.figures()
        if rows and all(abs(rows[-1][name] - value) < 0.01 for name, value in wanted.items()):
            return rows[-1]
        return None

    def ask(self, command: Any) -> messages.Reply:
        request = self.commands.send(command)
        replies: list[messages.Reply] = []

        def come() -> messages.Reply | None:
            replies.extend(self.commands.receive())
            return next((reply for reply in replies if reply.request_id == request), None)

        reply = self.until(come)
        assert isinstance(reply, messages.Reply)
        return reply

    def close(self) -> None:
        self.service.close()
        for source in (self.ingest, self.orders):
            source.close()
        self.reader.close()
        self.commands.close()
        self.context.destroy(linger=0)


@pytest.fixture
def runtime(tmp_path: Path) -> Iterator[Runtime]:
    made = Runtime(tmp_path / "state")
    umask = os.umask(0o077)
    made.prepare()
    settings = Settings(margin=msgspec.convert({"record_every_s": 0.2}, type(Settings().margin)))
    made.settings_file.write_bytes(msgspec.json.encode(settings))
    yield made
    os.umask(umask)
    for path in made.sockets.iterdir():
        path.unlink()
    made.sockets.rmdir()


@pytest.fixture
def world(runtime: Runtime) -> Iterator[World]:
    made = World(runtime)
    yield made
    made.close()


def value(key: str, number: float) -> messages.AccountValue:
    return messages.AccountValue(
        account=ACCOUNT, key=key, currency="USD", value=number, text=str(number), recv_ns=time.time_ns()
    )


def feed(world: World) -> None:
    """100 shares and a covering call; maintenance of the shares alone is 30 % of 100·S."""
    send = world.ingest.send
    send(messages.TwsState(client="ingest", state="READY", accounts=[ACCOUNT], market_time_ns=time.time_ns()))
    send(messages.Instrument(con_id=STOCK, symbol="ABC", sec_type="STK", currency="USD", exchange="SMART"))
    send(
        messages.Instrument(
            con_id=CALL, symbol="ABC", sec_type="OPT", currency="USD", exchange="SMART", expiry="20991218",
            strike=120.0, right="C", multiplier=100.0, under_con_id=STOCK, under_symbol="ABC",
        )
    )  # fmt: skip
    send(value("TotalCashValue-S", 50_000.0))
    send(value("NetLiquidation", 60_000.0))
    send(value("MaintMarginReq", 3_000.0))
    send(value("ExcessLiquidity", 57_000.0))
    send(messages.Position(account=ACCOUNT, con_id=STOCK, quantity=100.0, average_cost=90.0))
    send(
        messages.AccountSnapshot(
            account=ACCOUNT, complete=True, values=4, positions=1, base_currency="USD", recv_ns=time.time_ns()
        )
    )


def ready(world: World, price: float = 100.0) -> None:
    """The service follows ingest, has the account and its first price."""
    world.until(lambda: not world.service._ingest.stale)
    feed(world)
    world.ingest.tick(STOCK, price)
    world.until(lambda: world.latest(maintenance_margin=0.3 * 100 * price))


def test_a_tick_becomes_figures_that_tell_which_tick_they_answer(world: World) -> None:
    ready(world)
    received = world.ingest.tick(STOCK, 110.0)
    row = world.until(lambda: world.latest(maintenance_margin=3_300.0))
    assert row["oldest_ns"] == row["newest_ns"] == received
    assert row["initial_margin"] == pytest.approx(3_630.0)
    assert row["reg_t_margin"] == pytest.approx(5_500.0)
    assert row["net_liquidation"] == pytest.approx(61_000.0)
    assert row["excess_liquidity"] == pytest.approx(61_000.0 - 3_300.0)
    assert row["unrealized_pnl"] == pytest.approx(2_000.0)
    assert row["tws_maintenance_margin"] == 3_000.0
    assert row["gap"] == pytest.approx(0.1)
    group = world.groups()[-1]
    assert group["underlying"] == b"ABC"
    assert group["share"] == pytest.approx(1.0)
    assert group["oldest_ns"] == received


def test_bad_ticks_change_nothing(world: World) -> None:
    ready(world)
    for price in (0.0, -1.0, 1.7976931348623157e308, float("nan"), float("inf")):
        world.ingest.tick(STOCK, price)
    world.ingest.tick(STOCK, 250.0, flags=int(messages.TickFlag.SUSPECT))
    world.ingest.tick(STOCK, 101.0)
    world.until(lambda: world.latest(maintenance_margin=3_030.0))
    seen = {round(float(row["maintenance_margin"]), 2) for row in world.figures()}
    assert seen <= {0.0, 3_000.0, 3_030.0}


def test_a_late_reader_gets_figures_and_tree_though_nothing_moves(world: World) -> None:
    ready(world)
    world.until(lambda: any(isinstance(f, Frame) and f.topic == b"margin.tree" for f in world.seen))
    late = Subscriber(world.context, world.runtime, "margin", world.clock)
    got: list[Frame | Reset] = []

    def joined() -> bool:
        got.extend(late.receive())
        return {b"margin.account", b"margin.group", b"margin.tree"} <= {f.topic for f in got if isinstance(f, Frame)}

    world.until(joined)
    assert isinstance(got[0], Reset)
    late.close()


def test_what_if_leaves_the_live_figures_alone(world: World) -> None:
    ready(world)
    before = world.figures()[-1]
    trade = messages.OrderSpec(
        account=ACCOUNT, con_id=CALL, side="SELL", quantity=2.0, order_type="LMT", limit_price=3.0
    )
    reply = world.ask(messages.WhatIf(request_id=new_request_id(), account=ACCOUNT, trades=[trade]))
    assert reply.ok, reply.text
    # One call is covered by the 100 shares; the other needs p unknown → its least, 0, and max(20 % − 20, 10 %)·S = 10.
    assert reply.body["before"]["maintenance_margin"] == pytest.approx(3_000.0)
    assert reply.body["after"]["maintenance_margin"] == pytest.approx(3_000.0 + 1_000.0)
    assert reply.body["after"]["at_least"] == 1.0
    assert reply.body["change"]["equity_with_loan"] == pytest.approx(600.0)
    unknown = msgspec.structs.replace(trade, con_id=999)
    refused = world.ask(messages.WhatIf(request_id=new_request_id(), account=ACCOUNT, trades=[unknown]))
    assert not refused.ok
    assert "999" in refused.text
    world.ingest.tick(STOCK, 100.5)
    row = world.until(lambda: world.latest(maintenance_margin=3_015.0))
    assert row["positions"] == before["positions"]


def test_explain_answers_with_rule_and_numbers(world: World) -> None:
    ready(world)
    reply = world.ask(messages.Explain(request_id=new_request_id(), account=ACCOUNT))
    assert reply.ok
    root = reply.body["tree"]["root"]
    (underlying,) = root["children"]
    (group,) = underlying["children"]
    assert group["rule"] == "long stock"
    assert "100" in group["numbers"]
    assert group["maintenance_margin"] == pytest.approx(3_000.0)
    assert not world.ask(messages.Explain(request_id=new_request_id(), account="nobody")).ok


def test_silence_of_ingest_marks_the_figures_stale(world: World) -> None:
    ready(world)
    assert not world.figures()[-1]["flags"] & MarginFlag.STALE_INPUT
    world.silent = True
    world.until(lambda: world.figures()[-1]["flags"] & MarginFlag.STALE_INPUT)
    world.silent = False
    world.until(lambda: not world.figures()[-1]["flags"] & MarginFlag.STALE_INPUT)


def test_a_gap_is_repaired_from_the_snapshot(world: World) -> None:
    ready(world)
    world.ingest.stream.next_seq += 5  # five records that nobody will ever get
    world.ingest.held.append(
        (b"acct.position", messages.Position(account=ACCOUNT, con_id=STOCK, quantity=300.0, average_cost=90.0))
    )
    world.ingest.held.append((b"acct.snapshot", world.ingest.held[-2][1]))
    world.until(lambda: world.latest(maintenance_margin=9_000.0))
    assert world.service._ingest.gaps >= 1


def test_fills_and_levels_are_recorded_at_once_and_figures_once_in_a_while(world: World) -> None:
    ready(world)
    directory = world.runtime.journal_dir("margin")

    def recorded() -> list[Any]:
        frames = [frame for frame in read_frames(directory) if frame.topic == b"margin.account"]
        return [row for frame in frames for row in messages.records(frame)]

    world.orders.send(
        messages.Execution(
            exec_id="e1", perm_id=1, order_id=1, client_id=1, account=ACCOUNT, con_id=STOCK, symbol="ABC", side="BOT",
            shares=100.0, price=100.0, cumulative=100.0, average_price=100.0, exchange="SMART", time_text="",
            recv_ns=time.time_ns(),
        )
    )  # fmt: skip
    world.until(lambda: not world.service._orders.stale and "e1" in world.service._executions)
    world.ingest.send(messages.Position(account=ACCOUNT, con_id=STOCK, quantity=200.0, average_cost=95.0))
    row = world.until(lambda: next((r for r in recorded() if r["flags"] & MarginFlag.AFTER_FILL), None))
    assert row["maintenance_margin"] == pytest.approx(6_000.0)
    world.ingest.send(value("TotalCashValue-S", -14_500.0))  # equity 5,500 against 6,000
    row = world.until(lambda: next((r for r in recorded() if r["flags"] & MarginFlag.LEVEL_CHANGE), None))
    assert row["level"] >= 3
    count = len(recorded())
    world.until(lambda: len(recorded()) >= count + 2)  # nothing ticks, yet figures are kept


def test_it_runs_without_any_account(world: World) -> None:
    for _ in range(20):
        world.step()
    assert world.figures() == []
    assert world.service.beat_detail()["accounts"] == 0
