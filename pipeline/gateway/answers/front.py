"""The front of the house: hands each request to its area. No socket, no clock of its own."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.gateway.answers.accounts import Accounts
from pipeline.gateway.answers.advisor import AdvisorArea
from pipeline.gateway.answers.area import Answer, Area, House, PlainAnswer
from pipeline.gateway.answers.bars import Bars
from pipeline.gateway.answers.calculations import Calculations
from pipeline.gateway.answers.contracts import Contracts
from pipeline.gateway.answers.depth import Depth
from pipeline.gateway.answers.groups import Groups
from pipeline.gateway.answers.history import History
from pipeline.gateway.answers.market_data import MarketData
from pipeline.gateway.answers.news import News
from pipeline.gateway.answers.orders import Orders
from pipeline.gateway.answers.scanner import Scanner
from pipeline.gateway.answers.start import Start
from pipeline.gateway.answers.tick_by_tick import TickByTickData
from pipeline.gateway.asks.request import BadRequest, Plain, Request
from pipeline.gateway.asks.session import StartApi
from pipeline.gateway.broker.brokerage import Event
from pipeline.gateway.session import Session

AREAS: tuple[type[Area], ...] = (
    Start, Contracts, MarketData, TickByTickData, Depth, Bars, History, Scanner, News, Groups, Calculations, Orders,
    Accounts, AdvisorArea,
)  # fmt: skip


class Front:
    """All areas over one house."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.start = Start(house)
        self.areas: list[Area] = [self.start, *(kind(house) for kind in AREAS if kind is not Start)]
        self._answers: dict[type[Request], Answer] = {}
        self._plain: dict[str, PlainAnswer] = {}
        for area in self.areas:
            self._answers |= area.answers()
            self._plain |= area.plain()

    def answer(self, session: Session, request: Request) -> Sequence[Event]:
        """Answer one request; events that others must hear of come back. BadRequest where TWS refuses."""
        if isinstance(request, StartApi):
            raise BadRequest(-1, 321, "Error validating request.-'bK' : cause - The API was started already")
        if isinstance(request, Plain):
            return self._plain[request.name](session, request.req_id) or ()
        return self._answers[type(request)](session, request) or ()

    def cycle(self, now_s: float) -> None:
        for area in self.areas:
            area.cycle(now_s)

    def heard(self, events: Sequence[Event]) -> None:
        """Everybody concerned is told: first of orders, then of what they did to the accounts."""
        if events:
            for area in self.areas:
                area.heard(events)

    def forget(self, session: Session) -> None:
        for area in self.areas:
            area.forget(session)
