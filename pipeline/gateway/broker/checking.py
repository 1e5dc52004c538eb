"""What is wrong with an order by itself: TWS's codes and texts. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable

from pipeline.gateway.asks.orders import PlaceOrder
from pipeline.gateway.broker import combos, conditions, hours
from pipeline.gateway.broker.ordering import CLOSING_KINDS, PEGGED_KINDS, TRAILING_KINDS
from pipeline.gateway.market.universe import Instrument, price_step

VALIDATION = "Error validating request.-'bT' : cause - "
MOST_SHARES = 1_000_000
MOST_CURRENCY = 10_000_000
HIGHEST_PRICE = 10_000_000.0
BASIC = ("MKT", "LMT", "STP", "STP LMT", "TRAIL", "TRAIL LIMIT", "MIT", "LIT")
KINDS: dict[str, tuple[str, ...]] = {
    "STK": (*BASIC, "MTL", "MOC", "LOC", *PEGGED_KINDS),
    "OPT": (*BASIC, "MTL", "REL"),
    "FUT": (*BASIC, "MTL"),
    "FOP": ("MKT", "LMT", "STP", "STP LMT", "TRAIL", "TRAIL LIMIT"),
    "CASH": BASIC,
    "BOND": ("MKT", "LMT", "STP", "STP LMT"),
    "BAG": ("MKT", "LMT"),
}
TIFS = ("DAY", "GTC", "IOC", "FOK", "GTD", "OPG")
LIMIT_KINDS = ("LMT", "STP LMT", "LIT", "LOC")
STOP_KINDS = ("STP", "STP LMT", "MIT", "LIT")
KNOWN_ALGOS = ("Vwap", "Twap", "ArrivalPx", "DarkIce", "PctVol", "AD", "ClosePx", "Inline", "BalanceImpactRisk")
WRONG_TIME = (
    "The date, time, or time-zone entered is invalid. The correct format is yyyymmdd hh:mm:ss xxxx/xxxx where "
    "yyyymmdd and xxxx/xxxx are optional. E.g.: 20031126 15:59:00 US/Eastern"
)
Fault = tuple[int, str] | None


def fault(asked: PlaceOrder, now_ns: int, knows: Callable[[int], bool]) -> Fault:
    """Code and text of the first thing that is wrong; None: nothing, as far as the order alone can say."""
    for check in (_unsupported, _size, _shape):
        found = check(asked)
        if found:
            return found
    return _times(asked, now_ns) or _conditions(asked, now_ns, knows) or _combo(asked, knows)


def contract_fault(asked: PlaceOrder, x: Instrument) -> Fault:
    """What is wrong with the order for this contract."""
    if x.sec_type == "IND":
        return 201, "Order rejected - reason:An index is not traded."
    if asked.kind not in KINDS.get(x.sec_type, ()):
        return _no_such_kind(asked.kind)
    most = MOST_CURRENCY if x.sec_type in ("CASH", "BOND") else MOST_SHARES
    if asked.quantity > most:
        return 201, f"Order rejected - reason:The order size exceeds the limit of {most}."
    if any(abs(price) > HIGHEST_PRICE for price in _all_prices(asked)):
        return 109, "Price is out of the range defined by the Percentage setting at order defaults frame."
    prices = [asked.limit] if asked.kind in LIMIT_KINDS else []
    prices += [asked.stop] if asked.kind in STOP_KINDS else []
    prices += [asked.terms.number("trailStopPrice")] if asked.kind in TRAILING_KINDS else []
    for price in prices:
        step = price_step(x.rule_id, price) if not math.isnan(price) else 0.0
        if step and abs(price / step - round(price / step)) > 1e-6:
            return 110, "The price does not conform to the minimum price variation for this contract."
    return None


def _all_prices(asked: PlaceOrder) -> list[float]:
    """Every price, offset and percentage that decides where it trades; unset ones compare as small."""
    names = ("trailStopPrice", "trailingPercent", "lmtPriceOffset", "discretionaryAmt", "auxPrice")
    legs = [price for price in asked.terms.leg_prices if price is not None]
    return [asked.limit, asked.stop, *(asked.terms.number(name) for name in names), *legs]


def _no_such_kind(kind: str) -> tuple[int, str]:
    return 387, f"Unsupported order type for this exchange and security type. ({kind or 'no order type'})"


def _unsupported(asked: PlaceOrder) -> Fault:
    terms = asked.terms
    algo = terms.text("algoStrategy")
    if algo in KNOWN_ALGOS:
        return 442, "Specified algorithm is not allowed for this order."
    if algo and algo != "Adaptive":
        return 439, "The order processing failed. Algorithm definition not found."
    increment = terms.number("scalePriceIncrement")
    if terms.text("hedgeType") or increment > 0 or terms.integer("scaleInitLevelSize"):
        return 387, "Unsupported order type for this exchange and security type. (hedge or scale)"
    if terms.text("adjustedOrderType") not in ("", "None"):
        return 387, "Unsupported order type for this exchange and security type. (adjustable stop)"
    if asked.kind not in {kind for kinds in KINDS.values() for kind in kinds}:
        return _no_such_kind(asked.kind)
    return None


def _size(asked: PlaceOrder) -> Fault:
    if asked.action not in ("BUY", "SELL", "SSHORT"):
        return 321, f"{VALIDATION}Invalid action '{asked.action[:20]}'"
    if asked.terms.number("cashQty") > 0:
        return 10244, "Cash Quantity cannot be used for this order"
    if math.isnan(asked.quantity) or asked.quantity <= 0:
        return 434, "The order size cannot be zero."
    if math.isinf(asked.quantity):
        return 201, f"Order rejected - reason:The order size exceeds the limit of {MOST_SHARES}."
    if asked.quantity != int(asked.quantity):
        return 10243, "Fractional-sized order cannot be placed via API. Please use desktop version to place this order."
    shown = asked.terms.integer("displaySize")
    if shown > asked.quantity:
        return 10020, "Display size should be smaller than order size."
    return None


def _shape(asked: PlaceOrder) -> Fault:
    if asked.tif not in TIFS:
        return 10052, f"Invalid time in force:{asked.tif[:20]}"
    if asked.kind in CLOSING_KINDS and asked.tif != "DAY":
        return 113, "The Tif option should be set to DAY for MOC and LOC orders."
    if asked.tif == "OPG" and asked.kind not in ("MKT", "LMT"):
        return 111, "The TIF (Tif type) and the order type are incompatible."
    bag = asked.contract.sec_type == "BAG"
    limit = combos.limit_of(asked.terms, asked.limit) if bag else asked.limit
    if asked.kind in LIMIT_KINDS and (math.isnan(limit) or (limit <= 0 and not bag)):
        return 463, "You must enter a valid price."
    if asked.kind in STOP_KINDS and not asked.stop > 0:
        return 463, "You must enter a valid price."
    if asked.kind in TRAILING_KINDS and not (asked.stop > 0 or asked.terms.number("trailingPercent") > 0):
        return 463, "You must enter a valid price."
    if (
        asked.kind == "TRAIL LIMIT"
        and math.isnan(asked.terms.number("lmtPriceOffset"))
        and (math.isnan(asked.limit) or math.isnan(asked.terms.number("trailStopPrice")))
    ):
        return 463, "You must enter a valid price."
    if asked.terms.integer("triggerMethod") not in (0, 1, 2, 3, 4, 7, 8):
        return 146, "Invalid trigger method."
    if not asked.contract.exchange:
        return 321, f"{VALIDATION}Missing order exchange"
    return None


def _times(asked: PlaceOrder, now_ns: int) -> Fault:
    if asked.tif == "GTD" and not asked.terms.text("goodTillDate"):
        return 343, WRONG_TIME
    for name in ("goodTillDate", "goodAfterTime"):
        text = asked.terms.text(name)
        try:
            due = hours.moment(text, now_ns) if text else 0
        except ValueError:
            return 343, WRONG_TIME
        if name == "goodTillDate" and asked.tif == "GTD" and due <= now_ns:
            return 201, "Order rejected - reason:Good till date is in the past."
    return None


def _conditions(asked: PlaceOrder, now_ns: int, knows: Callable[[int], bool]) -> Fault:
    for condition in asked.terms.conditions:
        wrong = conditions.fault(condition, now_ns, knows)
        if wrong:
            return 321, f"{VALIDATION}{wrong}"
    return None


def _combo(asked: PlaceOrder, knows: Callable[[int], bool]) -> Fault:
    if asked.contract.sec_type != "BAG":
        return None
    legs = asked.terms.legs
    if not legs:
        return 314, "Security type 'BAG' requires combo leg details."
    if not combos.FEWEST_LEGS <= len(legs) <= combos.MOST_LEGS or len({leg.con_id for leg in legs}) != len(legs):
        return 312, "The combo details are invalid."
    for number, leg in enumerate(legs, 1):
        if not knows(leg.con_id) or leg.action not in ("BUY", "SELL") or not 0 < leg.ratio <= 1000:
            return 313, f"The combo details for leg '{number}' are invalid."
    if asked.terms.text("goodAfterTime"):
        return 349, 'Generic combo does not support "Good After" attribute.'
    if asked.terms.integer("minQty"):
        return 350, "Minimum quantity is not supported for best combo order."
    if asked.terms.text("ocaGroup"):
        return 356, "Smart-combo order does not support OCA group."
    return None
