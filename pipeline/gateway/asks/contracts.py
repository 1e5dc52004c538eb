"""What a client asks about contracts."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.gateway.asks.fields import Fields, Reader, plain
from pipeline.gateway.asks.request import Request
from pipeline.gateway.market.universe import Description

NOTHING = Description()


@dataclass(frozen=True, slots=True)
class ContractDetails(Request):
    contract: Description = NOTHING
    expired: bool = False
    sec_id_type: str = ""
    sec_id: str = ""
    issuer_id: str = ""


@dataclass(frozen=True, slots=True)
class SecDefOptParams(Request):
    symbol: str = ""
    exchange: str = ""
    under_sec_type: str = ""
    under_con_id: int = 0


@dataclass(frozen=True, slots=True)
class MatchingSymbols(Request):
    pattern: str = ""


@dataclass(frozen=True, slots=True)
class MarketRule(Request):
    rule_id: int = 0


@dataclass(frozen=True, slots=True)
class SmartComponents(Request):
    bbo_exchange: str = ""


def _contract_details(f: Fields) -> Request:
    f.skip()
    req_id, contract, expired = f.id(), f.contract(), f.flag()
    return ContractDetails(req_id, contract, expired, f.text(), f.text(), f.text() if f.sv >= 176 else "")


def _sec_def(f: Fields) -> Request:
    return SecDefOptParams(f.id(), f.text(), f.text(), f.text(), f.integer())


def _matching(f: Fields) -> Request:
    return MatchingSymbols(f.id(), f.text())


def _market_rule(f: Fields) -> Request:
    return MarketRule(rule_id=f.integer())


def _smart_components(f: Fields) -> Request:
    return SmartComponents(f.id(), f.text())


READERS: dict[int, Reader] = {
    9: _contract_details,
    78: _sec_def,
    81: _matching,
    82: plain("reqMktDepthExchanges"),
    83: _smart_components,
    91: _market_rule,
}
