"""The front of a gateway with clients in memory: what the genuine client encodes is answered, its decoder hears it."""

from __future__ import annotations

from typing import Any

from pipeline import config
from pipeline.gateway.answers.area import House
from pipeline.gateway.answers.front import Front
from pipeline.gateway.asks import reading
from pipeline.gateway.asks.request import BadRequest
from pipeline.gateway.lines import Lines
from pipeline.gateway.market.prices import STEP_S
from pipeline.gateway.session import Phase, Session


class Desk:
    """One gateway without sockets; `settings` as in the configuration."""

    def __init__(self, brokerage: Any, heard: Any, encoder: Any, rate: float = 400.0, **settings: Any) -> None:
        self.brokerage, self.heard, self.encoder = brokerage, heard, encoder
        wanted = config.Gateway(rate=rate, **settings)
        self.lines = Lines(brokerage.tape, wanted.limits, rate, 7)
        self.house = House(brokerage, self.lines, wanted.limits, wanted)
        self.front = Front(self.house)
        self.step = brokerage.market.step

    def client(self, sv: int = 200, client_id: int = 1) -> Session:
        session = Session("here", self.house.limits)
        session.sv, session.client_id, session.phase = sv, client_id, Phase.OPEN
        self.house.sessions.append(session)
        return session

    def ask(self, session: Session, call: Any) -> None:
        """Let the genuine client encode a request, and answer it."""
        client = self.encoder(session.sv)
        call(client)
        for payload in client.sent:
            self.say(session, payload)

    def say(self, session: Session, payload: bytes) -> None:
        try:
            self.front.answer(session, reading.decode(payload, session.sv))
        except BadRequest as bad:
            self.house.error(session, bad.req_id, bad.code, bad.text)

    def run(self, seconds: float) -> None:
        """Let so many real seconds pass."""
        for _ in range(round(seconds / STEP_S)):
            self.step += 1
            self.brokerage.market.advance(self.step)
            self.lines.flow(STEP_S)
            self.front.cycle(self.step * STEP_S)

    def hear(self, session: Session) -> Any:
        """Everything that this client was told since the last time, through the genuine decoder."""
        session.seal(0.0)
        frames = b"".join(bytes(batch.data) for batch in session.queue)
        session.queue.clear()
        return self.heard(session.sv, frames) if frames else self.heard(session.sv)

    def end(self, session: Session) -> None:
        self.house.sessions.remove(session)
        self.front.forget(session)
