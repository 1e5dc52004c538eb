"""Answers about what an option would be worth. They are given at once, so that nothing is left to cancel."""

from __future__ import annotations

from collections.abc import Mapping

from pipeline.gateway.answers.area import Answer, Area, PlainAnswer
from pipeline.gateway.asks.calculations import ImpliedVolatility, OptionPrice
from pipeline.gateway.asks.request import BadRequest, Request
from pipeline.gateway.market import calculating
from pipeline.gateway.market.instruments import OPTIONS, Instrument
from pipeline.gateway.market.universe import Description
from pipeline.gateway.session import Session
from pipeline.gateway.tells import ticks
from pipeline.gateway.tells.frames import prefixed

CALCULATED = 53  # tick type of a computation with the client's own inputs


class Calculations(Area):
    """Implied volatility of a price, price of a volatility: tickOptionComputation, type 53."""

    def answers(self) -> Mapping[type[Request], Answer]:
        return {ImpliedVolatility: self._implied_volatility, OptionPrice: self._option_price}

    def plain(self) -> Mapping[str, PlainAnswer]:
        return {"cancelCalculation": lambda _session, _req_id: None}

    def _implied_volatility(self, session: Session, asked: ImpliedVolatility) -> None:
        x = self._option(asked.req_id, asked.contract, asked.price, asked.under)
        vol = calculating.implied(x, asked.price, asked.under, self.house.brokerage.market.now_ns)
        if vol is None:
            tail = ticks.not_computed(CALCULATED)
            session.send_tick(prefixed(ticks.heads(asked.req_id)[ticks.OPTION], tail))
        else:
            self._tell(session, asked.req_id, x, vol, asked.under)

    def _option_price(self, session: Session, asked: OptionPrice) -> None:
        x = self._option(asked.req_id, asked.contract, asked.volatility, asked.under)
        self._tell(session, asked.req_id, x, asked.volatility, asked.under)

    def _option(self, req_id: int, wanted: Description, first: float, under: float) -> Instrument:
        x = self.house.one(req_id, wanted)
        if x.sec_type not in OPTIONS:
            raise BadRequest(req_id, 321, "Error validating request.-'bJ' : cause - Contract is not an option")
        if not (first > 0.0 and under > 0.0):  # nan too
            raise BadRequest(
                req_id, 321, "Error validating request.-'bJ' : cause - Prices and volatility must be above 0"
            )
        return x

    def _tell(self, session: Session, req_id: int, x: Instrument, vol: float, under: float) -> None:
        found = calculating.value(x, under, vol, self.house.brokerage.market.now_ns)
        tail = ticks.tick_option(
            CALCULATED, found.iv, found.delta, found.mid, found.gamma, found.vega, found.theta, under
        )  # fmt: skip
        session.send_tick(prefixed(ticks.heads(req_id)[ticks.OPTION], tail))
