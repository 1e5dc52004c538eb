"""What an order would do to its account's margins. Pure."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any

from pipeline.gateway.asks.request import BadRequest
from pipeline.gateway.broker import combos
from pipeline.gateway.broker.accounts import ZERO, Account
from pipeline.gateway.broker.bank import Bank
from pipeline.gateway.broker.figures import Figures
from pipeline.gateway.broker.ordering import Order, Preview

ADDED = ("init_before", "maint_before", "equity_before", "init_after", "maint_after", "equity_after", "commission")
NO_MARGIN = (
    "Order rejected - reason:YOUR ORDER IS NOT ACCEPTED. IN ORDER TO OBTAIN THE DESIRED POSITION YOUR EQUITY "
    "WITH LOAN VALUE [{equity:.2f} USD] MUST EXCEED THE INITIAL MARGIN [{margin:.2f} USD]"
)


def preview(order: Order, bank: Bank) -> Preview:
    """Margins before and after a fill of all that remains, in all accounts that get a part of it."""
    found = [_of(order, bank.accounts[name], quantity, bank) for name, quantity in order.portions().items()]
    if len(found) == 1:
        return found[0]
    sums: dict[str, Any] = {name: sum((getattr(one, name) for one in found), ZERO) for name in ADDED}
    return Preview(**sums, available_after=min(one.available_after for one in found))


def _of(order: Order, account: Account, quantity: int, bank: Bank) -> Preview:
    before = bank.figures(account)
    after, fee = _after(order, account, quantity, bank)
    return Preview(
        before.init_s + before.init_c, before.maint_s + before.maint_c, before.equity_s + before.equity_c,
        after.init_s + after.init_c, after.maint_s + after.maint_c, after.equity_s + after.equity_c,
        fee, after.available,
    )  # fmt: skip


def _after(order: Order, account: Account, quantity: int, bank: Bank) -> tuple[Figures, Decimal]:
    """The account as if the order were filled: at its limit, or at the market where that is better."""
    copy, fees = account.copy(), ZERO
    for con_id, signed, limit in _parts(order, quantity):
        x = bank.universe.by_con_id[con_id]
        bid, ask = bank.tape.now(x)
        price = ask if signed > 0 else max(bid, 0.0)
        if not math.isnan(limit):
            price = min(price, limit) if signed > 0 else max(price, limit)
        fees += copy.fill(x, signed, price)[0]
    return bank.figures(copy), fees


def _parts(order: Order, quantity: int) -> list[tuple[int, int, float]]:
    """Contract, signed quantity and limit (nan: none) of what would trade; nothing where nothing remains."""
    if not quantity:
        return []
    if not order.terms.legs:
        return [(order.con_id, order.sign * quantity, order.limit or math.nan)]
    return [
        (leg.con_id, combos.leg_sign(leg, order.action) * leg.ratio * quantity, math.nan) for leg in order.terms.legs
    ]


def refuse_without_margin(found: Preview, order_id: int) -> None:
    """TWS refuses what needs more than there is; what lowers the requirement always passes."""
    if found.available_after < 0 and found.init_after > found.init_before:
        text = NO_MARGIN.format(equity=found.equity_after, margin=found.init_after)
        raise BadRequest(order_id, 201, text)
