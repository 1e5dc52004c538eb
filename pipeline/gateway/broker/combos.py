"""Combinations: what a BAG costs by its legs' quotes, and how many there are. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from pipeline.gateway.asks.terms import Leg, Terms
from pipeline.gateway.broker.matching import Sight
from pipeline.gateway.broker.ordering import BAG_CON_ID
from pipeline.gateway.market.universe import Instrument

FEWEST_LEGS, MOST_LEGS = 2, 8


def face(symbol: str, exchange: str, currency: str = "USD") -> Instrument:
    """The contract that messages about a combination show; it stands in no list."""
    number = str(BAG_CON_ID)
    return Instrument(
        BAG_CON_ID, symbol, "BAG", symbol, exchange, "", number, "COMB", 26, symbol, currency=currency,
        valid_exchanges=exchange,
    )  # fmt: skip


def described(legs: Sequence[Leg]) -> str:
    """TWS's comboLegsDescrip: `265598|1,272093|-1`."""
    return ",".join(f"{leg.con_id}|{leg.ratio if leg.action == 'BUY' else -leg.ratio}" for leg in legs)


def leg_sign(leg: Leg, action: str) -> int:
    """1 where the order buys this leg, -1 where it sells it."""
    return 1 if (leg.action == "BUY") == (action == "BUY") else -1


def sight(legs: Sequence[Leg], look: Callable[[int], Sight]) -> Sight:
    """The combination's own quote: it is bought at the legs' far sides and sold at their near ones."""
    quotes = [look(leg.con_id) for leg in legs]
    bid = ask = 0.0
    bid_size = ask_size = 1 << 30
    for leg, quote in zip(legs, quotes, strict=True):
        near, far = (quote.bid, quote.ask) if leg.action == "BUY" else (-quote.ask, -quote.bid)
        near_size, far_size = quote.bid_size, quote.ask_size
        if leg.action != "BUY":
            near_size, far_size = far_size, near_size
        bid, ask = bid + leg.ratio * near, ask + leg.ratio * far
        bid_size = min(bid_size, near_size // leg.ratio if _there(quote, leg.action == "SELL") else 0)
        ask_size = min(ask_size, far_size // leg.ratio if _there(quote, leg.action == "BUY") else 0)
    return Sight(round(bid, 6), round(ask, 6), bid_size, ask_size, math.nan)


def _there(quote: Sight, ask_side: bool) -> bool:
    return (quote.ask if ask_side else quote.bid) > 0.0


def match(
    action: str, kind: str, limit: float, wanted: int, whole: bool, found: Sight, legs_fit: bool
) -> tuple[int, float] | None:
    """Quantity and net price of a fill, or None; net prices may be 0 or below."""
    price, size = (found.ask, found.ask_size) if action == "BUY" else (found.bid, found.bid_size)
    if size <= 0 or not legs_fit:
        return None
    if kind == "LMT" and (limit < price - 1e-9 if action == "BUY" else limit > price + 1e-9):
        return None
    quantity = min(wanted, size)
    return None if whole and quantity < wanted else (quantity, price)


def legs_fit(terms: Terms, action: str, look: Callable[[int], Sight]) -> bool:
    """Whether each leg that has a price of its own is there at it or better."""
    for leg, price in zip(terms.legs, terms.leg_prices, strict=False):
        if price is None:
            continue
        quote = look(leg.con_id)
        if leg_sign(leg, action) > 0 and quote.ask > price:
            return False
        if leg_sign(leg, action) < 0 and quote.bid < price:
            return False
    return True


def limit_of(terms: Terms, limit: float) -> float:
    """The net limit of an order: its own, or the sum of its legs' prices; nan without one."""
    if not math.isnan(limit):
        return limit
    prices = terms.leg_prices
    if not prices or len(prices) != len(terms.legs) or any(price is None for price in prices):
        return math.nan
    total = 0.0
    for leg, price in zip(terms.legs, prices, strict=True):
        total += leg.ratio * (price or 0.0) * (1 if leg.action == "BUY" else -1)
    return round(total, 6)
