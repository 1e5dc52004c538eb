"""The parts of an order that openOrder and completedOrder share: what the client set, as it is told back. Pure.

A row names fields from the left; what stands after a `=` is TWS's own default.
"""

from __future__ import annotations

from dataclasses import astuple
from functools import cache

from pipeline.gateway.asks.placing import BENCHMARK_KINDS
from pipeline.gateway.asks.terms import Condition, Terms
from pipeline.gateway.broker import combos
from pipeline.gateway.broker.ordering import Order
from pipeline.gateway.tells.frames import Value

Row = tuple[tuple[str, str], ...]


@cache
def _row(text: str) -> Row:
    """Names with their defaults."""
    parts = [item.partition("=") for item in text.split()]
    return tuple((name, default) for name, _, default in parts)


SHORT_SALE = "modelCode goodTillDate rule80A percentOffset settlingFirm shortSaleSlot=0 designatedLocation"
BOX = "startingPrice stockRefPrice delta stockRangeLower stockRangeUpper displaySize=0"
VOLATILE = "volatility volatilityType=0 deltaNeutralOrderType=None deltaNeutralAuxPrice"
NEUTRAL_OPEN = """deltaNeutralConId=0 deltaNeutralSettlingFirm deltaNeutralClearingAccount
    deltaNeutralClearingIntent deltaNeutralOpenClose=? deltaNeutralShortSale=0 deltaNeutralShortSaleSlot=0
    deltaNeutralDesignatedLocation"""
NEUTRAL_DONE = """deltaNeutralConId=0 deltaNeutralShortSale=0 deltaNeutralShortSaleSlot=0
    deltaNeutralDesignatedLocation"""
SCALE = """scalePriceAdjustValue scalePriceAdjustInterval scaleProfitOffset scaleAutoReset=0 scaleInitPosition
    scaleInitFillQty scaleRandomPercent=0"""
CLEARING = "clearingAccount clearingIntent=IB notHeld=0"
UNDERLYING = "underlyingConId underlyingDelta underlyingPrice"
BENCHMARK = """referenceContractId=0 isPeggedChangeAmountDecrease=0 peggedChangeAmount=0.0
    referenceChangeAmount=0.0 referenceExchangeId"""
PEGGED_OFFSETS = "minTradeQty minCompeteSize competeAgainstBestOffset midOffsetAtWhole midOffsetAtHalf"


def told(terms: Terms, names: str) -> list[Value]:
    """What the client set, by the names of a row, or the default after the `=`."""
    values: list[Value] = []
    for name, default in _row(names):
        value = terms.values.get(name)
        values.append(default if value is None or value is False or value == "" else value)
    return values


def advisor(sv: int, terms: Terms) -> list[Value]:
    fields = told(terms, "faGroup faMethod faPercentage")
    return fields if sv >= 177 else [*fields, ""]  # faProfile


def volatility(terms: Terms, neutral: str) -> list[Value]:
    """The order type of the hedge is told as None where there is none, and then its fields follow all the same."""
    fields = [*told(terms, VOLATILE), *told(terms, neutral)]
    return fields + told(terms, "continuousUpdate=0 referencePriceType=0")


def legs(order: Order) -> list[Value]:
    """Description, legs, prices of the legs, routing of the combination."""
    terms = order.terms
    fields: list[Value] = [combos.described(terms.legs), len(terms.legs)]
    for leg in terms.legs:
        fields += astuple(leg)
    fields.append(len(terms.leg_prices))
    fields += ["" if price is None else price for price in terms.leg_prices]
    return [*fields, *_pairs(terms.routing)]


def _pairs(pairs: tuple[tuple[str, str], ...]) -> list[Value]:
    return [len(pairs), *(text for pair in pairs for text in pair)]


def scale(terms: Terms) -> list[Value]:
    fields = told(terms, "scaleInitLevelSize scaleSubsLevelSize scalePriceIncrement")
    return fields + (told(terms, SCALE) if terms.number("scalePriceIncrement") > 0 else [])


def hedge(terms: Terms) -> list[Value]:
    kind = terms.text("hedgeType")
    return [kind, terms.text("hedgeParam")] if kind else [kind]


def underlying(terms: Terms) -> list[Value]:
    return [1, *told(terms, UNDERLYING)] if "underlyingConId" in terms.values else [0]


def algo(terms: Terms) -> list[Value]:
    name = terms.text("algoStrategy")
    return [name, *_pairs(terms.algo)] if name else [name]


def benchmark(order: Order) -> list[Value]:
    return told(order.terms, BENCHMARK) if order.kind in BENCHMARK_KINDS else []


def conditions(terms: Terms) -> list[Value]:
    fields: list[Value] = [len(terms.conditions)]
    for one in terms.conditions:
        fields += _condition(one)
    flags = [terms.flag("conditionsIgnoreRth"), terms.flag("conditionsCancelOrder")]
    return [*fields, *flags] if terms.conditions else fields


def _condition(one: Condition) -> list[Value]:
    if one.kind == 5:
        return [5, one.joined, one.sec_type, one.exchange, one.symbol]
    fields: list[Value] = [one.kind, one.joined, one.more, one.value]
    if one.kind in (3, 4):
        return fields
    fields += [one.con_id, one.exchange]
    return [*fields, one.method] if one.kind == 1 else fields
