"""Whether an order trades against a quote, how much of it and at what price. Pure."""

from __future__ import annotations

from pipeline.gateway.broker.ordering import Order


def match(order: Order, bid: float, ask: float, bid_size: int, ask_size: int) -> tuple[int, float] | None:
    """Quantity and price of a fill at this quote, or None.

    A buyer pays the ask, a seller gets the bid; no more than the displayed size trades at once. No bid: a sale waits.
    """
    price, size = (ask, ask_size) if order.action == "BUY" else (bid, bid_size)
    if price <= 0.0 or size <= 0:
        return None
    if order.kind == "LMT":
        crosses = order.limit >= price if order.action == "BUY" else order.limit <= price
        if not crosses:
            return None
    return min(order.remaining, size), price
