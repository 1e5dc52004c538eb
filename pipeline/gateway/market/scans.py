"""The market scanner: which contracts move most, trade most, cost most. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from pipeline.gateway.market import days, surface
from pipeline.gateway.market.bars import DAY_S, Charts
from pipeline.gateway.market.instruments import Instrument
from pipeline.gateway.market.tape import Tape

MOST_ROWS = 50
INSTRUMENTS = {"STK": "US Stocks", "ETF.EQ.US": "US Equity ETFs", "FUT.US": "US Futures", "IND.US": "US Indexes"}
TYPES = {"STK": "STK", "ETF.EQ.US": "STK", "FUT.US": "FUT", "IND.US": "IND"}
LOCATIONS = {
    "STK.US": "US Stocks",
    "STK.US.MAJOR": "Listed/NASDAQ",
    "STK.NYSE": "NYSE",
    "STK.NASDAQ": "NASDAQ",
    "STK.NASDAQ.NMS": "NASDAQ NMS",
    "STK.ARCA": "ARCA",
    "ETF.EQ.US": "US Equity ETFs",
    "ETF.EQ.US.MAJOR": "Listed/NASDAQ",
    "FUT.US": "US Futures",
    "FUT.CME": "CME",
    "IND.US": "US Indexes",
}
CODES = {
    "TOP_PERC_GAIN": "Top % Gainers",
    "TOP_PERC_LOSE": "Top % Losers",
    "TOP_OPEN_PERC_GAIN": "Top % Gainers Since Open",
    "TOP_OPEN_PERC_LOSE": "Top % Losers Since Open",
    "MOST_ACTIVE": "Most Active",
    "MOST_ACTIVE_USD": "Most Active (USD)",
    "HOT_BY_VOLUME": "Hot Contracts by Volume",
    "HOT_BY_PRICE": "Hot Contracts by Price",
    "TOP_PRICE_RANGE": "Top Price Range",
    "HIGH_OPT_IMP_VOLAT": "Highest Option Imp Vol",
    "LOW_OPT_IMP_VOLAT": "Lowest Option Imp Vol",
}
FILTERS = {
    "priceAbove": "Price Above",
    "priceBelow": "Price Below",
    "volumeAbove": "Volume Above",
    "changePercAbove": "Change % Above",
    "changePercBelow": "Change % Below",
    "usdVolumeAbove": "Volume (USD) Above",
}


@dataclass(frozen=True, slots=True)
class Row:
    """What a contract is ranked and filtered by; `change` and `range` are shares, `vol` is nan without options."""

    x: Instrument
    price: float
    change: float
    since_open: float
    range: float
    volume: float
    pace: float  # today's volume against yesterday's
    vol: float


RANKS: dict[str, Callable[[Row], float]] = {  # the highest first
    "TOP_PERC_GAIN": lambda row: row.change,
    "TOP_PERC_LOSE": lambda row: -row.change,
    "TOP_OPEN_PERC_GAIN": lambda row: row.since_open,
    "TOP_OPEN_PERC_LOSE": lambda row: -row.since_open,
    "MOST_ACTIVE": lambda row: row.volume,
    "MOST_ACTIVE_USD": lambda row: row.volume * row.price,
    "HOT_BY_VOLUME": lambda row: row.pace,
    "HOT_BY_PRICE": lambda row: abs(row.since_open),
    "TOP_PRICE_RANGE": lambda row: row.range,
    "HIGH_OPT_IMP_VOLAT": lambda row: row.vol,
    "LOW_OPT_IMP_VOLAT": lambda row: -row.vol,
}
TESTS: dict[str, Callable[[Row, float], bool]] = {
    "priceAbove": lambda row, bound: row.price >= bound,
    "priceBelow": lambda row, bound: row.price <= bound,
    "volumeAbove": lambda row, bound: row.volume >= bound,
    "changePercAbove": lambda row, bound: 100.0 * row.change >= bound,
    "changePercBelow": lambda row, bound: 100.0 * row.change <= bound,
    "usdVolumeAbove": lambda row, bound: row.volume * row.price >= bound,
}


def scan(rows: Iterable[Row], code: str, filters: Iterable[tuple[str, float]]) -> list[Instrument]:
    """The contracts that pass all filters, by rank; those that have no figure for the rank are left out."""
    rank = RANKS[code]
    kept = [row for row in rows if all(TESTS[tag](row, bound) for tag, bound in filters)]
    kept = [row for row in kept if not math.isnan(rank(row))]
    if code in ("TOP_PERC_GAIN", "TOP_PERC_LOSE", "TOP_OPEN_PERC_GAIN", "TOP_OPEN_PERC_LOSE"):
        kept = [row for row in kept if rank(row) > 0]
    return [row.x for row in sorted(kept, key=lambda row: (-rank(row), row.x.con_id))][:MOST_ROWS]


def pool(tape: Tape, instrument: str, location: str) -> list[Instrument]:
    """The living contracts of a kind that are listed at a place."""
    sec_type, where = TYPES[instrument], location.partition(".")[2]
    found = [x for x in tape.market.universe.living() if x.sec_type == sec_type]
    if instrument == "ETF.EQ.US":
        found = [x for x in found if x.stock_type == "ETF"]
    place = {"NYSE": "NYSE", "NASDAQ": "NASDAQ", "NASDAQ.NMS": "NASDAQ", "ARCA": "ARCA", "CME": "CME"}.get(where)
    return [x for x in found if place is None or place in (x.primary, x.exchange)]


def row(tape: Tape, charts: Charts | None, x: Instrument) -> Row:
    """The figures of one contract now, its day's bar from the charts where there are any, else from the tape."""
    market = tape.market
    price, close = market.theory(x).mid, market.closing(x)
    change = price / close - 1.0 if close > 0 else math.nan
    vol = _vol(charts, x, price)
    if charts is None:
        quote = tape.quote(x)
        return Row(x, price, change, math.nan, math.nan, quote.volume, math.nan, vol)
    sessions = [s for _, s in zip(range(2), charts.back(x, True, market.now_ns + days.NS), strict=False)]
    bars = [charts.of_session(x, "TRADES", s, 0, market.now_ns + days.NS, DAY_S) for s in sessions]
    today, before = (bars[n][0] if len(bars) > n and bars[n] else None for n in (0, 1))
    if today is None:
        return Row(x, price, change, math.nan, math.nan, 0.0, math.nan, vol)
    pace = today.volume / before.volume if before is not None and before.volume else math.nan
    spread = (today.high - today.low) / today.open
    return Row(x, price, change, price / today.open - 1.0, spread, today.volume, pace, vol)


def _vol(charts: Charts | None, x: Instrument, price: float) -> float:
    if charts is None or not charts.market.universe.derivative_types(x) or x.sec_type == "FUT":
        return math.nan
    return surface.volatility_index(charts.market.smile(charts.market.driver(x), price / x.factor))
