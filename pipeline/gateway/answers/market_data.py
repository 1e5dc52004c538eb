"""Answers about level-1 market data."""

from __future__ import annotations

from collections.abc import Mapping

from pipeline.gateway.answers.area import Answer, Area, PlainAnswer
from pipeline.gateway.asks.market_data import MarketDataType, MktData
from pipeline.gateway.asks.request import BadRequest, Request
from pipeline.gateway.session import Session
from pipeline.gateway.tells import ticks

GENERIC_TICKS = {100, 101, 104, 105, 106, 165, 221, 225, 232, 233, 236, 256, 258, 292, 293, 294, 295, 318, 375, 411}
GENERIC_TICKS |= {456, 460, 499, 506, 512, 547, 576, 577, 586, 588, 595, 614, 619, 623, 645, 662, 663, 687, 706}
TICKER_CODE = "9c0001"


class MarketData(Area):
    """Streams and snapshots of quotes."""

    market_data = True

    def answers(self) -> Mapping[type[Request], Answer]:
        return {MktData: self._market_data, MarketDataType: self._type}

    def plain(self) -> Mapping[str, PlainAnswer]:
        return {"cancelMktData": self._cancel}

    def forget(self, session: Session) -> None:
        self.house.lines.remove_all(session)

    def _type(self, _session: Session, asked: MarketDataType) -> None:
        if asked.kind not in (1, 2, 3, 4):
            text = f"Error validating request.-'bN' : cause - Incorrect market data type {asked.kind}. Must be 1 to 4"
            raise BadRequest(-1, 321, text)

    def _market_data(self, session: Session, asked: MktData) -> None:
        lines = self.house.lines
        if asked.req_id in session.lines:
            raise BadRequest(asked.req_id, 322, "Error processing request.-'bQ' : cause - Duplicate ticker id")
        x = self.house.one(asked.req_id, asked.contract)
        wrong = [tick for tick in _generic(asked.generic_ticks) if not tick.isdigit() or int(tick) not in GENERIC_TICKS]
        if wrong:
            text = f"Error validating request.-'bQ' : cause - Incorrect generic tick list of {','.join(wrong)}."
            raise BadRequest(asked.req_id, 321, text)
        if not asked.snapshot and not lines.room_for(x.con_id):
            raise BadRequest(asked.req_id, 101, "Max number of tickers has been reached")
        session.send(ticks.market_data_type(asked.req_id, 1))
        session.send(ticks.tick_req_params(asked.req_id, x.min_tick, TICKER_CODE, 3))
        lines.picture(session, asked.req_id, x)
        if asked.snapshot:
            session.send(ticks.snapshot_end(asked.req_id))
        else:
            lines.add(session, asked.req_id, x)

    def _cancel(self, session: Session, req_id: int) -> None:
        if not self.house.lines.remove(session, req_id):
            raise BadRequest(req_id, 300, f"Can't find EId with tickerId:{req_id}")


def _generic(text: str) -> list[str]:
    return [tick.split(":")[0].strip() for tick in text.split(",") if tick.strip() and "mdoff" not in tick]
