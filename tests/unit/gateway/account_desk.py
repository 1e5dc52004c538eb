"""A desk with one client that asks and hears the answer at once."""

from __future__ import annotations

from typing import Any

from pipeline.gateway.asks import reading
from pipeline.gateway.asks.request import BadRequest
from tests.unit.gateway.desk import Desk


class AccountDesk:
    """One client of a gateway without sockets."""

    def __init__(self, brokerage: Any, encoder: Any, heard: Any, sv: int = 200) -> None:
        self.desk = Desk(brokerage, heard, encoder, rate=1.0)
        self.brokerage, self.front = brokerage, self.desk.front
        self.session = self.desk.client(sv)

    def ask(self, make: Any) -> Any:
        """What is told at once, or a refusal as (id, code, text)."""
        client = self.desk.encoder(self.session.sv)
        make(client)
        try:
            for payload in client.sent:
                self.front.heard(self.front.answer(self.session, reading.decode(payload, self.session.sv)))
        except BadRequest as bad:
            return bad.req_id, bad.code, bad.text
        return self.told()

    def told(self) -> Any:
        """What was told since the last time."""
        return self.desk.hear(self.session)
