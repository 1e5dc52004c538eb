"""The margin process: ingest's and orders' streams in, figures out. The only file of this package that talks."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import msgspec
import numpy as np
import zmq

from pipeline import jit, messages
from pipeline.bus.control import ControlServer, Request
from pipeline.bus.live import Reset, Stream, Subscriber
from pipeline.bus.opening import open_journal
from pipeline.bus.sockets import publisher
from pipeline.histogram import Histogram
from pipeline.messages import Explain, Frame, PayloadKind, Reply, StreamId, WhatIf
from pipeline.service import Service

ROLE = "margin"
FILL_WAIT_S = 1.0  # an execution and its position come apart by less than this
MANY_FRAMES = 2000  # of one pass: then it computes, so a flood can't starve the figures
KNOWN_EXECUTIONS = 10_000
REVALUE_EVERY_S = 60.0  # time to expiry and dated rates move by themselves


class MarginService(Service):
    """Recomputes at every batch of ticks; under load one batch is everything that waits."""

    name = ROLE

    def setup(self) -> None:
        with jit.warming(ROLE):
            from pipeline.margin.warmup import warm_up

            warm_up()
        self.open()

    def open(self) -> None:
        """Sockets, journal and state, after the kernels are there."""
        from pipeline.margin.book import Book
        from pipeline.margin.desk import Desk
        from pipeline.margin.levels import Thresholds
        from pipeline.margin.publish import Publisher
        from pipeline.margin.rules.rates import RateBook

        margin, journal = self.settings.margin, self.settings.journal
        self._journal = open_journal(self.runtime, StreamId.MARGIN_RECORD, journal, self.clock)
        self._record = Stream(StreamId.MARGIN_RECORD, self.clock, journal=self._journal)
        self._pub = publisher(self.context, self.runtime.endpoint(ROLE, "pub"))
        self._live = Stream(StreamId.MARGIN, self.clock, socket=self._pub)
        self._publisher = Publisher(self._live, self._record, margin.record_every_s)
        self._control = ControlServer(
            self.context,
            self.runtime,
            ROLE,
            self.clock,
            stream=self._live,
            snapshot=self._publisher.snapshot,
            journals=[self._journal],
            keep_bytes=journal.keep_bytes,
        )
        self._book = Book(RateBook(margin.rule_set, margin.house_rates))
        thresholds = Thresholds(margin.caution_cushion, margin.warn_excess_of_maintenance)
        self._desk = Desk(self._book, self._publisher, thresholds, margin.rule_set)
        self._ingest = Subscriber(self.context, self.runtime, "ingest", self.clock)
        self._orders = Subscriber(self.context, self.runtime, "orders", self.clock)
        self._latency = Histogram.open(self.runtime.state_dir / "margin" / "latency.bin")
        self._poller = zmq.Poller()
        for socket in [*self._ingest.sockets, *self._orders.sockets, self._control.socket]:
            self._poller.register(socket, zmq.POLLIN)
        self._executions: OrderedDict[str, None] = OrderedDict()
        self._revalue_due = 0.0

    def step(self, timeout_ms: int) -> None:
        self._poller.poll(timeout_ms)
        now = self.clock.monotonic()
        self._read_orders(now)
        oldest, newest = self._read_ingest()
        self._desk.set_stale(self._ingest.stale or not self._book.tws_ready)
        if now >= self._revalue_due:
            self._revalue_due = now + REVALUE_EVERY_S
            self._book.structure_changed = True
        if self._desk.update(now, oldest, newest) and oldest:
            self._latency.add(self.clock.now_ns() - oldest)
        self._desk.on_time(now)
        for request in self._control.receive():
            self._control.reply(request, self._answer(request))
        self._live.keep_alive(now)
        self._control.serve_waiting()

    def _read_ingest(self) -> tuple[int, int]:
        """Apply everything that waits; (oldest, newest) receive time of the ticks that move a figure, 0: none."""
        oldest, newest, frames = 0, 0, 0
        while frames < MANY_FRAMES:
            batch = self._ingest.receive()
            if not batch:
                break
            frames += len(batch)
            for item in batch:
                if isinstance(item, Reset):
                    self._book.forget()
                    continue
                first, last = self._apply(item)
                if first:
                    oldest = min(oldest, first) if oldest else first
                    newest = max(newest, last)
        return oldest, newest

    def _apply(self, frame: Frame) -> tuple[int, int]:
        self._desk.input_seq = frame.next_seq - 1
        if frame.header.kind is PayloadKind.RECORDS:
            if frame.topic == b"md.tick":
                moved, first, last = self._book.ticks(messages.records(frame))
                return (first, last) if moved else (0, 0)
            if frame.topic == b"md.option":
                self._book.options(messages.records(frame))
        elif frame.header.kind is PayloadKind.MAP:
            self._book.on(messages.unpack(frame.payload))
        return 0, 0

    def _read_orders(self, now: float) -> None:
        """Executions alone matter here: a fill is kept with the figures that follow it."""
        for item in self._orders.receive():
            if isinstance(item, Reset) or item.topic != b"ord.execution":
                continue
            execution = messages.unpack(item.payload)
            assert isinstance(execution, messages.Execution)
            fresh = self.clock.now_ns() - execution.recv_ns < 10 * 10**9
            if execution.exec_id not in self._executions and fresh:
                self._desk.on_fill(execution.account, now)
            self._executions[execution.exec_id] = None
            if len(self._executions) > KNOWN_EXECUTIONS:
                self._executions.popitem(last=False)

    def _answer(self, request: Request) -> Reply:
        from pipeline.margin.whatif import WhatIfError, what_if

        match request.command:
            case Explain(request_id=request_id, account=account):
                tree = self._desk.tree(account)
                if tree is None:
                    return Reply(request_id=request_id, ok=False, text=f"no figures of account {account!r} yet")
                return Reply(request_id=request_id, ok=True, body={"tree": msgspec.to_builtins(tree)})
            case WhatIf(request_id=request_id, account=account, trades=trades):
                try:
                    return Reply(request_id=request_id, ok=True, body=what_if(self._book, account, trades))
                except WhatIfError as error:
                    return Reply(request_id=request_id, ok=False, text=str(error))
            case None:
                return Reply(request_id="", ok=False, text=f"margin knows no verb {request.verb!r}")
            case other:
                text = f"margin answers explain and what_if, found {type(other).__name__}"
                return Reply(request_id=other.request_id, ok=False, text=text)

    def drain(self) -> None:
        """Nothing more is produced; serve what is recorded until the writer has it."""
        self._live.end()
        self._record.end()
        self._control.drain()

    def close(self) -> None:
        for name in ("_ingest", "_orders", "_journal", "_latency"):
            if hasattr(self, name):
                getattr(self, name).close()
        for name in ("_control", "_pub"):
            if hasattr(self, name):
                found = getattr(self, name)
                getattr(found, "socket", found).close(linger=0)

    def beat_detail(self) -> dict[str, Any]:
        if not hasattr(self, "_desk"):
            return {}
        accounts = list(self._publisher.kept.values())
        return {
            "accounts": len(accounts),
            "updates": self._publisher.updates,
            "worst_level": max((int(kept.record[0]["level"]) for kept in accounts), default=0),
            "recompute_ms": self._desk.recompute_ms,
            "stale": self._desk.stale,
            "gaps": self._ingest.gaps,
            "bad": self._ingest.bad,
            "recording": self._record.recording,
        }

    def beat_seq(self) -> int:
        return int(np.int64(self._live.next_seq - 1)) if hasattr(self, "_live") else 0
