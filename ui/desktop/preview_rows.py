"""The form as an order, and a preview as rows of text. Pure."""

from __future__ import annotations

import math
from typing import NamedTuple

from pipeline.messages import Instrument, OrderPreview, OrderSpec
from ui.desktop import format as fmt
from ui.desktop.ticket_state import Ticket

# name, source, key of the figures, better when it falls
_ROWS = (
    ("Maint TWS", "tws", "maintenance"),
    ("Maint ≈", "model", "maintenance"),
    ("Init TWS", "tws", "initial"),
    ("Init ≈", "model", "initial"),
    ("EL TWS", "tws", "excess"),
    ("EL ≈", "model", "excess"),
)
NAMES = tuple(name for name, _source, _key in _ROWS)


class PreviewRow(NamedTuple):
    """One line of the preview."""

    now: str
    after: str
    change: str
    by_model: bool


def rows(preview: OrderPreview | None, tws_excess: float = math.nan) -> list[PreviewRow]:
    """All lines; `—` where there is no figure, `…` where TWS's is awaited.

    TWS's what-if has no excess liquidity: that line is the account's own (`tws_excess`) and the change that follows.
    """
    return [_row(preview, source, key, tws_excess) for _name, source, key in _ROWS]


def _row(preview: OrderPreview | None, source: str, key: str, tws_excess: float) -> PreviewRow:
    figures: dict[str, float] = getattr(preview, source) if preview is not None else {}
    if preview is not None and not figures and source == "tws" and not preview.warning:
        return PreviewRow("…", "…", "…", False)
    before, after = figures.get(f"{key}_before", math.nan), figures.get(f"{key}_after", math.nan)
    change = figures.get(f"{key}_change", after - before)
    if key == "excess" and source == "tws":
        change = figures.get("equity_change", math.nan) - figures.get("maintenance_change", math.nan)
        before, after = (tws_excess, tws_excess + change) if figures else (math.nan, math.nan)
    return PreviewRow(fmt.whole(before), fmt.whole(after), fmt.whole(change, signed=True), source == "model")


def title(ticket: Ticket, now_s: float) -> str:
    """What the preview's header says."""
    if ticket.preview_fault:
        return f"Margin preview: {ticket.preview_fault}"
    if ticket.preview is None:
        return "Margin preview" if ticket.spec is None else "Margin preview: asking…"
    age_s = now_s - ticket.preview_s
    old = "" if ticket.preview_fresh(now_s) else ", old"
    commission = ticket.preview.commission
    cost = f" · commission {fmt.number(commission, 2)}" if math.isfinite(commission) else ""
    warning = f" · {ticket.preview.warning}" if ticket.preview.warning else ""
    return f"Margin preview {fmt.age(age_s)}{old}{cost}{warning}"


def spec_of(
    *, account: str, con_id: int, side: str, quantity: str, kind: str, price: str, typed: str
) -> tuple[OrderSpec | None, list[str]]:
    """The order that the form says, or each reason why it says none. An empty price is never a market order."""
    faults: list[str] = []
    if not account:
        faults.append("no account yet")
    if not con_id:
        unknown = f"unknown contract {typed.strip()!r}: add its symbol (Ctrl+L)"
        faults.append(unknown if typed.strip() else "pick a contract")
    amount = _number(quantity)
    if not amount > 0:
        faults.append("quantity: expected a number above 0" if quantity.strip() else "quantity is empty")
    limit = _number(price) if kind == "LMT" else math.nan
    if kind == "LMT" and math.isnan(limit):
        faults.append("limit price: expected a number" if price.strip() else "limit price is empty")
    if faults:
        return None, faults
    spec = OrderSpec(account=account, con_id=con_id, side=side, quantity=amount, order_type=kind, limit_price=limit)
    return spec, []


def order_value(spec: OrderSpec, instrument: Instrument | None) -> float:
    """Quantity × limit × multiplier; nan for a market order."""
    return spec.quantity * spec.limit_price * (instrument.multiplier if instrument else math.nan)


def _number(text: str) -> float:
    cleaned = text.strip().replace(",", "").replace(fmt.MINUS, "-")
    try:
        value = float(cleaned)
    except ValueError:
        return math.nan
    return value if math.isfinite(value) else math.nan
