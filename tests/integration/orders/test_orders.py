"""The order process against the simulated TWS, with ingest beside it: all real, over real sockets."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
import zmq

from pipeline import messages
from pipeline.bus import sockets
from pipeline.bus.control import CommandClient, new_request_id
from pipeline.bus.live import Reset, Subscriber
from pipeline.bus.reading import read_frames
from pipeline.clock import SystemClock
from pipeline.config import Settings
from pipeline.gateway.alone import running
from pipeline.gateway.faults.tell import tell
from pipeline.messages import AnyCommand, OrderSpec, OrderState, Reply
from pipeline.runtime import Runtime

DEADLINE_S = 60.0
AAPL = 265598


class Run:
    """A gateway, ingest and orders; and a desk's eyes on them."""

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime
        self.context = zmq.Context()
        clock = SystemClock()
        self.clients = {name: CommandClient(self.context, runtime, name, clock) for name in ("orders", "ingest")}
        self.orders = Subscriber(self.context, runtime, "orders", clock)
        self.children: dict[str, subprocess.Popen[bytes]] = {}
        self.seen: list[messages.Message] = []
        self.control = Path()  # of the gateway

    def start(self, name: str) -> None:
        environment = os.environ | {"MARGINDESK_STATE": str(self.runtime.state_dir)}
        with (self.runtime.logs / f"{name}.out").open("ab") as out:
            self.children[name] = subprocess.Popen(
                [sys.executable, "-m", f"pipeline.{name}"],
                env=environment,
                stdout=out,
                stderr=out,
                stdin=subprocess.DEVNULL,
            )

    def kill(self, name: str) -> None:
        self.children[name].kill()
        self.children.pop(name).wait(DEADLINE_S)

    def ask(self, command: AnyCommand) -> Reply:
        """Ask until the process is there; a command that was sent is never sent again here."""
        process = "ingest" if isinstance(command, messages.AddSymbol) else "orders"
        deadline = time.monotonic() + DEADLINE_S
        while True:
            reply = self.clients[process].ask(command, timeout_s=15)
            if "is not there" not in reply.text or time.monotonic() > deadline:
                return reply

    def until(self, what: str, found: Callable[[], bool]) -> None:
        """Read the orders stream until `found`, with a generous deadline."""
        deadline = time.monotonic() + DEADLINE_S
        while not found():
            if time.monotonic() > deadline:
                logs = "\n".join(path.read_text()[-3000:] for path in self.runtime.logs.iterdir())
                raise AssertionError(f"no {what} in {DEADLINE_S:g} s; saw {self.seen[-5:]}\n{logs}")
            self.orders.sockets[0].poll(50)
            for item in self.orders.receive():
                if isinstance(item, Reset):
                    continue
                self.seen.append(messages.unpack(item.payload))

    def status(self, order_id: int) -> str:
        states = [m for m in self.seen if isinstance(m, OrderState) and m.order_id == order_id]
        return states[-1].status if states else ""

    def trading(self) -> messages.TradingState | None:
        states = [m for m in self.seen if isinstance(m, messages.TradingState)]
        return states[-1] if states else None

    def account(self) -> str:
        def ready() -> list[messages.TwsState]:
            return [m for m in self.seen if isinstance(m, messages.TwsState) and m.state == "READY"]

        self.until("TWS connection", lambda: bool(ready()))
        return ready()[-1].accounts[0]

    def enable(self) -> str:
        account = self.account()
        deadline = time.monotonic() + DEADLINE_S
        while True:  # reconciling takes a moment after READY
            reply = self.ask(messages.EnableTrading(request_id=new_request_id(), actor="test", account=account))
            if reply.ok or time.monotonic() > deadline:
                break
        assert reply.ok, reply.text
        self.until("enabled trading", lambda: bool((state := self.trading()) and state.enabled))
        return account

    def market_of(self, spec: OrderSpec) -> dict[str, float]:
        """Wait until the gate has a price for the contract, told by its reasons."""
        deadline = time.monotonic() + DEADLINE_S
        while True:
            command = messages.PreviewOrder(request_id=new_request_id(), actor="test", spec=spec)
            reply = self.clients["orders"].ask(command, timeout_s=30)
            known = reply.ok and not any("no price" in reason for reason in reply.body["refusals"])
            if known or time.monotonic() > deadline:
                assert known, reply
                return dict(reply.body["tws"])

    def sent_intents(self) -> list[messages.OrderIntent]:
        frames = read_frames(self.runtime.journal_dir("orders"))
        found = [messages.unpack(frame.payload) for frame in frames if frame.topic == b"ord.intent"]
        return [message for message in found if isinstance(message, messages.OrderIntent)]


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    runtime = Runtime(tmp_path / "state")
    runtime.prepare()
    runtime.settings_file.write_bytes(msgspec.json.encode(Settings()))
    control = tmp_path / "control" / "faults"
    with running(None, 0, None, "--control", str(control)) as (host, port), contextlib.ExitStack() as stack:
        runtime.announce("gateway", host=host, port=port, pid=0)
        made = Run(runtime)
        made.control = control
        made.start("ingest")
        made.start("orders")
        yield made
        for child in made.children.values():
            stack.callback(child.wait, DEADLINE_S)
            child.kill()
        for part in (*made.clients.values(), made.orders):
            part.close()
        sockets.terminate(made.context)
    for path in runtime.sockets.iterdir():
        path.unlink()
    runtime.sockets.rmdir()


def limit(account: str, price: float, quantity: float = 5.0) -> OrderSpec:
    return OrderSpec(account=account, con_id=AAPL, side="BUY", quantity=quantity, order_type="LMT", limit_price=price)


def market(account: str, quantity: float = 5.0) -> OrderSpec:
    return OrderSpec(account=account, con_id=AAPL, side="BUY", quantity=quantity, order_type="MKT")


def place(run: Run, key: str, spec: OrderSpec) -> Reply:
    return run.ask(messages.PlaceOrder(request_id=new_request_id(), actor="test", client_key=key, spec=spec))


def test_life_of_orders(run: Run) -> None:
    account = run.account()

    # Off after the start, and every reason is said.
    refused = place(run, "k0", market(account))
    assert not refused.ok
    assert "trading is off" in refused.text
    assert place(run, "k0", market(account)).text == refused.text
    assert run.sent_intents() == []

    # A preview works while trading is off, and TWS's half is whole.
    figures = run.market_of(market(account))
    for moment in ("before", "after", "change"):
        assert f"maintenance_{moment}" in figures
    change = figures["maintenance_after"] - figures["maintenance_before"]
    assert figures["maintenance_change"] == pytest.approx(change, abs=0.011)

    # A market order fills; its execution and its commission come once.
    run.enable()
    sent = place(run, "k1", market(account))
    assert sent.ok, sent.text
    run.until("fill", lambda: run.status(sent.body["order_id"]) == "Filled")
    run.until("commission", lambda: any(isinstance(m, messages.Commission) for m in run.seen))
    fills = [m for m in run.seen if isinstance(m, messages.Execution) and m.order_id == sent.body["order_id"]]
    assert sum(fill.shares for fill in {fill.exec_id: fill for fill in fills}.values()) == 5.0

    # The same key sends nothing and gets the first answer.
    again = place(run, "k1", market(account))
    assert (again.ok, again.body) == (sent.ok, sent.body)
    assert [intent.client_key for intent in run.sent_intents()] == ["k1"]

    # A limit order far enough below works, is changed, and is cancelled.
    price = round(fills[0].price * 0.95, 2)
    working = place(run, "k2", limit(account, price))
    assert working.ok, working.text
    order_id = working.body["order_id"]
    run.until("working order", lambda: run.status(order_id) in ("Submitted", "PreSubmitted"))
    changed = run.ask(
        messages.ModifyOrder(
            request_id=new_request_id(),
            actor="test",
            client_key="k3",
            order_id=order_id,
            quantity=6.0,
            limit_price=price,
        )
    )
    assert changed.ok, changed.text
    run.until("changed order", lambda: _quantity(run, order_id) == 6.0)
    cancelled = run.ask(messages.CancelOrder(request_id=new_request_id(), actor="test", order_id=order_id))
    assert cancelled.ok, cancelled.text
    run.until("cancelled order", lambda: run.status(order_id) in ("Cancelled", "ApiCancelled"))

    # Limits hold, all at once.
    wild = place(run, "k4", limit(account, price * 3, quantity=9_999.0))
    assert "max_order_quantity" in wild.text
    assert "away from the market" in wild.text

    # Off again: nothing leaves.
    assert run.ask(messages.DisableTrading(request_id=new_request_id(), actor="test")).ok
    assert "trading is off" in place(run, "k5", market(account)).text


def _quantity(run: Run, order_id: int) -> float:
    return next((m.quantity for m in reversed(run.seen) if isinstance(m, OrderState) and m.order_id == order_id), 0.0)


def test_a_killed_order_process_sends_nothing_twice(run: Run) -> None:
    account = run.account()
    run.market_of(market(account))
    run.enable()
    first = place(run, "k1", limit(account, 1.0))
    price = _market_price(run, account)
    sent = place(run, "k2", limit(account, price))
    assert sent.ok, sent.text
    run.kill("orders")  # in flight: TWS may or may not have answered
    run.seen.clear()
    run.start("orders")
    run.account()
    order_id = sent.body["order_id"]
    # It had left or it had not; either way its state is TWS's, and it is never sent by the new process.
    run.until("the order's state by TWS", lambda: run.status(order_id) in ("Submitted", "PreSubmitted", "Unknown"))
    assert (place(run, "k2", limit(account, price)).body, place(run, "k1", limit(account, 1.0)).text) == (
        sent.body,
        first.text,
    )
    assert [intent.client_key for intent in run.sent_intents()] == ["k2"]
    run.until("trading state", lambda: run.trading() is not None)
    state = run.trading()
    assert state is not None
    assert not state.enabled
    assert run.children["orders"].poll() is None
    run.children["orders"].send_signal(signal.SIGTERM)
    assert run.children["orders"].wait(DEADLINE_S) == 0


def _market_price(run: Run, account: str) -> float:
    """A price 5 % below the market, found by what the collar says of a wild one."""
    refused = place(run, new_request_id(), limit(account, 1.0))
    return round(float(refused.text.split("away from the market ")[1].split(";")[0]) * 0.95, 2)


def test_orders_made_in_tws_itself_show_up_with_their_fills(run: Run) -> None:
    account = run.account()
    run.until("first picture", lambda: any(isinstance(m, messages.TradingState) for m in run.seen))
    assert tell(run.control, f"order BUY 10 KO LMT 500 {account}").startswith("ok")

    def fills() -> list[messages.Execution]:
        return [m for m in run.seen if isinstance(m, messages.Execution) and m.symbol == "KO"]

    run.until("fills by hand", lambda: sum(fill.shares for fill in fills()) == 10.0)
    assert {fill.account for fill in fills()} == {account}
    assert all(fill.time_ns > 0 for fill in fills())
    ids = {fill.exec_id for fill in fills()}
    run.until("their cost", lambda: ids <= {m.exec_id for m in run.seen if isinstance(m, messages.Commission)})
    run.until(
        "the order",
        lambda: any(isinstance(m, OrderState) and m.symbol == "KO" and m.status == "Filled" for m in run.seen),
    )
    told = [m for m in run.seen if isinstance(m, OrderState) and m.symbol == "KO"][-1]
    assert (told.client_key, told.side, told.quantity) == ("", "BUY", 10.0)
