"""All orders, found by client and id, by permId, by contract, by family and by OCA group. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from pipeline.gateway.broker.ordering import Order

Key = tuple[int, int]  # client id, order id
KEPT_COMPLETED = 500
KEPT_DONE = 10_000  # of them TWS still knows the state


class OrderBook:
    """What is live stands apart from what is done, so that a quiet book costs nothing."""

    def __init__(self) -> None:
        self.orders: dict[Key, Order] = {}
        self.by_perm: dict[int, Order] = {}
        self.working: dict[int, dict[int, Order]] = {}  # con_id → permId → transmitted, live order
        self.children: dict[int, list[Order]] = {}  # permId of the parent
        self.completed: list[Order] = []
        self.done: deque[Order] = deque()

    def add(self, order: Order) -> None:
        self.orders[order.client_id, order.order_id] = order
        self.by_perm[order.perm_id] = order
        if order.parent_perm:
            self.children.setdefault(order.parent_perm, []).append(order)
        if order.live:
            self.index(order)
        else:
            self.done.append(order)

    def index(self, order: Order) -> None:
        """Let it meet the market if it may."""
        if order.live and order.transmit:
            self.working.setdefault(order.con_id, {})[order.perm_id] = order

    def complete(self, order: Order) -> None:
        """It is done: it meets the market no more."""
        mates = self.working.get(order.con_id, {})
        mates.pop(order.perm_id, None)
        if not mates:
            self.working.pop(order.con_id, None)
        if order.transmit:
            self.completed.append(order)
            del self.completed[:-KEPT_COMPLETED]
        self.done.append(order)
        for _ in range(2):  # one may be a parent that stays
            if len(self.done) > KEPT_DONE:
                self._forget(self.done.popleft())

    def _forget(self, order: Order) -> None:
        """It is as if it had never been, but for its executions; a parent stays with its children."""
        if any(child.live for child in self.children.get(order.perm_id, ())):
            self.done.append(order)
            return
        self.orders.pop((order.client_id, order.order_id), None)
        self.by_perm.pop(order.perm_id, None)
        self.children.pop(order.perm_id, None)

    def kept(self) -> list[Order]:
        """What survives the gateway: what lives, its parents, and the last that were completed."""
        alive = [order for order in self.orders.values() if order.live]
        wanted = {order.perm_id for order in alive} | {order.parent_perm for order in alive}
        wanted |= {order.perm_id for order in self.completed}
        return [order for order in self.orders.values() if order.perm_id in wanted]

    def live(self) -> Iterator[Order]:
        """Every transmitted order that is not done, oldest first."""
        found = [order for mates in self.working.values() for order in mates.values()]
        return iter(sorted(found, key=lambda order: order.perm_id))

    def family(self, order: Order) -> list[Order]:
        """The order, its parent and all of the parent's children that are not transmitted yet, oldest first."""
        head = self.by_perm.get(order.parent_perm, order)
        members = [head, *self.children.get(head.perm_id, [])]
        if order not in members:
            members.append(order)
        return [member for member in members if not member.transmit and member.live]

    def group(self, order: Order) -> list[Order]:
        """The other live orders of its OCA group; groups belong to an account."""
        if not order.oca_group:
            return []
        return [
            mate
            for mate in self.live()
            if mate is not order and (mate.account, mate.oca_group) == (order.account, order.oca_group)
        ]

    def forget_done(self) -> None:
        """A new day: only what still lives stays."""
        alive = [order for order in self.orders.values() if order.live]
        needed = {order.parent_perm for order in alive}
        kept = [order for order in self.orders.values() if order.live or order.perm_id in needed]
        self.orders, self.by_perm, self.working, self.children, self.completed = {}, {}, {}, {}, []
        self.done.clear()
        for order in kept:
            self.add(order)
