"""Commands, replies, and what bad bytes get, over real sockets."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import zmq

from pipeline import messages
from pipeline.bus import sockets
from pipeline.bus.control import CommandClient, ControlServer, new_request_id
from pipeline.bus.journal import Journal
from pipeline.bus.live import Stream, Subscriber
from pipeline.clock import SystemClock
from pipeline.messages import Reply, StreamId
from pipeline.runtime import Runtime

Until = Callable[..., None]


class Margin:
    """A process in a thread: publishes one message a loop, answers `explain`, echoes other verbs."""

    def __init__(self, runtime: Runtime) -> None:
        self.stopping = threading.Event()
        self.answering = True
        self.heard: list[bytes] = []
        self.bad = 0
        self._runtime = runtime
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        clock, context = SystemClock(), zmq.Context()
        publisher = sockets.publisher(context, self._runtime.endpoint("margin", "pub"))
        stream = Stream(StreamId.MARGIN, clock, socket=publisher)
        server = ControlServer(context, self._runtime, "margin", clock, stream=stream, snapshot=list)
        while not self.stopping.is_set():
            server.socket.poll(5)
            stream.map(messages.ClockJump(process="margin", moved_s=1.0))
            stream.keep_alive(clock.monotonic())
            for request in server.receive():
                self.heard.append(request.verb)
                if request.command is not None and self.answering:
                    reply = Reply(request_id=request.command.request_id, ok=True, text=type(request.command).__name__)
                    server.reply(request, reply)
            self.bad = server.bad
        server.socket.close()
        publisher.close()
        sockets.terminate(context)

    def stop(self) -> None:
        self.stopping.set()
        self._thread.join(timeout=20)


@pytest.fixture
def margin(runtime: Runtime) -> Iterator[Margin]:
    made = Margin(runtime)
    yield made
    made.stop()


@pytest.fixture
def client(runtime: Runtime, context: Any, clock: SystemClock) -> Iterator[CommandClient]:
    made = CommandClient(context, runtime, "margin", clock)
    yield made
    made.close()


def explain() -> messages.Explain:
    return messages.Explain(request_id=new_request_id(), account="DU1")


def test_a_command_is_answered(margin: Margin, client: CommandClient) -> None:
    command = explain()
    reply = client.ask(command)
    assert (reply.ok, reply.text, reply.request_id) == (True, "Explain", command.request_id)


def test_many_commands_get_their_own_replies(margin: Margin, client: CommandClient, until: Until) -> None:
    sent = {client.send(explain()) for _ in range(50)}
    got: list[str] = []
    until(lambda: (got.extend(reply.request_id for reply in client.receive()), len(got) == 50)[1])
    assert set(got) == sent


def test_no_answer_is_told_in_words(margin: Margin, client: CommandClient) -> None:
    margin.answering = False
    reply = client.ask(explain(), timeout_s=0.5)
    assert not reply.ok
    assert reply.text == "no answer from margin in 0.5 s"


def test_a_command_to_nobody_is_refused_and_never_arrives_late(
    runtime: Runtime, client: CommandClient, until: Until
) -> None:
    sent = client.send(explain())
    got: list[Reply] = []
    until(lambda: (got.extend(client.receive()), got)[1])
    assert [(reply.request_id, reply.ok) for reply in got] == [(sent, False)]
    assert "margin is not there" in got[0].text
    margin = Margin(runtime)
    assert client.ask(explain()).ok
    margin.stop()
    assert margin.heard == [b"COMMAND"]


def test_a_client_finds_the_process_again_after_its_restart(
    runtime: Runtime, client: CommandClient, until: Until
) -> None:
    """A command that went down with the old connection gets no answer and is not repeated; the next one arrives."""
    for _ in range(3):
        margin = Margin(runtime)
        until(lambda: client.ask(explain(), timeout_s=2.0).ok)
        margin.stop()


def test_other_verbs_are_handed_out(margin: Margin, runtime: Runtime, context: Any, until: Until) -> None:
    dealer = sockets.dealer(context, runtime.endpoint("margin", "ctl"))
    until(lambda: dealer.poll(1, zmq.POLLOUT))
    dealer.send_multipart([b"BEAT", b"body"])
    until(lambda: margin.heard == [b"BEAT"])
    dealer.close()


def test_a_command_that_makes_no_sense_is_answered_with_the_reason(
    margin: Margin, runtime: Runtime, context: Any, until: Until
) -> None:
    import msgpack

    dealer = sockets.dealer(context, runtime.endpoint("margin", "ctl"))
    until(lambda: dealer.poll(1, zmq.POLLOUT))
    dealer.send_multipart([b"COMMAND", msgpack.packb({"verb": "explain", "request_id": "r1", "account": 7})])
    assert dealer.poll(20_000)
    reply = messages.unpack_as(dealer.recv_multipart()[1], Reply)
    assert (reply.request_id, reply.ok) == ("r1", False)
    assert "account" in reply.text
    dealer.close()


def test_bytes_of_any_kind_hurt_nobody_and_ten_bad_ones_silence_a_peer(
    margin: Margin, runtime: Runtime, context: Any, client: CommandClient, until: Until
) -> None:
    dealer = sockets.dealer(context, runtime.endpoint("margin", "ctl"))
    until(lambda: dealer.poll(1, zmq.POLLOUT))
    rng = random.Random(5)
    verbs = [b"COMMAND", b"FETCH", b"COMMITTED", b"AWAY", b"SNAPSHOT"]
    for _ in range(200):
        body = rng.randbytes(rng.choice([0, 1, 5, 22, 200]))
        dealer.send_multipart([rng.choice(verbs), body, *([b"more"] * rng.choice([0, 0, 1]))])
    until(lambda: margin.bad >= 190)
    heard = len(margin.heard)
    dealer.send_multipart([b"BEAT", b"ignored"])
    assert client.ask(explain()).ok
    assert b"BEAT" not in margin.heard[heard:]
    dealer.close()


def test_bad_bytes_on_the_live_lane_are_counted_and_the_stream_goes_on(
    runtime: Runtime, context: Any, clock: SystemClock, until: Until
) -> None:
    endpoint = runtime.endpoint("margin", "pub")
    publisher = sockets.publisher(context, endpoint)
    subscriber = Subscriber(context, runtime, "margin", clock)
    until(lambda: publisher.poll(1))  # the subscription has come
    for parts in ([b"x"], [b"t", b"h", b"p"], [b"", b"", b"", b""]):
        publisher.send_multipart(parts)
    until(lambda: (subscriber.receive(), subscriber.bad == 3)[1])
    publisher.close()
    margin = Margin(runtime)
    until(lambda: (subscriber.receive(), not subscriber.stale)[1])
    margin.stop()
    subscriber.close()


def test_a_process_that_stops_says_so(runtime: Runtime, context: Any, clock: SystemClock, tmp_path: Any) -> None:
    journal = Journal(
        tmp_path / "j", StreamId.ORDERS, segment_bytes=1 << 16, sync_ms=1.0, max_bytes=1 << 30, clock=clock
    )
    stream = Stream(StreamId.ORDERS, clock, journal=journal)
    stream.map(messages.ClockJump(process="orders", moved_s=1.0))  # nobody commits it
    server = ControlServer(context, runtime, "orders", clock, stream=stream, snapshot=list, journals=[journal])
    client = CommandClient(context, runtime, "orders", clock)
    drained: list[bool] = []
    stopping = threading.Thread(target=lambda: drained.append(server.drain(deadline_s=1.0)))
    stopping.start()
    reply = client.ask(messages.CancelAll(request_id=new_request_id()))
    stopping.join()
    assert (reply.ok, reply.text) == (False, "orders is stopping; nothing was done")
    assert drained == [False]
    client.close()
    server.socket.close()
    journal.close()


def test_a_context_with_open_sockets_ends_in_time(runtime: Runtime) -> None:
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    dealer = sockets.dealer(context, runtime.endpoint("nobody", "ctl"))
    sockets.terminate(context)
    assert dealer.closed
    assert context.closed
