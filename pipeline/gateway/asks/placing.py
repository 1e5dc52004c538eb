"""placeOrder, read field by field as the versions lay it out. Pure.

A row of names is read from the left; a mark says what a field is: `#` integer, `%` double, `?` flag, none: text.
"""

from __future__ import annotations

import math

from pipeline.gateway.asks.fields import Fields
from pipeline.gateway.asks.terms import Condition, Leg, Terms, Value
from pipeline.gateway.market.universe import Description

Values = dict[str, Value]
LONGEST_TEXT = 4096


def _names(text: str) -> list[str]:
    """The marked names of a row."""
    return text.split()


HEAD = _names(
    """secIdType secId action totalQuantity% orderType lmtPrice% auxPrice% tif ocaGroup account openClose origin#
    orderRef transmit? parentId# blockOrder? sweepToFill? displaySize# triggerMethod# outsideRth? hidden?"""
)
ALLOCATION = _names("sharesAllocation discretionaryAmt% goodAfterTime goodTillDate faGroup faMethod faPercentage")
BODY = _names(
    """modelCode shortSaleSlot# designatedLocation exemptCode# ocaType# rule80A settlingFirm allOrNone? minQty#
    percentOffset% eTradeOnly? firmQuoteOnly? nbboPriceCap% auctionStrategy# startingPrice% stockRefPrice% delta%
    stockRangeLower% stockRangeUpper% overridePercentageConstraints? volatility% volatilityType#
    deltaNeutralOrderType deltaNeutralAuxPrice%"""
)
DELTA_NEUTRAL = _names(
    """deltaNeutralConId# deltaNeutralSettlingFirm deltaNeutralClearingAccount deltaNeutralClearingIntent
    deltaNeutralOpenClose deltaNeutralShortSale? deltaNeutralShortSaleSlot# deltaNeutralDesignatedLocation"""
)
PRICING = _names(
    """continuousUpdate? referencePriceType# trailStopPrice% trailingPercent% scaleInitLevelSize# scaleSubsLevelSize#
    scalePriceIncrement%"""
)
SCALE = _names(
    """scalePriceAdjustValue% scalePriceAdjustInterval# scaleProfitOffset% scaleAutoReset? scaleInitPosition#
    scaleInitFillQty# scaleRandomPercent?"""
)
CLEARING = _names("optOutSmartRouting? clearingAccount clearingIntent notHeld?")
UNDERLYING = _names("underlyingConId# underlyingDelta% underlyingPrice%")
FLAGS = _names("algoId whatIf? orderMiscOptions solicited? randomizeSize? randomizePrice?")
BENCHMARK = _names(
    """referenceContractId# isPeggedChangeAmountDecrease? peggedChangeAmount% referenceChangeAmount%
    referenceExchangeId"""
)
TAIL = _names(
    """adjustedOrderType triggerPrice% lmtPriceOffset% adjustedStopPrice% adjustedStopLimitPrice%
    adjustedTrailingAmount% adjustableTrailingUnit# extOperator softDollarName softDollarValue cashQty%
    mifid2DecisionMaker mifid2DecisionAlgo mifid2ExecutionTrader mifid2ExecutionAlgo dontUseAutoPriceForHedge?
    isOmsContainer? discretionaryUpToLimitPrice? usePriceMgmtAlgo?"""
)
BENCHMARK_KINDS, BEST_KINDS, MID_KINDS = ("PEG BENCH", "PEGBENCH"), ("PEG BEST", "PEGBEST"), ("PEG MID", "PEGMID")


def read(f: Fields) -> tuple[Description, Terms]:
    """Contract and terms of a placeOrder whose id is read already; BadRequest where a field can't be read."""
    contract, values = f.contract(), _row(f, HEAD)
    legs, prices, routing = _combo(f) if contract.sec_type == "BAG" else ((), (), ())
    values |= _row(f, ALLOCATION)
    if f.sv < 177:
        f.skip()  # faProfile
    values |= _row(f, BODY)
    if values.get("deltaNeutralOrderType"):
        values |= _row(f, DELTA_NEUTRAL)
    values |= _row(f, PRICING)
    increment = values.get("scalePriceIncrement")
    if isinstance(increment, float) and increment > 0:
        values |= _row(f, SCALE)
    values |= _row(f, ["scaleTable", "activeStartTime", "activeStopTime", "hedgeType"])
    if values.get("hedgeType"):
        values |= _row(f, ["hedgeParam"])
    values |= _row(f, CLEARING)
    if f.flag():
        values |= _row(f, UNDERLYING)
    values |= _row(f, ["algoStrategy"])
    algo = _pairs(f) if values.get("algoStrategy") else ()
    values |= _row(f, FLAGS)
    if values.get("orderType") in BENCHMARK_KINDS:
        values |= _row(f, BENCHMARK)
    conditions = tuple(_condition(f) for _ in range(f.count(100)))
    if conditions:
        values |= _row(f, ["conditionsIgnoreRth?", "conditionsCancelOrder?"])
    values |= _row(f, TAIL) | _late(f, contract.exchange, str(values.get("orderType", "")))
    return contract, Terms(values, legs, prices, routing, algo, conditions)


def _late(f: Fields, exchange: str, kind: str) -> Values:
    """Fields that later versions added, in their order."""
    names: list[str] = []
    names += ["duration#"] if f.sv >= 158 else []
    names += ["postToAts#"] if f.sv >= 160 else []
    names += ["autoCancelParent?"] if f.sv >= 162 else []
    names += ["advancedErrorOverride"] if f.sv >= 166 else []
    names += ["manualOrderTime"] if f.sv >= 169 else []
    values = _row(f, names)
    if f.sv >= 170:
        values |= _pegged(f, exchange, kind)
    names = ["customerAccount"] if f.sv >= 183 else []
    names += ["professionalCustomer?"] if f.sv >= 184 else []
    names += ["rfqOperator", "rfqIndicator"] if 187 <= f.sv < 190 else []
    names += ["includeOvernight?"] if f.sv >= 189 else []
    names += ["manualOrderIndicator#"] if f.sv >= 192 else []
    names += ["imbalanceOnly?"] if f.sv >= 199 else []
    return values | _row(f, names)


def _pegged(f: Fields, exchange: str, kind: str) -> Values:
    values = _row(f, ["minTradeQty#"]) if exchange == "IBKRATS" else {}
    if kind in BEST_KINDS:
        values |= _row(f, ["minCompeteSize#", "competeAgainstBestOffset%"])
    if kind in MID_KINDS or values.get("competeAgainstBestOffset") == math.inf:
        values |= _row(f, ["midOffsetAtWhole%", "midOffsetAtHalf%"])
    return values


def _row(f: Fields, names: list[str]) -> Values:
    """The fields that are set, by name without its mark."""
    found: Values = {}
    for name in names:
        value = _value(f, name[-1])
        if value is not None and value is not False and value != "":
            found[name.rstrip("#%?")] = value
    return found


def _value(f: Fields, mark: str) -> Value | None:
    if mark == "?":
        return f.flag()
    if mark == "#":
        return f.whole()
    if mark == "%":
        return f.double()
    text = f.text()
    if len(text) > LONGEST_TEXT:
        raise f.unreadable(text)
    return text


def _combo(f: Fields) -> tuple[tuple[Leg, ...], tuple[float | None, ...], tuple[tuple[str, str], ...]]:
    legs = tuple(
        Leg(
            f.integer(), f.integer(), f.text().upper(), f.text(), f.integer(), f.integer(), f.text(),
            -1 if (exempt := f.whole()) is None else exempt,
        )
        for _ in range(f.count(100))
    )  # fmt: skip
    return legs, tuple(f.double() for _ in range(f.count(100))), _pairs(f)


def _pairs(f: Fields) -> tuple[tuple[str, str], ...]:
    return tuple((f.text(), f.text()) for _ in range(f.count(100)))


def _condition(f: Fields) -> Condition:
    kind = f.integer()
    if kind not in (1, 3, 4, 5, 6, 7):
        raise f.unreadable(str(kind))
    joined = f.text()
    if kind == 5:
        sec_type, exchange, symbol = f.text(), f.text(), f.text()
        return Condition(kind, joined, exchange=exchange, sec_type=sec_type, symbol=symbol)
    more, value = f.flag(), f.text()
    if kind != 3:
        _check_number(f, value)
    if kind in (3, 4):
        return Condition(kind, joined, more, value)
    con_id, exchange = f.integer(), f.text()
    return Condition(kind, joined, more, value, con_id, exchange, f.integer() if kind == 1 else 0)


def _check_number(f: Fields, text: str) -> None:
    try:
        usable = math.isfinite(float(text))
    except ValueError:
        usable = False
    if not usable or "_" in text:
        raise f.unreadable(text)
