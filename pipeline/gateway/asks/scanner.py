"""What a client asks of the market scanner."""

from __future__ import annotations

import math
from dataclasses import dataclass

from pipeline.gateway.asks.fields import Fields, Reader, plain
from pipeline.gateway.asks.request import Request


@dataclass(frozen=True, slots=True)
class Scan(Request):
    """Bounds are nan where they are not set; `filters` are tags with their values."""

    rows: int = -1
    instrument: str = ""
    location: str = ""
    code: str = ""
    above_price: float = math.nan
    below_price: float = math.nan
    above_volume: float = math.nan
    stock_type: str = ""
    filters: tuple[tuple[str, str], ...] = ()


def _scan(f: Fields) -> Request:
    req_id, rows = f.id(), f.whole()
    instrument, location, code = f.text(), f.text(), f.text()
    above, below, volume = f.decimal(), f.decimal(), f.decimal()
    caps = (f.decimal(), f.decimal())
    f.skip(9)  # ratings, maturities, coupons, convertibles: of bonds, which are not scanned
    options_above = f.decimal()
    f.skip()  # setting pairs
    stock_type, filters = f.text(), _pairs(f.text())
    named = {"marketCapAbove": caps[0], "marketCapBelow": caps[1], "avgOptVolumeAbove": options_above}
    filters += tuple((tag, str(value)) for tag, value in named.items() if not math.isnan(value))
    count = -1 if rows is None else rows
    return Scan(req_id, count, instrument, location, code, above, below, volume, stock_type, filters)


def _pairs(text: str) -> tuple[tuple[str, str], ...]:
    found = (part.partition("=") for part in text.split(";") if part.strip())
    return tuple((tag.strip(), value.strip()) for tag, _, value in found)


READERS: dict[int, Reader] = {
    22: _scan,
    23: plain("cancelScan", 1),
    24: plain("scannerParameters"),
}
