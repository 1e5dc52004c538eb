"""Margin of a book under the published rules of a Reg T margin account, in plain loops. Pure.

An implementation of its own: it shares no code and no table with the margin engine of this project, so that the two
can be compared. Stocks by rate, hedged stock by `hedges`, other options by `spreads`, bonds and currencies by
`lending`, futures and the options on them by `scans`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import lru_cache

from pipeline.gateway.broker import hedges, lending, scans
from pipeline.gateway.broker.legs import Leg, Requirement

KEPT = 256  # requirements of single names


def account(
    legs: Iterable[Leg], net: Mapping[str, float] | None = None, intraday: bool = False
) -> tuple[Requirement, Requirement]:
    """Requirement of the securities and of the commodities segment, in the base currency.

    `net` is the net liquidation by currency, in the base currency; only what is owed in one needs anything. `intraday`:
    with the discounts of the liquid hours.
    """
    by_symbol: dict[str, list[Leg]] = defaultdict(list)
    commodities: list[Leg] = []
    securities = Requirement()
    for leg in legs:
        if leg.sec_type in ("FUT", "FOP"):
            commodities.append(leg)
        elif leg.sec_type == "BOND":
            securities += lending.bond(leg)
        elif leg.sec_type in ("STK", "OPT") and leg.quantity:
            by_symbol[leg.symbol].append(leg)
    for symbol in sorted(by_symbol):
        securities += underlying(by_symbol[symbol])
    if net and any(value < 0 for value in net.values()):
        owed = lending.currencies(net)
        securities += Requirement(owed, owed, 0.0)
    return securities, scans.commodities(commodities, intraday)


def underlying(legs: list[Leg]) -> Requirement:
    """Requirement of the stock and the options in one name, in the base currency."""
    return _cheapest(tuple(sorted(legs, key=_place))).times(legs[0].rate)


@lru_cache(maxsize=KEPT)
def _cheapest(legs: tuple[Leg, ...]) -> Requirement:
    """Kept for what hasn't moved: a preview changes one name of many."""
    return hedges.Holding(list(legs)).best()


def _place(leg: Leg) -> tuple[str, str, str, float]:
    return leg.sec_type, leg.expiry, leg.right, leg.strike
