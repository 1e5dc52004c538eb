"""What a client asks of the finer streams: tick by tick, market depth, bars of five seconds."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.gateway.asks.fields import Fields, Reader, plain
from pipeline.gateway.asks.request import Request
from pipeline.gateway.market.universe import Description

NOTHING = Description()


@dataclass(frozen=True, slots=True)
class TickByTick(Request):
    """`kind` is Last, AllLast, BidAsk or MidPoint; `count` ticks of the past come first."""

    contract: Description = NOTHING
    kind: str = ""
    count: int = 0
    ignore_size: bool = False


@dataclass(frozen=True, slots=True)
class MktDepth(Request):
    contract: Description = NOTHING
    rows: int = 0
    smart: bool = False


@dataclass(frozen=True, slots=True)
class RealTimeBars(Request):
    contract: Description = NOTHING
    bar_size: int = 5
    what: str = ""
    regular_hours: bool = False


def _tick_by_tick(f: Fields) -> Request:
    return TickByTick(f.id(), f.contract(), f.text(), f.integer(), f.flag())


def _depth(f: Fields) -> Request:
    f.skip()
    return MktDepth(f.id(), f.contract(), f.integer(), f.flag())


def _bars(f: Fields) -> Request:
    f.skip()
    return RealTimeBars(f.id(), f.contract(), f.integer(), f.text(), f.flag())


READERS: dict[int, Reader] = {
    97: _tick_by_tick,
    98: plain("cancelTickByTickData", 0),
    10: _depth,
    11: plain("cancelMktDepth", 1),
    50: _bars,
    51: plain("cancelRealTimeBars", 1),
}
