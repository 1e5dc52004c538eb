"""The data client's process: one TWS connection in, one journaled and published stream out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import zmq

from pipeline import jit, messages
from pipeline.bus import sockets
from pipeline.bus.control import ControlServer, Request
from pipeline.bus.live import Stream
from pipeline.bus.opening import open_journal
from pipeline.clock import JumpWatch
from pipeline.ingest import latest
from pipeline.ingest.accounts import Accounts
from pipeline.ingest.book import Book
from pipeline.ingest.bulletins import Bulletins
from pipeline.ingest.checks import Checks
from pipeline.ingest.contracts import OPTIONS, Contracts
from pipeline.ingest.feeds import Feeds
from pipeline.ingest.handler import IngestHandler
from pipeline.ingest.history import History
from pipeline.ingest.instruments import Instruments
from pipeline.ingest.lookups import Lookups
from pipeline.ingest.market import Market
from pipeline.ingest.outage import Outage
from pipeline.ingest.part import Hub, Part
from pipeline.ingest.requests import Requests
from pipeline.ingest.watch import Watchlist
from pipeline.ingest.watching import Watching
from pipeline.messages import CancelRequest, Instrument, Message, Reply, StreamId
from pipeline.service import Service
from pipeline.tws import decode
from pipeline.tws.connection import Connection
from pipeline.tws.subscriptions import Priority, Want

STATE_EVERY_S = 1.0
CANCEL_S = 6.0  # at most, for the cancels to leave at TWS's pace
FENCE_S = 2.0
DRAIN_RECORD_S = 5.0


class Ingest(Service):
    """Reads one TWS; publishes and journals everything on the stream INGEST."""

    name = "ingest"

    def setup(self) -> None:
        with jit.warming(self.name):
            decode.warm()
            latest.warm()
        settings, directory = self.settings, self.runtime.state_dir / self.name
        self.journal = open_journal(self.runtime, StreamId.INGEST, settings.journal, self.clock)
        self.outage = Outage(directory)
        self.outage.started(self.journal.next_seq, self.journal.last_ns)
        self._socket = sockets.publisher(self.context, self.runtime.endpoint(self.name, "pub"))
        self.stream = Stream(StreamId.INGEST, self.clock, journal=self.journal, socket=self._socket)
        self.latest = latest.Latest()
        self.instruments = Instruments(directory / "contracts.json", self.clock.now_ns() / 1e9)
        self.watchlist = Watchlist(directory / "watchlist.json", settings.watchlist.symbols)
        self.book = Book()
        handler = IngestHandler(self)
        self.connection = Connection(
            self.name, settings, self.runtime, self.clock, handler,
            client_id=settings.tws.ingest_client_id, may_change_id=True,
        )  # fmt: skip
        self.requests = Requests(self.connection)
        self.control = ControlServer(
            self.context, self.runtime, self.name, self.clock, stream=self.stream, snapshot=self.snapshot,
            journals=[self.journal], keep_bytes=settings.journal.keep_bytes,
        )  # fmt: skip
        self._make_parts(directory)
        handler.listen(self.parts)
        self.wants_changed = False
        self._poller = zmq.Poller()
        self._poller.register(self.control.socket, zmq.POLLIN)
        self._was_ready = False
        self._state_due_s = 0.0
        self._jumps = JumpWatch(self.clock)
        for known in self.instruments.all():
            self.publish(known)

    def _make_parts(self, directory: Path) -> None:
        """The order is that in which they ask after a connect."""
        hub = Hub(
            self.settings, directory, self.clock, self.connection, self.requests, self.instruments,
            publish=self.publish, records=self.stream.records, answer=self._answer, lines_changed=self._want_again,
        )  # fmt: skip
        contracts = Contracts(hub)
        checks = Checks(hub, self.book, contracts)
        self.accounts = Accounts(hub, self.book, contracts, checks)
        self.contracts = contracts
        self.market = Market(hub, self.latest)
        self.feeds = Feeds(hub, contracts)
        self.parts: list[Part] = [
            self.accounts,
            checks,
            contracts,
            self.market,
            self.feeds,
            History(hub, contracts),
            Lookups(hub, contracts),
            Watching(hub, contracts, self.watchlist),
            Bulletins(hub),
        ]
        self._part_of = {kind: part for part in self.parts for kind in part.commands}

    # The loop.

    def step(self, timeout_ms: int) -> None:
        self.connection.register(self._poller)
        self._poller.poll(min(timeout_ms, self.connection.wait_ms()))
        self.connection.step()
        for request in self.control.receive():
            self._command(request)
        self.control.serve_waiting()
        now_s = self.clock.monotonic()
        self.requests.step(now_s)
        for part in self.parts:
            part.step(now_s)
        if self.wants_changed:
            self._choose_lines()
        if now_s >= self._state_due_s:
            self._each_second()
        self.stream.keep_alive(now_s)

    def _each_second(self) -> None:
        self.publish_state()
        self.instruments.save()
        if (moved_s := self._jumps.moved()) is not None:
            self.publish(messages.ClockJump(process=self.name, moved_s=moved_s))
            self.event("clock_jump", level=30, moved_s=moved_s)

    def _command(self, request: Request) -> None:
        """Every command goes to its part and is answered once."""
        if request.command is None:
            return  # another verb: nothing of ours
        if isinstance(request.command, CancelRequest):
            done = any(part.cancel(request.command.of) for part in self.parts)
            self._answer(request, done, "cancelled" if done else f"nothing is open for {request.command.of}")
            return
        part = self._part_of.get(type(request.command))
        if part is not None:
            part.handle(request, request.command)
            return
        text = f"ingest has no command {type(request.command).__name__}; orders and margin have others"
        self._answer(request, False, text)

    def _answer(self, request: Request, ok: bool, text: str, body: dict[str, Any] | None = None) -> None:
        assert request.command is not None
        self.control.reply(request, Reply(request_id=request.command.request_id, ok=ok, text=text, body=body or {}))

    # Publishing.

    def publish(self, message: Message) -> None:
        """Journal and publish one message."""
        self.stream.map(message)
        if isinstance(message, Instrument | messages.Position):
            self.wants_changed = True

    def publish_state(self) -> None:
        """The connection's state, each second and at every change."""
        self._state_due_s = self.clock.monotonic() + STATE_EVERY_S
        self.publish(self.connection.state_message())

    def snapshot(self) -> list[tuple[bytes, np.ndarray[Any, Any] | Message]]:
        """Everything that a late joiner needs, contracts first."""
        maps: list[Message] = [*self.instruments.all(), self.connection.state_message()]
        told = [(message.topic.encode(), message) for message in maps]
        return [*told, *(item for part in self.parts for item in part.items())]

    # What the connection tells (see handler.py).

    def on_ready(self) -> None:
        """TWS is there: ask for everything, and tell what was missed."""
        gap = self.outage.close(self.clock.now_ns())
        if gap is not None:
            self.publish(gap)
            self.outage.told()
        self._was_ready = True
        for part in self.parts:
            part.connected()

    def on_lost(self, reason: str) -> None:
        """The connection is gone, or an attempt failed."""
        if self._was_ready:
            self.outage.open(self.connection.last_recv_ns or self.clock.now_ns(), f"no connection to TWS: {reason}")
            self._was_ready = False
        self.requests.lost(reason)
        for part in self.parts:
            part.lost(reason)

    def _want_again(self) -> None:
        self.wants_changed = True

    def _choose_lines(self) -> None:
        """Underlyings of what is held first, then what is held, what somebody looks at, what is watched."""
        self.wants_changed = False
        held = self.book.held()
        wants: list[Want] = []
        for con_id, weight in held.items():
            known = self.instruments.get(con_id)
            is_option = known is not None and known.sec_type in OPTIONS
            wants.append(Want(con_id, Priority.HELD if is_option else Priority.UNDERLYING, weight))
            if known is not None and is_option and known.under_con_id:
                wants.append(Want(known.under_con_id, Priority.UNDERLYING, weight))
        wants += [Want(con_id, Priority.LEASED) for con_id in self.feeds.looked_at]
        wants += [Want(con_id, Priority.WATCHED) for con_id in self.watchlist.con_ids]
        for con_id in self.watchlist.con_ids:
            self.contracts.want(con_id)
        self.market.update(wants, held, self.watchlist.con_ids)

    # The end.

    def drain(self) -> None:
        """Cancel the market data, read what TWS had sent until then, end the stream, serve the writer."""
        if self.connection.ready:
            for part in self.parts:
                part.cancel_all()
            self._until(lambda: not len(self.connection.client.outbox), CANCEL_S)
            if self.connection.ready:
                self.connection.fence()
                fenced = self._until(lambda: not self.connection.session.waiting_probes, FENCE_S)
                self.event("fenced", complete=fenced)
        self.outage_from_stop()
        self.connection.close()
        self.instruments.save()
        self.outage.ended(self.stream.end())
        done = self.control.drain(DRAIN_RECORD_S)
        self.event("drained", committed=done, next_seq=self.stream.next_seq)

    def outage_from_stop(self) -> None:
        """An outage that is still open when we stop is told now; a stop on purpose is none."""
        gap = self.outage.close(self.clock.now_ns())
        if gap is not None:
            self.publish(gap)
            self.outage.told()

    def _until(self, done: Any, limit_s: float) -> bool:
        end_s = self.clock.monotonic() + limit_s
        while not done() and self.connection.ready and self.clock.monotonic() < end_s:
            self.connection.register(self._poller)
            self._poller.poll(10)
            self.connection.step()
            self.control.receive()
            self.beat_when_due()
        return bool(done())

    def beat_when_due(self) -> None:
        """The drain takes seconds: the supervisor hears from it meanwhile."""
        if self.clock.monotonic() >= self._beat_due:
            self.beat()

    def close(self) -> None:
        for name in ("connection", "journal"):
            if hasattr(self, name):
                getattr(self, name).close()
        if hasattr(self, "control"):
            self.control.socket.close(linger=0)
        if hasattr(self, "_socket"):
            self._socket.close(linger=0)

    def beat_detail(self) -> dict[str, Any]:
        if not hasattr(self, "control"):
            return {}
        session = self.connection.session
        return {
            "tws": session.state,
            "why": session.reason,
            "lines": len(self.market.lines),
            "frames": self.connection.client.frames,
            "bad": self.connection.client.bad_messages,
            "recording": self.stream.recording,
        }

    def beat_seq(self) -> int:
        return self.stream.next_seq - 1 if hasattr(self, "stream") else 0
