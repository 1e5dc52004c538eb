"""What a gateway says in a conversation through every request, as payloads; and the same with wounds. Seeded."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pipeline import config
from pipeline.gateway import alone
from pipeline.gateway.faults.tell import tell
from tests.integration.gateway import conversation
from tests.integration.gateway.listening import Heard, ibapi_heard
from tests.integration.gateway.mutations import mutated

OPTIONS = (
    "--day", "2026-11-23", "--messages-per-s", "1000", "--history-same", "1000", "--history-in-10-min", "1000",
    "--history-identical-s", "0", "--depth", "100", "--tick-by-tick", "100", "--hours", "always",
)  # fmt: skip
FRESH = conversation.FRESH_NEWS + conversation.BINDING + conversation.ADVISOR


def record(folder: Path, version: int) -> list[bytes]:
    """Every payload that the genuine client hears of two gateways at a server version, one for each kind of user."""
    said: list[bytes] = []
    ordinary = config.Gateway(rate=600, clock=20.0)
    with alone.running(ordinary, 0, None, *OPTIONS) as address, ibapi_heard(address, version) as heard:
        _keep(heard, said)
        heard.take(conversation.ALL)
    control = folder / "own" / "gateway.sock"
    hurried = config.Gateway(rate=200, clock=2000.0)
    with alone.running(hurried, 0, None, *OPTIONS, "--advisor", "--control", str(control)) as address:
        assert tell(control, "order BUY 10 KO LMT 20") == "ok"
        with ibapi_heard(address, version, 0) as heard:
            _keep(heard, said)
            heard.take(FRESH)
    return said


def _keep(heard: Heard, said: list[bytes]) -> None:
    decoder: Any = heard.ear.client.decoder
    interpret = decoder.interpret

    def kept(fields: tuple[bytes, ...], message: int) -> None:
        said.append(b"\0".join((b"%d" % message, *fields)) + b"\0")
        interpret(fields, message)

    decoder.interpret = kept


def chosen(said: list[bytes], each: int, dice: random.Random) -> list[bytes]:
    """At most `each` payloads of a message id: ticks would be nearly all."""
    by_message: dict[bytes, list[bytes]] = {}
    for payload in said:
        by_message.setdefault(payload.split(b"\0", 1)[0], []).append(payload)
    return [one for kind in by_message.values() for one in (kind if len(kind) <= each else dice.sample(kind, each))]


def wounded(payloads: list[bytes], dice: random.Random) -> Iterator[bytes]:
    """Payloads without an end, each with one to three wounds."""
    while True:
        yield mutated(b"\0\0\0\0" + dice.choice(payloads), dice)[4:]
