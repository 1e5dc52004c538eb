"""A gateway, ingest and orders as processes, and a desk's eyes on what orders publishes."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
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
        self.books = Path()  # the gateway's own state

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

    def tell(self, line: str) -> None:
        """A fault, or an order by hand, at the gateway."""
        answer = tell(self.control, line)
        assert answer.startswith("ok"), answer

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

    def place(self, key: str, spec: OrderSpec) -> Reply:
        return self.ask(messages.PlaceOrder(request_id=new_request_id(), actor="test", client_key=key, spec=spec))


@contextlib.contextmanager
def trading(folder: Path, settings: Settings | None = None, *options: str) -> Iterator[Run]:
    """Everything runs, trading is off; `options` are the gateway's."""
    settings = settings or Settings()
    runtime = Runtime(folder / "state")
    runtime.prepare()
    runtime.settings_file.write_bytes(msgspec.json.encode(settings))
    control = folder / "control" / "faults"
    words = ("--control", str(control), *options)
    with running(settings.gateway, 0, folder / "books", *words) as (host, port), contextlib.ExitStack() as stack:
        runtime.announce("gateway", host=host, port=port, pid=0)
        made = Run(runtime)
        made.control, made.books = control, folder / "books" / "state.json"
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
