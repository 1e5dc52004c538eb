"""What the desk knows now. Frames in, plain data out; no Qt, no clock, no socket.

Newest wins. When a stream starts again, nothing is blanked: what it has not restated yet keeps its old generation and
looks old, until a complete snapshot of the account removes it or, for the watchlist, a while has passed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Any

import numpy as np

from pipeline import messages
from pipeline.bus.live import Reset
from pipeline.errors import WireError
from pipeline.messages import (
    TICK,
    AccountPnL,
    AccountSnapshot,
    AccountValue,
    ClockJump,
    Commission,
    Difference,
    Execution,
    Frame,
    Gap,
    Instrument,
    MarginTree,
    Message,
    OrderPreview,
    OrderState,
    PayloadKind,
    Position,
    ProcessEvent,
    StreamId,
    Subscription,
    SystemStatus,
    TradingState,
    TwsState,
)
from ui.desktop.picture.accounts import Account, margin_records
from ui.desktop.picture.quotes import Quotes

MAX_ORDERS = 2000
MAX_EXECUTIONS = 5000
MAX_EVENTS = 500
_IGNORED = ("md.option", "md.text")


class Picture:
    """All state that the docks show. `changed` holds words for what moved since it was cleared."""

    def __init__(self) -> None:
        self.quotes = Quotes()
        self.instruments: dict[int, Instrument] = {}
        self.subscriptions: dict[int, Subscription] = {}
        self.subscription_seen: dict[int, int] = {}
        self.accounts: dict[str, Account] = {}
        self.orders: dict[str, OrderState] = {}
        self.order_seen: dict[str, int] = {}
        self.executions: dict[str, Execution] = {}
        self.commissions: dict[str, Commission] = {}
        self.previews: deque[OrderPreview] = deque(maxlen=20)
        self.tws: dict[str, TwsState] = {}
        self.tws_ns: dict[str, int] = {}  # publish time of each
        self.trading: TradingState | None = None
        self.system: SystemStatus | None = None
        self.system_ns = 0
        self.events: deque[tuple[int, Message]] = deque(maxlen=MAX_EVENTS)
        self.generation: dict[StreamId, int] = dict.fromkeys(StreamId, 0)
        self.resets: dict[StreamId, str] = {}
        self.changed: set[str] = set()
        self.bad = 0
        self.margin_latency_ms = float("nan")
        self._ticks: list[bytes] = []  # of this batch, not applied yet
        self._figures: dict[str, tuple[Any, int]] = {}  # newest of this batch, with its publish time

    def account(self, name: str) -> Account:
        """The account of that name; made where there is none yet."""
        if name not in self.accounts:
            self.accounts[name] = Account(name)
            self.changed.add("accounts")
        return self.accounts[name]

    def apply(self, items: Iterable[Frame | Reset]) -> None:
        """Take in what came, in order. Bytes that are not what was agreed are counted and dropped."""
        for item in items:
            if isinstance(item, Reset):
                self._settle()
                self.generation[item.stream] += 1
                self.resets[item.stream] = item.reason
                self.changed.add("reset")
                continue
            try:
                self._on_frame(item)
            except WireError:
                self.bad += 1
        self._settle()

    def _settle(self) -> None:
        """Take in the records that were gathered: one pass over all ticks, the newest figures of each account."""
        if self._ticks:
            ticks = np.frombuffer(b"".join(self._ticks), dtype=TICK)
            self.quotes.apply(ticks, self.generation[StreamId.INGEST])
            self._ticks.clear()
        for name, (record, publish_ns) in self._figures.items():
            account = self.account(name)
            account.on_figures(record, publish_ns, self.generation[StreamId.MARGIN])
            if account.model is not None and account.model.latency_ms >= 0:
                self.margin_latency_ms = account.model.latency_ms
        self._figures.clear()

    def forget_unwatched(self) -> None:
        """Some time after a restart of ingest: what it has not named again is watched no longer."""
        now = self.generation[StreamId.INGEST]
        for con_id in [c for c, seen in self.subscription_seen.items() if seen != now]:
            del self.subscription_seen[con_id], self.subscriptions[con_id]
            self.changed.add("subscriptions")

    def current(self, con_id: int) -> bool:
        """The quote was restated since ingest last began anew."""
        slot = self.quotes.slots.get(con_id)
        return slot is not None and int(self.quotes.generation[slot]) == self.generation[StreamId.INGEST]

    def _on_frame(self, frame: Frame) -> None:
        match frame.header.kind:
            case PayloadKind.RECORDS:
                self._on_records(frame)
            case PayloadKind.MAP if frame.topic.decode("ascii", "replace") not in _IGNORED:
                self._on_message(messages.unpack(frame.payload), frame)
            case _:
                pass

    def _on_records(self, frame: Frame) -> None:
        if frame.topic == b"md.tick":
            messages.records(frame)  # checks the size
            self._ticks.append(frame.payload)
        elif frame.topic == b"margin.account":
            for name, record in margin_records(messages.records(frame)).items():
                self._figures[name] = record, frame.header.publish_ns
            self.changed.add("margin")
        elif frame.topic == b"margin.group":
            for record in messages.records(frame):
                self.account(bytes(record["account"]).decode("ascii", "replace")).on_group(record)
            self.changed.add("groups")

    def _on_message(self, message: Message, frame: Frame) -> None:
        ingest = self.generation[StreamId.INGEST]
        match message:
            case Instrument():
                self.instruments[message.con_id] = message
                self.changed.add("instruments")
            case Subscription():
                self._on_subscription(message, ingest)
            case AccountValue():
                self.account(message.account).on_value(message)
                self.changed.add("values")
            case Position():
                self.account(message.account).on_position(message, ingest)
                self.changed.add("positions")
            case AccountSnapshot():
                self.account(message.account).on_snapshot(message, ingest)
                self.changed.update(("values", "positions"))
            case AccountPnL():
                self.account(message.account).pnl = message
                self.changed.add("values")
            case MarginTree():
                self.account(message.account).on_tree(message)
                self.changed.add("tree")
            case TwsState():
                self.tws[message.client] = message
                self.tws_ns[message.client] = frame.header.publish_ns
                self.changed.add("tws")
            case SystemStatus():
                self.system, self.system_ns = message, frame.header.publish_ns
                self.changed.add("system")
            case ProcessEvent() | Gap() | ClockJump() | Difference():
                self.events.append((frame.header.publish_ns, message))
                self.changed.add("events")
            case _:
                self._on_order_message(message)

    def _on_order_message(self, message: Message) -> None:
        match message:
            case OrderState():
                self._on_order(message)
            case Execution():
                self.executions[message.exec_id] = message
                _bound(self.executions, MAX_EXECUTIONS)
                self.changed.add("executions")
            case Commission():
                self.commissions[message.exec_id] = message
                _bound(self.commissions, MAX_EXECUTIONS)
                self.changed.add("executions")
            case OrderPreview():
                self.previews.append(message)
                self.changed.add("previews")
            case TradingState():
                self.trading = message
                self.changed.add("trading")
            case _:
                pass

    def _on_subscription(self, message: Subscription, generation: int) -> None:
        if message.state == "ended" or not (message.watched or message.held):
            self.subscriptions.pop(message.con_id, None)
            self.subscription_seen.pop(message.con_id, None)
        else:
            self.subscriptions[message.con_id] = message
            self.subscription_seen[message.con_id] = generation
        self.changed.add("subscriptions")

    def _on_order(self, order: OrderState) -> None:
        key = order_key(order)
        for held in _names(order):  # told before under another name, when TWS had not numbered it yet
            if held != key and held in self.orders and _same(self.orders[held], order):
                del self.orders[held], self.order_seen[held]
        self.orders[key] = order
        self.order_seen[key] = self.generation[StreamId.ORDERS]
        _bound(self.orders, MAX_ORDERS)
        self.changed.add("orders")


def order_key(order: OrderState) -> str:
    """One row an order, whoever made it: our key, else TWS's permanent number, else client and order number."""
    if order.client_key:
        return f"k{order.client_key}"
    if order.perm_id:
        return f"p{order.perm_id}"
    return f"o{order.client_id}.{order.order_id}"


def _names(order: OrderState) -> tuple[str, ...]:
    return f"k{order.client_key}", f"p{order.perm_id}", f"o{order.client_id}.{order.order_id}"


def _same(one: OrderState, other: OrderState) -> bool:
    return one.account == other.account and one.con_id == other.con_id and one.side == other.side


def _bound(held: dict[str, Any], limit: int) -> None:
    while len(held) > limit:
        held.pop(next(iter(held)))
