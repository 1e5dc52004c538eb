"""What a client asks of the past: bars, ticks, the first time, a histogram."""

from __future__ import annotations

from dataclasses import dataclass, replace

from pipeline.gateway.asks.fields import Fields, Reader, plain
from pipeline.gateway.asks.request import Request
from pipeline.gateway.market.instruments import Description

NOTHING = Description()


@dataclass(frozen=True, slots=True)
class HistoricalData(Request):
    contract: Description = NOTHING
    include_expired: bool = False
    end: str = ""
    bar_size: str = ""
    duration: str = ""
    regular: bool = False
    what: str = ""
    date_format: int = 1
    keep_up_to_date: bool = False


@dataclass(frozen=True, slots=True)
class HeadTimestamp(Request):
    contract: Description = NOTHING
    include_expired: bool = False
    regular: bool = False
    what: str = ""
    date_format: int = 1


@dataclass(frozen=True, slots=True)
class HistoricalTicks(Request):
    contract: Description = NOTHING
    include_expired: bool = False
    start: str = ""
    end: str = ""
    count: int = 0
    what: str = ""
    regular: bool = False
    ignore_size: bool = False


@dataclass(frozen=True, slots=True)
class Histogram(Request):
    contract: Description = NOTHING
    include_expired: bool = False
    regular: bool = False
    period: str = ""


def _data(f: Fields) -> Request:
    req_id, contract, expired, end, size, duration = f.id(), f.contract(), f.flag(), f.text(), f.text(), f.text()
    regular, what, date_format = f.flag(), f.text(), f.integer()
    if contract.sec_type == "BAG":
        contract = replace(contract, legs=tuple(_leg(f) for _ in range(f.count())))
    return HistoricalData(req_id, contract, expired, end, size, duration, regular, what, date_format, f.flag())


def _leg(f: Fields) -> tuple[int, int, str, str]:
    return f.integer(), f.integer(), f.text(), f.text()


def _head(f: Fields) -> Request:
    return HeadTimestamp(f.id(), f.contract(), f.flag(), f.flag(), f.text(), f.integer())


def _ticks(f: Fields) -> Request:
    return HistoricalTicks(
        f.id(), f.contract(), f.flag(), f.text(), f.text(), f.integer(), f.text(), f.flag(), f.flag()
    )


def _histogram(f: Fields) -> Request:
    return Histogram(f.id(), f.contract(), f.flag(), f.flag(), f.text())


READERS: dict[int, Reader] = {
    20: _data,
    25: plain("cancelHistoricalData", 1),
    87: _head,
    90: plain("cancelHeadTimestamp", 0),
    96: _ticks,
    88: _histogram,
    89: plain("cancelHistogram", 0),
}
