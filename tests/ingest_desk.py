"""Ingest in this process, stepped by the test, with real sockets, a real journal, and a real subscriber beside it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import zmq

from pipeline import messages
from pipeline.bus import sockets
from pipeline.bus.control import CommandClient, new_request_id
from pipeline.bus.live import Subscriber
from pipeline.bus.reading import read_frames
from pipeline.config import parse
from pipeline.ingest.service import Ingest
from pipeline.runtime import Runtime

DEADLINE_S = 60.0


class Desk:
    """An ingest that the test steps, and what it has written."""

    def __init__(self, state: Path, port: int, **sections: dict[str, Any]) -> None:
        settings = {"gateway": {"enabled": False}, "tws": {"port": port, **sections.pop("tws", {})}, **sections}
        settings["journal"] = {"segment_bytes": 1 << 20}
        self.runtime = Runtime(state)
        self.runtime.prepare()
        self.runtime.settings_file.write_text(json.dumps(msgspec.to_builtins(parse(settings))))
        self.begin()

    def begin(self) -> None:
        self.ingest = Ingest(self.runtime)
        self.ingest.context = zmq.Context()
        self.ingest._supervisor = sockets.dealer(self.ingest.context, self.runtime.endpoint("supervisor", "ctl"))
        self.ingest.setup()
        self.open = True

    def run_until(self, done: Callable[[], object], deadline_s: float = DEADLINE_S) -> None:
        end = time.monotonic() + deadline_s
        while not done():
            assert time.monotonic() < end, f"not done in {deadline_s} s: {self.ingest.beat_detail()}"
            look_again = time.monotonic() + 0.05  # `done` may read the whole journal
            while time.monotonic() < look_again:
                self.ingest.step(5)

    def stop(self) -> None:
        """As by SIGTERM."""
        self.ingest.drain()
        self.kill()

    def kill(self) -> None:
        """As by kill -9, but for the journal's lock and threads, which a test can't leave behind."""
        if self.open:
            self.open = False
            self.ingest.close()
            self.ingest._supervisor.close(linger=0)
            sockets.terminate(self.ingest.context)

    def ask(self, **command: Any) -> messages.Reply:
        kind = command.pop("kind")
        client = CommandClient(self.ingest.context, self.runtime, "ingest", self.ingest.clock)
        replies: list[messages.Reply] = []
        client.send(kind(request_id=new_request_id(), **command))
        self.run_until(lambda: replies.extend(client.receive()) or replies)
        client.close()
        return replies[0]

    def subscriber(self) -> Subscriber:
        return Subscriber(self.ingest.context, self.runtime, "ingest", self.ingest.clock)

    def journal(self) -> list[Any]:
        """Everything journaled, in order: messages, and arrays of records."""
        if self.open:
            self.ingest.journal.sync()
        out: list[Any] = []
        for frame in read_frames(self.runtime.journal_dir("ingest")):
            records = frame.header.kind is messages.PayloadKind.RECORDS
            out.append(messages.records(frame) if records else messages.unpack(frame.payload))
        return out

    def kept(self, kind: type[Any]) -> list[Any]:
        return [item for item in self.journal() if isinstance(item, kind)]

    def ticks(self) -> np.ndarray[Any, Any]:
        found = [item for item in self.journal() if isinstance(item, np.ndarray) and item.dtype == messages.TICK]
        return np.concatenate(found) if found else np.zeros(0, dtype=messages.TICK)

    def whole(self) -> bool:
        """Both accounts were published in full."""
        return {s.account for s in self.kept(messages.AccountSnapshot) if s.complete} >= {"DU1", "DU2"}
