"""Whether an order trades against a quote, how much of it and at what price; when a held order is set off. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass

from pipeline.gateway.broker.ordering import TRAILING_KINDS, Order

HIDDEN_EVERY = 20  # steps between two chances of a pegged order to meet hidden interest
TICK_SLACK = 1e-9
DOUBLE_METHODS = (1, 3)


@dataclass(frozen=True, slots=True)
class Sight:
    """What an order sees at one moment; a bid of -1 is no bid. Sizes are what is still there to take."""

    bid: float
    ask: float
    bid_size: int
    ask_size: int
    last: float = math.nan
    step: float = 0.01  # the smallest price step here
    otc: bool = False  # no trades are printed: the quote sets off stops

    @property
    def mid(self) -> float:
        return (max(self.bid, 0.0) + self.ask) / 2.0

    @property
    def traded(self) -> float:
        """The last trade as it would be now: never outside the quote."""
        last = self.mid if math.isnan(self.last) else self.last
        return min(max(last, self.bid), self.ask) if self.ask > 0 else last


def watched(method: int, buys: bool, sight: Sight) -> float:
    """The price that trigger method `method` of the TWS API looks at, for an order that rises (buys) or falls."""
    quote = sight.ask if buys else sight.bid
    if method == 0:
        return quote if sight.otc else sight.traded
    if method in (1, 4):
        return quote
    if method == 7:
        return max(quote, sight.traded) if buys else min(quote, sight.traded)
    return sight.mid if method == 8 else sight.traded


def trail(order: Order, sight: Sight) -> None:
    """Let the stop of a trailing order follow the market; it never goes back."""
    reference = watched(order.terms.integer("triggerMethod"), order.action == "BUY", sight)
    if reference <= 0.0:
        return
    percent, amount = order.terms.number("trailingPercent"), order.terms.number("auxPrice")
    distance = reference * percent / 100.0 if math.isnan(amount) or amount <= 0.0 else amount
    fresh = round(round((reference + order.sign * distance) / sight.step) * sight.step, 6)
    if not order.stop:
        order.stop = fresh
    elif order.action == "BUY":
        order.stop = min(order.stop, fresh)
    else:
        order.stop = max(order.stop, fresh)


def set_off(order: Order, sight: Sight) -> bool:
    """Whether a stop or a touched order becomes active at this sight; counts the touches of the double methods."""
    rises = (order.action == "BUY") == (order.kind not in ("MIT", "LIT"))
    method = order.terms.integer("triggerMethod")
    price = watched(method, rises, sight)
    beyond = price >= order.stop - TICK_SLACK if rises else 0.0 < price <= order.stop + TICK_SLACK
    order.touches = order.touches + 1 if beyond else 0
    if order.touches < (2 if method in DOUBLE_METHODS else 1):
        return False
    order.triggered = True
    if order.kind in TRAILING_KINDS:
        order.limit = round(order.stop + order.offset, 6) if order.kind == "TRAIL LIMIT" else order.limit
    return True


def willing(order: Order, sight: Sight) -> float:
    """The worst price that the order takes: infinite for a buyer at the market, 0 for such a seller."""
    buys = order.action == "BUY"
    any_price = math.inf if buys else 0.0
    cap = order.limit or any_price
    match order.kind:
        case "LMT" | "STP LMT" | "TRAIL LIMIT" | "LIT" | "LOC" | "MTL":
            discretion = order.terms.number("discretionaryAmt")
            extra = 0.0 if math.isnan(discretion) or order.kind != "LMT" else discretion
            return (order.limit or any_price) + order.sign * extra
        case "MIDPRICE" | "PEG MID":
            price = sight.mid if order.kind == "PEG MID" else _inward(sight.mid, buys, sight.step)
        case "REL":
            price = (sight.bid if buys else sight.ask) + order.sign * order.stop
        case "PEG MKT":
            price = (sight.ask if buys else sight.bid) - order.sign * order.stop
        case _:
            return any_price
    return min(price, cap) if buys else max(price, cap)


def match(order: Order, sight: Sight, turn: bool = False) -> tuple[int, float] | None:
    """Quantity and price of a fill at this sight, or None.

    A buyer pays the ask, a seller gets the bid; no more than the displayed size trades at once. No bid: a sale waits.
    `turn`: a pegged order inside the quote meets hidden interest at its own price.
    """
    buys = order.action == "BUY"
    price, size = (sight.ask, sight.ask_size) if buys else (sight.bid, sight.bid_size)
    if price <= 0.0 or size <= 0:
        return None
    worst = willing(order, sight)
    crosses = worst >= price - TICK_SLACK if buys else worst <= price + TICK_SLACK
    if not crosses:
        inside = turn and order.kind in ("MIDPRICE", "REL", "PEG MID", "PEG MKT") and worst > 0.0
        if not inside or (worst < sight.bid if buys else worst > sight.ask):
            return None
        price = round(worst, 6)
    quantity = min(order.remaining, size)
    return (quantity, price) if quantity >= least(order) else None


def least(order: Order) -> int:
    """The fewest that one fill may have."""
    if order.tif == "FOK" or order.terms.flag("allOrNone"):
        return order.remaining
    return min(order.terms.integer("minQty") if not order.filled else 0, order.remaining)


def _inward(price: float, buys: bool, step: float) -> float:
    """The price on the grid that is no worse for the order than `price`."""
    steps = math.floor(price / step + TICK_SLACK) if buys else math.ceil(price / step - TICK_SLACK)
    return round(steps * step, 6)
