"""Margin of bonds, of balances owed in one currency and secured in another, and the price of lending. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from pipeline.gateway.broker import rates
from pipeline.gateway.broker.legs import Leg, Requirement


def bond(leg: Leg) -> Requirement:
    """A bond by its issuer and its years to maturity; `price` is percent of the face value."""
    rate = rates.treasury(leg.years) if leg.treasury else rates.CORPORATE_BOND
    need = abs(leg.quantity) * leg.price * leg.multiplier * leg.rate * rate
    return Requirement(need, need, need)


def currencies(net: Mapping[str, float]) -> float:
    """What negative net balances need; `net` is in the base currency, by currency.

    The largest debt is secured first, by the currencies whose pair with it has the lowest rate; what nothing secures
    counts against the base currency.
    """
    free = {currency: value for currency, value in net.items() if value > 0}
    need = 0.0
    for owed in sorted((c for c in net if net[c] < 0), key=lambda c: net[c]):
        debt = -net[owed]
        for other in sorted(free, key=lambda c: (rates.currency_pair(owed, c), c)):
            used = min(debt, free[other])
            need += used * rates.currency_pair(owed, other)
            free[other] -= used
            debt -= used
        need += debt * rates.currency_pair(owed, "USD")
    return need
