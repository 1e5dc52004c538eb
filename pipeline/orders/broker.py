"""The order client's side of TWS: sends, turns what it tells into published messages, reconciles after each connect."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from ibapi.contract import Contract
from ibapi.execution import ExecutionFilter
from ibapi.order import Order
from ibapi.order_cancel import OrderCancel

from pipeline.clock import Clock
from pipeline.config import Settings
from pipeline.messages import Execution, Instrument, Message, OrderSpec, OrderState
from pipeline.orders import check, translate
from pipeline.orders.book import Book
from pipeline.orders.previews import Preview, Previews
from pipeline.runtime import Runtime
from pipeline.tws import translate as tws
from pipeline.tws.callbacks import Callbacks
from pipeline.tws.connection import Connection
from pipeline.tws.error_codes import Severity, TwsError

RECONCILE_DEADLINE_S = 10.0
CHECK_EVERY_S = 15.0
REFRESH_AFTER_S = 0.5  # a fill moves several positions at once
UNACKNOWLEDGED = frozenset({"Intent", "PendingSubmit"})
CANCELLED_CODE = 202
PARTS = ("open orders", "completed orders", "executions")


class Broker(Callbacks):
    """`publish` journals and publishes a message and applies it to the book; `lost` is called when TWS is gone."""

    def __init__(
        self,
        settings: Settings,
        runtime: Runtime,
        clock: Clock,
        book: Book,
        previews: Previews,
        publish: Callable[[Message], None],
        changed: Callable[[], None],
    ) -> None:
        self._clock, self._book, self._previews = clock, book, previews
        self._publish, self._changed = publish, changed
        self.reconciled = False
        self._missing: set[str] = set()  # parts of the picture that TWS has not finished
        self._seen: list[OrderState] = []
        self._asked_s, self._asked_ns = 0.0, 0
        self._fills: dict[str, Execution] = {}  # that TWS named since it was asked
        self._before = check.Before({}, frozenset())
        self._compared_before = False
        self._check_due_s = float("inf")
        self._refresh_due_s = float("inf")
        self._next_order_id = 0
        self.connection = Connection(
            "orders", settings, runtime, clock, self, client_id=settings.tws.orders_client_id, may_change_id=False
        )

    # What the service asks.

    def place(self, order_id: int, instrument: Instrument, spec: OrderSpec, order_ref: str) -> None:
        """Send an order, or a change of it under the same id."""
        order = translate.order_of(spec, order_ref=order_ref)
        self.connection.client.placeOrder(order_id, translate.contract_of(instrument), order)

    def what_if(self, instrument: Instrument, spec: OrderSpec) -> int:
        """Ask TWS what the order would do; returns the id under which it answers."""
        order_id = self.take_order_id()
        order = translate.order_of(spec, what_if=True)
        self.connection.client.placeOrder(order_id, translate.contract_of(instrument), order)
        return order_id

    def cancel(self, order_id: int) -> None:
        """Ask TWS to cancel one of our orders."""
        self.connection.client.cancelOrder(order_id, OrderCancel())

    def cancel_all(self) -> None:
        """TWS's global cancel: also what was placed in TWS itself."""
        self.connection.client.reqGlobalCancel(OrderCancel())

    def take_order_id(self) -> int:
        """Above everything that TWS or the journal has seen."""
        self._next_order_id += 1
        return self._next_order_id - 1

    def refresh_soon(self) -> None:
        """A position moved: ask for all orders and executions, also those of other clients."""
        if self._refresh_due_s == float("inf"):
            self._refresh_due_s = self._clock.monotonic() + REFRESH_AFTER_S

    def on_timer(self) -> None:
        """Whatever is due: a refresh, or a picture that TWS did not finish."""
        now_s = self._clock.monotonic()
        if not self.connection.ready:
            return
        if self._missing and now_s - self._asked_s > RECONCILE_DEADLINE_S:
            self._ask_everything()
        elif not self._missing and now_s >= self._check_due_s:
            self._check_due_s = self._refresh_due_s = float("inf")
            self._ask_everything()
        elif now_s >= self._refresh_due_s:
            self._refresh_due_s = float("inf")
            self._ask_open_and_executions()

    # The connection.

    def tws_ready(self) -> None:
        self._next_order_id = max(self.connection.session.next_order_id, self._book.highest_order_id + 1)
        self._ask_everything()

    def tws_lost(self, reason: str) -> None:
        self.reconciled, self._missing, self._check_due_s = False, set(), float("inf")
        self._previews.lost()
        self._changed()

    def tws_changed(self) -> None:
        self._changed()

    def _ask_everything(self) -> None:
        self._missing, self._seen, self._asked_s = set(PARTS), [], self._clock.monotonic()
        self._asked_ns, self._fills = self._clock.now_ns(), {}
        self._before = check.Before(dict(self._book.orders), frozenset(self._book.executions))
        self._ask_open_and_executions()
        self.connection.client.reqCompletedOrders(False)

    def _ask_open_and_executions(self) -> None:
        self.connection.client.reqAllOpenOrders()
        self.connection.client.reqExecutions(self.connection.next_request_id(), ExecutionFilter())

    def _part_done(self, part: str) -> None:
        if part not in self._missing:
            return
        self._missing.discard(part)
        if self._missing:
            return
        now_ns = self._clock.now_ns()
        unnamed = self._book.unaccounted(self._seen, self._asked_ns, now_ns)
        for order in unnamed:
            self._publish(order)
        named = {self._book.key_of(order): order for order in self._seen}
        if self._compared_before:  # the first picture of a process has nothing to be compared with
            self._compare(check.Answer(named, self._fills.values(), unnamed), now_ns)
        self._compared_before = True
        self.reconciled, self._seen, self._fills = True, [], {}
        self._check_due_s = self._clock.monotonic() + CHECK_EVERY_S
        self._changed()

    def _compare(self, answer: check.Answer, now_ns: int) -> None:
        """Tell what TWS had to be asked for; it was published as it came."""
        found = check.differences(self._before, answer, self._book.client_id, now_ns)
        for message in (*found, *check.checks(self.connection.accounts, answer, found, now_ns)):
            self._publish(message)

    def openOrderEnd(self) -> None:
        self._part_done("open orders")

    def completedOrdersEnd(self) -> None:
        self._part_done("completed orders")

    def execDetailsEnd(self, reqId: int) -> None:
        self._part_done("executions")

    # Orders.

    def openOrder(self, orderId: int, contract: Contract, order: Order, orderState: Any) -> None:
        if order.whatIf:
            self._what_if_answer(orderId, orderState)
        else:
            self._told(orderId, contract, order, orderState)

    def completedOrder(self, contract: Contract, order: Order, orderState: Any) -> None:
        self._told(0, contract, order, orderState)

    def _told(self, order_id: int, contract: Contract, order: Order, state: Any) -> None:
        told = tws.order_state(order_id, contract, order, state, self._clock.now_ns())
        answer = self._book.answers.get(order.orderRef) if order.orderRef else None
        if answer is not None and answer.order_id:  # ours, also where TWS names no order id
            told = msgspec.structs.replace(told, client_id=self._book.client_id, order_id=answer.order_id)
        self._seen.append(told)
        self._merge(told)

    def _merge(self, update: OrderState) -> None:
        merged = self._book.merged(update)
        if merged is not None:
            self._publish(merged)

    def orderStatus(
        self,
        orderId: int,
        status: str,
        filled: Any,
        remaining: Any,
        avgFillPrice: float,
        permId: int,
        parentId: int,
        lastFillPrice: float,
        clientId: int,
        whyHeld: str,
        mktCapPrice: float,
    ) -> None:
        known = self._book.status(orderId, clientId, permId)
        if known is None:
            self.refresh_soon()  # an order that has not been told yet
            return
        average = tws.number(avgFillPrice)
        self._merge(
            msgspec.structs.replace(
                known,
                perm_id=permId or known.perm_id,
                status=status,
                filled=tws.number(filled),
                remaining=tws.number(remaining),
                average_price=average if average > 0 else known.average_price,
                text=whyHeld or known.text,
                recv_ns=self._clock.now_ns(),
            )
        )

    def _what_if_answer(self, order_id: int, state: Any) -> None:
        preview = self._previews.by_order(order_id)
        if preview is None:
            return
        if state.warningText:
            preview.warnings.append(state.warningText)
        figures = tws.order_margins(state)
        if not figures:  # TWS may answer twice, the first time with a warning alone
            return
        preview.tws = translate.with_excess(figures, preview.sec_type, preview.excess_before)
        paid = getattr(state, "commissionAndFees", None)
        preview.commission = tws.number(paid if paid is not None else getattr(state, "commission", ""))

    # Fills.

    def execDetails(self, reqId: int, contract: Contract, execution: Any) -> None:
        fill = tws.execution(contract, execution, self._clock.now_ns())
        if self._missing:
            self._fills[fill.exec_id] = fill
        if not self._book.knows_execution(fill.exec_id):
            self._publish(fill)

    def commissionAndFeesReport(self, commissionAndFeesReport: Any) -> None:
        told = tws.commission(commissionAndFeesReport, self._clock.now_ns())
        known = self._book.commissions.get(told.exec_id)
        if known is None or known.commission != told.commission:
            self._publish(told)

    def commissionReport(self, commissionReport: Any) -> None:
        """The name before ibapi 10.37."""
        self.commissionAndFeesReport(commissionReport)

    # Errors.

    def tws_error(self, error: TwsError) -> None:
        preview = self._previews.by_order(error.request)
        if preview is not None:
            self._what_if_error(preview, error)
            return
        order = self._book.own(error.request)
        if order is None:
            return
        text = f"{error.code}: {error.text}"
        if error.code == CANCELLED_CODE:
            self._merge(msgspec.structs.replace(order, status="Cancelled", text=text, recv_ns=self._clock.now_ns()))
        elif error.meaning.severity == Severity.REFUSED and order.status in UNACKNOWLEDGED:
            self._merge(msgspec.structs.replace(order, status="Rejected", text=text, recv_ns=self._clock.now_ns()))
        else:  # a warning, or a refused change: the order itself goes on as TWS last told
            self._merge(msgspec.structs.replace(order, text=text, recv_ns=self._clock.now_ns()))

    def _what_if_error(self, preview: Preview, error: TwsError) -> None:
        preview.warnings.append(f"TWS {error.code}: {error.text}")
        if error.meaning.severity == Severity.REFUSED:
            preview.tws = {}
