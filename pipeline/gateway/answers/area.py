"""What every area of answers shares: the house behind it, and the shape of an area. No socket, no clock of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from pipeline import config
from pipeline.gateway.asks.request import BadRequest, Request
from pipeline.gateway.broker.brokerage import Brokerage, Event, no_definition
from pipeline.gateway.limits import Limits
from pipeline.gateway.lines import Lines
from pipeline.gateway.market.bars import Charts
from pipeline.gateway.market.past import Past
from pipeline.gateway.market.universe import Description, Instrument
from pipeline.gateway.replay.charts import RecordedCharts
from pipeline.gateway.replay.market import Recorded
from pipeline.gateway.replay.recording import Files
from pipeline.gateway.session import Phase, Session
from pipeline.gateway.tells import frames

Answer = Callable[[Session, Any], Sequence[Event] | None]
PlainAnswer = Callable[[Session, int], Sequence[Event] | None]  # second: the request's id, -1 without one


@dataclass
class House:
    """What all areas work on."""

    brokerage: Brokerage
    lines: Lines
    limits: Limits
    settings: config.Gateway = field(default_factory=config.Gateway)
    sessions: list[Session] = field(default_factory=list)

    @cached_property
    def charts(self) -> Charts | None:
        """The made past of every contract; None of a recorded market."""
        market = self.brokerage.market
        return None if isinstance(market, Recorded) else Charts(Past(market), market)

    @cached_property
    def history(self) -> Charts | None:
        """The bars of every contract, made or recorded; None where there are none, as in a journal."""
        market = self.brokerage.market
        if isinstance(market, Recorded):
            return RecordedCharts(market, market.recording) if isinstance(market.recording, Files) else None
        return self.charts

    def open_sessions(self) -> Iterable[Session]:
        return (session for session in self.sessions if session.phase is Phase.OPEN)

    def error(self, session: Session, req_id: int, code: int, text: str) -> None:
        session.send(frames.error(session.sv, req_id, code, text, self.brokerage.market.now_ns // 1_000_000))

    def one(self, req_id: int, wanted: Description) -> Instrument:
        """The one contract that is described; an exchange must be named, as TWS wants it."""
        found = self.brokerage.universe.find(wanted)
        if len(found) != 1:
            raise BadRequest(req_id, 200, no_definition(found, wanted.symbol))
        if not wanted.exchange:
            raise BadRequest(req_id, 321, "Error validating request.-'bQ' : cause - Please enter exchange")
        return found[0]


class Area:
    """One area of questions: what it answers, what it streams, what it forgets when a client ends."""

    market_data = False  # 1101: what it streams is lost, the client has to ask again

    def __init__(self, house: House) -> None:
        self.house = house

    def answers(self) -> Mapping[type[Request], Answer]:
        """Requests with arguments, by type. BadRequest where TWS refuses; events that others must hear of come back."""
        return {}

    def plain(self) -> Mapping[str, PlainAnswer]:
        """Requests that are all said by their name."""
        return {}

    def cycle(self, now_s: float) -> None:
        """The market has moved on; `now_s` is monotonic time."""

    def heard(self, events: Sequence[Event]) -> None:
        """Something happened at the broker."""

    def forget(self, session: Session) -> None:
        """The client is gone."""
