"""Each command is answered once: by its reply, or by the silence."""

from __future__ import annotations

from collections import deque
from typing import Any

from pipeline.messages import AnyCommand, CancelAll, Reply
from ui.desktop.commands import NO_ANSWER, Commands


class Carrier:
    def __init__(self) -> None:
        self.replies: deque[Reply] = deque()
        self.sent: list[tuple[str, AnyCommand]] = []

    def send(self, process: str, command: AnyCommand) -> None:
        self.sent.append((process, command))


def test_a_reply_comes_back_once(clock: Any) -> None:
    carrier, got = Carrier(), []
    commands = Commands(carrier, clock, "me")
    commands.send("orders", CancelAll(request_id="r1"), got.append)
    carrier.replies.extend(
        [Reply(request_id="r1", ok=True), Reply(request_id="r1", ok=True), Reply(request_id="x", ok=True)]
    )
    commands.pump()
    clock.s += 60
    commands.pump()
    assert [reply.ok for reply in got] == [True]


def test_silence_is_an_answer(clock: Any) -> None:
    carrier, got = Carrier(), []
    commands = Commands(carrier, clock, "me")
    commands.send("orders", CancelAll(request_id="r1"), got.append, answer_s=2.0)
    clock.s += 1.9
    commands.pump()
    assert got == []
    clock.s += 0.2
    commands.pump()
    assert not got[0].ok
    assert got[0].body == {NO_ANSWER: True}
    assert "orders" in got[0].text
