"""How the supervisor speaks and listens: its journal, its stream, its ROUTER, its log, and status.json."""

from __future__ import annotations

import json
from collections.abc import Callable

import msgspec
import zmq

from pipeline import config, logs, messages
from pipeline.bus import sockets
from pipeline.bus.control import ControlServer, Request
from pipeline.bus.live import Stream
from pipeline.bus.opening import open_journal
from pipeline.clock import Clock
from pipeline.errors import JournalError, WireError
from pipeline.messages import Beat, ProcessEvent, StreamId, SystemStatus
from pipeline.runtime import Runtime

PROCESS = "supervisor"


class Voice:
    """Owns every socket and file of the supervisor itself."""

    def __init__(
        self, runtime: Runtime, settings: config.Journal, clock: Clock, status: Callable[[], SystemStatus]
    ) -> None:
        self._runtime = runtime
        self._status = status
        self._clock = clock
        self._ended = False
        self.bad = 0
        self.context: sockets.Context = zmq.Context()
        self._journal = open_journal(runtime, StreamId.SUPERVISOR, settings, clock)
        self._socket = sockets.publisher(self.context, runtime.endpoint(PROCESS, "pub"))
        self._stream = Stream(StreamId.SUPERVISOR, clock, journal=self._journal, socket=self._socket)
        self._control = ControlServer(
            self.context,
            runtime,
            PROCESS,
            clock,
            stream=self._stream,
            snapshot=lambda: [(SystemStatus.topic.encode(), status())],
            journals=[self._journal],
            keep_bytes=settings.keep_bytes,
        )

    def receive(self, timeout_ms: int) -> list[Beat]:
        """Beats that came within `timeout_ms`; everything else is answered here."""
        self._control.socket.poll(timeout_ms)
        beats: list[Beat] = []
        for request in self._control.receive():
            if request.verb == b"BEAT" and len(request.frames) == 1:
                try:
                    beats.append(messages.unpack_as(request.frames[0], Beat))
                except WireError:
                    self.bad += 1
            elif request.verb == b"STATUS":
                self._answer(request)
            elif request.command is not None:
                text = "the supervisor takes no commands; use run.py"
                self._control.reply(request, messages.Reply(request_id=request.command.request_id, ok=False, text=text))
        self._stream.keep_alive(self._clock.monotonic())
        self._control.serve_waiting()
        return beats

    def _answer(self, request: Request) -> None:
        try:
            self._control.socket.send_multipart(
                [request.peer, b"STATUS", messages.pack(self._status())], flags=zmq.NOBLOCK
            )
        except zmq.ZMQError:
            self.bad += 1  # it asked and left

    def event(self, process: str, name: str, pid: int = 0, text: str = "", exit_code: int | None = None) -> None:
        """Record and publish what happened to a process, and log it."""
        logs.event(PROCESS, name, of=process, of_pid=pid, text=text, exit_code=exit_code)
        self._publish(ProcessEvent(process=process, event=name, pid=pid, text=text, exit_code=exit_code))

    def publish_status(self) -> None:
        self._publish(self._status())

    def write_status(self) -> None:
        """status.json: what `run.py status` shows when the ROUTER doesn't answer."""
        path = self._runtime.state_dir / "status.json"
        fresh = path.with_suffix(".new")
        fresh.write_bytes(msgspec.json.encode(self._status()))
        fresh.replace(path)

    def end(self, deadline_s: float) -> bool:
        """Nothing is published any more; serve the writer until it has all of it. False: some stays in the journal."""
        if self._ended:
            return True
        self._ended = True
        self._stream.end()
        return self._control.drain(deadline_s)

    def close(self) -> None:
        """Close journal and sockets; linger 0."""
        self._journal.close()
        self._control.socket.close(linger=0)
        self._socket.close(linger=0)
        sockets.terminate(self.context)

    def _publish(self, message: messages.Message) -> None:
        if self._ended:
            return
        try:
            self._stream.map(message)
        except JournalError as error:  # the run goes on; what can't be recorded any more stands in the log
            logs.event(PROCESS, "journal_failed", level=40, text=str(error), lost=json.dumps(str(message))[:500])
            self._ended = True
