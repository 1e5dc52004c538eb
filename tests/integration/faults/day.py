"""Who trades in a day of faults, at random, and who keeps what was published, by its natural keys."""

from __future__ import annotations

import random
import time
from typing import Any

from pipeline import messages
from pipeline.bus.control import new_request_id
from pipeline.bus.live import Reset, Subscriber
from pipeline.clock import SystemClock
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
from tests.trading_desk import Run

PARTS = {"positions", "cash", "orders", "executions"}
SYMBOLS = ("AAPL", "MSFT", "KO", "JPM", "SPY")


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
