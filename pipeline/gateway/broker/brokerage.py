"""The simulated broker: accounts, orders, fills and previews over one market. Pure: time comes from the market.

What happens is told as events; who hears of it is the server's business.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from decimal import Decimal
from typing import Any

from pipeline.gateway.asks.orders import PlaceOrder
from pipeline.gateway.asks.request import BadRequest
from pipeline.gateway.broker import keys, matching
from pipeline.gateway.broker.accounts import Account, commission
from pipeline.gateway.broker.bank import Bank
from pipeline.gateway.broker.books import OPENINGS, Opening
from pipeline.gateway.broker.ordering import Fill, Order, Preview
from pipeline.gateway.broker.saving import decimals
from pipeline.gateway.market.prices import Market
from pipeline.gateway.market.tape import Tape
from pipeline.gateway.market.universe import Instrument, price_step

FIRST_PERM_ID = 1_376_327_563
MOST_SHARES = 1_000_000
KEPT_COMPLETED = 500


@dataclass(frozen=True)
class Changed:
    """An order is new, or its state changed; `code` goes with it as an error message (0: none)."""

    order: Order
    code: int = 0
    text: str = ""


@dataclass(frozen=True)
class Filled:
    """An execution; the books hold it already."""

    order: Order
    fill: Fill


Event = Changed | Filled
Key = tuple[int, int]  # client id, order id


class Brokerage:
    """All orders and executions, over the accounts of one bank."""

    def __init__(self, market: Market, tape: Tape, openings: Sequence[Opening] = OPENINGS) -> None:
        self.market, self.tape, self.universe = market, tape, market.universe
        self.bank = Bank(market, tape, openings)
        self.orders: dict[Key, Order] = {}
        self.completed: list[Order] = []
        self.fills: list[Fill] = []
        self.last_order_id: dict[int, int] = {}
        self.next_perm_id = FIRST_PERM_ID
        self.next_execution = 1

    @property
    def accounts(self) -> dict[str, Account]:
        return self.bank.accounts

    def roll_day(self) -> list[Event]:
        """The next business day opens; orders good for the day end."""
        self.market.roll_day()
        self.tape.new_day()
        self.bank.begin_day()
        self.fills, self.completed = [], []
        self.orders = {key: order for key, order in self.orders.items() if order.live}
        ending = [order for order in self.orders.values() if order.tif == "DAY"]
        return [event for order in ending for event in self.cancel(order.client_id, order.order_id)]

    def dump(self) -> dict[str, Any]:
        """Orders and executions as JSON takes them."""
        return {
            "orders": [asdict(order) for order in self.orders.values()],
            "completed": [[order.client_id, order.order_id] for order in self.completed],
            "fills": [asdict(fill) for fill in self.fills],
            "last_order_id": {str(client): order_id for client, order_id in self.last_order_id.items()},
            "next_perm_id": self.next_perm_id,
            "next_execution": self.next_execution,
        }

    def restore(self, state: dict[str, Any]) -> None:
        orders = [Order(**decimals(Order, row)) for row in state["orders"]]
        self.orders = {(order.client_id, order.order_id): order for order in orders}
        self.completed = [self.orders[client, order_id] for client, order_id in state["completed"]]
        self.fills = [Fill(**decimals(Fill, row)) for row in state["fills"]]
        self.last_order_id = {int(client): order_id for client, order_id in state["last_order_id"].items()}
        self.next_perm_id, self.next_execution = state["next_perm_id"], state["next_execution"]

    # Orders.

    def next_valid_id(self, client_id: int) -> int:
        return self.last_order_id.get(client_id, 0) + 1

    def place(self, client_id: int, asked: PlaceOrder) -> list[Event]:
        """A new order or a modification; BadRequest with TWS's code where TWS refuses."""
        x = self._checked(asked)
        old = self.orders.get((client_id, asked.req_id))
        if old is not None:
            return self._modify(old, asked, x)
        if asked.req_id <= self.last_order_id.get(client_id, 0):
            raise BadRequest(asked.req_id, 103, "Duplicate order id")
        order = self._order(client_id, asked, x)
        self.last_order_id[client_id] = asked.req_id
        self._refuse_without_margin(order, x)
        self.next_perm_id += 1
        self.orders[client_id, order.order_id] = order
        return [Changed(replace(order))]

    def preview(self, client_id: int, asked: PlaceOrder) -> tuple[Order, Preview]:
        """A what-if: nothing changes."""
        x = self._checked(asked)
        order = self._order(client_id, asked, x)
        return order, self._preview(order, x)

    def _order(self, client_id: int, asked: PlaceOrder, x: Instrument) -> Order:
        limit = 0.0 if asked.kind == "MKT" else asked.limit
        return Order(
            asked.req_id, client_id, self.next_perm_id, self._account(asked).name, x.con_id, asked.contract.exchange,
            asked.action, int(asked.quantity), asked.kind, limit, asked.tif, asked.ref, asked.open_close,
            asked.outside_rth, asked.transmit, asked.what_if,
        )  # fmt: skip

    def _account(self, asked: PlaceOrder) -> Account:
        if not asked.account and len(self.accounts) > 1:
            raise BadRequest(asked.req_id, 435, "You must specify an account.")
        account = self.accounts.get(asked.account or next(iter(self.accounts)))
        if account is None:
            text = f"Error validating request.-'bT' : cause - Invalid account code '{asked.account}'."
            raise BadRequest(asked.req_id, 321, text)
        return account

    def _checked(self, asked: PlaceOrder) -> Instrument:
        """The contract of an order that TWS would take; BadRequest otherwise."""
        refuse = _first_fault(asked)
        if refuse:
            raise BadRequest(asked.req_id, *refuse)
        found = self.universe.find(asked.contract)
        if len(found) != 1:
            raise BadRequest(asked.req_id, 200, no_definition(found, asked.contract.symbol))
        x = found[0]
        if x.sec_type == "IND":
            raise BadRequest(asked.req_id, 201, "Order rejected - reason:An index is not traded.")
        if asked.kind == "LMT":
            step = price_step(x.rule_id, asked.limit)
            if abs(asked.limit / step - round(asked.limit / step)) > 1e-6:
                text = "The price does not conform to the minimum price variation for this contract."
                raise BadRequest(asked.req_id, 110, text)
        self._account(asked)
        return x

    def _modify(self, old: Order, asked: PlaceOrder, x: Instrument) -> list[Event]:
        if not old.live:
            if old.status == "Filled":
                raise BadRequest(asked.req_id, 104, "Can't modify a filled order.")
            raise BadRequest(asked.req_id, 103, "Duplicate order id")
        new = self._order(old.client_id, asked, x)
        same = (old.con_id, old.action, old.account) == (new.con_id, new.action, new.account)
        if not same:
            raise BadRequest(asked.req_id, 105, "Order being modified does not match original order.")
        if new.quantity <= old.filled:
            text = "Order rejected - reason:The new quantity must be more than what is filled."
            raise BadRequest(asked.req_id, 201, text)
        if new.quantity > old.quantity:
            self._refuse_without_margin(replace(new, filled=old.filled), x)
        old.quantity, old.limit, old.kind, old.tif, old.transmit = (
            new.quantity, new.limit, new.kind, new.tif, new.transmit,
        )  # fmt: skip
        return [Changed(replace(old))]

    def cancel(self, client_id: int, order_id: int) -> list[Event]:
        order = self.orders.get((client_id, order_id))
        if order is None:
            raise BadRequest(order_id, 10147, f"OrderId {order_id} that needs to be cancelled is not found.")
        if not order.live:
            text = f"OrderId {order_id} that needs to be cancelled cannot be cancelled, state: {order.status}."
            raise BadRequest(order_id, 10148, text)
        self._complete(order, "Cancelled")
        return [Changed(replace(order), 202, "Order Canceled - reason:")]

    def cancel_all(self) -> list[Event]:
        live = [order for order in self.orders.values() if order.live]
        return [event for order in live for event in self.cancel(order.client_id, order.order_id)]

    def live_orders(self) -> list[Order]:
        return [order for order in self.orders.values() if order.live]

    # Margin of an order.

    def _preview(self, order: Order, x: Instrument) -> Preview:
        account = self.accounts[order.account]
        before = self.bank.figures(account)
        after = self._after(account, order, x)
        return Preview(
            before.init_s + before.init_c, before.maint_s + before.maint_c, before.equity_s + before.equity_c,
            after.init_s + after.init_c, after.maint_s + after.maint_c, after.equity_s + after.equity_c,
            commission(x, order.remaining), after.available,
        )  # fmt: skip

    def _after(self, account: Account, order: Order, x: Instrument) -> keys.Figures:
        """The account as if the order were filled: at its limit, or at the market where that is better."""
        copy = replace(account, positions={k: replace(p) for k, p in account.positions.items()})
        bid, ask = self.tape.now(x)
        price = ask if order.action == "BUY" else max(bid, 0.0)
        if order.kind == "LMT":
            price = min(price, order.limit) if order.action == "BUY" else max(price, order.limit)
        copy.fill(x, order.sign * order.remaining, price)
        return self.bank.figures(copy)

    def _refuse_without_margin(self, order: Order, x: Instrument) -> None:
        """TWS refuses what needs more than there is; what lowers the requirement always passes."""
        preview = self._preview(order, x)
        if preview.available_after >= 0 or preview.init_after <= preview.init_before:
            return
        text = (
            "Order rejected - reason:YOUR ORDER IS NOT ACCEPTED. IN ORDER TO OBTAIN THE DESIRED POSITION YOUR EQUITY "
            f"WITH LOAN VALUE [{preview.equity_after:.2f} USD] "
            f"MUST EXCEED THE INITIAL MARGIN [{preview.init_after:.2f} USD]"
        )
        raise BadRequest(order.order_id, 201, text)

    # Fills.

    def match(self) -> list[Event]:
        """Let every live order meet the quotes of this moment."""
        events: list[Event] = []
        for order in list(self.orders.values()):
            if order.live and order.transmit:
                events += self._match(order)
        return events

    def _match(self, order: Order) -> Iterable[Event]:
        x = self.universe.by_con_id[order.con_id]
        if order.status == "PreSubmitted":
            order.status = "Submitted"
            yield Changed(replace(order))
        quote = self.tape.quote(x)
        bid, ask = self.tape.now(x)
        found = matching.match(order, bid, ask, quote.bid_size, quote.ask_size)
        if found is not None:
            yield from self._fill(order, x, *found)
        if order.tif == "IOC" and order.live:
            self._complete(order, "Cancelled")
            yield Changed(replace(order), 202, "Order Canceled - reason:")

    def _fill(self, order: Order, x: Instrument, quantity: int, price: float) -> Iterable[Event]:
        fee, realized = self.accounts[order.account].fill(x, order.sign * quantity, price)
        order.filled += quantity
        order.paid += Decimal(repr(price)) * quantity
        order.last_fill = price
        fill = Fill(
            self._exec_id(), order.order_id, order.client_id, order.perm_id, order.account, x.con_id,
            order.exchange or x.exchange, order.action, quantity, price, self.market.now_ns, order.filled,
            order.average, order.ref, fee, realized,
        )  # fmt: skip
        self.fills.append(fill)
        if not order.remaining:
            self._complete(order, "Filled")
        yield Filled(replace(order), fill)

    def _exec_id(self) -> str:
        number = self.next_execution
        self.next_execution += 1
        day = self.market.start_ns // 86_400_000_000_000
        return f"{0x20000 + day:08x}.{0x65000000 + number:08x}.01.01"

    def _complete(self, order: Order, status: str) -> None:
        order.status, order.completed_ns = status, self.market.now_ns
        self.completed.append(order)
        if len(self.completed) > KEPT_COMPLETED:
            self.completed.pop(0)


def _first_fault(asked: PlaceOrder) -> tuple[int, str] | None:
    """Code and text of what is wrong with an order by itself."""
    validation = "Error validating request.-'bT' : cause - "
    if asked.unsupported:
        return 387, f"Unsupported order type for this exchange and security type. ({asked.unsupported})"
    if asked.kind not in ("MKT", "LMT"):
        return 387, f"Unsupported order type for this exchange and security type. ({asked.kind or 'no order type'})"
    if asked.action not in ("BUY", "SELL"):
        return 321, f"{validation}Invalid action '{asked.action}'"
    if math.isnan(asked.quantity) or asked.quantity <= 0:
        return 434, "The order size cannot be zero."
    if asked.quantity != int(asked.quantity):
        return 10243, "Fractional-sized order cannot be placed via API."
    if asked.quantity > MOST_SHARES:
        return 201, f"Order rejected - reason:The order size exceeds the limit of {MOST_SHARES}."
    if asked.tif not in ("DAY", "GTC", "IOC"):
        return 321, f"{validation}Invalid time in force: {asked.tif}"
    if asked.kind == "LMT" and (math.isnan(asked.limit) or asked.limit <= 0):
        return 321, f"{validation}A limit order needs a limit price above 0"
    if not asked.contract.exchange:
        return 321, f"{validation}Missing order exchange"
    return None


def no_definition(found: list[Instrument], symbol: str) -> str:
    """TWS's text of error 200."""
    if found:
        return f"The contract description specified for {symbol or found[0].symbol} is ambiguous."
    return "No security definition has been found for the request"
