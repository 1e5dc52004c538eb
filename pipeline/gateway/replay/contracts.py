"""Contracts of recorded files: what TWS would say of them, from their names and the steps of their prices. Pure.

The files know no con_id and no long name: known ones are in the tables here and in the market's listing, the others are
computed from the local symbol, so that they are the same in every replay.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

import numpy as np

from pipeline.gateway.market import days, issuing, listing
from pipeline.gateway.market.instruments import Instrument
from pipeline.gateway.replay.fields import Floats
from pipeline.gateway.replay.layout import Series

STOCKS = {row.symbol: row for row in (*listing.STOCKS, listing.SPY, listing.QQQ, listing.TLT)}
ETFS = (listing.SPY, listing.QQQ, listing.TLT)
OTHER_STOCKS = {  # symbol → con_id (0: computed), name, primary exchange
    "IBM": (8314, "INTL BUSINESS MACHINES CORP", "NYSE"),
    "GOOG": (208813720, "ALPHABET INC-CL C", "NASDAQ"),
    "AIG": (0, "AMERICAN INTERNATIONAL GROUP", "NYSE"),
}
INDICES = {row[0]: row for row in listing.INDICES}
WEEKLY_CLASSES = {"SPXW": "SPX", "NDXP": "NDX", "VIXW": "VIX", "RUTW": "RUT"}  # folder → symbol


@dataclass(frozen=True, slots=True)
class Future:
    """A class of futures as TWS names it; `rule`: when it expires."""

    symbol: str
    name: str
    exchange: str
    multiplier: int
    rule: str = "third Friday"


FUTURES = {  # folder → what TWS says
    "ES": Future("ES", "E-mini S&P 500", "CME", 50),
    "NQ": Future("NQ", "E-mini NASDAQ 100", "CME", 20),
    "RTY": Future("RTY", "E-mini Russell 2000", "CME", 50),
    "6E": Future("EUR", "European Monetary Union Euro", "CME", 125_000),
    "YM": Future("YM", "Mini-sized Dow Jones Industrial Average", "CBOT", 5),
    "ZB": Future("ZB", "30 Year US Treasury Bond", "CBOT", 1000),
    "ZN": Future("ZN", "10 Year US Treasury Note", "CBOT", 1000),
    "ZC": Future("ZC", "Corn Futures", "CBOT", 50),
    "CL": Future("CL", "Light Sweet Crude Oil", "NYMEX", 1000, "CL"),
    "NG": Future("NG", "Henry Hub Natural Gas", "NYMEX", 10_000),
    "GC": Future("GC", "Gold", "COMEX", 100, "GC"),
    "SI": Future("SI", "Silver", "COMEX", 5000, "GC"),
    "VX": Future("VIX", "CBOE Volatility Index", "CFE", 1000),
}
RULES = {  # market rules from the coarsest on: the first that all prices fit is the contract's
    "STK": (26, 2700),
    "IND": (26,),
    "OPT": (110, 109, 26, 2700),
    "FUT": (67, 33, 32, 240, 2600, 239, 2700),
    "FOP": (2701, 111, 110, 26, 2600, 2700),
}


def instrument(of: Series, rule_id: int) -> Instrument:
    """The contract that a series is."""
    if of.sec_type == "STK":
        return replace(_stock(of.symbol), rule_id=rule_id)
    if of.sec_type == "IND":
        known = INDICES.get(of.symbol, (of.symbol, issuing.con_id(f"IND {of.symbol}"), of.symbol))
        return replace(issuing.index(*known), rule_id=rule_id)
    if of.sec_type == "FUT":
        return _future(of, rule_id)
    if of.sec_type == "FOP":
        return _future_option(of, rule_id)
    return _option(of, rule_id)


def under_of(of: Series) -> Series | None:
    """What an option is on; None for all others."""
    if of.sec_type == "FOP":
        return Series("FUT", of.market, of.symbol, of.month)
    if of.sec_type != "OPT":
        return None
    symbol = WEEKLY_CLASSES.get(of.symbol, of.symbol)
    return Series("IND" if symbol in INDICES or not of.american else "STK", of.market, symbol)


def family(of: Series) -> Series:
    """What has one market rule in common: an option class, the futures of one folder, a stock."""
    return Series(of.sec_type, of.market, of.symbol)


def rule(sec_type: str, prices: Floats) -> int:
    """The market rule that all these prices keep to: the coarsest of its kind, the finest where none fits."""
    known = RULES[sec_type]
    prices = np.unique(prices[prices > 0])
    for rule_id in known:
        edges = [edge for edge, _ in listing.MARKET_RULES[rule_id]]
        steps = np.array([step for _, step in listing.MARKET_RULES[rule_id]])
        ratio = prices / steps[np.searchsorted(edges, prices, side="right") - 1]
        if bool((np.abs(ratio - np.round(ratio)) < 1e-6).all()):
            return rule_id
    return known[-1]


def _stock(symbol: str) -> Instrument:
    row = STOCKS.get(symbol)
    if row is not None:
        return issuing.stock(row, symbol, 1.0, "ETF" if row in ETFS else "COMMON")
    known, name, primary = OTHER_STOCKS.get(symbol, (0, symbol, "NYSE"))
    number = known or issuing.con_id(f"STK {symbol}")
    trading_class = "NMS" if primary == "NASDAQ" else symbol
    return Instrument(
        number, symbol, "STK", name, "SMART", primary, symbol, trading_class, 26, symbol,
        valid_exchanges=issuing.STOCK_EXCHANGES, stock_type="COMMON",
    )  # fmt: skip


def _class_of(of: Series) -> Future:
    """Unknown classes are taken for one unit of what the folder is named after."""
    return FUTURES.get(of.symbol, Future(of.symbol, of.symbol, of.market.upper(), 1))


def _future(of: Series, rule_id: int) -> Instrument:
    row, month = _class_of(of), date(int(of.month[:4]), int(of.month[4:]), 1)
    expiry = days.future_expiry(row.rule, month)
    local = f"{of.symbol}{issuing.MONTH_CODES[month.month - 1]}{month.year % 10}"
    return Instrument(
        issuing.con_id(f"{of.symbol}{expiry:%Y%m%d}"), row.symbol, "FUT", row.name, row.exchange, "", local, of.symbol,
        rule_id, of.symbol, expiry=f"{expiry:%Y%m%d}", multiplier=row.multiplier, valid_exchanges=row.exchange,
        american=False, month=of.month,
    )  # fmt: skip


def _future_option(of: Series, rule_id: int) -> Instrument:
    row, under = _class_of(of), under_of(of)
    assert under is not None
    code = f"{issuing.MONTH_CODES[int(of.month[4:]) - 1]}{of.month[3]}"
    local = f"{of.symbol}{code} {of.right}{of.strike:g}"
    return Instrument(
        issuing.con_id(f"{local} {of.expiry}"), row.symbol, "FOP", row.name, row.exchange, "", local, of.symbol,
        rule_id, of.symbol, expiry=of.expiry, strike=of.strike, right=of.right, multiplier=row.multiplier,
        valid_exchanges=row.exchange, under_con_id=_future(under, rule_id).con_id, american=of.american,
    )  # fmt: skip


def _option(of: Series, rule_id: int) -> Instrument:
    below = under_of(of)
    assert below is not None
    under = instrument(below, 26)
    local = f"{of.symbol:<6}{of.expiry[2:]}{of.right}{round(of.strike * 1000):08d}"
    index = under.sec_type == "IND"
    return Instrument(
        issuing.con_id(local), under.symbol, "OPT", under.name, under.exchange, "", local, of.symbol, rule_id,
        under.symbol, expiry=of.expiry, strike=of.strike, right=of.right, multiplier=100,
        valid_exchanges=f"SMART,{under.exchange}" if index else issuing.OPTION_EXCHANGES, under_con_id=under.con_id,
        american=of.american,
    )  # fmt: skip
