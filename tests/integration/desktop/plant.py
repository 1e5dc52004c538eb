"""Publishers for the tests of the desk: real Streams and ControlServers of the bus in the places of four processes.

In a thread (a test drives it), or by hand: `python -m tests.integration.desktop.plant STATE`.
"""

from __future__ import annotations

import argparse
import math
import queue
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import zmq

from pipeline import config, messages
from pipeline.bus import sockets
from pipeline.bus.control import ControlServer, Request
from pipeline.bus.live import Stream
from pipeline.clock import SystemClock
from pipeline.messages import (
    AccountPnL,
    AccountSnapshot,
    AccountValue,
    AddSymbol,
    CancelAll,
    CancelOrder,
    DisableTrading,
    EnableTrading,
    Execution,
    Instrument,
    MarginNode,
    MarginTree,
    OrderPreview,
    OrderSpec,
    OrderState,
    PlaceOrder,
    Position,
    PreviewOrder,
    ProcessStatus,
    RemoveSymbol,
    Reply,
    State,
    StreamId,
    Subscription,
    SystemStatus,
    TradingState,
    TwsState,
)
from pipeline.runtime import Runtime

LAST_WORD = 777.77
ACCOUNT, OTHER = "DU1000001", "DU1000002"
SYMBOLS = ("SPY", "QQQ", "AAPL", "MSFT", "NVDA", "TSLA", "AMZN", "META", "GOOG", "JPM", "XOM", "KO")
PROCESSES = ("postgres", "gateway", "writer", "ingest", "orders", "margin", "web", "desk")
IDS = {
    "ingest": StreamId.INGEST,
    "margin": StreamId.MARGIN,
    "orders": StreamId.ORDERS,
    "supervisor": StreamId.SUPERVISOR,
}


def settings() -> config.Settings:
    return config.Settings(name="test")


def prepare(state_dir: Path) -> Runtime:
    """A state directory with settings, as the supervisor makes one."""
    runtime = Runtime(state_dir)
    runtime.prepare()
    runtime.settings_file.write_bytes(msgspec.json.encode(settings()))
    return runtime


class Source:
    """One process: PUB, ROUTER, and the newest of everything for snapshots."""

    def __init__(self, context: sockets.Context, runtime: Runtime, name: str, clock: SystemClock) -> None:
        self.name = name
        self._clock = clock
        self.socket = sockets.publisher(context, runtime.endpoint(name, "pub"))
        self.stream = Stream(IDS[name], clock, socket=self.socket)
        self.held: dict[Any, tuple[bytes, Any]] = {}
        self.control = ControlServer(
            context, runtime, name, clock, stream=self.stream, snapshot=lambda: list(self.held.values())
        )
        self.silent = False

    def map(self, key: Any, message: messages.Message) -> None:
        self.held[key] = (message.topic.encode(), message)
        self.stream.map(message)

    def records(self, key: Any, topic: bytes, array: np.ndarray[Any, Any]) -> None:
        self.held[key] = (topic, array.copy())
        self.stream.records(topic, array)

    def close(self) -> None:
        self.socket.close(linger=0)
        self.control.socket.close(linger=0)


class Plant:
    """All four. `do(work)` runs work(self) in the publishing thread and waits for it."""

    def __init__(self, runtime: Runtime, symbols: tuple[str, ...] = SYMBOLS) -> None:
        self.runtime, self.clock = runtime, SystemClock()
        self.instruments = {1000 + i: stock(1000 + i, symbol) for i, symbol in enumerate(symbols)}
        self.commands: list[Any] = []
        self.answers: dict[type, Callable[[Any], Reply]] = {}
        self.trading_account = ""
        self.rng = np.random.default_rng(7)
        self.prices = 100.0 + 50.0 * self.rng.random(len(symbols))
        self._orders = 0
        self._work: queue.Queue[tuple[Callable[[Plant], None], threading.Event]] = queue.Queue()
        self._stopping = threading.Event()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="plant")
        self.every: list[Callable[[Plant], None]] = []

    def start(self) -> None:
        self._thread.start()
        assert self._ready.wait(10)

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join(10)

    def do(self, work: Callable[[Plant], None]) -> None:
        done = threading.Event()
        self._work.put((work, done))
        assert done.wait(10)

    def _run(self) -> None:
        context: sockets.Context = zmq.Context()
        self.sources = {name: Source(context, self.runtime, name, self.clock) for name in IDS}
        self._ready.set()
        try:
            while not self._stopping.is_set():
                self._turn()
                time.sleep(0.002)
        finally:
            for source in self.sources.values():
                source.close()
            sockets.terminate(context)

    def _turn(self) -> None:
        while not self._work.empty():
            work, done = self._work.get()
            work(self)
            done.set()
        for work in self.every:
            work(self)
        for source in self.sources.values():
            if source.silent:
                continue
            source.stream.keep_alive(self.clock.monotonic())
            for request in source.control.receive():
                self._on_request(source, request)

    def _on_request(self, source: Source, request: Request) -> None:
        command = request.command
        if command is None:
            return
        self.commands.append(command)
        answer = self.answers.get(type(command), self._answer)
        reply = answer(command)
        if reply is not None:
            source.control.reply(request, reply)

    def _answer(self, command: Any) -> Reply | None:
        text, body = "done", {}
        match command:
            case AddSymbol():
                known = next((i for i in self.instruments.values() if i.symbol == command.symbol), None)
                if known is None and not command.symbol.isalpha():
                    return Reply(request_id=command.request_id, ok=False, text=f"{command.symbol}: no such contract")
                found = known or stock(5000 + len(self.instruments), command.symbol)
                self.watch(found)
                text = f"{found.symbol} is watched"
            case RemoveSymbol():
                self.unwatch(command.con_id)
            case EnableTrading():
                self.trading_account = command.account
                self.trading(command.account)
            case DisableTrading():
                self.trading("")
            case PreviewOrder():
                preview = self.preview(command.spec)
                self.sources["orders"].stream.map(preview)
                body = msgspec.to_builtins(preview)
            case PlaceOrder():
                self._orders += 1
                self.order(self._orders, command.spec, "Submitted", command.client_key)
            case CancelOrder() | CancelAll():
                text = "cancel was sent"
        return Reply(request_id=command.request_id, ok=True, text=text, body=body)

    # What is published.

    def book(self) -> None:
        """Everything that a running demo has told."""
        self.tws("READY")
        for instrument in self.instruments.values():
            self.watch(instrument)
        for account in (ACCOUNT, OTHER):
            self.account(account)
        self.ticks(np.arange(len(self.instruments)))
        self.figures()
        self.tree()
        self.trading("")
        self.system()

    def tws(self, state: str, reason: str = "", **facts: Any) -> None:
        for client, source in (("ingest", "ingest"), ("orders", "orders")):
            message = TwsState(
                client=client,
                state=state,
                reason=reason,
                address="127.0.0.1:7497",
                client_id=11,
                server_version=200,
                accounts=[ACCOUNT, OTHER],
                market_time_ns=self.clock.now_ns(),
                lines_used=len(self.instruments),
                lines_limit=100,
                round_trip_ms=1.2,
                farms={"usfarm": "ok", "usopt": "ok"},
                **facts,
            )
            self.sources[source].map(("tws", client), message)

    def watch(self, instrument: Instrument) -> None:
        self.instruments[instrument.con_id] = instrument
        ingest = self.sources["ingest"]
        ingest.map(("instrument", instrument.con_id), instrument)
        line = Subscription(con_id=instrument.con_id, symbol=instrument.symbol, state="live", watched=True)
        ingest.map(("line", instrument.con_id), line)

    def unwatch(self, con_id: int) -> None:
        self.sources["ingest"].map(("line", con_id), Subscription(con_id=con_id, symbol="", state="ended"))

    def ticks(self, which: np.ndarray[Any, Any]) -> None:
        """Bid, ask and last of these rows of the list of instruments."""
        now = self.clock.now_ns()
        if len(self.prices) < len(self.instruments):
            self.prices = np.concatenate([self.prices, np.full(len(self.instruments) - len(self.prices), 100.0)])
        self.prices[which] *= 1.0 + self.rng.normal(0, 3e-4, len(which))
        ids = np.array(list(self.instruments), dtype=np.int32)[which]
        array = np.zeros(4 * len(which), dtype=messages.TICK)
        for part, (kind, offset) in enumerate(((1, -0.01), (2, 0.01), (4, 0.0), (8, math.nan))):
            rows = array[part::4]
            rows["recv_ns"], rows["market_ns"], rows["con_id"], rows["tick_type"] = now, now, ids, kind
            rows["price"] = np.round(self.prices[which] + offset, 2)
            rows["size"] = 100 * self.rng.integers(1, 50, len(which)) * (1000 if kind == 8 else 1)
        self.sources["ingest"].held[("ticks", now)] = (b"md.tick", array)
        held = [key for key in self.sources["ingest"].held if key[0] == "ticks"]
        for key in held[:-400]:
            del self.sources["ingest"].held[key]
        self.sources["ingest"].stream.records(b"md.tick", array)

    def last_word(self) -> None:
        """No further tick after this price."""
        self.every.clear()
        self.prices[:] = LAST_WORD
        self.rng = np.random.default_rng(0)
        ids = np.array(list(self.instruments), dtype=np.int32)
        array = np.zeros(len(ids), dtype=messages.TICK)
        array["recv_ns"], array["con_id"], array["tick_type"] = self.clock.now_ns(), ids, 4
        array["price"], array["size"] = LAST_WORD, 1.0
        self.sources["ingest"].records(("ticks", self.clock.now_ns()), b"md.tick", array)

    def account(self, account: str) -> None:
        now, ingest = self.clock.now_ns(), self.sources["ingest"]
        values = {"NetLiquidation": 812_440.1, "ExcessLiquidity": 96_310.5, "MaintMarginReq": 716_130.0}
        values |= {"InitMarginReq": 748_902.0, "BuyingPower": 254_150.0, "EquityWithLoanValue": 812_440.1}
        for key, value in values.items():
            message = AccountValue(account=account, key=key, currency="USD", value=value, text=str(value), recv_ns=now)
            ingest.map(("value", account, key), message)
        for i, con_id in enumerate(list(self.instruments)[:8]):
            position = Position(
                account=account,
                con_id=con_id,
                quantity=100.0 * (-1) ** i * (i + 1),
                average_cost=100.0,
                market_price=float(self.prices[i]),
                market_value=100.0 * (-1) ** i * (i + 1) * float(self.prices[i]),
                unrealized_pnl=1000.0 * (i - 3),
                recv_ns=now,
            )
            ingest.map(("position", account, con_id), position)
        snapshot = AccountSnapshot(
            account=account, complete=True, values=len(values), positions=8, base_currency="USD", recv_ns=now
        )
        ingest.map(("snapshot", account), snapshot)
        pnl = AccountPnL(account=account, daily=4218.0, unrealized=1000.0, realized=10.0, recv_ns=now)
        ingest.map(("pnl", account), pnl)

    def figures(self, excess: float = math.nan, level: int = 0) -> None:
        now = self.clock.now_ns()
        array = np.zeros(2, dtype=messages.MARGIN_ACCOUNT)
        for name in array.dtype.names or ():
            if array.dtype[name] == np.dtype("<f8"):
                array[name] = math.nan
        array["account"] = [ACCOUNT.encode(), OTHER.encode()]
        array["oldest_ns"], array["newest_ns"], array["level"] = now - 400_000, now, level
        maintenance = 715_802.0 + self.rng.normal(0, 300)
        array["net_liquidation"] = 812_440.0 + self.rng.normal(0, 300)
        array["maintenance_margin"], array["initial_margin"] = maintenance, maintenance * 1.1
        array["excess_liquidity"] = array["net_liquidation"] - maintenance if math.isnan(excess) else excess
        array["cushion"] = array["excess_liquidity"] / array["net_liquidation"]
        array["buying_power"], array["equity_with_loan"] = 254_150.0, array["net_liquidation"]
        array["tws_maintenance_margin"], array["tws_ns"], array["gap"] = 716_130.0, now - 41_000_000_000, -0.0005
        self.sources["margin"].records("figures", b"margin.account", array)

    def tree(self) -> None:
        for account in (ACCOUNT, OTHER):
            under = []
            for i, con_id in enumerate(list(self.instruments)[:8]):
                symbol, price = self.instruments[con_id].symbol, float(self.prices[i])
                quantity = 100.0 * (-1) ** i * (i + 1)
                value = quantity * price
                cost = abs(value) * (0.25 if quantity > 0 else 0.30)
                leg = MarginNode(
                    level="leg", name=symbol, rule="100.0% of the group by market value", quantity=quantity,
                    price=price, con_id=con_id, market_value=value, unrealized_pnl=value - quantity * 100.0,
                    maintenance_margin=cost, initial_margin=cost * 1.1,
                )  # fmt: skip
                group = MarginNode(
                    level="group", name=f"long stock: {quantity:+g} {symbol}",
                    rule="long stock" if quantity > 0 else "short stock", formula="rate · quantity · price",
                    numbers=f"{0.25 if quantity > 0 else 0.30:.0%} · {abs(quantity):g} · {price:,.2f} = {cost:,.2f}",
                    maintenance_margin=cost, initial_margin=cost * 1.1, children=[leg],
                )  # fmt: skip
                under.append(
                    MarginNode(
                        level="underlying",
                        name=symbol,
                        rule="cheapest permitted pairing",
                        maintenance_margin=cost,
                        initial_margin=cost * 1.1,
                        children=[group],
                    )
                )
            total = sum(node.maintenance_margin for node in under)
            root = MarginNode(level="account", name=account, maintenance_margin=total, children=under)
            message = MarginTree(account=account, rule_set="ibkr_reg_t", newest_ns=self.clock.now_ns(), root=root)
            self.sources["margin"].map(("tree", account), message)

    def trading(self, account: str) -> None:
        message = TradingState(
            enabled=bool(account), account=account, reasons=[] if account else ["trading is not enabled"]
        )
        self.sources["orders"].map("trading", message)

    def preview(self, spec: OrderSpec) -> OrderPreview:
        change = 15_000.0 if spec.side == "BUY" else -15_000.0
        figures = {}
        for name, now in (
            ("maintenance", 715_802.0),
            ("initial", 748_902.0),
            ("equity", 812_440.0),
            ("excess", 96_310.0),
        ):
            moved = -change if name == "excess" else change
            figures |= {f"{name}_before": now, f"{name}_after": now + moved, f"{name}_change": moved}
        return OrderPreview(
            client_key="", spec=spec, model=figures, tws=figures, commission=1.0, recv_ns=self.clock.now_ns()
        )

    def order(self, order_id: int, spec: OrderSpec, status: str, client_key: str = "", filled: float = 0.0) -> None:
        message = OrderState(
            perm_id=900 + order_id, order_id=order_id, client_id=12, client_key=client_key, account=spec.account,
            con_id=spec.con_id, symbol="", side=spec.side, order_type=spec.order_type, quantity=spec.quantity,
            limit_price=spec.limit_price, status=status, filled=filled, recv_ns=self.clock.now_ns(),
        )  # fmt: skip
        self.sources["orders"].map(("order", order_id), message)

    def fill(self, order_id: int, spec: OrderSpec, price: float) -> None:
        message = Execution(
            exec_id=f"x{order_id}", perm_id=900 + order_id, order_id=order_id, client_id=12, account=spec.account,
            con_id=spec.con_id, symbol="", side="BOT", shares=spec.quantity, price=price, cumulative=spec.quantity,
            average_price=price, exchange="SMART", time_text="", recv_ns=self.clock.now_ns(),
        )  # fmt: skip
        self.sources["orders"].map(("fill", order_id), message)

    def system(self, **states: State) -> None:
        processes = [
            ProcessStatus(
                process=name, state=states.get(name, State.READY), pid=100, up_s=61.0, rss_bytes=90_000_000,
                cpu_percent=4.0, loop_lag_ms=0.4, beat_age_s=0.1, detail={"lag_ms": 38.0} if name == "writer" else {},
            )
            for name in PROCESSES
        ]  # fmt: skip
        worst = next(iter(states.values()), State.READY)
        message = SystemStatus(run="test", state=worst, up_s=61.0, processes=processes)
        self.sources["supervisor"].map("system", message)


def stock(con_id: int, symbol: str) -> Instrument:
    return Instrument(
        con_id=con_id, symbol=symbol, sec_type="STK", currency="USD", exchange="SMART", min_tick=0.01, long_name=symbol
    )


def live(plant: Plant, rate: float) -> Callable[[Plant], None]:
    """Ticks at `rate` records a second, figures and trees as a running demo."""
    last = {"t": time.monotonic(), "figures": 0.0, "tree": 0.0, "owed": 0.0}

    def work(self: Plant) -> None:
        now = time.monotonic()
        last["owed"] += (now - last["t"]) * rate / 4
        last["t"] = now
        count = int(last["owed"])
        if count:
            last["owed"] -= count
            self.ticks(self.rng.integers(0, len(self.instruments), min(count, 1000)))
        if now - last["figures"] > 0.02:
            last["figures"] = now
            self.figures()
        if now - last["tree"] > 0.5:
            last["tree"] = now
            self.tree()
            self.system()

    return work


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("state", type=Path)
    parser.add_argument("--rate", type=float, default=2000.0)
    parser.add_argument("--symbols", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--linger", type=float, default=0.0, help="seconds after the last tick")
    options = parser.parse_args()
    symbols = tuple(f"S{i:03d}" for i in range(options.symbols)) or SYMBOLS
    plant = Plant(prepare(options.state), symbols)
    plant.start()
    plant.do(lambda p: p.book())
    plant.do(lambda p: p.every.append(live(p, options.rate)))
    print("ready", flush=True)
    time.sleep(options.seconds)
    plant.do(lambda p: p.last_word())
    print("said", flush=True)
    time.sleep(options.linger)
    plant.stop()


if __name__ == "__main__":
    main()
