"""Orders, fills and answers as they stand: pure state, rebuilt from the own journal, then from TWS."""

from __future__ import annotations

import math
from collections.abc import Iterable

import msgspec

from pipeline.messages import Audit, Commission, Execution, Message, OrderIntent, OrderState

FINAL = frozenset({"Filled", "Cancelled", "ApiCancelled", "Inactive", "Rejected"})
UNKNOWN = "Unknown"
Key = tuple[int, int]  # (client id, order id), or (-1, perm id) for orders that have no id here
MAX_FINISHED = 5_000  # finished orders kept in memory; all stand in the journal
MAX_ANSWERS = 50_000


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """The first answer to a client key; a repeated command gets it again and sends nothing."""

    ok: bool
    text: str
    order_id: int = 0


class Book:
    """`client_id` is our own; messages are applied in the order in which they were published."""

    def __init__(self, client_id: int) -> None:
        self.client_id = client_id
        self.orders: dict[Key, OrderState] = {}
        self.intents: dict[int, OrderIntent] = {}  # of orders placed here, by order id
        self.answers: dict[str, Answer] = {}
        self.executions: dict[str, Execution] = {}
        self.commissions: dict[str, Commission] = {}
        self.highest_order_id = 0
        self._key_of_perm: dict[int, Key] = {}

    # From messages, ours or rebuilt.

    def apply(self, message: Message) -> None:
        """One message of our own stream, at start or when it is published."""
        match message:
            case OrderIntent():
                self._apply_intent(message)
            case OrderState():
                self._store(message)
            case Execution():
                self.executions[message.exec_id] = message
            case Commission():
                self.commissions[message.exec_id] = message
            case Audit(action="place") if message.body.get("ok") is False:
                self._apply_refusal(message)
            case _:
                pass

    def _apply_intent(self, intent: OrderIntent) -> None:
        self.highest_order_id = max(self.highest_order_id, intent.order_id)
        text = f"the change of order {intent.order_id} was sent"
        if intent.action == "place":
            self.intents[intent.order_id] = intent
            text = f"order {intent.order_id} was sent"
        self.answers.setdefault(intent.client_key, Answer(ok=True, text=text, order_id=intent.order_id))

    def _apply_refusal(self, audit: Audit) -> None:
        key = str(audit.body.get("client_key", ""))
        if key and len(self.answers) < MAX_ANSWERS:
            self.answers.setdefault(key, Answer(ok=False, text=str(audit.body.get("text", ""))))

    # From TWS.

    def merged(self, update: OrderState) -> OrderState | None:
        """What is now known of the order, or None if `update` tells nothing new. A finished order stays finished."""
        old = self.orders.get(self._key(update))
        if old is None:
            return self._with_client_key(update)
        if old.status in FINAL and update.status not in FINAL:
            return None
        told = {
            field: value
            for field in update.__struct_fields__
            if field != "recv_ns" and not _missing(value := getattr(update, field))
        }
        new = msgspec.structs.replace(old, **told)
        if _same(old, new):
            return None
        return msgspec.structs.replace(new, recv_ns=update.recv_ns)

    def status(self, order_id: int, client_id: int, perm_id: int) -> OrderState | None:
        """The order of a bare status update, if it is known."""
        return self.orders.get(self._key_of_perm.get(perm_id, (client_id, order_id)))

    def key_of(self, order: OrderState) -> Key:
        """What the order is called here for all its life."""
        return self._key(order)

    def own(self, order_id: int) -> OrderState | None:
        """An order placed here."""
        return self.orders.get((self.client_id, order_id))

    def knows_execution(self, exec_id: str) -> bool:
        """TWS sends executions again after every reconnect."""
        return exec_id in self.executions

    def unaccounted(self, seen: Iterable[OrderState], asked_ns: int, now_ns: int) -> list[OrderState]:
        """Orders that should still work, but that TWS, asked for everything, did not name: their state is unknown.

        An order of which something was heard since `asked_ns` may be too young for the answer: it stays as it is.

        Their executions decide where there are any: filled to the full quantity is Filled.
        """
        seen = list(seen)
        named = {self._key(order) for order in seen}
        lost = [self._never_told(intent, now_ns) for intent in self._untold(seen)]
        for key, order in self.orders.items():
            if key in named or order.status in FINAL or order.status == UNKNOWN or order.recv_ns >= asked_ns:
                continue
            filled = self._filled(order)
            done = filled >= order.quantity > 0
            lost.append(
                msgspec.structs.replace(
                    order,
                    status="Filled" if done else UNKNOWN,
                    filled=max(order.filled, filled),
                    remaining=0.0 if done else order.remaining,
                    text=order.text if done else "TWS does not name this order: check it in TWS",
                    recv_ns=now_ns,
                )
            )
        return lost

    def _untold(self, seen: list[OrderState]) -> list[OrderIntent]:
        """Intents that were durable when the process died, and of which nothing was heard since."""
        keys = {order.client_key for order in seen if order.client_key}
        known = {order_id for client_id, order_id in self.orders if client_id == self.client_id}
        known |= {order.order_id for order in seen if order.client_id == self.client_id}
        return [
            intent
            for order_id, intent in self.intents.items()
            if order_id not in known and intent.client_key not in keys
        ]

    def _never_told(self, intent: OrderIntent, now_ns: int) -> OrderState:
        spec = intent.spec
        return OrderState(
            perm_id=0,
            order_id=intent.order_id,
            client_id=self.client_id,
            client_key=intent.client_key,
            account=spec.account,
            con_id=spec.con_id,
            symbol="",
            side=spec.side,
            order_type=spec.order_type,
            quantity=spec.quantity,
            limit_price=spec.limit_price,
            time_in_force=spec.time_in_force,
            status=UNKNOWN,
            text="TWS does not name this order; it may never have been sent: check it in TWS",
            recv_ns=now_ns,
        )

    def open_orders(self) -> list[OrderState]:
        """Orders that may still trade."""
        return [order for order in self.orders.values() if order.status not in FINAL]

    def _filled(self, order: OrderState) -> float:
        return sum(
            execution.shares
            for execution in self.executions.values()
            if (execution.perm_id == order.perm_id and order.perm_id)
            or (execution.client_id, execution.order_id) == (order.client_id, order.order_id)
        )

    def _key(self, order: OrderState) -> Key:
        if order.perm_id in self._key_of_perm:
            return self._key_of_perm[order.perm_id]
        return (order.client_id, order.order_id) if order.order_id > 0 else (-1, order.perm_id)

    def _store(self, order: OrderState) -> None:
        key = self._key(order)
        if order.perm_id:
            self._key_of_perm[order.perm_id] = key
        self.orders.pop(key, None)  # the newest stands last
        self.orders[key] = order
        if order.client_id == self.client_id:
            self.highest_order_id = max(self.highest_order_id, order.order_id)
        if len(self.orders) > 2 * MAX_FINISHED:
            self._forget_finished()

    def _forget_finished(self) -> None:
        finished = [key for key, order in self.orders.items() if order.status in FINAL]
        for key in finished[:-MAX_FINISHED]:
            self._key_of_perm.pop(self.orders.pop(key).perm_id, None)
            if key[0] == self.client_id:
                self.intents.pop(key[1], None)

    def _with_client_key(self, order: OrderState) -> OrderState:
        intent = self.intents.get(order.order_id) if order.client_id == self.client_id else None
        return msgspec.structs.replace(order, client_key=intent.client_key) if intent else order


def _missing(value: object) -> bool:
    return value in ("", 0) if not isinstance(value, float) else math.isnan(value)


def _same(old: OrderState, new: OrderState) -> bool:
    for field in old.__struct_fields__:
        left, right = getattr(old, field), getattr(new, field)
        if left != right and not (isinstance(left, float) and math.isnan(left) and math.isnan(right)):
            return False
    return True
