"""Frames about orders and executions, by server version. Pure."""

from __future__ import annotations

import math

from pipeline.gateway.asks.terms import Terms
from pipeline.gateway.broker.ordering import TRAILING_KINDS, Fill, Order, Preview
from pipeline.gateway.market import days
from pipeline.gateway.market.universe import Instrument
from pipeline.gateway.tells import parts
from pipeline.gateway.tells.frames import UNSET, UNSET_INT, Value, contract11, frame
from pipeline.gateway.tells.parts import told


def open_order(sv: int, order: Order, x: Instrument, preview: Preview | None = None, warning: str = "") -> bytes:
    """An order as it stands; with `preview` the answer to a what-if."""
    terms = order.terms
    fields: list[Value] = [5, order.order_id, *contract11(x, order.exchange, x.right or "?"), *_head(order)]
    fields += [order.client_id, order.perm_id, order.outside_rth, *told(terms, "hidden=0 discretionaryAmt=0")]
    fields += [order.good_after, f"{order.perm_id}.0/{order.account}/100", *parts.advisor(sv, terms)]
    fields += [*told(terms, parts.SHORT_SALE), terms.values.get("exemptCode", -1)]
    fields += told(terms, "auctionStrategy=0") + told(terms, parts.BOX)
    fields += [*told(terms, "blockOrder=0 sweepToFill=0 allOrNone=0 minQty"), order.oca_type or 3, 0, 0, ""]
    fields += [order.parent_id, terms.integer("triggerMethod"), *parts.volatility(terms, parts.NEUTRAL_OPEN)]
    fields += [*_trail(order), "", "", *parts.legs(order), *parts.scale(terms), *parts.hedge(terms)]
    fields += [*told(terms, "optOutSmartRouting=0"), *told(terms, parts.CLEARING), *parts.underlying(terms)]
    fields += [*parts.algo(terms), terms.flag("solicited"), order.what_if, order.status, *_state(sv, preview, warning)]
    fields += [*told(terms, "randomizeSize=0 randomizePrice=0"), *parts.benchmark(order), *parts.conditions(terms)]
    fields += [*_adjusted(order), *told(terms, "softDollarName softDollarValue"), ""]
    fields += told(
        terms,
        """cashQty=0 dontUseAutoPriceForHedge=1 isOmsContainer=0 discretionaryUpToLimitPrice=0
        usePriceMgmtAlgo=0""",
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


def _stop_of(order: Order) -> Value:
    if order.kind in TRAILING_KINDS and order.stop:
        return order.stop
    return told(order.terms, "trailStopPrice")[0]


def _trail(order: Order) -> list[Value]:
    return [_stop_of(order), *told(order.terms, "trailingPercent")]


def _adjusted(order: Order) -> list[Value]:
    """The adjusted stop, with the trailing stop told a second time in its midst."""
    fields = told(order.terms, f"adjustedOrderType=None triggerPrice={UNSET}")
    fields += [_stop_of(order) or UNSET, *told(order.terms, f"lmtPriceOffset={UNSET}")]
    return fields + told(
        order.terms,
        f"""adjustedStopPrice={UNSET} adjustedStopLimitPrice={UNSET} adjustedTrailingAmount={UNSET}
        adjustableTrailingUnit=0""",
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
        (158, told(terms, "duration")),
        (160, told(terms, "postToAts")),
        (162, [terms.flag("autoCancelParent")]),
        (170, told(terms, parts.PEGGED_OFFSETS)),
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
    fields += [order.outside_rth, *told(terms, "hidden=0 discretionaryAmt=0"), order.good_after]
    fields += [
        *parts.advisor(sv, terms),
        *told(terms, parts.SHORT_SALE),
        terms.values.get("exemptCode", -1),
        *told(terms, parts.BOX),
    ]
    fields += [*told(terms, "sweepToFill=0 allOrNone=0 minQty"), order.oca_type or 3]
    fields += [
        terms.integer("triggerMethod"),
        *parts.volatility(terms, parts.NEUTRAL_DONE),
        *_trail(order),
        *parts.legs(order),
    ]
    fields += [
        *parts.scale(terms),
        *parts.hedge(terms),
        *told(terms, parts.CLEARING),
        *parts.underlying(terms),
        *parts.algo(terms),
    ]
    fields += [terms.flag("solicited"), order.status, *told(terms, "randomizeSize=0 randomizePrice=0")]
    fields += [*parts.benchmark(order), *parts.conditions(terms), _stop_of(order) or UNSET]
    fields += told(terms, f"lmtPriceOffset={UNSET} cashQty=0 dontUseAutoPriceForHedge=1 isOmsContainer=0")
    fields += ["", order.filled, 0, terms.flag("autoCancelParent"), "", terms.flag("imbalanceOnly"), 0]
    fields += [order.parent_perm, when, status]
    if sv >= 170:
        fields += told(terms, parts.PEGGED_OFFSETS)
    if sv >= 183:
        fields.append(terms.text("customerAccount"))
    if sv >= 184:
        fields.append(terms.flag("professionalCustomer"))
    if sv >= 198:
        fields.append(order.submitter)
    return frame(*fields)


def completed_orders_end() -> bytes:
    return frame(102)
