"""What becomes of contracts that have expired: exercise, assignment, cash settlement, or nothing. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from decimal import Decimal

from pipeline.gateway.broker.accounts import ZERO, Account
from pipeline.gateway.market.universe import Instrument, Universe

Settlement = Callable[[Instrument], float]  # value of one unit at the end


@dataclass(frozen=True)
class Delivery:
    """A booking without an order: `quantity` is signed, the price is 0 where an option just ends."""

    account: str
    con_id: int
    quantity: int
    price: float
    realized: Decimal | None = None  # once it is booked


def due(account: Account, universe: Universe, settlement: Settlement, gone: set[int]) -> Iterable[Delivery]:
    """Bookings for everything in `gone` that the account holds; options first, then what they deliver into.

    An option on stock or on a living future that is in the money by a cent delivers at its strike. An index option, and
    an option whose future ends with it, pays the difference in cash. A future is settled at its last price.
    """
    held = [universe.by_con_id[c] for c, p in account.positions.items() if p.quantity and c in gone]
    for x in sorted(held, key=lambda x: x.sec_type == "FUT"):
        quantity = account.open_quantity(x.con_id)
        if x.sec_type == "FUT":
            yield Delivery(account.name, x.con_id, -quantity, round(settlement(x), 4))
            continue
        under = universe.by_con_id[x.under_con_id]
        worth = round(settlement(x), 4)
        delivers = under.sec_type != "IND" and under.con_id not in gone
        yield Delivery(account.name, x.con_id, -quantity, 0.0 if delivers else worth)
        if delivers and worth >= 0.01:
            sign = 1 if x.right == "C" else -1
            units = x.multiplier if under.sec_type == "STK" else 1
            yield Delivery(account.name, under.con_id, sign * quantity * units, x.strike)


def book(account: Account, universe: Universe, settlement: Settlement, gone: set[int]) -> list[Delivery]:
    """Book what is due, free of charge; each comes back with what it realised."""
    booked = []
    for row in list(due(account, universe, settlement, gone)):
        _, realized = account.fill(universe.by_con_id[row.con_id], row.quantity, row.price, ZERO)
        booked.append(replace(row, realized=realized))
    return booked
