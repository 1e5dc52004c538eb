"""Answers about the session itself: the greeting, ids, time, user."""

from __future__ import annotations

from collections.abc import Mapping

from pipeline.gateway.answers.area import Area, PlainAnswer
from pipeline.gateway.market import days
from pipeline.gateway.session import Session
from pipeline.gateway.tells import frames, orders

FARMS = (
    (2104, "Market data farm connection is OK:usfarm"),
    (2104, "Market data farm connection is OK:usfuture"),
    (2106, "HMDS data farm connection is OK:ushmds"),
    (2158, "Sec-def data farm connection is OK:secdefil"),
)


class Start(Area):
    """What follows startApi, and the small questions."""

    def greet(self, session: Session) -> None:
        """What follows startApi."""
        self._managed(session, -1)
        self._ids(session, -1)
        for code, text in FARMS:
            self.house.error(session, -1, code, text)
        if self.house.settings.open_orders_at_start:
            self._open_orders(session)

    def _open_orders(self, session: Session) -> None:
        brokerage = self.house.brokerage
        for order in brokerage.live_orders():
            if order.client_id == session.client_id:
                session.send(orders.open_order(session.sv, order, brokerage.contract(order)))
                session.send(orders.order_status(order))

    def plain(self) -> Mapping[str, PlainAnswer]:
        return {
            "nothing": lambda _session, _req_id: None,
            "setServerLogLevel": lambda _session, _req_id: None,
            "ids": self._ids,
            "managedAccts": self._managed,
            "currentTime": lambda session, _: session.send(frames.current_time(self._now_ns // days.NS)),
            "currentTimeInMillis": lambda session, _: session.send(frames.current_time_ms(self._now_ns // 1_000_000)),
            "userInfo": lambda session, req_id: session.send(frames.frame(107, req_id, "")),
            "softDollarTiers": lambda session, req_id: session.send(frames.frame(77, req_id, 0)),
        }

    @property
    def _now_ns(self) -> int:
        return self.house.brokerage.market.now_ns

    def _managed(self, session: Session, _req_id: int) -> None:
        session.send(frames.managed_accounts(self.house.brokerage.accounts))

    def _ids(self, session: Session, _req_id: int) -> None:
        session.send(frames.next_valid_id(self.house.brokerage.next_valid_id(session.client_id)))
