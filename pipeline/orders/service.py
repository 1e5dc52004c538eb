"""The order process: its loop and its sockets. Commands come in, TWS answers, everything is journaled and published."""

from __future__ import annotations

from typing import Any

import zmq

from pipeline import jit, messages
from pipeline.bus import sockets
from pipeline.bus.control import CommandClient, ControlServer
from pipeline.bus.live import Stream, Subscriber
from pipeline.bus.opening import open_journal
from pipeline.bus.reading import read_frames
from pipeline.clock import JumpWatch
from pipeline.messages import ClockJump, Message, PayloadKind, StreamId
from pipeline.orders.book import FINAL, Book
from pipeline.orders.broker import Broker
from pipeline.orders.desk import Desk
from pipeline.orders.previews import Previews
from pipeline.orders.view import MarketView
from pipeline.service import Service
from pipeline.tws import decode

TELL_EVERY_S = 5.0
STOP_FILE = "STOP"


class OrdersService(Service):
    """Trading is off after every start."""

    name = "orders"

    def setup(self) -> None:
        with jit.warming(self.name):
            decode.warm()
        journal = self.settings.journal
        self._journal = open_journal(self.runtime, StreamId.ORDERS, journal, self.clock)
        self.book = Book(self.settings.tws.orders_client_id)
        for frame in read_frames(self.runtime.journal_dir(self.name)):
            if frame.header.kind == PayloadKind.MAP:
                self.book.apply(messages.unpack(frame.payload))
        self._live = sockets.publisher(self.context, self.runtime.endpoint(self.name, "pub"))
        self.stream = Stream(StreamId.ORDERS, self.clock, journal=self._journal, socket=self._live)
        self._control = ControlServer(
            self.context,
            self.runtime,
            self.name,
            self.clock,
            stream=self.stream,
            snapshot=self._snapshot,
            journals=[self._journal],
            keep_bytes=journal.keep_bytes,
        )
        self._ingest = Subscriber(self.context, self.runtime, "ingest", self.clock)
        self._margin = CommandClient(self.context, self.runtime, "margin", self.clock)
        self._previews, self._view = Previews(), MarketView()
        self._broker = Broker(
            self.settings, self.runtime, self.clock, self.book, self._previews, self._publish, self._tws_changed
        )
        self.desk = Desk(
            self.settings,
            self.clock,
            self.book,
            self._view,
            self._broker,
            self._previews,
            self._margin,
            self._publish,
            self._control.reply,
            (self.runtime.state_dir / STOP_FILE).exists,
        )
        self._tell_due_s = 0.0
        self._was_ready, self._told = False, ""
        self._jumps = JumpWatch(self.clock)
        self._poller = zmq.Poller()
        for socket in (self._control.socket, self._margin.socket, *self._ingest.sockets):
            self._poller.register(socket, zmq.POLLIN)

    def step(self, timeout_ms: int) -> None:
        connection = self._broker.connection
        connection.register(self._poller)
        self._poller.poll(min(timeout_ms, connection.wait_ms()))
        connection.step()
        for item in self._ingest.receive():
            self._view.apply(item)
        for request in self._control.receive():
            self.desk.on_request(request)
        for reply in self._margin.receive():
            self.desk.on_model_reply(reply)
        self._on_timer()
        self.stream.keep_alive(self.clock.monotonic())

    def _on_timer(self) -> None:
        if self._view.positions_changed:
            self._view.positions_changed = False
            self._broker.refresh_soon()
        if (moved_s := self._jumps.moved()) is not None:
            self._publish(ClockJump(process=self.name, moved_s=moved_s))
            self.desk.disarm(f"the wall clock moved by {moved_s:.1f} s")
        self._broker.on_timer()
        self.desk.on_timer()
        if self.clock.monotonic() >= self._tell_due_s:
            self._tell_tws()

    def _tws_changed(self) -> None:
        ready = self._broker.connection.session.state == "READY"
        if self._was_ready and not ready:
            self.desk.disarm(f"TWS: {self._broker.connection.session.reason or self._broker.connection.session.state}")
        self._was_ready = ready
        if self._told != self._broker.connection.session.state:
            self._tell_tws()

    def _tell_tws(self) -> None:
        self._tell_due_s = self.clock.monotonic() + TELL_EVERY_S
        self._told = self._broker.connection.session.state
        self._publish(self._broker.connection.state_message())

    def _publish(self, message: Message, sync: bool = False) -> None:
        self.stream.map(message, sync)
        self.book.apply(message)

    def _snapshot(self) -> list[tuple[bytes, Any]]:
        finished = [order for order in self.book.orders.values() if order.status in FINAL][-500:]
        current: list[Message] = [
            self._broker.connection.state_message(),
            self.desk.trading_state(),
            *finished,
            *self.book.open_orders(),
            *list(self.book.executions.values())[-1000:],
            *list(self.book.commissions.values())[-1000:],
        ]
        return [(message.topic.encode(), message) for message in current]

    def drain(self) -> None:
        self.desk.disarm("the order process stops")
        self._broker.connection.close()
        self.stream.end()
        self._control.drain()

    def close(self) -> None:
        for part in ("_broker", "_ingest", "_margin", "_control", "_live", "_journal"):
            self._close_part(part)

    def _close_part(self, name: str) -> None:
        """A setup that failed half-way has not made them all."""
        part = getattr(self, name, None)
        match name:
            case _ if part is None:
                return
            case "_broker":
                part.connection.close()
            case "_control":
                part.socket.close(linger=0)
            case "_live":
                part.close(linger=0)
            case _:
                part.close()

    def beat_detail(self) -> dict[str, Any]:
        if not hasattr(self, "desk"):
            return {}
        return {
            "tws": self._broker.connection.session.state,
            "open_orders": len(self.book.open_orders()),
            "trading": "on" if self.desk.trading_state().enabled else "off",
        }

    def beat_seq(self) -> int:
        return self.stream.next_seq - 1 if hasattr(self, "stream") else 0
