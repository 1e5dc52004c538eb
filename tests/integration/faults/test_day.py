"""A trading day at 60 times its speed, with random faults and TWS's restart at night: the books agree at its end.

Orders come from our order process and by hand from TWS itself, in both accounts. At the end the positions, the cash,
the open orders, all executions and their costs that were published equal what the gateway wrote into its own file.
"""

from __future__ import annotations

import contextlib
import os
import random
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipeline import config, messages
from pipeline.bus.control import new_request_id
from pipeline.bus.live import Reset, Subscriber
from pipeline.clock import SystemClock
from pipeline.config import Settings
from pipeline.gateway import keeping
from pipeline.gateway.faults.tell import tell
from pipeline.messages import (
    AccountCheck,
    AccountValue,
    CancelOrder,
    Commission,
    Difference,
    DisableTrading,
    EnableTrading,
    Execution,
    OrderSpec,
    OrderState,
    Position,
    TwsState,
)
from tests.trading_desk import DEADLINE_S, Run, trading

SPEED = 60.0  # market seconds a second
DAY_S = 24.5 * 3600 / SPEED  # from open to half an hour after the next one
RESTART_S = 14.25 * 3600 / SPEED  # 23:45
SHORT_S = 30.0
PARTS = {"positions", "cash", "orders", "executions"}
SYMBOLS = ("AAPL", "MSFT", "KO", "JPM", "SPY")
OPEN = ("Intent", "PendingSubmit", "PreSubmitted", "Submitted")
FAULTS = (
    "close", "reset", "truncated", "wrong_length", "garbage framed=true bytes=80", "garbage framed=false bytes=500",
    "stall for_s=4", "stall read=false for_s=18", "drip bytes=200 every_ms=5 for_s=3", "1100 for_s=3 then=1102",
    "1100 for_s=3 then=1101", "2110 for_s=2", "2103 farm=usfarm for_s=6", "2157 for_s=5", "10197 count=15",
    "delay message=9 by_s=2 for_s=10", "clock_skew by_s=30 for_s=5", "half_snapshot rows=0.5 for_s=8",
    "duplicate_executions copies=2 for_s=12", "commission_first for_s=12", "late_executions by_s=3 for_s=12",
    "refuse_login code=326 for_s=4", "reject_orders for_s=3", "split_handshake at=3 pause_s=0.3 for_s=10",
    "unset where=pnl for_s=4", "unset where=account for_s=4", "restart closed_s=2",
)  # fmt: skip


def settings() -> Settings:
    limits = config.GatewayLimits(account_every_s=5.0, history_identical_s=0.0)
    gateway = config.Gateway(clock=SPEED, hours="always", rate=300.0, limits=limits)
    orders = config.Orders(max_orders_a_minute=600, max_open_orders=5_000)
    return Settings(gateway=gateway, orders=orders, watchlist=config.Watchlist(symbols=list(SYMBOLS)))


class Trader:
    """Places, cancels, and enters by hand, at random; whatever is refused is refused."""

    def __init__(self, run: Run, accounts: list[str], con_ids: dict[str, int], dice: random.Random) -> None:
        self._run, self._accounts, self._con_ids, self._dice = run, accounts, con_ids, dice
        self.sent: list[int] = []
        self.by_hand = self.refused = 0
        self._keys = 0

    def act(self) -> None:
        chance = self._dice.random()
        if chance < 0.3:
            self._enter()
        elif chance < 0.4 and self.sent:
            order_id = self._dice.choice(self.sent[-10:])
            self._ask(CancelOrder(request_id=new_request_id(), actor="test", order_id=order_id))
        else:
            self._place()

    def _enter(self) -> None:
        words = "MKT" if self._dice.random() < 0.7 else f"LMT {self._dice.choice((1, 5000))}"
        side, symbol = self._dice.choice(("BUY", "SELL")), self._dice.choice(SYMBOLS)
        line = f"order {side} {self._dice.randint(1, 5)} {symbol} {words} {self._dice.choice(self._accounts)}"
        self.by_hand += tell(self._run.control, line).startswith("ok")  # refused where the margin is not enough

    def _place(self) -> None:
        account = self._dice.choice(self._accounts)
        symbol = self._dice.choice(SYMBOLS)
        spec = OrderSpec(
            account=account, con_id=self._con_ids[symbol], side=self._dice.choice(("BUY", "SELL")),
            quantity=float(self._dice.randint(1, 5)), order_type="MKT",
        )  # fmt: skip
        self._keys += 1
        reply = self._run.place(f"day {self._keys}", spec)
        if reply.ok:
            self.sent.append(int(reply.body["order_id"]))
            return
        self.refused += 1
        if "trading is off" in reply.text:
            self._ask(EnableTrading(request_id=new_request_id(), actor="test", account=account))
        elif "account" in reply.text:
            self._ask(DisableTrading(request_id=new_request_id(), actor="test"))

    def _ask(self, command: Any) -> None:
        self._run.clients["orders"].ask(command, timeout_s=5)


class Published:
    """The last state that ingest published, and what orders published, by their natural keys."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self.ingest = Subscriber(run.context, run.runtime, "ingest", SystemClock())
        self._read = 0
        self.positions: dict[tuple[str, int], float] = {}
        self.values: dict[tuple[str, str, str], float] = {}
        self.orders: dict[tuple[int, int], OrderState] = {}
        self.executions: dict[str, Execution] = {}
        self.commissions: dict[str, Commission] = {}
        self.checks: dict[tuple[str, str], AccountCheck] = {}
        self.con_ids: dict[str, int] = {}
        self.state: dict[str, TwsState] = {}
        self.differences: list[str] = []  # their parts

    def read(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.ingest.sockets[0].poll(20)
            for item in self.ingest.receive():
                if not isinstance(item, Reset) and item.header.kind is messages.PayloadKind.MAP:
                    self._heard(messages.unpack(item.payload))
            for item in self._run.orders.receive():
                if not isinstance(item, Reset) and item.header.kind is messages.PayloadKind.MAP:
                    message = messages.unpack(item.payload)
                    self._run.seen[:] = [message]
                    self._heard(message)

    def _heard(self, message: Any) -> None:
        match message:
            case Position():
                self.positions[message.account, message.con_id] = message.quantity
            case AccountValue():
                self.values[message.account, message.key, message.currency] = message.value
            case OrderState():
                own = message.client_id == message.order_id == 0  # by hand
                self.orders[(0, message.perm_id) if own else (message.client_id, message.order_id)] = message
            case Execution():
                self.executions[message.exec_id] = message
            case Commission():
                self.commissions[message.exec_id] = message
            case AccountCheck():
                self.checks[message.account, message.part] = message
            case Difference():
                self.differences.append(message.part)
            case TwsState():
                self.state[message.client] = message
            case messages.Instrument() if message.sec_type == "STK":
                self.con_ids[message.symbol] = message.con_id

    def close(self) -> None:
        self.ingest.close()

    def calm(self, since_ns: int) -> bool:
        """Ready, and each part of each account was compared since then without a difference."""
        ready = all(state.state == "READY" for state in self.state.values()) and len(self.state) == 2
        fresh = {key for key, check in self.checks.items() if check.recv_ns > since_ns and not check.differences}
        return (
            ready and {part for _, part in fresh} == {"positions", "cash", "orders", "executions"} and len(fresh) == 8
        )


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    with trading(tmp_path, settings(), "--day", "2026-11-23") as made:
        yield made


def live_a_day(run: Run, real_s: float, restart_s: float, fault_every_s: float, last: str = "2104") -> None:
    seed = int(os.environ.get("MARGINDESK_FUZZ_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 32)
    print(f"MARGINDESK_FUZZ_SEED={seed}")
    with contextlib.closing(Published(run)) as published:
        _live(run, published, random.Random(seed), real_s, restart_s, fault_every_s, last)
        agree(published, keeping.load(run.books.read_bytes(), SPEED, "always"))


def _live(
    run: Run,
    published: Published,
    dice: random.Random,
    real_s: float,
    restart_s: float,
    fault_every_s: float,
    last: str,
) -> None:
    run.account()
    while not set(SYMBOLS) <= published.con_ids.keys():
        published.read(0.2)
    accounts = sorted({account for account, _ in published.positions})
    trader = Trader(run, accounts, published.con_ids, dice)
    begin = time.monotonic()
    fault_at, order_at, restarted, faults = begin + fault_every_s, begin, False, []
    while (now := time.monotonic()) - begin < real_s:
        published.read(0.05)
        if now >= order_at:
            trader.act()
            order_at = now + dice.uniform(0.3, 2.0)
        if now >= fault_at:
            faults.append(dice.choice(FAULTS))
            run.tell(f"{faults[-1]} seed={dice.randrange(1000)}" if "garbage" in faults[-1] else faults[-1])
            fault_at = now + dice.uniform(0.5, 1.5) * fault_every_s
        if not restarted and now - begin > restart_s:
            run.tell("restart closed_s=5")
            restarted = True
    run.tell("clear")
    run.tell(last)
    calm_after(published)
    print(f"{len(faults)} faults, {len(trader.sent)} orders sent, {trader.by_hand} by hand, {trader.refused} refused")
    connections = {name: state.connection for name, state in published.state.items()}
    print(f"{len(published.executions)} executions, connections {connections}")
    print(f"{len(published.differences)} differences found and repaired: {Counter(published.differences)}")


def calm_after(published: Published) -> None:
    """The minute's check must pass after the last fault."""
    since_ns, deadline = time.time_ns(), time.monotonic() + 4 * DEADLINE_S
    while not published.calm(since_ns):
        assert time.monotonic() < deadline, (published.state, published.checks)
        published.read(0.2)
    published.read(3.0)  # the gateway writes its file each second


def agree(published: Published, books: Any) -> None:
    held = {key: quantity for key, quantity in published.positions.items() if quantity}
    theirs = {
        (name, con_id): float(position.quantity)
        for name, account in books.accounts.items()
        for con_id, position in account.positions.items()
        if position.quantity
    }
    assert held == theirs
    for name, account in books.accounts.items():
        figures = books.bank.figures(account)
        cash = float(figures.cash_s + figures.cash_c)
        assert published.values[name, "TotalCashValue", "USD"] == pytest.approx(cash, abs=0.011)
    told = {fill.exec_id: fill for fill in books.fills}
    assert published.executions.keys() == told.keys()
    for exec_id, fill in told.items():
        ours = published.executions[exec_id]
        assert (ours.account, ours.con_id, ours.shares) == (fill.account, fill.con_id, float(fill.quantity))
        assert ours.price == pytest.approx(fill.price, abs=1e-9)
        assert published.commissions[exec_id].commission == pytest.approx(float(fill.commission), abs=1e-6)
    open_here = {o.perm_id: (o.quantity, o.filled) for o in published.orders.values() if o.status in OPEN}
    open_there = {o.perm_id: (float(o.quantity), float(o.filled)) for o in books.live_orders()}
    assert open_here == open_there
    unknown = {key for key, order in published.orders.items() if order.status == "Unknown"}
    assert not unknown & books.orders.keys(), "sent into a dead connection: TWS has never heard of them"
    assert told, "something was traded"


def test_a_short_day(run: Run) -> None:
    """It ends with a reconnect: what is compared each minute is compared after it too."""
    live_a_day(run, SHORT_S, SHORT_S / 2, 6.0, "close")


@pytest.mark.long
@pytest.mark.timeout(7200)
def test_24_hours_at_60_times_their_speed(run: Run) -> None:
    live_a_day(run, DAY_S, RESTART_S, 20.0)
