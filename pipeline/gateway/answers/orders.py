"""Answers about orders and executions, and who is told when one changes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from pipeline.gateway.answers.area import Answer, Area, PlainAnswer
from pipeline.gateway.asks.orders import (
    AutoOpenOrders,
    CancelOrder,
    CompletedOrders,
    Executions,
    ExerciseOptions,
    PlaceOrder,
)
from pipeline.gateway.asks.request import BadRequest, Request
from pipeline.gateway.broker.brokerage import Bound, Event, Filled
from pipeline.gateway.broker.ordering import Fill, Order
from pipeline.gateway.broker.searching import wanted
from pipeline.gateway.session import Session
from pipeline.gateway.tells import orders as tell

FIRST_OF_TWO = "Margin figures are being computed."
DEFAULT_CLIENT = 0


class Orders(Area):
    """Placing, cancelling, listing; the client that placed an order hears of it, and the master client of all."""

    def answers(self) -> Mapping[type[Request], Answer]:
        return {
            PlaceOrder: self._place,
            CancelOrder: lambda session, asked: self.house.brokerage.cancel(session.client_id, asked.req_id),
            AutoOpenOrders: self._auto_open,
            CompletedOrders: self._completed,
            Executions: self._executions,
            ExerciseOptions: lambda _session, asked: self.house.brokerage.exercise(asked),
        }

    def plain(self) -> Mapping[str, PlainAnswer]:
        brokerage = self.house.brokerage
        return {
            "globalCancel": lambda _session, _req_id: brokerage.cancel_all(),
            "openOrders": lambda session, _: self._orders(session, mine=True),
            "allOpenOrders": lambda session, _: self._orders(session, mine=False),
        }

    def heard(self, events: Sequence[Event]) -> None:
        for event in events:
            for session in self.house.open_sessions():
                if self._concerns(session, event.order):
                    self._tell(session, event)

    def _concerns(self, session: Session, order: Order) -> bool:
        master = self.house.settings.master_client
        return session.client_id == order.client_id or (master >= 0 and session.client_id == master)

    def _tell(self, session: Session, event: Event) -> None:
        order = event.order
        if isinstance(event, Bound):
            session.send(tell.order_bound(order))
        elif isinstance(event, Filled):
            self._tell_fill(session, -1, event.fill)
            if event.fill.con_id == order.con_id:
                session.send(*self._state(session, order))
            self._tell_commission(session, event.fill)
        elif event.code:
            session.send(tell.order_status(order))
            self.house.error(session, order.order_id, event.code, event.text)
        else:
            session.send(*self._state(session, order))

    def _state(self, session: Session, order: Order) -> tuple[bytes, bytes]:
        x = self.house.brokerage.contract(order)
        return tell.open_order(session.sv, order, x), tell.order_status(order)

    def _tell_fill(self, session: Session, req_id: int, fill: Fill) -> None:
        session.send(tell.execution(session.sv, req_id, fill, self.house.brokerage.contract(fill)))

    def _tell_commission(self, session: Session, fill: Fill) -> None:
        if fill.commission is not None:
            session.send(tell.commission(fill))

    def _place(self, session: Session, asked: PlaceOrder) -> Sequence[Event]:
        brokerage = self.house.brokerage
        if not asked.what_if:
            return brokerage.place(session.client_id, asked)
        order, preview = brokerage.preview(session.client_id, asked)
        x = brokerage.contract(order)
        if self.house.settings.what_if_two_answers:
            session.send(tell.open_order(session.sv, order, x, warning=FIRST_OF_TWO))
        session.send(tell.open_order(session.sv, order, x, preview))
        return ()

    def _auto_open(self, session: Session, asked: AutoOpenOrders) -> Sequence[Event]:
        if session.client_id != DEFAULT_CLIENT:
            text = "Error validating request.-'cO' : cause - Only the default client (i.e 0) can auto bind orders"
            raise BadRequest(-1, 321, text)
        return self.house.brokerage.bind(asked.bind)

    def _orders(self, session: Session, mine: bool) -> None:
        for order in self.house.brokerage.live_orders():
            if not mine or order.client_id == session.client_id:
                session.send(*self._state(session, order))
        session.send(tell.open_order_end())

    def _completed(self, session: Session, asked: CompletedOrders) -> None:
        brokerage = self.house.brokerage
        for order in brokerage.completed:
            if not (asked.api_only and order.by_hand):
                session.send(tell.completed_order(session.sv, order, brokerage.contract(order)))
        session.send(tell.completed_orders_end())

    def _executions(self, session: Session, asked: Executions) -> None:
        fits = list(self._wanted(asked))
        for fill in fits:
            self._tell_fill(session, asked.req_id, fill)
        session.send(tell.executions_end(asked.req_id))
        for fill in fits:
            self._tell_commission(session, fill)

    def _wanted(self, asked: Executions) -> Iterable[Fill]:
        brokerage = self.house.brokerage
        now = brokerage.market.now_ns
        return (fill for fill in brokerage.fills if wanted(fill, brokerage.contract(fill), asked, now))
