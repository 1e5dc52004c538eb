"""Frames about orders and executions, by server version. Pure.

A row of names is told from the left: what the client set, or TWS's own default after the `=`.
"""

from __future__ import annotations

import math
from dataclasses import astuple
from functools import cache

from pipeline.gateway.asks.placing import BENCHMARK_KINDS
from pipeline.gateway.asks.terms import Condition, Terms
from pipeline.gateway.broker import combos
from pipeline.gateway.broker.ordering import TRAILING_KINDS, Fill, Order, Preview
from pipeline.gateway.market import days
from pipeline.gateway.market.universe import Instrument
from pipeline.gateway.tells.frames import UNSET, UNSET_INT, Value, contract11, frame

Row = tuple[tuple[str, str], ...]


@cache
def _row(text: str) -> Row:
    """Names with their defaults."""
    parts = [item.partition("=") for item in text.split()]
    return tuple((name, default) for name, _, default in parts)


SHORT_SALE = _row("modelCode goodTillDate rule80A percentOffset settlingFirm shortSaleSlot=0 designatedLocation")
BOX = _row("startingPrice stockRefPrice delta stockRangeLower stockRangeUpper displaySize=0")
VOLATILE = _row("volatility volatilityType=0 deltaNeutralOrderType=None deltaNeutralAuxPrice")
NEUTRAL_OPEN = _row("""deltaNeutralConId=0 deltaNeutralSettlingFirm deltaNeutralClearingAccount
    deltaNeutralClearingIntent deltaNeutralOpenClose=? deltaNeutralShortSale=0 deltaNeutralShortSaleSlot=0
    deltaNeutralDesignatedLocation""")
NEUTRAL_DONE = _row("""deltaNeutralConId=0 deltaNeutralShortSale=0 deltaNeutralShortSaleSlot=0
    deltaNeutralDesignatedLocation""")
SCALE = _row("""scalePriceAdjustValue scalePriceAdjustInterval scaleProfitOffset scaleAutoReset=0 scaleInitPosition
    scaleInitFillQty scaleRandomPercent=0""")
CLEARING = _row("clearingAccount clearingIntent=IB notHeld=0")
UNDERLYING = _row("underlyingConId underlyingDelta underlyingPrice")
BENCHMARK = _row("""referenceContractId=0 isPeggedChangeAmountDecrease=0 peggedChangeAmount=0.0
    referenceChangeAmount=0.0 referenceExchangeId""")
PEGGED_OFFSETS = _row("minTradeQty minCompeteSize competeAgainstBestOffset midOffsetAtWhole midOffsetAtHalf")


def _told(terms: Terms, row: Row) -> list[Value]:
    values: list[Value] = []
    for name, default in row:
        value = terms.values.get(name)
        values.append(default if value is None or value is False or value == "" else value)
    return values


def open_order(sv: int, order: Order, x: Instrument, preview: Preview | None = None, warning: str = "") -> bytes:
    """An order as it stands; with `preview` the answer to a what-if."""
    terms = order.terms
    fields: list[Value] = [5, order.order_id, *contract11(x, order.exchange, x.right or "?"), *_head(order)]
    fields += [order.client_id, order.perm_id, order.outside_rth, *_told(terms, _row("hidden=0 discretionaryAmt=0"))]
    fields += [order.good_after, f"{order.perm_id}.0/{order.account}/100", *_advisor(sv, terms)]
    fields += [*_told(terms, SHORT_SALE), terms.values.get("exemptCode", -1)]
    fields += _told(terms, _row("auctionStrategy=0")) + _told(terms, BOX)
    fields += [*_told(terms, _row("blockOrder=0 sweepToFill=0 allOrNone=0 minQty")), order.oca_type or 3, 0, 0, ""]
    fields += [order.parent_id, terms.integer("triggerMethod"), *_volatility(terms, NEUTRAL_OPEN)]
    fields += [*_trail(order), "", "", *_legs(order), *_scale(terms), *_hedge(terms)]
    fields += [*_told(terms, _row("optOutSmartRouting=0")), *_told(terms, CLEARING), *_underlying(terms)]
    fields += [*_algo(terms), terms.flag("solicited"), order.what_if, order.status, *_state(sv, preview, warning)]
    fields += [*_told(terms, _row("randomizeSize=0 randomizePrice=0")), *_benchmark(order), *_conditions(terms)]
    fields += [*_adjusted(order), *_told(terms, _row("softDollarName softDollarValue")), ""]
    fields += _told(
        terms,
        _row("""cashQty=0 dontUseAutoPriceForHedge=1 isOmsContainer=0 discretionaryUpToLimitPrice=0
        usePriceMgmtAlgo=0"""),
    )
    return frame(*fields, *_late_fields(sv, order))


def _head(order: Order) -> list[Value]:
    terms = order.terms
    limit = order.limit or _number(terms, "lmtPrice")
    trailing = order.kind in TRAILING_KINDS
    aux = _number(terms, "auxPrice") if trailing or not order.stop else order.stop
    fields: list[Value] = [order.action, order.quantity, order.kind, limit, aux, order.tif, order.oca_group]
    return [*fields, order.account, order.open_close, terms.integer("origin"), order.ref]


def _number(terms: Terms, name: str) -> float:
    value = terms.number(name)
    return 0.0 if math.isnan(value) else value


def _advisor(sv: int, terms: Terms) -> list[Value]:
    fields = _told(terms, _row("faGroup faMethod faPercentage"))
    return fields if sv >= 177 else [*fields, ""]  # faProfile


def _volatility(terms: Terms, neutral: Row) -> list[Value]:
    """The order type of the hedge is told as None where there is none, and then its fields follow all the same."""
    fields = [*_told(terms, VOLATILE), *_told(terms, neutral)]
    return fields + _told(terms, _row("continuousUpdate=0 referencePriceType=0"))


def _stop_of(order: Order) -> Value:
    if order.kind in TRAILING_KINDS and order.stop:
        return order.stop
    return _told(order.terms, _row("trailStopPrice"))[0]


def _trail(order: Order) -> list[Value]:
    return [_stop_of(order), *_told(order.terms, _row("trailingPercent"))]


def _legs(order: Order) -> list[Value]:
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


def _scale(terms: Terms) -> list[Value]:
    fields = _told(terms, _row("scaleInitLevelSize scaleSubsLevelSize scalePriceIncrement"))
    return fields + (_told(terms, SCALE) if terms.number("scalePriceIncrement") > 0 else [])


def _hedge(terms: Terms) -> list[Value]:
    kind = terms.text("hedgeType")
    return [kind, terms.text("hedgeParam")] if kind else [kind]


def _underlying(terms: Terms) -> list[Value]:
    return [1, *_told(terms, UNDERLYING)] if "underlyingConId" in terms.values else [0]


def _algo(terms: Terms) -> list[Value]:
    name = terms.text("algoStrategy")
    return [name, *_pairs(terms.algo)] if name else [name]


def _benchmark(order: Order) -> list[Value]:
    return _told(order.terms, BENCHMARK) if order.kind in BENCHMARK_KINDS else []


def _conditions(terms: Terms) -> list[Value]:
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


def _adjusted(order: Order) -> list[Value]:
    """The adjusted stop, with the trailing stop told a second time in its midst."""
    fields = _told(order.terms, _row(f"adjustedOrderType=None triggerPrice={UNSET}"))
    fields += [_stop_of(order) or UNSET, *_told(order.terms, _row(f"lmtPriceOffset={UNSET}"))]
    return fields + _told(
        order.terms,
        _row(f"""adjustedStopPrice={UNSET} adjustedStopLimitPrice={UNSET} adjustedTrailingAmount={UNSET}
        adjustableTrailingUnit=0"""),
    )


def _state(sv: int, preview: Preview | None, warning: str) -> list[Value]:
    """Margins before, change, after (each initial, maintenance, equity with loan), commission; texts, all of them."""
    fields: list[Value]
    if preview is None:
        fields = [*[UNSET] * 9, "", "", "", ""]
    else:
        p = preview
        before = (p.init_before, p.maint_before, p.equity_before)
        after = (p.init_after, p.maint_after, p.equity_after)
        change = [f"{b - a:.2f}" for a, b in zip(before, after, strict=True)]
        commission = f"{p.commission:.2f}"
        fields = [*(f"{v:.2f}" for v in before), *change, *(f"{v:.2f}" for v in after)]
        fields += [commission, commission, commission, "USD"]
    if sv >= 195:
        fields += ["USD" if preview else "", *[UNSET] * 9, "", "", 0]  # outside-RTH margins, size, reason, allocations
    return [*fields, warning or (preview.warning if preview else "")]


def _late_fields(sv: int, order: Order) -> list[Value]:
    """Fields that later versions added, in their order."""
    terms = order.terms
    added: tuple[tuple[int, list[Value]], ...] = (
        (158, _told(terms, _row("duration"))),
        (160, _told(terms, _row("postToAts"))),
        (162, [terms.flag("autoCancelParent")]),
        (170, _told(terms, PEGGED_OFFSETS)),
        (183, [terms.text("customerAccount")]),
        (184, [terms.flag("professionalCustomer")]),
        (185, [""]),  # accrued interest of a bond
        (189, [terms.flag("includeOvernight")]),
        (193, [terms.text("extOperator"), terms.values.get("manualOrderIndicator", UNSET_INT)]),
        (198, [order.submitter]),
        (199, [terms.flag("imbalanceOnly")]),
    )
    return [value for since, values in added if sv >= since for value in values]


def order_status(order: Order) -> bytes:
    return frame(
        3, order.order_id, order.status, order.filled, order.remaining, order.average, order.perm_id, order.parent_id,
        order.last_fill, order.client_id, order.why_held, 0.0,
    )  # fmt: skip


def open_order_end() -> bytes:
    return frame(53, 1)


def order_bound(order: Order) -> bytes:
    return frame(100, order.perm_id, order.client_id, order.order_id)


def execution(sv: int, req_id: int, fill: Fill, x: Instrument) -> bytes:
    """execDetails; `req_id` is -1 when nobody asked."""
    when = f"{days.new_york(fill.time_ns):%Y%m%d %H:%M:%S} US/Eastern"
    side = "BOT" if fill.action == "BUY" else "SLD"
    fields: list[Value] = [11, req_id, fill.order_id, *contract11(x, fill.exchange)]
    fields += [fill.exec_id, when, fill.account, fill.exchange, side, fill.quantity, fill.price, fill.perm_id]
    fields += [fill.client_id, 0, fill.cumulative, fill.average, fill.ref, "", "", fill.model, fill.liquidity]
    if sv >= 178:
        fields.append(0)  # price revision pending
    if sv >= 198:
        fields.append("")  # submitter
    return frame(*fields)


def executions_end(req_id: int) -> bytes:
    return frame(55, 1, req_id)


def commission(fill: Fill, currency: str = "USD") -> bytes:
    """The report on an execution that has one of its own (a combination as a whole has none)."""
    realized = UNSET if fill.realized is None else f"{fill.realized:.2f}"
    return frame(59, 1, fill.exec_id, f"{fill.commission:.2f}", currency, realized, UNSET, "")


def completed_order(sv: int, order: Order, x: Instrument) -> bytes:
    """An order that is no longer live."""
    terms = order.terms
    when = f"{days.new_york(order.completed_ns):%Y%m%d %H:%M:%S} US/Eastern"
    status = f"Filled Size: {order.filled}" if order.status == "Filled" else order.reason or "Cancelled by Trader"
    fields: list[Value] = [101, *contract11(x, order.exchange, x.right or "?"), *_head(order), order.perm_id]
    fields += [order.outside_rth, *_told(terms, _row("hidden=0 discretionaryAmt=0")), order.good_after]
    fields += [*_advisor(sv, terms), *_told(terms, SHORT_SALE), terms.values.get("exemptCode", -1), *_told(terms, BOX)]
    fields += [*_told(terms, _row("sweepToFill=0 allOrNone=0 minQty")), order.oca_type or 3]
    fields += [terms.integer("triggerMethod"), *_volatility(terms, NEUTRAL_DONE), *_trail(order), *_legs(order)]
    fields += [*_scale(terms), *_hedge(terms), *_told(terms, CLEARING), *_underlying(terms), *_algo(terms)]
    fields += [terms.flag("solicited"), order.status, *_told(terms, _row("randomizeSize=0 randomizePrice=0"))]
    fields += [*_benchmark(order), *_conditions(terms), _stop_of(order) or UNSET]
    fields += _told(terms, _row(f"lmtPriceOffset={UNSET} cashQty=0 dontUseAutoPriceForHedge=1 isOmsContainer=0"))
    fields += ["", order.filled, 0, terms.flag("autoCancelParent"), "", terms.flag("imbalanceOnly"), 0]
    fields += [order.parent_perm, when, status]
    if sv >= 170:
        fields += _told(terms, PEGGED_OFFSETS)
    if sv >= 183:
        fields.append(terms.text("customerAccount"))
    if sv >= 184:
        fields.append(terms.flag("professionalCustomer"))
    if sv >= 198:
        fields.append(order.submitter)
    return frame(*fields)


def completed_orders_end() -> bytes:
    return frame(102)
