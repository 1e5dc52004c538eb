"""An order from what a client asked, and a changed one. Pure."""

from __future__ import annotations

import math

from pipeline.gateway.asks.orders import PlaceOrder
from pipeline.gateway.broker import combos
from pipeline.gateway.broker.ordering import PEGGED_KINDS, TRAILING_KINDS, Order

LIMITED_KINDS = ("LMT", "STP LMT", "LIT", "LOC", *PEGGED_KINDS)
REDUCE_WITHOUT_BLOCK = 3


def draft(asked: PlaceOrder, client_id: int, perm_id: int, account: str, con_id: int, now_ns: int) -> Order:
    """The order as it begins; `asked` is checked already."""
    terms, bag = asked.terms, bool(asked.terms.legs)
    limit = combos.limit_of(terms, asked.limit) if bag else asked.limit
    group = terms.text("ocaGroup")
    order = Order(
        asked.req_id, client_id, perm_id, account, con_id, asked.contract.exchange, asked.action, int(asked.quantity),
        asked.kind, _known(limit) if asked.kind in LIMITED_KINDS else 0.0, asked.tif, asked.ref, asked.open_close,
        asked.outside_rth, asked.transmit, asked.what_if, terms=terms, symbol=asked.contract.symbol if bag else "",
        stop=_known(asked.stop), placed_ns=now_ns, oca_group=group,
        oca_type=(terms.integer("ocaType") or REDUCE_WITHOUT_BLOCK) if group else 0,
    )  # fmt: skip
    if asked.kind in TRAILING_KINDS:
        order.stop = _known(terms.number("trailStopPrice"))
        order.offset = _offset(asked)
    return order


def _offset(asked: PlaceOrder) -> float:
    """From the stop to the limit of a TRAIL LIMIT: what was said, or what its two prices have between them."""
    side = 1 if asked.action == "BUY" else -1
    given = asked.terms.number("lmtPriceOffset")
    if not math.isnan(given):
        return side * abs(given)
    between = asked.limit - asked.terms.number("trailStopPrice")
    return 0.0 if math.isnan(between) else between


def _known(price: float) -> float:
    return 0.0 if math.isnan(price) else price


def change(old: Order, new: Order) -> None:
    """Let `old` be what `new` asks for; what became of it stays."""
    if (old.kind, old.stop) != (new.kind, new.stop) and not old.filled:
        old.triggered, old.touches = False, 0
    if new.kind in TRAILING_KINDS and not new.stop and old.kind == new.kind:
        new.stop = old.stop
    old.quantity, old.kind, old.limit, old.stop, old.offset = new.quantity, new.kind, new.limit, new.stop, new.offset
    old.tif, old.outside_rth, old.ref, old.terms = new.tif, new.outside_rth, new.ref, new.terms
    old.shares = new.shares
    old.freed = old.freed and not new.terms.conditions
    if new.oca_group:
        old.oca_group, old.oca_type = new.oca_group, new.oca_type
