"""The ROUTER of a process and the DEALER of those who ask it: snapshots, fetches, commands."""

from __future__ import annotations

import contextlib
import secrets
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgpack
import numpy as np
import zmq

from pipeline import messages
from pipeline.bus import sockets
from pipeline.bus.journal import Journal
from pipeline.bus.live import Stream, pack_snapshot
from pipeline.bus.serving import FetchServer
from pipeline.clock import Clock
from pipeline.errors import WireError
from pipeline.messages import AnyCommand, Message, Reply, StreamId
from pipeline.runtime import Runtime

KEEP_BYTES = 1 << 30
MAX_BAD = 10
MAX_BAD_PEERS = 1000
MAX_COMMAND_BYTES = 1 << 20
UNSENT_S = 2.0  # a command that found no connection is refused after this; it never arrives late
DRAIN_WITHOUT_WRITER_S = 1.0

Snapshot = Callable[[], list[tuple[bytes, "np.ndarray[Any, Any] | Message"]]]


def new_request_id() -> str:
    """Unique for ever."""
    return secrets.token_hex(12)


@dataclass(frozen=True)
class Request:
    """What somebody asks of a process: a command, or another verb with its frames."""

    peer: bytes
    command: AnyCommand | None = None
    verb: bytes = b"COMMAND"
    frames: list[bytes] = field(default_factory=list)


class ControlServer:
    """Answers SNAPSHOT, FETCH and COMMITTED itself; hands out commands and other verbs."""

    def __init__(
        self,
        context: sockets.Context,
        runtime: Runtime,
        process: str,
        clock: Clock,
        *,
        stream: Stream,
        snapshot: Snapshot,
        journals: Sequence[Journal] = (),
        keep_bytes: int = KEEP_BYTES,
    ) -> None:
        self.bad = 0
        self._process = process
        self._clock = clock
        self._stream = stream
        self._snapshot = snapshot
        self._journals = list(journals)
        self._bad_of: dict[bytes, int] = {}
        self.socket = sockets.router(context, runtime.endpoint(process, "ctl"))
        self._fetches = FetchServer(self._journals, keep_bytes)

    @property
    def writer_away(self) -> bool:
        """The writer said that PostgreSQL is away."""
        return self._fetches.writer_away

    def committed(self, stream: StreamId) -> int:
        """The seq of `stream` from which the writer has committed nothing yet, as it last told; 0 if it never did."""
        return self._fetches.committed(stream)

    def receive(self, limit: int = 100) -> list[Request]:
        """Requests that are not answered here; never blocks."""
        requests: list[Request] = []
        for _ in range(limit):
            try:
                parts = self.socket.recv_multipart(zmq.NOBLOCK)
            except zmq.Again:
                break
            peer = parts[0]
            if self._bad_of.get(peer, 0) >= MAX_BAD:  # a new connection is a new peer
                self.bad += 1
                continue
            try:
                request = self._dispatch(peer, parts[1:])
            except WireError as error:
                self._note_bad(peer, parts, error)
                continue
            if request is not None:
                requests.append(request)
        self.serve_waiting()
        return requests

    def _dispatch(self, peer: bytes, parts: list[bytes]) -> Request | None:
        match parts:
            case [b"FETCH", body]:
                self._fetches.on_fetch(peer, body)
            case [b"COMMITTED", body]:
                self._fetches.on_committed(body)
            case [b"AWAY", body]:
                self._fetches.on_away(body)
            case [b"SNAPSHOT", body] if len(body) == 8:
                request = struct.unpack("<Q", body)[0]
                self._send(peer, pack_snapshot(request, self._stream, self._snapshot(), self._clock.now_ns()))
            case [b"COMMAND", body]:
                if len(body) > MAX_COMMAND_BYTES:
                    raise WireError(f"expected a command of at most {MAX_COMMAND_BYTES} bytes, found {len(body)}")
                return Request(peer, messages.unpack_as(body, AnyCommand))  # type: ignore[arg-type]
            case [b"FETCH" | b"COMMITTED" | b"AWAY" | b"SNAPSHOT" | b"COMMAND", *_] | []:
                raise WireError(f"expected another number of parts, found {len(parts)}")
            case [verb, *frames]:
                return Request(peer, None, verb, frames)
        return None

    def _note_bad(self, peer: bytes, parts: list[bytes], error: WireError) -> None:
        self.bad += 1
        if len(self._bad_of) >= MAX_BAD_PEERS:
            self._bad_of.pop(next(iter(self._bad_of)))
        self._bad_of[peer] = self._bad_of.get(peer, 0) + 1
        if len(parts) == 3 and parts[1] == b"COMMAND":
            self._send(peer, [b"REPLY", messages.pack(Reply(request_id=_id_in(parts[2]), ok=False, text=str(error)))])

    def reply(self, request: Request, reply: Reply) -> None:
        """Answer a request; a peer that is gone gets nothing, and nothing breaks."""
        self._send(request.peer, [b"REPLY", messages.pack(reply)])

    def serve_waiting(self) -> None:
        """Answer the FETCHes whose data became durable since. Call it in each loop."""
        for peer, parts in self._fetches.answers():
            self._send(peer, parts)

    def drain(self, deadline_s: float = 5.0) -> bool:
        """After Stream.end(): serve fetches until all is committed (True), the time is over or PostgreSQL is away."""
        for journal in self._journals:
            journal.sync()
        start = self._clock.monotonic()
        while not (done := self._fetches.all_committed()):
            passed = self._clock.monotonic() - start
            nobody = not self._fetches.heard and passed > DRAIN_WITHOUT_WRITER_S
            if passed > deadline_s or self.writer_away or nobody:
                break
            self.socket.poll(20)
            for request in self.receive():
                if request.command is not None:
                    text = f"{self._process} is stopping; nothing was done"
                    self.reply(request, Reply(request_id=request.command.request_id, ok=False, text=text))
        return done

    def _send(self, peer: bytes, parts: list[bytes]) -> None:
        with contextlib.suppress(zmq.Again, zmq.ZMQError):  # it does not read, or has left: it asks again when it lives
            self.socket.send_multipart([peer, *parts], zmq.NOBLOCK)


def _id_in(body: bytes) -> str:
    """The request_id of a command that could not be understood; empty where even that is not there."""
    try:
        value = msgpack.unpackb(body, raw=False)
    except Exception:  # msgpack has many kinds of errors for bad bytes
        return ""
    found = value.get("request_id", "") if isinstance(value, dict) else ""
    return found if isinstance(found, str) else ""


class CommandClient:
    """Sends commands to one process and collects the replies."""

    def __init__(self, context: sockets.Context, runtime: Runtime, process: str, clock: Clock) -> None:
        self.process = process
        self._clock = clock
        self.socket = sockets.dealer(context, runtime.endpoint(process, "ctl"))
        self._unsent: list[tuple[float, str, bytes]] = []
        self._refused: list[Reply] = []
        self.bad = 0

    def send(self, command: AnyCommand) -> str:
        """Send it, or keep it at most two seconds for a connection; returns its request_id."""
        self._unsent.append((self._clock.monotonic(), command.request_id, messages.pack(command)))
        self._flush()
        return command.request_id

    def _flush(self) -> None:
        while self._unsent:
            since, request_id, body = self._unsent[0]
            if self._clock.monotonic() - since > UNSENT_S:
                text = f"{self.process} is not there; nothing was sent"
                self._refused.append(Reply(request_id=request_id, ok=False, text=text))
            else:
                try:
                    self.socket.send_multipart([b"COMMAND", body], zmq.NOBLOCK)
                except zmq.Again:
                    return
            self._unsent.pop(0)

    def receive(self) -> list[Reply]:
        """Replies that have come; never blocks. A command that found nobody is answered with ok=False."""
        self._flush()
        replies, self._refused = self._refused, []
        while True:
            try:
                parts = self.socket.recv_multipart(zmq.NOBLOCK)
            except zmq.Again:
                return replies
            try:
                if len(parts) != 2 or parts[0] != b"REPLY":
                    raise WireError("expected a REPLY")
                replies.append(messages.unpack_as(parts[1], Reply))
            except WireError:
                self.bad += 1

    def ask(self, command: AnyCommand, timeout_s: float = 5.0) -> Reply:
        """Send it and wait for its reply; other replies that come meanwhile are kept for receive()."""
        deadline = self._clock.monotonic() + timeout_s
        request_id = self.send(command)
        others: list[Reply] = []
        answer = None
        while answer is None and self._clock.monotonic() < deadline:
            self.socket.poll(20)
            for reply in self.receive():
                if reply.request_id == request_id:
                    answer = reply
                else:
                    others.append(reply)
        self._refused += others
        if answer is not None:
            return answer
        self._unsent = [unsent for unsent in self._unsent if unsent[1] != request_id]
        return Reply(request_id=request_id, ok=False, text=f"no answer from {self.process} in {timeout_s:g} s")

    def close(self) -> None:
        self.socket.close(linger=0)
