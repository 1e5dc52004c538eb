"""Exercise of options at a client's wish. Pure."""

from __future__ import annotations

from pipeline.gateway.asks.orders import ExerciseOptions
from pipeline.gateway.asks.request import BadRequest
from pipeline.gateway.market.universe import Instrument

EXERCISE, LAPSE = 1, 2
PREFIX = "Error processing request.-'bR' : cause - "


def refusal(asked: ExerciseOptions, x: Instrument, held: int, under: float) -> BadRequest | None:
    """Why TWS refuses; `held` is the position, `under` the underlying's price. None: it takes it."""
    if asked.action not in (EXERCISE, LAPSE):
        return BadRequest(asked.req_id, 321, "Error validating request.-'bR' : cause - Invalid exercise action")
    if x.sec_type not in ("OPT", "FOP"):
        return BadRequest(asked.req_id, 321, "Error validating request.-'bR' : cause - Only options can be exercised")
    if asked.quantity <= 0:
        return BadRequest(asked.req_id, 321, "Error validating request.-'bR' : cause - Invalid exercise quantity")
    if held < asked.quantity or (asked.action == EXERCISE and not x.american):
        return BadRequest(asked.req_id, 322, f"{PREFIX}Exercise/Lapse failed due to server rejection.")
    in_the_money = under > x.strike if x.right == "C" else under < x.strike
    if asked.action == EXERCISE and not in_the_money and not asked.override:
        return BadRequest(asked.req_id, 322, f"{PREFIX}Exercise ignored because option is not in-the-money.")
    if asked.action == LAPSE and in_the_money and not asked.override:
        return BadRequest(asked.req_id, 322, f"{PREFIX}Lapse ignored because option is in-the-money.")
    return None


def delivered(x: Instrument, quantity: int, under_multiplier: int) -> int:
    """Units of the underlying that exercising `quantity` brings, below 0: gives."""
    units = quantity * x.multiplier // max(under_multiplier, 1)
    return units if x.right == "C" else -units
