"""The order ticket's rules, pure over times: two deliberate acts, a fresh preview, one key a review, no resend."""

from __future__ import annotations

import math
import uuid
from dataclasses import dataclass, field
from enum import StrEnum

from pipeline.messages import STALE_AFTER_S, OrderPreview, OrderSpec, OrderState

EDIT_PAUSE_S = 0.3
TWO_ACTS_S = 0.4
ANSWER_S = 5.0
FINAL = ("Filled", "Cancelled", "ApiCancelled", "Inactive", "Rejected")


class Stage(StrEnum):
    """What the ticket shows."""

    FORM = "form"
    REVIEW = "review"
    SENT = "sent"


@dataclass
class Ticket:
    """One ticket. The caller gives the time (monotonic seconds); nothing here sends."""

    stage: Stage = Stage.FORM
    spec: OrderSpec | None = None
    faults: list[str] = field(default_factory=lambda: ["pick a contract"])
    preview: OrderPreview | None = None
    preview_s: float = -math.inf
    preview_fault: str = ""
    client_key: str = ""
    unknown: dict[tuple[str, int], str] = field(default_factory=dict)  # (account, con_id) → client_key of no answer
    _edited_s: float = -math.inf
    _asked_for: OrderSpec | None = None
    _reviewed_s: float = -math.inf
    _sent_s: float = -math.inf
    _answered: bool = False

    def edit(self, spec: OrderSpec | None, faults: list[str], now_s: float) -> None:
        """The form says something else: back to the form, the preview is of another order."""
        if same_spec(spec, self.spec) and faults == self.faults:
            return
        self.spec, self.faults, self._edited_s = spec, faults, now_s
        self.preview, self.preview_fault, self._asked_for = None, "", None
        if self.stage is Stage.REVIEW:
            self.stage = Stage.FORM

    def wants_preview(self, now_s: float) -> OrderSpec | None:
        """The order to preview now: 300 ms after the last edit, once; and again when the preview is old in review."""
        if self.spec is None or self.stage is Stage.SENT or now_s - self._edited_s < EDIT_PAUSE_S:
            return None
        if same_spec(self._asked_for, self.spec) and not self._due_again(now_s):
            return None
        self._asked_for, self._edited_s = self.spec, now_s
        return self.spec

    def _due_again(self, now_s: float) -> bool:
        asked_again = now_s - self._edited_s > STALE_AFTER_S["preview"] / 2
        return asked_again and not self.preview_fresh(now_s)

    def on_preview(self, preview: OrderPreview, now_s: float) -> None:
        """An answer; one for another order is not shown."""
        if same_spec(preview.spec, self.spec):
            self.preview, self.preview_s, self.preview_fault = preview, now_s, ""

    def on_preview_refused(self, text: str) -> None:
        """No preview, and why."""
        self.preview_fault = text

    def preview_fresh(self, now_s: float) -> bool:
        """Not older than its limit."""
        return self.preview is not None and now_s - self.preview_s <= STALE_AFTER_S["preview"]

    def why_not(self, off: list[str], now_s: float) -> list[str]:
        """Each reason why this order can't go on now; `off`: why trading is off."""
        reasons = [*self.faults, *off]
        if self.spec is not None and (self.spec.account, self.spec.con_id) in self.unknown:
            reasons.append("an order for this contract has no answer: check TWS, then press Resolved")
        if self.preview is not None and self.preview.refusals:
            reasons += self.preview.refusals
        if self.stage is Stage.REVIEW and not self.preview_fresh(now_s):
            reasons.append("the preview is old; wait for a fresh one")
        return list(dict.fromkeys(reasons))

    def review(self, off: list[str], now_s: float) -> bool:
        """First act. A fresh key is made here: one a review."""
        if self.stage is not Stage.FORM or self.spec is None or self.why_not(off, now_s):
            return False
        self.stage, self.client_key, self._reviewed_s = Stage.REVIEW, str(uuid.uuid4()), now_s
        return True

    def back(self) -> None:
        """Leave the review; sends nothing, cancels nothing."""
        if self.stage is not Stage.FORM:
            self.stage, self.client_key = Stage.FORM, ""

    def send(self, off: list[str], now_s: float) -> tuple[str, OrderSpec] | None:
        """Second act, at least 0.4 s after the first: the key and the order to send, once."""
        if self.stage is not Stage.REVIEW or self.spec is None or now_s - self._reviewed_s < TWO_ACTS_S:
            return None
        if self.why_not(off, now_s):
            return None
        self.stage, self._sent_s, self._answered = Stage.SENT, now_s, False
        return self.client_key, self.spec

    def on_answer(self) -> None:
        """The order process answered, with whatever."""
        self._answered = True

    def on_order(self, order: OrderState) -> None:
        """TWS told of an order: one that had no answer is resolved by that."""
        if order.client_key and order.client_key == self.client_key:
            self._answered = True
        if order.status != "Unknown":
            self.unknown = {place: key for place, key in self.unknown.items() if key != order.client_key}

    def overdue(self, now_s: float) -> bool:
        """Five seconds without an answer: the contract is locked until somebody looked. Never sent again by itself."""
        if self.stage is not Stage.SENT or self._answered or now_s - self._sent_s < ANSWER_S or self.spec is None:
            return False
        self.unknown[self.spec.account, self.spec.con_id] = self.client_key
        self._answered = True
        return True

    def resolve(self) -> None:
        """A person has looked in TWS."""
        if self.spec is not None:
            self.unknown.pop((self.spec.account, self.spec.con_id), None)


def same_spec(one: OrderSpec | None, other: OrderSpec | None) -> bool:
    """Equal, where both limits may be unknown."""
    if one is None or other is None:
        return one is other
    limits = one.limit_price == other.limit_price or (math.isnan(one.limit_price) and math.isnan(other.limit_price))
    names = ("account", "con_id", "side", "quantity", "order_type", "time_in_force", "outside_rth")
    return limits and all(getattr(one, name) == getattr(other, name) for name in names)
