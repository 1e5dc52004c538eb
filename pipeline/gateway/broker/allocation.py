"""How an advisor's order is split over the accounts of a group. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal

from pipeline.gateway.broker.advisor import METHODS, Group

SPELLINGS = {"EqualQuantity": "Equal", "PctShares": "Percent", "Shares": "ContractsOrShares"}
Worth = Callable[[str, str], Decimal]  # account, method NetLiq or AvailableEquity: what decides its share


class BadAllocation(ValueError):
    """The group and the order don't fit: TWS's code and text."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code


def shares(quantity: int, group: Group, method: str, worth: Worth) -> dict[str, int]:
    """Quantity of each account, together `quantity`; BadAllocation where that can't be."""
    method = SPELLINGS.get(method, method) or group.method
    if method not in METHODS:
        raise BadAllocation(321, f"Error validating request.-'bT' : cause - Invalid FA method '{method[:40]}'")
    if method in ("NetLiq", "AvailableEquity"):
        weights = {name: max(worth(name, method), Decimal(0)) for name in group.amounts}
    elif method == "Equal":
        weights = {name: Decimal(1) for name in group.amounts}
    else:
        weights = {name: _amount(text) for name, text in group.amounts.items()}
    total = sum(weights.values())
    if method == "ContractsOrShares" and total != quantity:
        raise BadAllocation(144, "Order size does not match total share allocation.")
    if total <= 0:
        raise BadAllocation(436, "You must specify an allocation (either a single account, group, or profile).")
    return split(quantity, weights)


def _amount(text: str) -> Decimal:
    try:
        value = Decimal(text or "0")
    except ArithmeticError:
        value = Decimal(0)
    return value if value.is_finite() and value > 0 else Decimal(0)


def split(quantity: int, weights: Mapping[str, Decimal]) -> dict[str, int]:
    """Whole numbers by weight that add up; the largest remainders get what is left, in the order of names given."""
    total = sum(weights.values())
    exact = {name: quantity * weight / total for name, weight in weights.items()}
    whole = {name: int(value) for name, value in exact.items()}
    rest = sorted(exact, key=lambda name: whole[name] - exact[name])[: quantity - sum(whole.values())]
    return {name: count + (name in rest) for name, count in whole.items()}


def next_shares(wanted: dict[str, int], given: Mapping[str, int], quantity: int) -> dict[str, int]:
    """Who gets how much of a fill: one account after the other up to its share, what is over the last one."""
    found: dict[str, int] = {}
    for name, share in wanted.items():
        part = min(max(share - given.get(name, 0), 0), quantity)
        if part:
            found[name] = part
            quantity -= part
    if quantity:
        last = next(reversed(wanted))
        found[last] = found.get(last, 0) + quantity
    return found
