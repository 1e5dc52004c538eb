"""A source with a journal, run as a process: publishes numbered ticks, tells what it acknowledged, until SIGTERM.

Its arguments: state directory, ticks a frame, pause between frames in ms, frames in all (0: no end).
"""

from __future__ import annotations

import signal
import sys
import threading
from pathlib import Path

import numpy as np
import zmq

from pipeline import messages
from pipeline.bus import sockets
from pipeline.bus.control import ControlServer
from pipeline.bus.journal import Journal
from pipeline.bus.live import Stream
from pipeline.clock import SystemClock
from pipeline.runtime import Runtime


def main() -> None:
    state, batch, pause_ms, frames = Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4])
    stopping = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    clock, runtime, context = SystemClock(), Runtime(state), zmq.Context()
    directory = runtime.journal_dir("ingest")
    stream_id = messages.StreamId.INGEST
    journal = Journal(directory, stream_id, segment_bytes=1 << 20, sync_ms=4.0, max_bytes=1 << 30, clock=clock)
    publisher = sockets.publisher(context, runtime.endpoint("ingest", "pub"))
    stream = Stream(stream_id, clock, journal=journal, socket=publisher)
    last = np.zeros(1, messages.TICK)

    def snapshot() -> list[tuple[bytes, np.ndarray]]:
        return [(b"md.tick", last)]

    server = ControlServer(
        context, runtime, "ingest", clock, stream=stream, snapshot=snapshot, journals=[journal], keep_bytes=4 << 20
    )
    ticks = np.zeros(batch, messages.TICK)
    sent = 0
    while not stopping.is_set():
        if not frames or sent < frames:
            ticks["recv_ns"] = np.arange(stream.next_seq, stream.next_seq + batch)
            stream.records(b"md.tick", ticks)
            last[0] = ticks[-1]
            sent += 1
        stream.keep_alive(clock.monotonic())
        server.receive()
        print(journal.epoch, journal.durable_seq, sent, flush=True)
        if pause_ms or (frames and sent >= frames):
            server.socket.poll(pause_ms or 5)
    stream.end()
    print("drained", server.drain(), stream.next_seq, flush=True)
    server.socket.close()
    publisher.close()
    journal.close()
    sockets.terminate(context)


if __name__ == "__main__":
    main()
