"""Commands of the window: who waits for which reply, and for how long. Never blocks."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from pipeline.bus.control import new_request_id
from pipeline.clock import Clock
from pipeline.messages import AnyCommand, Reply

ANSWER_S = 5.0
NO_ANSWER = "no_answer"  # key in the body of a reply that stands for silence

OnReply = Callable[[Reply], None]


class Carrier(Protocol):
    """The reader, as far as commands go."""

    replies: deque[Reply]

    def send(self, process: str, command: AnyCommand) -> None:
        """Hand a command over."""
        ...


@dataclass
class _Waiting:
    process: str
    deadline_s: float
    on_reply: OnReply


class Commands:
    """Sends through the carrier; calls back in the GUI thread once for each command: the reply, or that none came."""

    def __init__(self, carrier: Carrier, clock: Clock, actor: str) -> None:
        self._carrier, self._clock, self.actor = carrier, clock, actor
        self._waiting: dict[str, _Waiting] = {}
        self.log: Callable[[str], None] = lambda _text: None

    def send(self, process: str, command: AnyCommand, on_reply: OnReply, answer_s: float = ANSWER_S) -> str:
        """Send one command; `on_reply` gets its reply, or one with ok=False and NO_ANSWER in its body."""
        deadline = self._clock.monotonic() + answer_s
        self._waiting[command.request_id] = _Waiting(process, deadline, on_reply)
        self._carrier.send(process, command)
        self.log(f"→ {process}: {describe(command)}")
        return command.request_id

    def pump(self) -> None:
        """Hand out replies and silences; called each frame."""
        while self._carrier.replies:
            reply = self._carrier.replies.popleft()
            waiting = self._waiting.pop(reply.request_id, None)
            if waiting is not None:
                self._answer(waiting, reply)
        now = self._clock.monotonic()
        for request_id in [r for r, waiting in self._waiting.items() if now >= waiting.deadline_s]:
            waiting = self._waiting.pop(request_id)
            text = f"no answer from {waiting.process}"
            self._answer(waiting, Reply(request_id=request_id, ok=False, text=text, body={NO_ANSWER: True}))

    def _answer(self, waiting: _Waiting, reply: Reply) -> None:
        self.log(f"← {waiting.process}: {'ok' if reply.ok else 'refused'} {reply.text}".rstrip())
        waiting.on_reply(reply)


def request_id() -> str:
    """A fresh one."""
    return new_request_id()


def describe(command: AnyCommand) -> str:
    """A command in a few words, for the log."""
    facts = [
        f"{name}={getattr(command, name)}"
        for name in ("symbol", "con_id", "order_id", "account", "client_key")
        if getattr(command, name, None)
    ]
    spec = getattr(command, "spec", None)
    if spec is not None:
        facts.append(f"{spec.side} {spec.quantity:g} #{spec.con_id} {spec.order_type} {spec.account}")
    return " ".join([str(type(command).__struct_config__.tag), *facts])
