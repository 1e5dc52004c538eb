"""Frames about orders and executions, by server version. Pure."""

from __future__ import annotations

from pipeline.gateway.broker.ordering import Fill, Order, Preview
from pipeline.gateway.market import days
from pipeline.gateway.market.universe import Instrument
from pipeline.gateway.tells.frames import UNSET, UNSET_INT, Value, contract11, frame


def open_order(sv: int, order: Order, x: Instrument, preview: Preview | None = None) -> bytes:
    """An order as it stands; with `preview` the answer to a what-if."""
    fields: list[Value] = [5, order.order_id, *contract11(x, order.exchange, x.right or "?")]
    fields += [order.action, order.quantity, order.kind, order.limit, 0.0, order.tif, "", order.account]
    fields += [order.open_close, 0, order.ref, order.client_id, order.perm_id, order.outside_rth, 0, 0, ""]
    fields += [f"{order.perm_id}.0/{order.account}/100", "", "", ""]  # after discretionary amount, good-after time, FA
    if sv < 177:
        fields.append("")  # faProfile
    fields += ["", "", "", "", "", 0, "", -1, 0, "", "", "", "", "", UNSET_INT, 0, 0, 0, "", 3, 0, 0, "", 0, 0]
    # model, good till, rule 80A, offset, firm, slot, location, exempt, auction, start, stock ref, delta, range ×2,
    # display, block, sweep, all-or-none, minimum, OCA type, e-trade, firm quote, cap, parent, trigger method
    fields += ["", 0, "None", "", 0, "", "", "", "?", 0, 0, "", 0, 0]  # volatility and delta-neutral order
    fields += ["", "", "", "", "", 0, 0, 0]  # trailing, basis, legs
    fields += ["", "", "", "", 0, "", "IB", 0, 0, "", 0]  # scale, hedge, opt-out, clearing … solicited
    fields += [order.what_if, order.status]
    fields += _state(sv, preview)
    fields += [0, 0, 0]  # random size and price, conditions
    fields += ["None", UNSET, UNSET, UNSET, UNSET, UNSET, UNSET, 0, "", "", "", 0, 1, 0, 0, 0]
    fields += _late_fields(sv, order)
    return frame(*fields)


def _state(sv: int, preview: Preview | None) -> list[Value]:
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
    return [*fields, preview.warning if preview else ""]


def _late_fields(sv: int, order: Order) -> list[Value]:
    """Fields that later versions added, in their order."""
    added: tuple[tuple[int, list[Value]], ...] = (
        (158, [""]),  # duration
        (160, [""]),  # post to ATS
        (162, [0]),  # cancel with the parent
        (170, ["", "", "", "", ""]),  # smallest sizes and offsets of pegged orders
        (183, [""]),  # customer account
        (184, [0]),  # professional customer
        (185, [""]),  # accrued interest of a bond
        (189, [0]),  # include overnight
        (193, ["", UNSET_INT]),  # operator, manual order
        (198, [order.submitter]),
        (199, [0]),  # imbalance only
    )
    return [value for since, values in added if sv >= since for value in values]


def order_status(order: Order) -> bytes:
    return frame(
        3, order.order_id, order.status, order.filled, order.remaining, order.average, order.perm_id, 0,
        order.last_fill, order.client_id, "", 0.0,
    )  # fmt: skip


def open_order_end() -> bytes:
    return frame(53, 1)


def execution(sv: int, req_id: int, fill: Fill, x: Instrument) -> bytes:
    """execDetails; `req_id` is -1 when nobody asked."""
    when = f"{days.new_york(fill.time_ns):%Y%m%d %H:%M:%S} US/Eastern"
    side = "BOT" if fill.action == "BUY" else "SLD"
    fields: list[Value] = [11, req_id, fill.order_id, *contract11(x, fill.exchange)]
    fields += [fill.exec_id, when, fill.account, fill.exchange, side, fill.quantity, fill.price, fill.perm_id]
    fields += [fill.client_id, 0, fill.cumulative, fill.average, fill.ref, "", "", "", 2]
    if sv >= 178:
        fields.append(0)  # price revision pending
    if sv >= 198:
        fields.append("")  # submitter
    return frame(*fields)


def executions_end(req_id: int) -> bytes:
    return frame(55, 1, req_id)


def commission(fill: Fill) -> bytes:
    realized = UNSET if fill.realized is None else f"{fill.realized:.2f}"
    return frame(59, 1, fill.exec_id, f"{fill.commission:.2f}", "USD", realized, UNSET, "")


def completed_order(sv: int, order: Order, x: Instrument) -> bytes:
    """An order that is no longer live."""
    when = f"{days.new_york(order.completed_ns):%Y%m%d %H:%M:%S} US/Eastern"
    status = f"{order.status} Size: {order.filled}" if order.status == "Filled" else "Cancelled by Trader"
    fields: list[Value] = [101, *contract11(x, order.exchange, x.right or "?"), order.action, order.quantity]
    fields += [order.kind, order.limit, 0.0, order.tif, "", order.account, order.open_close, 0, order.ref]
    fields += [order.perm_id, order.outside_rth, 0, 0, "", "", "", ""]
    if sv < 177:
        fields.append("")  # faProfile
    fields += ["", "", "", "", "", 0, "", -1, "", "", "", "", "", "", 0, 0, UNSET_INT, 3, 0]
    # model, good till, rule 80A, offset, firm, slot, location, exempt, start, stock ref, delta, range ×2, display,
    # sweep, all-or-none, minimum, OCA type, trigger method
    fields += ["", 0, "None", "", 0, 0, 0, "", 0, 0]  # volatility and delta-neutral order
    fields += ["", "", "", 0, 0, 0]  # trailing, legs
    fields += ["", "", "", "", "", "IB", 0, 0, "", 0]  # scale, hedge, clearing … solicited
    fields += [order.status, 0, 0, 0, UNSET, UNSET, 0, 1, 0]  # random ×2, conditions, stop, offset, cash, price, OMS
    fields += ["", order.filled, 0, 0, "", 0, 0, 0, when, status]
    if sv >= 170:
        fields += ["", "", "", "", ""]
    if sv >= 183:
        fields.append("")
    if sv >= 184:
        fields.append(0)
    if sv >= 198:
        fields.append(order.submitter)
    return frame(*fields)


def completed_orders_end() -> bytes:
    return frame(102)
