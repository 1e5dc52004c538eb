"""Commands of people, answered: the gate before every order, audit before the gate opens, one answer a client key."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable

import msgspec

from pipeline.bus.control import CommandClient, Request, new_request_id
from pipeline.clock import Clock
from pipeline.config import Settings
from pipeline.errors import JournalFull
from pipeline.messages import (
    Audit,
    CancelAll,
    CancelOrder,
    DisableTrading,
    EnableTrading,
    Instrument,
    Message,
    ModifyOrder,
    OrderIntent,
    OrderSpec,
    OrderState,
    PlaceOrder,
    PreviewOrder,
    Reply,
    TradingState,
    WhatIf,
)
from pipeline.orders import gate, translate
from pipeline.orders.book import FINAL, Answer, Book
from pipeline.orders.broker import Broker
from pipeline.orders.previews import Preview, Previews
from pipeline.orders.view import MarketView

PREVIEW_FRESH_S = 10.0
MINUTE_S = 60.0
Publish = Callable[[Message, bool], None]


class Desk:
    """Answers commands. `publish(message, sync)`: with sync it is durable when it returns, or JournalFull is raised."""

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        book: Book,
        view: MarketView,
        broker: Broker,
        previews: Previews,
        margin: CommandClient,
        publish: Publish,
        reply: Callable[[Request, Reply], None],
        stopped: Callable[[], bool],
    ) -> None:
        self._settings, self._clock = settings, clock
        self._book, self._view, self._broker, self._previews = book, view, broker, previews
        self._margin, self._publish, self._reply, self._stopped = margin, publish, reply, stopped
        self._armed: gate.Armed | None = None
        self._until_ns = 0
        self._sent_s: deque[float] = deque()
        self._audit_durable = True
        self._published: TradingState | None = None

    # Commands.

    def on_request(self, request: Request) -> None:
        """Every command gets exactly one reply, at once or when a preview is done."""
        command = request.command
        match command:
            case PreviewOrder():
                self._preview(request, command)
                return
            case PlaceOrder():
                answer = self._place(command)
            case ModifyOrder():
                answer = self._modify(command)
            case CancelOrder():
                answer = self._cancel(command)
            case CancelAll():
                answer = self._cancel_all(command)
            case EnableTrading():
                answer = self._enable(command)
            case DisableTrading():
                answer = self._disable(command.actor, "disabled by hand")
            case None:
                return
            case _:
                answer = Answer(ok=False, text=f"the order process does not know {type(command).__name__}")
        body = {"order_id": answer.order_id} if answer.order_id else {}
        self._reply(request, Reply(request_id=command.request_id, ok=answer.ok, text=answer.text, body=body))

    def _place(self, command: PlaceOrder) -> Answer:
        known = self._book.answers.get(command.client_key)
        if known is not None:
            return known
        if not command.client_key:
            return Answer(ok=False, text="expected a client_key, found none")
        spec = command.spec
        reasons = gate.refusals(spec, self._situation(spec), self._settings.orders)
        instrument = self._view.instruments.get(spec.con_id)
        try:
            if reasons or instrument is None:
                return self._refuse(command, reasons)
            order_id = self._broker.take_order_id()
            self._audit(command.actor, "place", {"client_key": command.client_key, "spec": _body(spec)})
            self._intend(command.client_key, order_id, spec, command.actor, "place")
        except JournalFull as error:
            self._audit_durable = False
            return Answer(ok=False, text=f"the audit journal can't be written: {error}")
        self._audit_durable = True
        self._sent_s.append(self._clock.monotonic())
        self._publish(self._pending(order_id, command.client_key, spec, instrument), False)
        self._broker.place(order_id, instrument, spec, command.client_key)
        return self._book.answers[command.client_key]

    def _refuse(self, command: PlaceOrder, reasons: list[str]) -> Answer:
        text = "; ".join(reasons)
        body = {"client_key": command.client_key, "spec": _body(command.spec), "ok": False, "text": text}
        self._audit(command.actor, "place", body)
        return Answer(ok=False, text=text)

    def _modify(self, command: ModifyOrder) -> Answer:
        known = self._book.answers.get(command.client_key)
        if known is not None:
            return known
        order = self._book.own(command.order_id)
        if order is None or order.status in FINAL:
            return Answer(ok=False, text=f"expected a working order placed here, found none with id {command.order_id}")
        spec = OrderSpec(
            account=order.account,
            con_id=order.con_id,
            side=order.side,
            quantity=command.quantity,
            order_type=order.order_type,
            limit_price=command.limit_price,
            time_in_force=order.time_in_force,
        )
        reasons = gate.refusals(spec, self._situation(spec), self._settings.orders)
        instrument = self._view.instruments.get(spec.con_id)
        body = {"client_key": command.client_key, "order_id": command.order_id, "spec": _body(spec), "reasons": reasons}
        try:
            self._audit(command.actor, "modify", body)
            if reasons or instrument is None:
                return Answer(ok=False, text="; ".join(reasons))
            self._intend(command.client_key, command.order_id, spec, command.actor, "modify")
        except JournalFull as error:
            return Answer(ok=False, text=f"the audit journal can't be written: {error}")
        answer = Answer(ok=True, text=f"the change of order {command.order_id} was sent", order_id=command.order_id)
        self._book.answers[command.client_key] = answer
        self._sent_s.append(self._clock.monotonic())
        self._broker.place(command.order_id, instrument, spec, order.client_key)
        return answer

    def _cancel(self, command: CancelOrder) -> Answer:
        order = self._book.own(command.order_id)
        if order is None or order.status in FINAL:
            return Answer(ok=False, text=f"expected a working order placed here, found none with id {command.order_id}")
        if not self._broker.connection.ready:
            return Answer(ok=False, text="TWS is not connected: cancel it in TWS")
        self._audit_cancel(command.actor, "cancel", {"order_id": command.order_id})
        self._broker.cancel(command.order_id)
        return Answer(ok=True, text=f"the cancel of order {command.order_id} was sent", order_id=command.order_id)

    def _cancel_all(self, command: CancelAll) -> Answer:
        if not self._broker.connection.ready:
            return Answer(ok=False, text="TWS is not connected: cancel in TWS")
        self._audit_cancel(command.actor, "cancel all", {"open": len(self._book.open_orders())})
        self._broker.cancel_all()
        return Answer(ok=True, text="global cancel was sent; it also ends orders made in TWS")

    def _enable(self, command: EnableTrading) -> Answer:
        now_s, orders = self._clock.monotonic(), self._settings.orders
        situation = self._situation(None)
        reasons = gate.arming_refusals(command.account, command.hours, situation, orders)
        body = {"account": command.account, "hours": command.hours, "reasons": reasons}
        try:
            self._audit(command.actor, "enable", body, sync=True)
        except JournalFull as error:
            reasons.append(f"the audit journal can't be written: {error}")
        if reasons:
            return Answer(ok=False, text="; ".join(reasons))
        self._audit_durable = True
        self._armed = gate.Armed(command.account, now_s + command.hours * 3600)
        self._until_ns = self._clock.now_ns() + int(command.hours * 3600e9)
        self.on_timer()
        return Answer(ok=True, text=f"trading is on for {command.account} for {command.hours:g} h")

    def _disable(self, actor: str, reason: str) -> Answer:
        if self._armed is not None:
            self._audit(actor, "disable", {"account": self._armed.account, "reason": reason})
            self._armed = None
            self.on_timer()
        return Answer(ok=True, text="trading is off")

    # Previews.

    def _preview(self, request: Request, command: PreviewOrder) -> None:
        spec, now_s = command.spec, self._clock.monotonic()
        instrument = self._view.instruments.get(spec.con_id)
        if self._previews.full or instrument is None:
            text = "too many previews are waiting" if self._previews.full else f"contract {spec.con_id} is not known"
            self._reply(request, Reply(request_id=command.request_id, ok=False, text=text))
            return
        refusals = gate.refusals(spec, self._situation(spec), self._settings.orders)
        excess_before = self._view.excess_liquidity.get(spec.account, math.nan)
        preview = Preview(
            request, command.request_id, spec, now_s, refusals, instrument.sec_type, excess_before=excess_before
        )
        what_if = WhatIf(request_id=new_request_id(), actor=command.actor, account=spec.account, trades=[spec])
        preview.model_id = self._margin.send(what_if)
        self._ask_tws(preview, instrument)
        self._previews.waiting.append(preview)

    def _ask_tws(self, preview: Preview, instrument: Instrument) -> None:
        if not self._broker.connection.ready:
            preview.tws = {}
            preview.warnings.append("TWS is not connected")
        elif preview.spec.account not in self._broker.connection.accounts:
            preview.tws = {}
            preview.warnings.append(f"TWS has no account {preview.spec.account}")
        else:
            preview.order_id = self._broker.what_if(instrument, preview.spec)

    def on_model_reply(self, reply: Reply) -> None:
        """The margin process answered a what-if."""
        preview = self._previews.by_model(reply.request_id)
        if preview is None:
            return
        preview.model = translate.model_figures(reply.body) if reply.ok else {}
        if not reply.ok:
            preview.warnings.append(f"model: {reply.text}")
        if preview.tws is None:  # the model's half is worth showing at once
            self._publish(preview.message(self._clock.monotonic(), self._clock.now_ns()), False)

    # Time and circumstances.

    def on_timer(self) -> None:
        """Answer previews that are done; disarm when it is time; tell the trading state when it changed."""
        now_s = self._clock.monotonic()
        for preview in self._previews.take_done(now_s):
            message = preview.message(now_s, self._clock.now_ns())
            self._publish(message, False)
            body = msgspec.to_builtins(message)
            ok = bool(message.model or message.tws)
            reply = Reply(request_id=preview.request_id, ok=ok, text=message.warning, body=body)
            self._reply(preview.request, reply)
        if self._armed is not None and now_s >= self._armed.until_s:
            self._disable("margindesk", "the chosen time is over")
        state = self.trading_state()
        if state != self._published:
            self._published = state
            self._publish(state, False)

    def disarm(self, reason: str) -> None:
        """Circumstances changed (TWS gone, clock jumped): trading goes off until a person switches it on."""
        self._disable("margindesk", reason)

    def trading_state(self) -> TradingState:
        """Whether orders may leave, and each reason why not."""
        account = self._armed.account if self._armed else ""
        reasons = gate.closed_reasons(account, self._situation(None))
        return TradingState(
            enabled=not reasons,
            account=account,
            until_ns=self._until_ns if self._armed else 0,
            reasons=reasons,
            stopped=self._stopped(),
        )

    def _situation(self, spec: OrderSpec | None) -> gate.Situation:
        now_s, now_ns = self._clock.monotonic(), self._clock.now_ns()
        while self._sent_s and now_s - self._sent_s[0] > MINUTE_S:
            self._sent_s.popleft()
        instrument = self._view.instruments.get(spec.con_id) if spec else None
        reduces = spec is not None and self._view.reduces(spec.account, spec.con_id, spec.side, spec.quantity)
        return gate.Situation(
            now_s=now_s,
            mode=self._settings.tws.mode,
            accounts=tuple(self._broker.connection.accounts),
            armed=self._armed,
            stopped=self._stopped(),
            connected=self._broker.connection.session.state == "READY",
            reconciled=self._broker.reconciled,
            audit_durable=self._audit_durable,
            contract=gate.Contract(instrument.symbol, instrument.multiplier) if instrument else None,
            quote=self._view.quotes.quote(spec.con_id, now_ns) if spec else gate.Quote(),
            open_orders=len(self._book.open_orders()),
            orders_last_minute=len(self._sent_s),
            excess_after=self._previews.excess_after(spec, now_s, PREVIEW_FRESH_S) if spec else math.nan,
            reduces=reduces,
        )

    # The record.

    def _audit(self, actor: str, action: str, body: dict[str, object], sync: bool = False) -> None:
        self._publish(Audit(actor=actor or "unnamed", action=action, body=body), sync)

    def _audit_cancel(self, actor: str, action: str, body: dict[str, object]) -> None:
        """Durable before the cancel leaves. A full disk does not hold it up: what lowers risk always goes."""
        try:
            self._audit(actor, action, body, sync=True)
        except JournalFull:
            self._audit_durable = False

    def _intend(self, client_key: str, order_id: int, spec: OrderSpec, actor: str, action: str) -> None:
        """Durable, with the audit before it, when this returns."""
        intent = OrderIntent(client_key=client_key, order_id=order_id, spec=spec, actor=actor, action=action)
        self._publish(intent, True)

    def _pending(self, order_id: int, client_key: str, spec: OrderSpec, instrument: Instrument) -> OrderState:
        return OrderState(
            perm_id=0,
            order_id=order_id,
            client_id=self._book.client_id,
            client_key=client_key,
            account=spec.account,
            con_id=spec.con_id,
            symbol=instrument.local_symbol or instrument.symbol,
            side=spec.side,
            order_type=spec.order_type,
            quantity=spec.quantity,
            limit_price=spec.limit_price,
            time_in_force=spec.time_in_force,
            status="PendingSubmit",
            remaining=spec.quantity,
            recv_ns=self._clock.now_ns(),
        )


def _body(spec: OrderSpec) -> dict[str, object]:
    built: dict[str, object] = msgspec.to_builtins(spec)
    return built
