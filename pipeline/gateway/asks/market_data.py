"""What a client asks of level-1 market data."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.gateway.asks.fields import Fields, Reader, plain
from pipeline.gateway.asks.request import BadRequest, Request
from pipeline.gateway.market.universe import Description

NOTHING = Description()


@dataclass(frozen=True, slots=True)
class MktData(Request):
    contract: Description = NOTHING
    generic_ticks: str = ""
    snapshot: bool = False


@dataclass(frozen=True, slots=True)
class MarketDataType(Request):
    kind: int = 1


def _market_data(f: Fields) -> Request:
    f.skip()
    req_id, contract = f.id(), f.contract()
    if contract.sec_type == "BAG":
        for _ in range(f.count()):
            f.skip(4)
        raise BadRequest(req_id, 321, "Error validating request.-'bQ' : cause - Combination market data is not offered")
    if f.flag():
        f.skip(3)
    return MktData(req_id, contract, f.text(), f.flag())


def _market_data_type(f: Fields) -> Request:
    f.skip()
    return MarketDataType(kind=f.integer())


READERS: dict[int, Reader] = {
    1: _market_data,
    2: plain("cancelMktData", 1),
    59: _market_data_type,
}
