"""Answers about contracts."""

from __future__ import annotations

from collections.abc import Mapping

from pipeline.gateway.answers.area import Answer, Area
from pipeline.gateway.asks.contracts import ContractDetails, MarketRule, MatchingSymbols, SecDefOptParams
from pipeline.gateway.asks.request import BadRequest, Request
from pipeline.gateway.broker.brokerage import no_definition
from pipeline.gateway.market.listing import MARKET_RULES
from pipeline.gateway.session import Session
from pipeline.gateway.tells import contracts as tell


class Contracts(Area):
    """Details, option parameters, symbol search, price steps."""

    def answers(self) -> Mapping[type[Request], Answer]:
        return {
            ContractDetails: self._details,
            SecDefOptParams: self._option_parameters,
            MatchingSymbols: self._matching,
            MarketRule: self._market_rule,
        }

    def _details(self, session: Session, asked: ContractDetails) -> None:
        universe = self.house.brokerage.universe
        found = universe.find(asked.contract)
        if not found:
            raise BadRequest(asked.req_id, 200, no_definition(found, asked.contract.symbol))
        for x in found:
            exchange = asked.contract.exchange or x.exchange
            session.send(tell.contract_details(session.sv, asked.req_id, x, universe, exchange))
        session.send(tell.contract_details_end(asked.req_id))

    def _option_parameters(self, session: Session, asked: SecDefOptParams) -> None:
        universe = self.house.brokerage.universe
        under = universe.by_con_id.get(asked.under_con_id)
        if under is None or (under.symbol, under.sec_type) != (asked.symbol, asked.under_sec_type):
            raise BadRequest(asked.req_id, 321, "Error validating request.-'bZ' : cause - Invalid contract id")
        options = [] if under.sec_type == "FUT" else universe.options(under.symbol)
        session.send(*tell.option_parameters(asked.req_id, under, options))

    def _matching(self, session: Session, asked: MatchingSymbols) -> None:
        universe = self.house.brokerage.universe
        session.send(tell.symbol_samples(session.sv, asked.req_id, universe.matching(asked.pattern), universe))

    def _market_rule(self, session: Session, asked: MarketRule) -> None:
        if asked.rule_id not in MARKET_RULES:
            raise BadRequest(-1, 321, f"Error validating request.-'cb' : cause - Unknown market rule {asked.rule_id}")
        session.send(tell.market_rule(asked.rule_id))
