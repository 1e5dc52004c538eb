"""Executions: what a fill books in which account, and how it is numbered. Pure: time comes from the market."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from pipeline.gateway.asks.terms import Leg
from pipeline.gateway.broker import allocation, combos, exercising
from pipeline.gateway.broker.accounts import ZERO
from pipeline.gateway.broker.bank import Bank
from pipeline.gateway.broker.deliveries import Delivery
from pipeline.gateway.broker.events import Filled
from pipeline.gateway.broker.ordering import Fill, Order
from pipeline.gateway.market import days
from pipeline.gateway.market.prices import Market
from pipeline.gateway.market.tape import Tape
from pipeline.gateway.market.universe import Instrument

KEPT = 10_000


class Executions:
    """All executions of the last days; each is in the books of its account."""

    def __init__(self, market: Market, tape: Tape, bank: Bank) -> None:
        self.market, self.tape, self.bank = market, tape, bank
        self.fills: list[Fill] = []
        self.next_number = 1

    def make(self, order: Order, quantity: int, price: float) -> list[Fill]:
        """Book a fill that the order counts already: in one account or in those of a group.

        Of a combination there is an execution of the whole, and one of each leg, which has the money.
        """
        parts = allocation.next_shares(order.shares, order.given, quantity) if order.shares else {}
        for name, part in parts.items():
            order.given[name] = order.given.get(name, 0) + part
        base, made = self._base(), list[Fill]()
        if order.terms.legs:
            made.append(replace(self._blank(order, order.con_id, quantity, price), exec_id=f"{base}.01.01"))
        for account, part in (parts or {order.account: quantity}).items():
            for leg in order.terms.legs or (None,):
                fill = self._part(order, leg, part, price)
                exec_id = f"{base}.{len(made) + 1:02d}.01"
                made.append(self._booked(replace(fill, exec_id=exec_id, account=account)))
        self._keep(made)
        return made

    def _part(self, order: Order, leg: Leg | None, quantity: int, price: float) -> Fill:
        """One account's execution, not booked yet; of a leg at its own quote."""
        if leg is None:
            return self._blank(order, order.con_id, quantity, price)
        action = "BUY" if combos.leg_sign(leg, order.action) > 0 else "SELL"
        bid, ask = self.tape.now(self.market.universe.by_con_id[leg.con_id])
        fill = self._blank(order, leg.con_id, quantity * leg.ratio, ask if action == "BUY" else bid)
        done = [f for f in self.fills if (f.perm_id, f.con_id) == (order.perm_id, leg.con_id)]
        total = fill.quantity + sum(f.quantity for f in done)
        paid = fill.price * fill.quantity + sum(f.price * f.quantity for f in done)
        return replace(fill, action=action, cumulative=total, average=round(paid / total, 8), symbol="")

    def _blank(self, order: Order, con_id: int, quantity: int, price: float) -> Fill:
        """An execution of the order without money."""
        return Fill(
            "", order.order_id, order.client_id, order.perm_id, order.account, con_id, order.exchange, order.action,
            quantity, price, self.market.now_ns, order.filled, order.average, order.ref, None, None, order.symbol,
            order.terms.text("modelCode"),
        )  # fmt: skip

    def _booked(self, fill: Fill, fee: Decimal | None = None) -> Fill:
        """In the books; `fee` None: by the tariff."""
        x = self.market.universe.by_con_id[fill.con_id]
        signed = fill.quantity if fill.action == "BUY" else -fill.quantity
        fee, realized = self.bank.accounts[fill.account].fill(x, signed, fill.price, fee)
        return replace(fill, exchange=venue(x, fill.exchange), commission=fee, realized=realized)

    def exercise(self, order: Order, x: Instrument, under: Instrument) -> list[Fill]:
        """The option goes for nothing, what it is on comes at the strike; without a fee."""
        units = exercising.delivered(x, order.quantity, under.multiplier)
        base = self._base()
        option = replace(self._blank(order, x.con_id, order.quantity, 0.0), exec_id=f"{base}.01.01")
        share = replace(
            option, exec_id=f"{base}.02.01", con_id=under.con_id, action="BUY" if units > 0 else "SELL",
            quantity=abs(units), cumulative=abs(units), price=x.strike, average=x.strike,
        )  # fmt: skip
        made = [self._booked(option, ZERO), self._booked(share, ZERO)]
        self._keep(made)
        return made

    def deliver(self, row: Delivery) -> Filled:
        """What expired was booked without an order: an execution of order 0."""
        action, quantity = "BUY" if row.quantity > 0 else "SELL", abs(row.quantity)
        now, x = self.market.now_ns, self.market.universe.by_con_id[row.con_id]
        order = Order(0, 0, 0, row.account, 0, x.exchange, action, quantity, "MKT", 0.0, status="Filled", by_hand=True)
        fill = Fill(
            f"{self._base()}.01.01", 0, 0, 0, row.account, row.con_id, x.exchange, action, quantity, row.price, now,
            quantity, row.price, "", ZERO, row.realized,
        )  # fmt: skip
        self._keep([fill])
        return Filled(order, fill)

    def _keep(self, made: list[Fill]) -> None:
        self.fills += made
        del self.fills[:-KEPT]

    def _base(self) -> str:
        number = self.next_number
        self.next_number += 1
        day = self.market.start_ns // (86_400 * days.NS)
        return f"{0x20000 + day:08x}.{0x65000000 + number:08x}"


def venue(x: Instrument, asked: str) -> str:
    """Where a fill happens: the exchange that was asked for, or one that SMART finds."""
    if asked not in ("", "SMART"):
        return asked
    listed = [name for name in x.valid_exchanges.split(",") if name not in ("", "SMART")]
    return x.primary or next(iter(listed), x.exchange)
