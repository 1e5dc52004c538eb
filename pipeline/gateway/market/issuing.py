"""Contracts made from the rows of the listing. Pure."""

from __future__ import annotations

import zlib
from datetime import date

from pipeline.gateway.market import listing
from pipeline.gateway.market.instruments import Instrument

MONTH_CODES = "FGHJKMNQUVXZ"
OPTION_EXCHANGES = "SMART,CBOE,AMEX,PHLX,ISE,BOX,PSE"
STOCK_EXCHANGES = "SMART,NASDAQ,NYSE,ARCA,BATS,IEX"
BOND_UNIT = 10  # 1,000 dollars of face at a price in per cent


def con_id(text: str) -> int:
    """A con_id for what has no real one: from its local symbol, above every real one used here, below 2³¹."""
    return 700_000_000 + zlib.crc32(text.encode()) % 1_400_000_000


def stock(row: listing.Listed, process: str, factor: float, stock_type: str) -> Instrument:
    market = row.primary if row.primary == "NYSE" else "NMS" if row.primary == "NASDAQ" else row.symbol
    return Instrument(
        row.con_id, row.symbol, "STK", row.name, "SMART", row.primary, row.symbol,
        row.symbol if market == "NYSE" else market, 26, process, factor=factor, valid_exchanges=STOCK_EXCHANGES,
        stock_type=stock_type, industry=row.industry, category=row.category, subcategory=row.subcategory,
        cusip=listing.CUSIPS[row.symbol],
    )  # fmt: skip


def index(symbol: str, number: int, name: str) -> Instrument:
    exchange = "NASDAQ" if symbol == "NDX" else "CBOE"
    category = "Volatility Index" if symbol == "VIX" else "Broad Range Equity Index"
    return Instrument(
        number, symbol, "IND", name, exchange, exchange, symbol, symbol, 26, symbol, valid_exchanges=exchange,
        industry="Indices", category=category, subcategory="*",
    )  # fmt: skip


def future(row: listing.FutureClass, expiry: date, month: date) -> Instrument:
    local = f"{row.symbol}{MONTH_CODES[month.month - 1]}{month.year % 10}"
    return Instrument(
        con_id(f"{row.symbol}{expiry:%Y%m%d}"), row.symbol, "FUT", row.name, row.exchange, "", local, row.symbol,
        row.rule_id, row.process, expiry=f"{expiry:%Y%m%d}", multiplier=row.multiplier, valid_exchanges=row.exchange,
        under_con_id=row.under_con_id, american=False, month=f"{month:%Y%m}",
    )  # fmt: skip


def option(kind: listing.OptionClass, under: Instrument, expiry: date, strike: float, right: str) -> Instrument:
    local = f"{kind.trading_class:<6}{expiry:%y%m%d}{right}{round(strike * 1000):08d}"
    return Instrument(
        con_id(local), kind.symbol, "OPT", under.name, kind.exchange, "", local, kind.trading_class, kind.rule_id,
        under.process, expiry=f"{expiry:%Y%m%d}", strike=strike, right=right, multiplier=kind.multiplier,
        valid_exchanges=OPTION_EXCHANGES if kind.exchange == "SMART" else "SMART,CBOE", under_con_id=under.con_id,
        american=kind.american,
    )  # fmt: skip


def future_option(kind: listing.OptionClass, under: Instrument, expiry: date, strike: float, right: str) -> Instrument:
    """An option on the future `under`."""
    month = f"{MONTH_CODES[expiry.month - 1]}{expiry.year % 10}"
    local = f"{kind.trading_class}{month} {right}{strike:g}"
    return Instrument(
        con_id(f"{local} {expiry.year}"), kind.symbol, "FOP", under.name, kind.exchange, "", local, kind.trading_class,
        kind.rule_id, under.process, expiry=f"{expiry:%Y%m%d}", strike=strike, right=right,
        multiplier=kind.multiplier, valid_exchanges=kind.exchange, under_con_id=under.con_id, american=kind.american,
    )  # fmt: skip


def pair(row: listing.Pair) -> Instrument:
    name = f"{row.symbol}.{row.currency}"
    return Instrument(
        row.con_id, row.symbol, "CASH", listing.CURRENCIES[row.symbol], "IDEALPRO", "", name, name, row.rule_id, name,
        valid_exchanges="IDEALPRO", currency=row.currency,
    )  # fmt: skip


def bond(row: listing.Bond) -> Instrument:
    local = f"{row.symbol} {row.coupon:g} {row.maturity[4:6]}/{row.maturity[6:]}/{row.maturity[2:4]}"
    return Instrument(
        con_id(row.cusip), row.symbol, "BOND", row.name, "SMART", "", local, row.symbol, 2600, "", expiry=row.maturity,
        multiplier=BOND_UNIT, valid_exchanges="SMART", category=row.kind, cusip=row.cusip, bond=row,
    )  # fmt: skip
