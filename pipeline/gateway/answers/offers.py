"""What there is of the past, of which contracts, and how TWS refuses the rest. Pure."""

from __future__ import annotations

from pipeline.gateway.asks import period
from pipeline.gateway.asks.history import HistoricalData
from pipeline.gateway.asks.request import BadRequest
from pipeline.gateway.market import days, queries
from pipeline.gateway.market.bars import DAY_S
from pipeline.gateway.market.instruments import Instrument
from pipeline.gateway.market.queries import Chart, Duration, Stretch
from pipeline.gateway.market.universe import Universe

SERVICE = "Historical Market Data Service error message:"
LIVE = ("TRADES", "MIDPOINT", "BID", "ASK")
WHAT = (*LIVE, "BID_ASK", "ADJUSTED_LAST", *queries.VOLATILITIES, "FEE_RATE", "SCHEDULE")
SIDES = {"TRADES": "Trades", "MIDPOINT": "Midpoint", "BID": "Bid", "ASK": "Ask", "BID_ASK": "Bid_Ask"}
MOST_BARS, MOST_SECONDS = 30_000, 2_000


def checked(asked: HistoricalData) -> str:
    """The bar size of a request whose fields are all right; in TWS's order."""
    req_id, adjusted = asked.req_id, asked.what == "ADJUSTED_LAST"
    if adjusted and asked.end.strip():
        raise period.refused(req_id, "End date not supported with adjusted last")
    size = period.bar_size(req_id, asked.bar_size)
    if adjusted and queries.BAR_SIZES[size] > DAY_S:
        raise period.refused(req_id, "Multi day bar size not supported with adjusted last")
    known(req_id, asked.what)
    if asked.date_format not in (1, 2, 3):
        raise period.refused(req_id, f"Date formatting selection of {asked.date_format} rejected.")
    if asked.what == "SCHEDULE" and size != "1 day":
        raise period.refused(req_id, "Only daily resolution supported for Schedule requests")
    if asked.keep_up_to_date:
        _lasting(asked)
    return size


def _lasting(asked: HistoricalData) -> None:
    if asked.end.strip():
        raise period.refused(asked.req_id, "End date not supported with live updates")
    if asked.contract.sec_type == "BAG":
        raise period.refused(asked.req_id, "Live updates for combos are not supported")
    if asked.what not in LIVE:
        raise period.refused(asked.req_id, "Source price not supported with live updates")


def known(req_id: int, what: str) -> str:
    if what not in WHAT:
        raise period.refused(req_id, "What to show field is missing or incorrect.")
    return what


def bounded(req_id: int, chart: Chart, of: Stretch, end_ns: int, duration: Duration) -> None:
    traded_s = sum(end - begin for s in of.sessions for begin, end in s.spans) // days.NS
    traded_s = min(traded_s, duration.count) if duration.unit == "S" else traded_s
    if chart.size_s == 1 and traded_s > MOST_SECONDS:
        raise BadRequest(req_id, 162, f"{SERVICE}invalid step: 1")
    if chart.size_s < DAY_S and traded_s // chart.size_s > MOST_BARS:
        raise BadRequest(req_id, 162, f"{SERVICE}Time length exceed max.")


def legs(asked: HistoricalData, universe: Universe) -> tuple[tuple[Instrument, int], ...]:
    """The legs of a combination with their signed ratios; of combinations there are quotes only."""
    found = []
    for con_id, ratio, action, _ in asked.contract.legs:
        x = universe.by_con_id.get(con_id)
        if x is None or not universe.lives(x) or not 0 < ratio < 1000 or action not in ("BUY", "SELL"):
            raise BadRequest(asked.req_id, 200, "No security definition has been found for the request")
        found.append((x, ratio if action == "BUY" else -ratio))
    if not found or asked.what not in LIVE:
        side = SIDES.get(asked.what, asked.what)
        text = f"{SERVICE}No historical market data for {asked.contract.symbol}/BAG@BEST {side}"
        raise BadRequest(asked.req_id, 162, text)
    return tuple(found)


def offered(x: Instrument, what: str) -> bool:
    """Whether there is this kind of data of this kind of contract."""
    if what == "TRADES":
        return x.sec_type != "CASH"
    if what in queries.VOLATILITIES:
        return x.sec_type in ("STK", "IND") and x.symbol != "VIX"
    if what in ("ADJUSTED_LAST", "FEE_RATE"):
        return x.sec_type == "STK"
    return x.sec_type != "IND" or what == "SCHEDULE"


def _venue(x: Instrument) -> str:
    return {"SMART": "BEST", "IDEALPRO": "FXSUBPIP"}.get(x.exchange, x.exchange)


def no_market_data(x: Instrument, what: str, size: str) -> str:
    side = "Last" if what == "TRADES" else SIDES.get(what, what)
    seconds = queries.BAR_SIZES.get(size, 1)
    step = "1d" if seconds >= DAY_S else str(seconds)
    return f"No historical market data for {x.symbol}/{x.sec_type}@{_venue(x)} {side} {step}"


def no_data(x: Instrument, what: str) -> str:
    return f"HMDS query returned no data: {x.local_symbol}@{x.exchange} {SIDES.get(what, what)}"
