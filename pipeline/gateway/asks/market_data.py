"""What a client asks of level-1 market data."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.gateway.asks.fields import Fields, Reader, plain
from pipeline.gateway.asks.request import Request
from pipeline.gateway.asks.terms import Leg
from pipeline.gateway.market.universe import Description

NOTHING = Description()
MOST_LEGS = 100


@dataclass(frozen=True, slots=True)
class MktData(Request):
    """`regulatory`: a snapshot that costs a cent."""

    contract: Description = NOTHING
    generic_ticks: str = ""
    snapshot: bool = False
    regulatory: bool = False
    legs: tuple[Leg, ...] = ()


@dataclass(frozen=True, slots=True)
class MarketDataType(Request):
    kind: int = 1


def _market_data(f: Fields) -> Request:
    f.skip()
    req_id, contract = f.id(), f.contract()
    legs: tuple[Leg, ...] = ()
    if contract.sec_type == "BAG":
        legs = tuple(Leg(f.integer(), f.integer(), f.text(), f.text()) for _ in range(f.count(MOST_LEGS)))
    if f.flag():
        f.skip(3)  # a delta-neutral contract
    return MktData(req_id, contract, f.text(), f.flag(), f.flag(), legs)


def _market_data_type(f: Fields) -> Request:
    f.skip()
    return MarketDataType(kind=f.integer())


READERS: dict[int, Reader] = {
    1: _market_data,
    2: plain("cancelMktData", 1),
    59: _market_data_type,
}
