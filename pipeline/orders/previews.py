"""Previews that wait for two answers: our model's and TWS's. Pure; times are monotonic seconds."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from pipeline import messages
from pipeline.bus.control import Request
from pipeline.messages import OrderPreview, OrderSpec

MODEL_DEADLINE_S = 2.0
TWS_DEADLINE_S = 10.0


@dataclass(slots=True)
class Preview:
    """One question on its way. `order_id` is TWS's what-if id, 0 when TWS was not asked."""

    request: Request
    request_id: str
    spec: OrderSpec
    asked_s: float
    refusals: list[str]
    sec_type: str = ""
    excess_before: float = math.nan  # of TWS, when it was asked
    order_id: int = 0
    model_id: str = ""
    model: dict[str, float] | None = None
    tws: dict[str, float] | None = None
    commission: float = math.nan
    warnings: list[str] = field(default_factory=list)

    def is_done(self, now_s: float) -> bool:
        """Both have answered or can't any more."""
        age = now_s - self.asked_s
        return (self.model is not None or age > MODEL_DEADLINE_S) and (self.tws is not None or age > TWS_DEADLINE_S)

    def message(self, now_s: float, recv_ns: int) -> OrderPreview:
        """What is known now; an answer that never came is said in `warning`."""
        warnings = list(self.warnings)
        age = now_s - self.asked_s
        if self.model is None and age > MODEL_DEADLINE_S:
            warnings.append(f"no answer from the margin process in {MODEL_DEADLINE_S:g} s")
        if self.tws is None and age > TWS_DEADLINE_S:
            warnings.append(f"no answer from TWS in {TWS_DEADLINE_S:g} s")
        return OrderPreview(
            client_key=self.request_id,
            spec=self.spec,
            model=self.model or {},
            tws=self.tws or {},
            commission=self.commission,
            warning="; ".join(warnings),
            refusals=self.refusals,
            recv_ns=recv_ns,
        )


class Previews:
    """Those on their way, found by either answer's id; and the newest finished one of each account and contract."""

    def __init__(self, limit: int = 100) -> None:
        self._limit = limit
        self.waiting: list[Preview] = []
        self._finished: dict[tuple[str, int], tuple[float, Preview]] = {}

    @property
    def full(self) -> bool:
        """No more questions now."""
        return len(self.waiting) >= self._limit

    def by_order(self, order_id: int) -> Preview | None:
        """The one that TWS answers under this id."""
        return next((preview for preview in self.waiting if preview.order_id == order_id and order_id), None)

    def by_model(self, request_id: str) -> Preview | None:
        """The one that the margin process answers under this id."""
        return next((preview for preview in self.waiting if preview.model_id == request_id), None)

    def take_done(self, now_s: float) -> list[Preview]:
        """Those that are complete or out of time; they wait no longer."""
        done = [preview for preview in self.waiting if preview.is_done(now_s)]
        for preview in done:
            self.waiting.remove(preview)
            self._finished[(preview.spec.account, preview.spec.con_id)] = (now_s, preview)
        return done

    def excess_after(self, spec: OrderSpec, now_s: float, max_age_s: float) -> float:
        """The worse excess liquidity after exactly this order, by a preview that is fresh; `nan` without one.

        Compared as bytes: a market order has no limit price, and `nan` does not equal itself.
        """
        found = self._finished.get((spec.account, spec.con_id))
        if found is None or now_s - found[0] > max_age_s or messages.pack(found[1].spec) != messages.pack(spec):
            return math.nan
        answers = [figures.get("excess_after", math.nan) for figures in (found[1].model, found[1].tws) if figures]
        known = [answer for answer in answers if not math.isnan(answer)]
        return min(known) if known else math.nan

    def lost(self) -> None:
        """The connection is gone: TWS will answer none of them."""
        for preview in self.waiting:
            if preview.tws is None:
                preview.tws = {}
                preview.warnings.append("TWS is not connected")
