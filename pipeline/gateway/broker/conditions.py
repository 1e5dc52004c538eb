"""Whether the conditions of an order are met. Pure: what they look at is handed in."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pipeline.gateway.asks.terms import Condition
from pipeline.gateway.broker import hours
from pipeline.gateway.broker.matching import Sight, watched

PRICE, TIME, MARGIN, EXECUTION, VOLUME, CHANGE = 1, 3, 4, 5, 6, 7


@dataclass(frozen=True)
class Outlook:
    """What conditions look at, at one moment; contracts by con_id."""

    now_ns: int
    sight: Callable[[int], Sight]
    volume: Callable[[int], float]
    close: Callable[[int], float]
    cushion: Callable[[], float]  # excess liquidity in percent of net liquidation
    executed: Callable[[str, str, str], bool]  # security type, exchange, symbol: since the order was placed


def fault(condition: Condition, now_ns: int, knows: Callable[[int], bool]) -> str:
    """What is wrong with a condition by itself; empty: nothing."""
    if condition.kind == TIME:
        try:
            hours.moment(condition.value, now_ns)
        except ValueError:
            return "Invalid time condition"
    if condition.kind in (PRICE, VOLUME, CHANGE) and not knows(condition.con_id):
        return "Invalid contract of a condition"
    return ""


def met(conditions: Sequence[Condition], outlook: Outlook) -> bool:
    """All of them taken from the left, each joined to the next by its and/or."""
    result, joined = True, "a"
    for condition in conditions:
        one = _met(condition, outlook)
        result = (result and one) if joined == "a" else (result or one)
        joined = condition.joined
    return result


def _met(condition: Condition, outlook: Outlook) -> bool:
    if condition.kind == TIME:
        due = hours.moment(condition.value, outlook.now_ns)
        return outlook.now_ns >= due if condition.more else outlook.now_ns <= due
    if condition.kind == EXECUTION:
        return outlook.executed(condition.sec_type, condition.exchange, condition.symbol)
    found, wanted = _figure(condition, outlook), float(condition.value)
    return not math.isnan(found) and (found >= wanted if condition.more else found <= wanted)


def _figure(condition: Condition, outlook: Outlook) -> float:
    if condition.kind == MARGIN:
        return outlook.cushion()
    if condition.kind == VOLUME:
        return outlook.volume(condition.con_id)
    sight = outlook.sight(condition.con_id)
    if condition.kind == PRICE:
        return watched(condition.method, condition.more, sight)
    close = outlook.close(condition.con_id)
    return (sight.traded / close - 1.0) * 100.0 if close > 0 else math.nan
