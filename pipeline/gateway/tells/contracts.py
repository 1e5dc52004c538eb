"""Frames about contracts, by server version. Pure."""

from __future__ import annotations

from pipeline.gateway.market import days
from pipeline.gateway.market.listing import MARKET_RULES
from pipeline.gateway.market.universe import Instrument, Universe
from pipeline.gateway.tells.frames import Value, frame

ORDER_TYPES = "ACTIVETIM,DAY,GTC,IOC,LMT,MKT,WHATIF"


def contract_details(sv: int, req_id: int, x: Instrument, universe: Universe, exchange: str) -> bytes:
    """One contractDetails; `exchange` is the one that the client asked for."""
    fields: list[Value] = [10]
    if sv < 164:
        fields.append(8)
    last_trade = f"{x.expiry} {_last_trade_time(x)}" if x.sec_type == "OPT" else x.expiry
    fields += [req_id, x.symbol, x.sec_type, last_trade]
    if sv >= 182:
        fields.append(x.expiry)
    fields += [x.strike, x.right, exchange or x.exchange, x.currency, x.local_symbol, x.trading_class]
    fields += [x.trading_class, x.con_id, x.min_tick]
    if sv < 164:
        fields.append(100)  # size of a market-data lot
    fields += [x.multiplier_text, ORDER_TYPES, x.valid_exchanges, 1, x.under_con_id, x.name, x.primary]
    fields += [x.expiry[:6], x.industry, x.category, x.subcategory, *_hours(x, universe), "", 0]
    fields += _tail(sv, x)
    return frame(*fields)


def _last_trade_time(x: Instrument) -> str:
    return "15:00 US/Central" if x.trading_class == "SPXW" else "16:00 US/Eastern"


def _hours(x: Instrument, universe: Universe) -> list[Value]:
    """Time zone, trading hours, liquid hours."""
    day = universe.day
    if x.sec_type == "FUT":
        return ["US/Central", days.future_hours_text(day), days.hours_text(day, "0830", "1600")]
    if x.sec_type == "STK":
        return ["US/Eastern", days.hours_text(day, "0400", "2000"), days.hours_text(day, "0930", "1600")]
    if x.symbol == "SPX":
        hours = days.hours_text(day, "0830", "1500")
        return ["US/Central", hours, hours]
    hours = days.hours_text(day, "0930", "1600")
    return ["US/Eastern", hours, hours]


def _tail(sv: int, x: Instrument) -> list[Value]:
    rules = ",".join(str(x.rule_id) for _ in x.valid_exchanges.split(","))
    group = {"STK": 1, "OPT": 2}.get(x.sec_type, UNGROUPED)
    under = x.symbol if x.sec_type in ("OPT", "FUT") else ""
    under_type = {"OPT": "IND" if x.symbol == "SPX" else "STK", "FUT": "IND"}.get(x.sec_type, "")
    fields: list[Value] = [0, group, under, under_type, rules, x.expiry, x.stock_type]
    if sv == 163:
        fields.append("1")
    if sv >= 164:
        fields += ["0.0001", "0.0001", "100"] if x.sec_type == "STK" else ["1", "1", "1"]
    if sv >= 186:
        fields.append(0)  # reasons why it can't be traded
    return fields


UNGROUPED = 2147483647


def contract_details_end(req_id: int) -> bytes:
    return frame(52, 1, req_id)


def option_parameters(req_id: int, under: Instrument, options: list[Instrument]) -> list[bytes]:
    """secDefOptParams: one frame an exchange, then the end."""
    frames = []
    if options:
        first = options[0]
        expiries = sorted({x.expiry for x in options})
        strikes = sorted({x.strike for x in options})
        for exchange in first.valid_exchanges.split(","):
            fields: list[Value] = [75, req_id, exchange, under.con_id, first.trading_class, first.multiplier_text]
            frames.append(frame(*fields, len(expiries), *expiries, len(strikes), *strikes))
    return [*frames, frame(76, req_id)]


def symbol_samples(sv: int, req_id: int, found: list[Instrument], universe: Universe) -> bytes:
    fields: list[Value] = [79, req_id, len(found)]
    for x in found:
        kinds = universe.derivative_types(x)
        fields += [x.con_id, x.symbol, x.sec_type, x.primary, x.currency, len(kinds), *kinds]
        if sv >= 176:
            fields += [x.name, ""]
    return frame(*fields)


def market_rule(rule_id: int) -> bytes:
    steps = MARKET_RULES[rule_id]
    flat = [value for step in steps for value in step]
    return frame(93, rule_id, len(steps), *flat)
