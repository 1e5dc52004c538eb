"""The order ticket: form, preview, review, sent. Nothing sends with one key press; the rules are in ticket_state."""

from __future__ import annotations

import math

from PyQt5.QtCore import QStringListModel, Qt
from PyQt5.QtWidgets import (
    QButtonGroup,
    QComboBox,
    QCompleter,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from pipeline.errors import WireError
from pipeline.messages import OrderPreview, OrderSpec, PlaceOrder, PreviewOrder, Reply, convert
from ui.desktop import format as fmt
from ui.desktop import preview_rows
from ui.desktop.commands import request_id
from ui.desktop.docks.base import Dock
from ui.desktop.docks.preview import PreviewGrid
from ui.desktop.looks import Looks, paint_text, set_text
from ui.desktop.models.orders import status_words
from ui.desktop.picture.health import Condition, Health
from ui.desktop.picture.quotes import Field
from ui.desktop.session import Session
from ui.desktop.theme import Tone
from ui.desktop.ticket_state import Stage, Ticket

PREVIEW_ANSWER_S = 6.0


class TicketDock(Dock):
    """`refresh` ten times a second."""

    def __init__(self, session: Session, looks: Looks) -> None:
        super().__init__("ticket", "Ticket", session, looks)
        self.ticket = Ticket()
        self.con_id = 0
        self._names: dict[str, int] = {}
        self._previews_seen = 0
        self._steps: list[str] = []
        self.pages = QStackedWidget()
        self.pages.addWidget(self._form())
        self.pages.addWidget(self._review())
        self.why = self._label("ticket.why", "Why the order can't be sent")
        self.why.setWordWrap(True)
        self.answer = self._label("ticket.answer", "What became of the order")
        self.answer.setWordWrap(True)
        self.resolved = self._button("ticket.resolved", "Resolved: I looked in TWS", self._resolve)
        body = QWidget()
        column = QVBoxLayout(body)
        column.setContentsMargins(8, 4, 8, 4)
        column.setSpacing(4)
        column.addWidget(self.pages)
        self.preview = PreviewGrid(looks)
        column.addWidget(self.preview)
        for widget in (self.why, self.answer, self.resolved):
            column.addWidget(widget)
        column.addStretch(1)
        self.finish(body)
        session.contract_changed.connect(self.pick)
        session.account_changed.connect(lambda _name: self._edited())
        self._show_stage()

    # Form.

    def _form(self) -> QWidget:
        form = QWidget()
        grid = QGridLayout(form)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setVerticalSpacing(4)
        self.contract = self._box("ticket.contract", "Contract", "contract, or choose a row")
        self._completions = QStringListModel(self)
        completer = QCompleter(self._completions, self)
        completer.setCaseSensitivity(Qt.CaseInsensitive)
        completer.setFilterMode(Qt.MatchContains)
        self.contract.setCompleter(completer)
        self.contract.textChanged.connect(self._typed)
        self.contract_note = self._label("ticket.contract.note", "Contract found")
        self.buy = self._button("ticket.buy", "BUY", self._edited)
        self.sell = self._button("ticket.sell", "SELL", self._edited)
        self._sides = QButtonGroup(self)
        for button, tip in ((self.buy, "Alt+B"), (self.sell, "Alt+S")):
            button.setCheckable(True)
            button.setStyleSheet(self.looks.side_button())
            button.setToolTip(tip)
            self._sides.addButton(button)
        self.buy.setChecked(True)
        self.quantity = self._box("ticket.quantity", "Quantity", "quantity")
        self.quantity.textChanged.connect(self._edited)
        self.kind = QComboBox()
        self.kind.setObjectName("ticket.kind")
        self.kind.setAccessibleName("Order type")
        self.kind.addItems(["LMT", "MKT"])
        self.kind.currentTextChanged.connect(self._edited)
        self.price = self._box("ticket.price", "Limit price", "limit price")
        self.price.textChanged.connect(self._edited)
        self.market = self._label("ticket.market", "Quote of the contract")
        sides = QHBoxLayout()
        for widget in (self.buy, self.sell, self.quantity, self.kind, self.price):
            sides.addWidget(widget)
        self.review_button = self._button("ticket.review", "Review  Ctrl+Enter", self.act)
        grid.addWidget(self.contract, 0, 0)
        grid.addWidget(self.contract_note, 0, 1)
        grid.addLayout(sides, 1, 0, 1, 2)
        grid.addWidget(self.market, 2, 0, 1, 2)
        grid.addWidget(self.review_button, 3, 0, 1, 2)
        grid.setColumnStretch(0, 1)
        return form

    def _review(self) -> QWidget:
        page = QWidget()
        column = QVBoxLayout(page)
        column.setContentsMargins(0, 0, 0, 0)
        self.summary = self._label("ticket.summary", "The order to be sent")
        self.summary.setFont(self.looks.big_font)
        self.summary.setWordWrap(True)
        self.terms = self._label("ticket.terms", "Terms of the order")
        self.terms.setWordWrap(True)
        self.back_button = self._button("ticket.back", "Back  Esc", self.back)
        self.send_button = self._button("ticket.send", "SEND  Ctrl+Enter", self.act)
        tokens = self.looks.tokens
        self.send_button.setStyleSheet(self.looks.filled_button(tokens.accent, tokens.bg0))
        paint_text(self.summary, self.looks.colour(Tone.FG))
        row = QHBoxLayout()
        row.addWidget(self.back_button)
        row.addStretch(1)
        row.addWidget(self.send_button)
        for widget in (self.summary, self.terms):
            column.addWidget(widget)
        column.addLayout(row)
        return page

    def _box(self, name: str, title: str, hint: str) -> QLineEdit:
        box = QLineEdit()
        box.setObjectName(name)
        box.setAccessibleName(title)
        box.setPlaceholderText(hint)
        box.setMinimumWidth(round(self.looks.base_px * 4.5))
        return box

    def _button(self, name: str, text: str, act: object) -> QPushButton:
        button = QPushButton(text)
        button.setObjectName(name)
        button.setAccessibleName(text.split("  ")[0])
        button.setAutoDefault(False)
        button.clicked.connect(lambda _checked=False: act())  # type: ignore[operator]
        return button

    def _label(self, name: str, title: str) -> QLabel:
        label = QLabel()
        label.setObjectName(name)
        label.setAccessibleName(title)
        paint_text(label, self.looks.colour(Tone.DIM))
        return label

    # What a person does.

    def pick(self, con_id: int) -> None:
        """Another contract was chosen somewhere; a review is not disturbed."""
        instrument = self.session.picture.instruments.get(con_id)
        if self.ticket.stage is Stage.FORM and instrument is not None:
            self.con_id = con_id
            self.contract.setText(fmt.contract(instrument))
            self._suggest_price()
            self._edited()

    def set_side(self, side: str) -> None:
        """Alt+B, Alt+S."""
        if self.ticket.stage is Stage.FORM:
            (self.buy if side == "BUY" else self.sell).setChecked(True)
            self._suggest_price()
            self._edited()

    def act(self) -> None:
        """Ctrl+Enter: the first act reviews; the second, at least 0.4 s later, sends."""
        now_s, off = self.session.clock.monotonic(), self.session.trading_off()
        if self.ticket.stage is Stage.FORM:
            self._edited()
            self.ticket.review(off, now_s)
        elif self.ticket.stage is Stage.REVIEW:
            sent = self.ticket.send(off, now_s)
            if sent is not None:
                self._send(*sent)
        else:
            self.ticket.back()
        self._show_stage()
        self.refresh(set())

    def back(self) -> None:
        """Esc: to the form; sends nothing, cancels nothing."""
        self.ticket.back()
        set_text(self.answer, "")
        self._show_stage()

    def note(self, text: str, ok: bool) -> None:
        """An answer that concerns trading as a whole."""
        self.why.setToolTip(text)
        if not ok:
            set_text(self.answer, text)
            paint_text(self.answer, self.looks.colour(Tone.WARN))

    def _resolve(self) -> None:
        self.ticket.resolve()
        self.ticket.back()
        self._show_stage()

    def _send(self, client_key: str, spec: OrderSpec) -> None:
        self._steps = [f"Sent {fmt.clock_time(self.session.clock.now_ns())}"]
        command = PlaceOrder(
            request_id=request_id(), actor=self.session.commands.actor, client_key=client_key, spec=spec
        )
        self.session.commands.send("orders", command, self._placed)

    def _placed(self, reply: Reply) -> None:
        if reply.body.get("no_answer"):
            return  # the ticket's own five seconds say what that means
        self.ticket.on_answer()
        when = fmt.clock_time(self.session.clock.now_ns())
        self._steps.append(f"{'Accepted' if reply.ok else 'Refused: ' + reply.text} {when}")

    def _typed(self, text: str) -> None:
        self.con_id = self._names.get(text.strip().upper(), 0)
        self._edited()

    def _suggest_price(self) -> None:
        quotes = self.session.picture.quotes
        value = quotes.value(self.con_id, Field.ASK if self.buy.isChecked() else Field.BID)
        instrument = self.session.picture.instruments.get(self.con_id)
        if math.isfinite(value) and value > 0 and instrument is not None:
            self.price.setText(fmt.price(value, instrument.min_tick).replace(",", ""))

    def _edited(self) -> None:
        self.price.setEnabled(self.kind.currentText() == "LMT")
        spec, faults = preview_rows.spec_of(
            account=self.session.account_name,
            con_id=self.con_id,
            side="BUY" if self.buy.isChecked() else "SELL",
            quantity=self.quantity.text(),
            kind=self.kind.currentText(),
            price=self.price.text(),
            typed=self.contract.text(),
        )
        self.ticket.edit(spec, faults, self.session.clock.monotonic())
        self._show_stage()

    # What is shown.

    def refresh(self, changed: set[str]) -> None:
        """Previews, steps, reasons."""
        now_s = self.session.clock.monotonic()
        if changed & {"instruments", "reset"} or not self._names:
            self._learn_names()
        if self.ticket.spec is not None and self.ticket.spec.account != self.session.account_name:
            self._edited()
        self._take_previews(changed, now_s)
        if (spec := self.ticket.wants_preview(now_s)) is not None:
            command = PreviewOrder(request_id=request_id(), actor=self.session.commands.actor, spec=spec)
            self.session.commands.send("orders", command, self._previewed, PREVIEW_ANSWER_S)
        if "orders" in changed:
            for order in self.session.picture.orders.values():
                self.ticket.on_order(order)
        self._follow_order(now_s)
        self._show_reasons(now_s)
        account = self.session.account
        self.preview.show_preview(
            self.ticket, account.number("ExcessLiquidity") if account is not None else math.nan, now_s
        )
        self._show_market()
        state = self.session.of_orders()
        off = self.session.trading_off()
        if state.condition is Condition.LIVE:
            state = Health(Condition.LIVE, "READ-ONLY" if off else "TRADING ON")
        self.show_health(state)

    def _learn_names(self) -> None:
        found = self.session.picture.instruments
        self._names = {fmt.contract(one).upper(): con_id for con_id, one in found.items()}
        self._completions.setStringList(sorted(fmt.contract(one) for one in found.values()))
        if self.con_id == 0 and self.contract.text():
            self._typed(self.contract.text())

    def _take_previews(self, changed: set[str], now_s: float) -> None:
        if "previews" in changed:
            for preview in self.session.picture.previews:
                if preview.recv_ns > self._previews_seen:
                    self._previews_seen = preview.recv_ns
                    self.ticket.on_preview(preview, now_s)

    def _previewed(self, reply: Reply) -> None:
        if not reply.ok:
            self.ticket.on_preview_refused(reply.text)
            return
        try:
            preview = convert({"kind": "order_preview", **reply.body}, OrderPreview)
        except WireError as error:
            self.ticket.on_preview_refused(str(error))
            return
        self.ticket.on_preview(preview, self.session.clock.monotonic())

    def _follow_order(self, now_s: float) -> None:
        if self.ticket.stage is Stage.SENT:
            if self.ticket.overdue(now_s):
                self._steps.append(f"Unknown: check TWS {fmt.clock_time(self.session.clock.now_ns())}")
            order = self.session.picture.orders.get(f"k{self.ticket.client_key}")
            if order is not None:
                filled = f" {fmt.quantity(order.filled)}" if order.filled else ""
                step = f"{status_words(order.status)}{filled}"
                if not any(told.startswith(step + " ") for told in self._steps):
                    self._steps.append(f"{step} {fmt.clock_time(order.recv_ns)} {order.text}".rstrip())
            set_text(self.answer, " → ".join(self._steps))
            unknown = any("Unknown" in step or "Refused" in step for step in self._steps)
            paint_text(self.answer, self.looks.colour(Tone.ALARM if unknown else Tone.FG))
        self.resolved.setVisible(self._locked())

    def _locked(self) -> bool:
        spec = self.ticket.spec
        return spec is not None and (spec.account, spec.con_id) in self.ticket.unknown

    def _show_reasons(self, now_s: float) -> None:
        reasons = self.ticket.why_not(self.session.trading_off(), now_s)
        set_text(self.why, "Off: " + " · ".join(reasons) if reasons else "")
        self.why.setToolTip("\n".join(reasons))
        paint_text(self.why, self.looks.colour(Tone.CAUTION))
        self.review_button.setEnabled(not reasons or self.ticket.stage is Stage.SENT)
        self.send_button.setEnabled(not reasons)

    def _show_stage(self) -> None:
        stage, spec = self.ticket.stage, self.ticket.spec
        self.pages.setCurrentIndex(1 if stage is Stage.REVIEW else 0)
        sent = stage is Stage.SENT
        self.review_button.setText("New order  Ctrl+Enter" if sent else "Review  Ctrl+Enter")
        for widget in (self.contract, self.buy, self.sell, self.quantity, self.kind):
            widget.setEnabled(not sent)
        self.price.setEnabled(not sent and self.kind.currentText() == "LMT")
        self.sell.setText("SELL")
        if stage is Stage.REVIEW and spec is not None:
            instrument = self.session.picture.instruments.get(spec.con_id)
            words = f"{spec.side} {fmt.quantity(spec.quantity)} {fmt.contract(instrument, spec.con_id)}"
            limit = fmt.price(spec.limit_price, instrument.min_tick if instrument else math.nan)
            terms = f"LMT {limit}" if spec.order_type == "LMT" else "MKT, at whatever the market gives"
            set_text(self.summary, words)
            mode = "PAPER" if self.session.paper() else "LIVE"
            set_text(self.terms, f"{terms} · {spec.time_in_force} · account {spec.account} · {mode}")
            value = preview_rows.order_value(spec, instrument)
            if math.isfinite(value):
                self.terms.setText(f"{self.terms.text()} · value {fmt.money(value)}")

    def _show_market(self) -> None:
        instrument = self.session.picture.instruments.get(self.con_id)
        if instrument is None:
            set_text(self.contract_note, "")
            set_text(self.market, "Pick a contract: choose a row, or type its name")
            return
        set_text(self.contract_note, f"✓ {self.con_id}")
        quotes, tick = self.session.picture.quotes, instrument.min_tick
        bid, ask, last = (fmt.price(quotes.value(self.con_id, f), tick) for f in (Field.BID, Field.ASK, Field.LAST))
        slot = quotes.slots.get(self.con_id)
        received = int(quotes.recv_ns[slot]) if slot is not None else 0
        age = fmt.age((self.session.clock.now_ns() - received) / 1e9) if received else fmt.DASH
        set_text(self.market, f"bid {bid}  ask {ask}  last {last}  age {age}")
        old = self.session.of_market().old
        paint_text(self.market, self.looks.colour(Tone.STALE if old else Tone.DIM))
