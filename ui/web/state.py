"""The newest of everything that the live streams said. Pure: frames in, dictionaries out."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline import messages
from pipeline.bus.live import Reset
from pipeline.errors import WireError
from pipeline.messages import Frame, PayloadKind, StreamId

BID, ASK, LAST, CLOSE = 1, 2, 4, 9  # TWS's tick types that the page shows
SHOWN_TICKS = np.array([BID, ASK, LAST, CLOSE], dtype=np.int16)
EVENTS_KEPT = 50
FILLS_KEPT = 100
HISTORY_EVERY_NS, HISTORY_POINTS = 5_000_000_000, 180  # a quarter of an hour
TICK_TOPIC, ACCOUNT_TOPIC, GROUP_TOPIC = b"md.tick", b"margin.account", b"margin.group"


class LiveState:
    """What the page may show; a `Reset` forgets one stream, its snapshot follows."""

    def __init__(self) -> None:
        self.bad = 0
        self.seq: dict[StreamId, int] = {}
        self.history: dict[str, deque[tuple[int, float]]] = {}  # excess liquidity; outlives a restart of margin
        self._forget_ingest()
        self._forget_margin()
        self._forget_orders()
        self._forget_supervisor()

    def _forget_ingest(self) -> None:
        self.instruments: dict[int, messages.Instrument] = {}
        self.subscriptions: dict[int, messages.Subscription] = {}
        self.prices: dict[tuple[int, int], float] = {}  # (con_id, tick type) → price
        self.positions: dict[tuple[str, int], messages.Position] = {}
        self.pnl: dict[str, messages.AccountPnL] = {}
        self.currencies: dict[str, str] = {}
        self.tws: dict[str, messages.TwsState] = {}
        self.tws_publish_ns: dict[str, int] = {}

    def _forget_margin(self) -> None:
        self.accounts: dict[str, np.void] = {}
        self.account_publish_ns: dict[str, int] = {}
        self.groups: dict[tuple[str, str], np.void] = {}
        self.trees: dict[str, messages.MarginTree] = {}

    def _forget_orders(self) -> None:
        self.orders: dict[str, messages.OrderState] = {}
        self.fills: dict[str, messages.Execution] = {}
        self.commissions: dict[str, messages.Commission] = {}
        self.trading: messages.TradingState | None = None

    def _forget_supervisor(self) -> None:
        self.status: messages.SystemStatus | None = None
        self.events: deque[tuple[int, messages.Message]] = deque(maxlen=EVENTS_KEPT)

    def apply(self, items: Iterable[Frame | Reset]) -> None:
        """Take what a subscriber handed out, in its order; ticks that stand together are taken in one pass."""
        ticks: list[bytes] = []
        for item in items:
            if isinstance(item, Reset):
                self._apply_ticks(ticks)
                self._forget(item.stream)
                continue
            if item.header.kind is PayloadKind.RECORDS and item.topic == TICK_TOPIC:
                ticks.append(item.payload)
                self.seq[item.header.stream] = item.next_seq
                continue
            try:
                self._apply_frame(item)
            except WireError:
                self.bad += 1
        self._apply_ticks(ticks)

    def _forget(self, stream: StreamId) -> None:
        match stream:
            case StreamId.INGEST:
                self._forget_ingest()
            case StreamId.MARGIN:
                self._forget_margin()
            case StreamId.ORDERS:
                tws = {name: state for name, state in self.tws.items() if name != "orders"}
                self._forget_orders()
                self.tws = tws
            case StreamId.SUPERVISOR:
                self._forget_supervisor()
            case _:
                pass

    def _apply_ticks(self, payloads: list[bytes]) -> None:
        data = b"".join(payloads)
        payloads.clear()
        if not data or len(data) % messages.TICK.itemsize:
            self.bad += bool(data)
            return
        ticks = np.frombuffer(data, dtype=messages.TICK)
        usable = (
            np.isin(ticks["tick_type"], SHOWN_TICKS)
            & np.isfinite(ticks["price"])
            & (ticks["flags"] & np.uint16(messages.TickFlag.SUSPECT) == 0)
        )
        ticks = ticks[usable]
        keys = ticks["con_id"].astype(np.int64) << 16 | ticks["tick_type"]
        for index in newest(keys):
            tick = ticks[index]
            self.prices[(int(tick["con_id"]), int(tick["tick_type"]))] = float(tick["price"])

    def _apply_frame(self, frame: Frame) -> None:
        self.seq[frame.header.stream] = frame.next_seq
        if frame.header.kind is PayloadKind.MAP:
            self._apply_message(messages.unpack(frame.payload), frame.header.publish_ns)
        elif frame.header.kind is PayloadKind.RECORDS and frame.topic == ACCOUNT_TOPIC:
            records = messages.records(frame)
            for index in newest(records["account"]):
                account = text(records[index]["account"])
                self.accounts[account] = records[index].copy()
                self.account_publish_ns[account] = frame.header.publish_ns
                self._remember(account, frame.header.publish_ns, float(records[index]["excess_liquidity"]))
        elif frame.header.kind is PayloadKind.RECORDS and frame.topic == GROUP_TOPIC:
            for record in messages.records(frame):
                self._apply_group(record)

    def _remember(self, account: str, at_ns: int, excess_liquidity: float) -> None:
        points = self.history.setdefault(account, deque(maxlen=HISTORY_POINTS))
        if math.isfinite(excess_liquidity) and (not points or at_ns - points[-1][0] >= HISTORY_EVERY_NS):
            points.append((at_ns, excess_liquidity))

    def _apply_group(self, record: np.void) -> None:
        key = (text(record["account"]), text(record["underlying"]))
        if record["legs"] == 0:
            self.groups.pop(key, None)
        else:
            self.groups[key] = record.copy()

    def _apply_message(self, message: messages.Message, publish_ns: int) -> None:
        match message:
            case messages.Position():
                self._apply_position(message)
            case messages.Instrument():
                self.instruments[message.con_id] = message
            case messages.Subscription():
                self.subscriptions[message.con_id] = message
            case messages.AccountPnL():
                self.pnl[message.account] = message
            case messages.AccountSnapshot():
                self.currencies[message.account] = message.base_currency
            case messages.TwsState():
                self.tws[message.client] = message
                self.tws_publish_ns[message.client] = publish_ns
            case messages.MarginTree():
                self.trees[message.account] = message
            case messages.SystemStatus():
                self.status = message
            case messages.ProcessEvent() | messages.Gap() | messages.ClockJump() | messages.Difference():
                self.events.append((publish_ns, message))
            case messages.OrderState():
                self.orders[order_key(message)] = message
            case messages.Execution():
                self.fills[message.exec_id] = message
                while len(self.fills) > FILLS_KEPT:
                    self.fills.pop(next(iter(self.fills)))
            case messages.Commission():
                self.commissions[message.exec_id] = message
            case messages.TradingState():
                self.trading = message
            case _:
                pass

    def _apply_position(self, position: messages.Position) -> None:
        key = (position.account, position.con_id)
        if position.quantity == 0:
            self.positions.pop(key, None)
        else:
            self.positions[key] = position

    def account_names(self) -> list[str]:
        """Every account that has a margin figure or a position."""
        return sorted({*self.accounts, *(account for account, _ in self.positions)})


def newest(keys: NDArray[Any]) -> Sequence[int]:
    """Index of the last record of each key."""
    if keys.size == 0:
        return ()
    _, first = np.unique(keys[::-1], return_index=True)
    indices: list[int] = (keys.size - 1 - first).tolist()
    return indices


def text(value: Any) -> str:
    """A fixed-width byte field as text."""
    return bytes(value).rstrip(b"\0").decode("ascii", "replace")


def order_key(order: messages.OrderState) -> str:
    """The same order keeps its row when TWS gives it a permanent id."""
    return f"{order.client_id}-{order.order_id}" if order.order_id > 0 else f"perm-{order.perm_id}"
