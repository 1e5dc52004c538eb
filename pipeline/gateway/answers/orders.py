"""Answers about orders and executions, and who is told when one changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pipeline.gateway.answers.area import Answer, Area, PlainAnswer
from pipeline.gateway.asks.orders import Executions, PlaceOrder
from pipeline.gateway.asks.request import Request
from pipeline.gateway.broker.brokerage import Changed, Event, Filled
from pipeline.gateway.broker.ordering import Fill
from pipeline.gateway.market import days
from pipeline.gateway.session import Session
from pipeline.gateway.tells import orders as tell


class Orders(Area):
    """Placing, cancelling, listing; the client that placed an order hears of it."""

    def answers(self) -> Mapping[type[Request], Answer]:
        return {PlaceOrder: self._place, Executions: self._executions}

    def plain(self) -> Mapping[str, PlainAnswer]:
        brokerage = self.house.brokerage
        return {
            "cancelOrder": lambda session, order_id: brokerage.cancel(session.client_id, order_id),
            "globalCancel": lambda _session, _req_id: brokerage.cancel_all(),
            "openOrders": lambda session, _: self._orders(session, mine=True),
            "autoOpenOrders": lambda session, _: self._orders(session, mine=True),
            "allOpenOrders": lambda session, _: self._orders(session, mine=False),
            "completedOrders": lambda session, _: self._completed(session),
        }

    def heard(self, events: Sequence[Event]) -> None:
        for event in events:
            for session in self.house.open_sessions():
                if session.client_id == event.order.client_id:
                    self._tell(session, event)

    def _tell(self, session: Session, event: Event) -> None:
        order = event.order
        x = self.house.brokerage.universe.by_con_id[order.con_id]
        state = tell.open_order(session.sv, order, x), tell.order_status(order)
        if isinstance(event, Filled):
            session.send(tell.execution(session.sv, -1, event.fill, x), *state)
            session.send(tell.commission(event.fill))
        elif isinstance(event, Changed) and event.code:
            session.send(tell.order_status(order))
            self.house.error(session, order.order_id, event.code, event.text)
        else:
            session.send(*state)

    def _place(self, session: Session, asked: PlaceOrder) -> list[Event]:
        brokerage = self.house.brokerage
        if not asked.what_if:
            return brokerage.place(session.client_id, asked)
        order, preview = brokerage.preview(session.client_id, asked)
        session.send(tell.open_order(session.sv, order, brokerage.universe.by_con_id[order.con_id], preview))
        return []

    def _orders(self, session: Session, mine: bool) -> None:
        brokerage = self.house.brokerage
        for order in brokerage.live_orders():
            if not mine or order.client_id == session.client_id:
                x = brokerage.universe.by_con_id[order.con_id]
                session.send(tell.open_order(session.sv, order, x), tell.order_status(order))
        session.send(tell.open_order_end())

    def _completed(self, session: Session) -> None:
        brokerage = self.house.brokerage
        for order in brokerage.completed:
            session.send(tell.completed_order(session.sv, order, brokerage.universe.by_con_id[order.con_id]))
        session.send(tell.completed_orders_end())

    def _executions(self, session: Session, asked: Executions) -> None:
        fits = [fill for fill in self.house.brokerage.fills if self._wanted(fill, asked)]
        for fill in fits:
            x = self.house.brokerage.universe.by_con_id[fill.con_id]
            session.send(tell.execution(session.sv, asked.req_id, fill, x))
        session.send(tell.executions_end(asked.req_id))
        session.send(*(tell.commission(fill) for fill in fits))

    def _wanted(self, fill: Fill, asked: Executions) -> bool:
        x = self.house.brokerage.universe.by_con_id[fill.con_id]
        side = {"BOT": "BUY", "SLD": "SELL"}.get(asked.side.upper(), asked.side.upper())
        since = asked.since.replace("-", " ").split(" ")
        time = f"{days.new_york(fill.time_ns):%Y%m%d %H:%M:%S}"
        return (
            (not asked.client_id or fill.client_id == asked.client_id)
            and asked.account in ("", fill.account)
            and asked.symbol in ("", x.symbol)
            and asked.sec_type in ("", x.sec_type)
            and asked.exchange in ("", fill.exchange)
            and side in ("", fill.action)
            and (not asked.since or time >= " ".join(part for part in since[:3] if part)[:17])
        )
