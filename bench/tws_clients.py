"""Three clients of TWS's protocol on what a `Sender` sends: ours, stock ibapi, ib_async; callbacks do nothing.

Each function gives the time of the last frame (`time.perf_counter`), or None where a peer lost the end. `delays`, if
given, gets how long after it was due each tick was handed out, in ms.
"""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import select
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from typing import Any

import ibapi.client
import zmq
from ib_async.client import Client
from ibapi.client import EClient
from ibapi.wrapper import EWrapper

from bench.tws_sender import END_REQUEST, TICKERS, Order, Sender
from pipeline.bus import sockets
from pipeline.bus.live import Stream
from pipeline.bus.opening import open_journal
from pipeline.clock import SystemClock
from pipeline.config import Journal as JournalSettings
from pipeline.ingest.latest import Latest
from pipeline.messages import StreamId
from pipeline.runtime import Runtime
from pipeline.tws.callbacks import Callbacks
from pipeline.tws.client import TwsClient

GIVE_UP_S = 120.0
Delays = list[Any]  # arrays or single values, ms
Client_ = Callable[[Sender, Order, Delays | None], float | None]


class _Ours(Callbacks):
    """Nothing is done with the records, or they go into a stream."""

    def __init__(self, latest: Latest | None, stream: Stream | None, delays: Delays | None) -> None:
        super().__init__()
        self._latest, self._stream, self._delays = latest, stream, delays
        self.end_s, self.seen, self.known = 0.0, 0, 0

    def greeted(self) -> None: ...

    def managedAccounts(self, accountsList: str) -> None:
        self.known += 1

    def nextValidId(self, orderId: int) -> None:
        self.known += 1

    def ticks(self, records: Any, slots: Any) -> None:
        self.seen += len(records)
        if self._latest is not None and self._stream is not None:
            self._latest.ticks(records, slots)
            self._stream.records(b"md.tick", records)
        if self._delays is not None:
            self._delays.append(time.perf_counter() * 1e3 - records["size"] / 1e3)

    def contractDetailsEnd(self, reqId: int) -> None:
        self.end_s = time.perf_counter()


def ours(
    sender: Sender, order: Order, delays: Delays | None = None, publish: tuple[Latest, Stream] | None = None
) -> float | None:
    """Our client; with `publish` each tick goes through the latest values and a journal to subscribers."""
    latest, stream = publish if publish is not None else (None, None)
    handler = _Ours(latest, stream, delays)
    client = TwsClient(handler, messages_per_s=1e9)
    sender.prepare(order)
    client.dial("127.0.0.1", sender.port, 1)

    def turn() -> None:
        client.flush(time.monotonic())
        select.select([client.fileno()], [], [], 0.05)
        client.pump(time.time_ns(), 0)

    while handler.known < 2:
        turn()
    for request in range(1, TICKERS + 1):
        client.lines.add(request, 1000 + request, latest.slot(1000 + request) if latest else request)
    sender.release()
    while not handler.end_s:
        turn()
    client.hang_up()
    sender.done()
    assert client.bad_messages == 0
    assert handler.seen == client.frames - 3
    return handler.end_s


def published(sender: Sender, order: Order, delays: Delays | None = None) -> float | None:
    """Ours with the latest values, a synced journal, and a subscriber in another process."""
    with tempfile.TemporaryDirectory(prefix="md-bench-") as name, _stream(Path(name)) as publish:
        return ours(sender, order, delays, publish)


@contextlib.contextmanager
def _stream(directory: Path) -> Iterator[tuple[Latest, Stream]]:
    runtime, clock, context = Runtime(directory), SystemClock(), zmq.Context()
    runtime.prepare()
    journal = open_journal(runtime, StreamId.INGEST, JournalSettings(), clock)
    endpoint = runtime.endpoint("ingest", "live")
    socket = sockets.publisher(context, endpoint)
    spawn = multiprocessing.get_context("spawn")
    pipe, theirs = spawn.Pipe()
    reader = spawn.Process(target=_subscribe, args=(endpoint, theirs), daemon=True)
    reader.start()
    pipe.recv()
    try:
        yield Latest(), Stream(StreamId.INGEST, clock, journal=journal, socket=socket)
    finally:
        reader.kill()
        reader.join()
        journal.close()
        socket.close(linger=0)
        sockets.terminate(context)


def _subscribe(endpoint: str, pipe: Pipe) -> None:
    context = zmq.Context()
    socket = sockets.subscriber(context, endpoint)
    socket.setsockopt(zmq.SUBSCRIBE, b"")
    pipe.send("ready")
    while True:
        socket.recv_multipart(copy=False)


def stock_ibapi(sender: Sender, order: Order, delays: Delays | None = None) -> float | None:
    """The stock EClient: its reader thread, its queue, its run()."""
    done, ready = threading.Event(), threading.Event()

    class Wrapper(EWrapper):  # type: ignore[misc]
        end_s = 0.0

        def nextValidId(self, orderId: int) -> None:
            ready.set()

        def tickSize(self, reqId: int, tickType: int, size: Any) -> None:
            if delays is not None:
                delays.append(time.perf_counter() * 1e3 - float(size) / 1e3)

        def tickPrice(self, *arguments: Any) -> None: ...
        def tickString(self, *arguments: Any) -> None: ...
        def managedAccounts(self, *arguments: Any) -> None: ...
        def connectAck(self) -> None: ...
        def connectionClosed(self) -> None: ...
        def error(self, *arguments: Any) -> None: ...

        def contractDetailsEnd(self, reqId: int) -> None:
            self.end_s = time.perf_counter()
            done.set()

    wrapper = Wrapper()
    client = EClient(wrapper)
    sender.prepare(order)
    ibapi.client.MAX_CLIENT_VER = 200
    client.connect("127.0.0.1", sender.port, 1)
    thread = threading.Thread(target=client.run)
    thread.start()
    ready.wait(30)
    sender.release()
    finished = done.wait(order.seconds * 2 or GIVE_UP_S)
    sender.done()
    client.disconnect()
    thread.join(30)
    client.reader = None
    return wrapper.end_s if finished else None


def ib_async(sender: Sender, order: Order, delays: Delays | None = None) -> float | None:
    """ib_async's Client and Decoder."""

    class Wrapper:
        """Every callback exists and does nothing."""

        end_s = 0.0
        done: asyncio.Event

        def __getattr__(self, name: str) -> Callable[..., None]:
            def nothing(*arguments: Any, **named: Any) -> None:
                return None

            self.__dict__[name] = nothing  # found at once the next time
            return nothing

        def contractDetailsEnd(self, reqId: int) -> None:
            assert reqId == END_REQUEST
            self.end_s = time.perf_counter()
            self.done.set()

    async def go() -> float:
        wrapper = Wrapper()
        wrapper.done = asyncio.Event()
        client = Client(wrapper)
        sender.prepare(order)
        await client.connectAsync("127.0.0.1", sender.port, 1, timeout=10)
        sender.release()
        await asyncio.wait_for(wrapper.done.wait(), GIVE_UP_S)
        client.disconnect()
        return wrapper.end_s

    end_s = asyncio.run(go())
    sender.done()
    return end_s
