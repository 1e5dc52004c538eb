"""The simulated broker: accounts, orders, fills and previews over one market. Pure: time comes from the market.

What happens is told as events; who hears of it is the server's business.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from pipeline.gateway.asks.orders import ExerciseOptions, PlaceOrder
from pipeline.gateway.asks.request import BadRequest
from pipeline.gateway.broker import (
    books,
    combos,
    drafting,
    exercising,
    hours,
    ordering,
    previews,
)
from pipeline.gateway.broker.accounts import Account
from pipeline.gateway.broker.bank import Bank
from pipeline.gateway.broker.events import Bound, Changed, Event, Filled
from pipeline.gateway.broker.floor import CANCELLED, Floor
from pipeline.gateway.broker.intake import Intake, no_definition
from pipeline.gateway.broker.orderbook import Key, OrderBook
from pipeline.gateway.broker.ordering import BAG_CON_ID, CLOSING_KINDS, Fill, Order, Preview
from pipeline.gateway.broker.saving import decimals
from pipeline.gateway.market import days
from pipeline.gateway.market.prices import Market
from pipeline.gateway.market.sessions import Phase
from pipeline.gateway.market.tape import Tape
from pipeline.gateway.market.universe import Instrument

__all__ = ["Bound", "Brokerage", "Changed", "Event", "Filled", "no_definition"]
FIRST_PERM_ID = 1_376_327_563
FILL_DAYS = 7
LONGEST_SESSION_NS = 16 * 3600 * days.NS  # of those under way at 09:30: futures began at 18:00
MOST_LIVE = 5000


class Brokerage:
    """All orders and executions, over the accounts of one bank."""

    def __init__(
        self, market: Market, tape: Tape, openings: Sequence[books.Opening] = books.OPENINGS, advised: bool = False
    ) -> None:
        self.market, self.tape, self.universe = market, tape, market.universe
        self.bank = Bank(market, tape, openings, advised)
        self.intake = Intake(market, self.bank)
        self.book = OrderBook()
        self.floor = Floor(market, tape, self.bank, self.book)
        self.executions = self.floor.executions
        self.last_order_id: dict[int, int] = {}
        self.next_perm_id = FIRST_PERM_ID
        self.next_bound_id = -1
        self.binds = False  # orders entered in TWS get an id of the API

    @property
    def accounts(self) -> dict[str, Account]:
        return self.bank.accounts

    @property
    def orders(self) -> dict[Key, Order]:
        return self.book.orders

    @property
    def completed(self) -> list[Order]:
        return self.book.completed

    @property
    def fills(self) -> list[Fill]:
        """Executions of the last seven days, oldest first."""
        return self.executions.fills

    def live_orders(self) -> list[Order]:
        """What was transmitted and is not done, oldest first."""
        return list(self.book.live())

    def contract(self, of: Order | Fill) -> Instrument:
        """The contract of an order or an execution; of a combination what messages show."""
        return combos.face(of.symbol, of.exchange) if of.con_id == BAG_CON_ID else self.universe.by_con_id[of.con_id]

    def roll_day(self) -> list[Event]:
        """The next business day opens: day orders of a market that never closes end, and those of what expired."""
        since = self.market.now_ns - LONGEST_SESSION_NS
        ending = [order for order in self.book.live() if order.tif == "DAY" and 0 < order.opened_ns < since]
        events = [event for order in ending for event in self.floor.end(order, "Cancelled", CANCELLED)]
        self.market.roll_day()
        self.tape.new_day()
        delivered = self.bank.begin_day()
        since = self.market.now_ns - FILL_DAYS * 86_400 * days.NS
        self.executions.fills = [fill for fill in self.executions.fills if fill.time_ns >= since]
        self.floor.liquidity.clear()
        events += [self.executions.deliver(row) for row in delivered]
        lives, by_con_id = self.universe.lives, self.universe.by_con_id
        gone = [order for order in self.book.live() if not all(lives(by_con_id[c]) for c in order.con_ids)]
        events += [event for order in gone for event in self.floor.end(order, "Cancelled", CANCELLED)]
        self.book.forget_done()
        return events

    def dump(self) -> dict[str, Any]:
        """Orders and executions as JSON takes them."""
        return {
            "orders": [ordering.dumped(order) for order in self.book.kept()],
            "completed": [order.perm_id for order in self.completed],
            "fills": [vars(fill) for fill in self.fills],
            "last_order_id": {str(client): order_id for client, order_id in self.last_order_id.items()},
            "next_perm_id": self.next_perm_id,
            "next_bound_id": self.next_bound_id,
            "next_execution": self.executions.next_number,
        }

    def restore(self, state: dict[str, Any]) -> None:
        for row in state["orders"]:
            order = ordering.restored(row)
            self.book.add(order)
            if order.live and order.transmit:
                self.floor.look_again(order)
        done = self.book.by_perm
        self.book.completed = [done[perm_id] for perm_id in state["completed"] if perm_id in done]
        self.executions.fills = [Fill(**decimals(Fill, row)) for row in state["fills"]]
        self.last_order_id = {int(client): order_id for client, order_id in state["last_order_id"].items()}
        self.next_perm_id, self.next_bound_id = state["next_perm_id"], state["next_bound_id"]
        self.executions.next_number = state["next_execution"]

    # Placing.

    def next_valid_id(self, client_id: int) -> int:
        return self.last_order_id.get(client_id, 0) + 1

    def place(self, client_id: int, asked: PlaceOrder) -> list[Event]:
        """A new order or a modification; BadRequest with TWS's code where TWS refuses."""
        self.intake.checked(asked)
        old = self.orders.get((client_id, asked.req_id))
        if old is not None:
            return self._modify(old, asked)
        if asked.req_id <= self.last_order_id.get(client_id, 0):
            raise BadRequest(asked.req_id, 103, "Duplicate order id")
        self._refuse_too_many(asked)
        order = self.intake.order(client_id, self.next_perm_id, asked)
        self._attach(order, asked)
        self.last_order_id[client_id] = asked.req_id
        if not order.parent_perm:
            previews.refuse_without_margin(self._preview(order), order.order_id)
        self.next_perm_id += 1
        self.book.add(order)
        return self._transmit(order) if order.transmit else []

    def _refuse_too_many(self, asked: PlaceOrder) -> None:
        if len(self.orders) - len(self.book.done) >= MOST_LIVE:
            raise BadRequest(asked.req_id, 201, f"Order rejected - reason:More than {MOST_LIVE} orders are open.")

    def place_by_hand(self, asked: PlaceOrder) -> list[Event]:
        """An order that the user enters in TWS itself: it is no client's until it is bound."""
        asked = replace(asked, req_id=self._hand_id())
        self.intake.checked(asked)
        order = self.intake.order(0, self.next_perm_id, asked)
        order.by_hand = True
        previews.refuse_without_margin(self._preview(order), order.order_id)
        self.next_perm_id += 1
        self.book.add(order)
        bound: list[Event] = [Bound(replace(order))] if self.binds else []
        return [*bound, *self._transmit(order)]

    def _hand_id(self) -> int:
        self.next_bound_id -= 1
        return self.next_bound_id + 1

    def bind(self, on: bool) -> list[Event]:
        """Whether orders entered in TWS get an id of the API from now on; those there are get theirs told."""
        self.binds = on
        return [Bound(replace(order)) for order in self.live_orders() if order.by_hand] if on else []

    def preview(self, client_id: int, asked: PlaceOrder) -> tuple[Order, Preview]:
        """A what-if: nothing changes."""
        self.intake.checked(asked)
        order = self.intake.order(client_id, self.next_perm_id, asked)
        return order, self._preview(order)

    def _preview(self, order: Order) -> Preview:
        return previews.preview(order, self.bank)

    def _attach(self, order: Order, asked: PlaceOrder) -> None:
        """Make it a child: with its siblings it forms an OCA group, as TWS does."""
        if not asked.parent_id:
            return
        parent = self.orders.get((order.client_id, asked.parent_id))
        if parent is None or parent.parent_perm or not (parent.live or parent.status == "Filled"):
            raise BadRequest(asked.req_id, 10006, "Missing parent order.")
        order.parent_id, order.parent_perm = parent.order_id, parent.perm_id
        order.why_held = "child"
        if not order.oca_group:
            order.oca_group, order.oca_type = str(parent.perm_id), 3

    def _transmit(self, order: Order) -> list[Event]:
        """Let it and what waited for it go to the market."""
        order.transmit = False
        events: list[Event] = []
        for member in self.book.family(order):
            member.transmit = True
            self.book.index(member)
            self.floor.note_phase(member)
            events.append(Changed(replace(member)))
            events += self._warning(member, self.contract(member))
        return events

    def _warning(self, order: Order, x: Instrument) -> list[Event]:
        """TWS says when an order must wait for its market."""
        if order.con_id == BAG_CON_ID or order.parent_perm or order.kind in CLOSING_KINDS:
            return []
        phase = self.market.phase(x)
        if hours.may_trade(order, phase) or phase is Phase.OPEN:
            return []
        opens = hours.next_open(x, self.market.now_ns)
        text = (
            f"Order Message:\n{order.action} {order.quantity} {x.symbol} {x.trading_class}\n"
            f"Warning: Your order will not be placed at the exchange until {opens:%Y-%m-%d %H:%M:%S} US/Eastern."
        )
        return [Changed(replace(order), 399, text)]

    def _modify(self, old: Order, asked: PlaceOrder) -> list[Event]:
        if not old.live:
            if old.status == "Filled":
                raise BadRequest(asked.req_id, 104, "Can't modify a filled order.")
            raise BadRequest(asked.req_id, 103, "Duplicate order id")
        new = self.intake.order(old.client_id, old.perm_id, asked)
        if (old.con_id, old.action, old.account) != (new.con_id, new.action, new.account):
            raise BadRequest(asked.req_id, 105, "Order being modified does not match original order.")
        if old.terms.legs != new.terms.legs:
            raise BadRequest(asked.req_id, 105, "Order being modified does not match original order.")
        if new.quantity <= old.filled:
            text = "Order rejected - reason:The new quantity must be more than what is filled."
            raise BadRequest(asked.req_id, 201, text)
        if new.quantity > old.quantity and not old.parent_perm:
            previews.refuse_without_margin(self._preview(replace(new, filled=old.filled)), old.order_id)
        drafting.change(old, new)
        if old.transmit:
            return [Changed(replace(old))]
        return self._transmit(old) if new.transmit else []

    # Ending.

    def cancel(self, client_id: int, order_id: int) -> list[Event]:
        order = self.orders.get((client_id, order_id))
        if order is None:
            raise BadRequest(order_id, 10147, f"OrderId {order_id} that needs to be cancelled is not found.")
        if not order.live:
            text = f"OrderId {order_id} that needs to be cancelled cannot be cancelled, state: {order.status}."
            raise BadRequest(order_id, 10148, text)
        return list(self.floor.end(order, "Cancelled", CANCELLED))

    def cancel_all(self) -> list[Event]:
        live = [order for order in self.orders.values() if order.live]
        return [event for order in live for event in self.floor.end(order, "Cancelled", CANCELLED)]

    def exercise(self, asked: ExerciseOptions) -> list[Event]:
        """Options become what they are on, at the strike, without a fee; lapsing is what happens anyway."""
        found = self.universe.find(asked.contract)
        if len(found) != 1 or not self.universe.lives(found[0]):
            raise BadRequest(asked.req_id, 200, no_definition(found[1:], asked.contract.symbol))
        account = self.intake.named(asked.req_id, asked.account)
        x, held = found[0], account.open_quantity(found[0].con_id)
        under = self.universe.by_con_id.get(x.under_con_id, x)
        refused = exercising.refusal(asked, x, held, self.tape.mark(under))
        if refused is not None:
            raise refused
        if asked.action == exercising.LAPSE:
            return []
        self.next_perm_id += 1
        order = Order(
            self._hand_id(), 0, self.next_perm_id - 1, account.name, x.con_id, x.exchange, "SELL", asked.quantity,
            "EXERCISE", 0.0, by_hand=True, placed_ns=self.market.now_ns,
        )  # fmt: skip
        self.book.add(order)
        return list(self.floor.exercise(order, x, under))

    def match(self) -> list[Event]:
        """Let every live order meet the quotes of this moment."""
        return self.floor.match()
