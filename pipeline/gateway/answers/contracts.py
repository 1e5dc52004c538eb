"""Answers about contracts."""

from __future__ import annotations

from collections.abc import Mapping

from pipeline.gateway.answers import finding
from pipeline.gateway.answers.area import Answer, Area, PlainAnswer
from pipeline.gateway.asks.contracts import (
    ContractDetails,
    MarketRule,
    MatchingSymbols,
    SecDefOptParams,
    SmartComponents,
)
from pipeline.gateway.asks.request import BadRequest, Request
from pipeline.gateway.market.listing import MARKET_RULES, SMART_MAPS
from pipeline.gateway.session import Session
from pipeline.gateway.tells import contracts as tell

BONDS_FROM = 176  # first version whose samples can name a bond's issuer


class Contracts(Area):
    """Details, option parameters, symbol search, price steps, exchanges."""

    def answers(self) -> Mapping[type[Request], Answer]:
        return {
            ContractDetails: self._details,
            SecDefOptParams: self._option_parameters,
            MatchingSymbols: self._matching,
            MarketRule: self._market_rule,
            SmartComponents: self._smart_components,
        }

    def plain(self) -> Mapping[str, PlainAnswer]:
        return {"reqMktDepthExchanges": self._depth_exchanges}

    def _details(self, session: Session, asked: ContractDetails) -> None:
        universe = self.house.brokerage.universe
        for found in finding.find(universe, asked):
            x, exchange = found.x, found.exchange
            if x.bond is not None:
                session.send(tell.bond_details(session.sv, asked.req_id, x, x.bond, universe, exchange))
            else:
                session.send(tell.contract_details(session.sv, asked.req_id, x, universe, exchange, found.sec_type))
        session.send(tell.contract_details_end(asked.req_id))

    def _option_parameters(self, session: Session, asked: SecDefOptParams) -> None:
        universe = self.house.brokerage.universe
        under = universe.by_con_id.get(asked.under_con_id)
        if under is None or (under.symbol, under.sec_type) != (asked.symbol, asked.under_sec_type):
            raise BadRequest(asked.req_id, 321, "Error validating request.-'bZ' : cause - Invalid contract id")
        options = [x for x in universe.options(under.symbol) if x.under_con_id == under.con_id]
        on_future = under.sec_type == "FUT"
        if on_future != bool(asked.exchange) or (on_future and asked.exchange != under.exchange):
            options = []  # TWS wants the exchange of futures' options, and takes none for the others
        session.send(*tell.option_parameters(asked.req_id, under, options))

    def _matching(self, session: Session, asked: MatchingSymbols) -> None:
        universe = self.house.brokerage.universe
        issuers = universe.issuers(asked.pattern) if session.sv >= BONDS_FROM else []
        found = universe.matching(asked.pattern)
        session.send(tell.symbol_samples(session.sv, asked.req_id, found, universe, issuers))

    def _market_rule(self, session: Session, asked: MarketRule) -> None:
        if asked.rule_id not in MARKET_RULES:
            raise BadRequest(-1, 321, f"Error validating request.-'cb' : cause - Unknown market rule {asked.rule_id}")
        session.send(tell.market_rule(asked.rule_id))

    def _smart_components(self, session: Session, asked: SmartComponents) -> None:
        if asked.bbo_exchange not in SMART_MAPS:
            text = f"Error validating request.-'b5' : cause - Invalid bbo exchange {asked.bbo_exchange[:40]}"
            raise BadRequest(asked.req_id, 321, text)
        session.send(tell.smart_components(asked.req_id, SMART_MAPS[asked.bbo_exchange]))

    def _depth_exchanges(self, session: Session, _req_id: int) -> None:
        session.send(tell.depth_exchanges())
