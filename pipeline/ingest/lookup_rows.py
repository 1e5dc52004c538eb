"""TWS's answers to lookups as plain rows, and a search as a contract. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import msgspec
from ibapi.contract import Contract
from ibapi.scanner import ScannerSubscription
from ibapi.tag_value import TagValue

from pipeline.messages import FindContracts, MarketRule, OptionChain, Scan
from pipeline.tws import translate


def wanted(command: FindContracts) -> Contract:
    """What is not named fits anything."""
    contract = Contract()
    contract.conId, contract.symbol, contract.secType = command.con_id, command.symbol, command.sec_type
    contract.currency, contract.exchange = command.currency, command.exchange
    contract.localSymbol, contract.tradingClass = command.local_symbol, command.trading_class
    contract.lastTradeDateOrContractMonth, contract.right = command.expiry, command.right
    contract.includeExpired = command.expired
    if command.strike == command.strike:
        contract.strike = command.strike
    return contract


def chain(
    under_con_id: int,
    exchange: str,
    trading_class: str,
    multiplier: str,
    expiries: Iterable[str],
    strikes: Iterable[float],
) -> OptionChain:
    """One exchange and class, in ascending order."""
    return OptionChain(
        under_con_id=int(under_con_id),
        exchange=exchange,
        trading_class=trading_class,
        multiplier=translate.number(multiplier),
        expiries=sorted(expiries),
        strikes=sorted(float(strike) for strike in strikes),
    )


def rule(rule_id: int, increments: Iterable[Any]) -> MarketRule:
    """Steps by their low edges, ascending."""
    pairs = sorted((translate.number(one.lowEdge), translate.number(one.increment)) for one in increments)
    return MarketRule(rule_id=rule_id, low_edges=[low for low, _ in pairs], steps=[step for _, step in pairs])


def headline(time: str, provider: str, article_id: str, text: str) -> dict[str, Any]:
    """A headline of the past; its time in UTC, 0 where it can't be read."""
    return {"time_ns": news_time_ns(time), "provider": provider, "article_id": article_id, "headline": text}


def news_time(ns: int) -> str:
    """A time as requests for news have it, in UTC."""
    return datetime.fromtimestamp(ns // 1_000_000_000, UTC).strftime("%Y-%m-%d %H:%M:%S.0")


def news_time_ns(text: str) -> int:
    """UTC ns of `2026-11-20 15:04:05.0`, TWS's spelling in UTC; 0 for anything else."""
    try:
        return int(datetime.fromisoformat(text.strip().split(".")[0]).replace(tzinfo=UTC).timestamp()) * 1_000_000_000
    except ValueError:
        return 0


def time_ns(text: str) -> int:
    """UTC ns of seconds since 1970; 0 for anything else."""
    return int(text) * 1_000_000_000 if text.strip().lstrip("-").isdigit() else 0


def scanned(rank: int, details: Any, distance: str, benchmark: str, projection: str, legs: str) -> dict[str, Any]:
    """One row of a scan, with its contract."""
    known = msgspec.to_builtins(translate.provisional(details.contract))
    names = ("con_id", "symbol", "sec_type", "currency", "exchange", "local_symbol", "expiry", "strike", "right")
    told = {"rank": rank, "distance": distance, "benchmark": benchmark, "projection": projection, "legs": legs}
    return told | {name: known[name] for name in names}


def session(one: Any) -> dict[str, str]:
    """One trading session, in the time zone of the answer."""
    return {"begin": one.startDateTime, "end": one.endDateTime, "date": one.refDate}


def scan(command: Scan) -> tuple[ScannerSubscription, list[TagValue]]:
    """A run of the scanner, and its filters."""
    wanted = ScannerSubscription()
    wanted.scanCode, wanted.instrument, wanted.locationCode = command.scan_code, command.instrument, command.location
    wanted.numberOfRows = max(1, command.rows)
    if command.above_price == command.above_price:
        wanted.abovePrice = command.above_price
    if command.below_price == command.below_price:
        wanted.belowPrice = command.below_price
    if command.above_volume:
        wanted.aboveVolume = command.above_volume
    return wanted, [TagValue(tag, value) for tag, value in command.filters.items()]
