"""Frames about contracts, by server version. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from pipeline.gateway.market import schedule
from pipeline.gateway.market.instruments import DERIVATIVES, Instrument
from pipeline.gateway.market.listing import DEPTH_EXCHANGES, MARKET_RULES, Bond
from pipeline.gateway.market.universe import Universe
from pipeline.gateway.tells.frames import UNSET_INT, Value, frame

ORDER_TYPES = "ACTIVETIM,DAY,GTC,GTD,IOC,LIT,LMT,LOC,MIT,MKT,MOC,OCA,PEGMID,STP,STPLMT,TRAIL,TRAILLMT,WHATIF"
UNGROUPED = 2147483647
GROUPS = {"STK": 1, "OPT": 2, "CASH": 4}
SIZES = {"STK": ("0.0001", "0.0001", "100"), "CASH": ("0.01", "0.01", "1000")}  # least, step, suggested step


def contract_details(
    sv: int, req_id: int, x: Instrument, universe: Universe, exchange: str, sec_type: str = ""
) -> bytes:
    """One contractDetails; `exchange` is the one that the client asked for, `sec_type` CONTFUT for a curve's front."""
    fields: list[Value] = [10]
    if sv < 164:
        fields.append(8)
    fields += [req_id, x.symbol, sec_type or x.sec_type, schedule.last_trade(x)]
    if sv >= 182:
        fields.append(x.expiry)
    fields += [x.strike, x.right, exchange or x.exchange, x.currency, x.local_symbol, x.trading_class]
    fields += [x.trading_class, x.con_id, x.min_tick]
    if sv < 164:
        fields.append(100)  # size of a market-data lot
    fields += [x.multiplier_text, ORDER_TYPES, x.valid_exchanges, 1, x.under_con_id, x.name, x.primary]
    fields += [x.contract_month, x.industry, x.category, x.subcategory, *_hours(x, universe), "", 0]
    fields += [*_ids(x), GROUPS.get(x.sec_type, UNGROUPED), *_under(x, universe), _rules(x)]
    fields += [x.expiry if x.sec_type in DERIVATIVES else "", x.stock_type]
    if sv == 163:
        fields.append("1")  # smallest step of a size
    if sv >= 164:
        fields += SIZES.get(x.sec_type, ("1", "1", "1"))
    if sv >= 186:
        fields.append(0)  # reasons why it can't be traded
    return frame(*fields)


def bond_details(sv: int, req_id: int, x: Instrument, bond: Bond, universe: Universe, exchange: str) -> bytes:
    """One bondContractDetails."""
    fields: list[Value] = [18]
    if sv < 164:
        fields.append(6)
    fields += [req_id, x.symbol, x.sec_type, bond.cusip, f"{bond.coupon:g}", bond.maturity, bond.issued, bond.ratings]
    fields += [bond.kind, "FIXED", False, bond.callable, False, x.local_symbol]
    fields += [exchange or x.exchange, x.currency, x.trading_class, x.trading_class, x.con_id, x.min_tick]
    if sv < 164:
        fields.append(100)  # size of a market-data lot
    fields += [ORDER_TYPES, x.valid_exchanges, "", "", False, "", x.name]  # next option: date, type, partial; notes
    if sv >= 188:
        fields += _hours(x, universe)
    fields += ["", 0, *_ids(x), UNGROUPED, _rules(x)]
    if sv >= 164:
        fields += ["1", "1", "1"]
    return frame(*fields)


def _hours(x: Instrument, universe: Universe) -> list[Value]:
    """Time zone, trading hours, liquid hours."""
    day = universe.day
    return [schedule.zone_of(x), schedule.trading_hours(x, day), schedule.liquid_hours(x, day)]


def _ids(x: Instrument) -> list[Value]:
    """Count of security ids, and each with its kind."""
    return [1, "ISIN", x.isin] if x.cusip else [0]


def _under(x: Instrument, universe: Universe) -> list[Value]:
    """Symbol and type of the underlying."""
    if x.sec_type == "FUT":
        return [x.symbol, "IND"]
    if x.sec_type not in DERIVATIVES:
        return ["", ""]
    under = universe.by_con_id[x.under_con_id]
    return [under.local_symbol, under.sec_type]


def _rules(x: Instrument) -> str:
    """The price steps on each valid exchange, in their order."""
    return ",".join(str(x.rule_id) for _ in x.valid_exchanges.split(","))


def contract_details_end(req_id: int) -> bytes:
    return frame(52, 1, req_id)


def option_parameters(req_id: int, under: Instrument, options: list[Instrument]) -> list[bytes]:
    """secDefOptParams: one frame an exchange and trading class, then the end."""
    frames = []
    for trading_class, multiplier in sorted({(x.trading_class, x.multiplier_text) for x in options}):
        those = [x for x in options if (x.trading_class, x.multiplier_text) == (trading_class, multiplier)]
        expiries, strikes = sorted({x.expiry for x in those}), sorted({x.strike for x in those})
        for exchange in those[0].valid_exchanges.split(","):
            fields: list[Value] = [75, req_id, exchange, under.con_id, trading_class, multiplier]
            frames.append(frame(*fields, len(expiries), *expiries, len(strikes), *strikes))
    return [*frames, frame(76, req_id)]


def symbol_samples(
    sv: int, req_id: int, found: list[Instrument], universe: Universe, issuers: Iterable[Bond] = ()
) -> bytes:
    """The contracts found, then the issuers of bonds, who have no con_id."""
    those = list(issuers)
    fields: list[Value] = [79, req_id, len(found) + len(those)]
    for x in found:
        kinds = universe.derivative_types(x)
        fields += [x.con_id, x.symbol, x.sec_type, x.primary, x.currency, len(kinds), *kinds]
        if sv >= 176:
            fields += [x.name, ""]
    for bond in those:
        fields += [UNSET_INT, "", "BOND", "", "", 0]
        if sv >= 176:
            fields += [bond.name, bond.issuer_id]
    return frame(*fields)


def market_rule(rule_id: int) -> bytes:
    steps = MARKET_RULES[rule_id]
    flat = [value for step in steps for value in step]
    return frame(93, rule_id, len(steps), *flat)


def smart_components(req_id: int, components: tuple[tuple[str, str], ...]) -> bytes:
    """What the letters of a smart quote's exchanges stand for."""
    flat: list[Value] = []
    for bit, (exchange, letter) in enumerate(components):
        flat += [bit, exchange, letter]
    return frame(82, req_id, len(components), *flat)


def depth_exchanges() -> bytes:
    """Exchanges with market depth: security type, listing exchange, kind of data, group of aggregation."""
    flat: list[Value] = []
    for exchange, sec_type, kind, group in DEPTH_EXCHANGES:
        flat += [exchange, sec_type, "", kind, group]
    return frame(80, len(DEPTH_EXCHANGES), *flat)
