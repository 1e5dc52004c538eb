"""What an order, a fill and a margin preview are. Plain data."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

LIVE = ("PreSubmitted", "Submitted")


@dataclass
class Order:
    """One order of one client; `filled` and `status` change, the rest only by a modification."""

    order_id: int
    client_id: int
    perm_id: int
    account: str
    con_id: int
    exchange: str
    action: str  # BUY or SELL
    quantity: int
    kind: str  # MKT or LMT
    limit: float  # 0.0 for MKT
    tif: str = "DAY"
    ref: str = ""
    open_close: str = ""
    outside_rth: bool = False
    transmit: bool = True
    what_if: bool = False
    status: str = "PreSubmitted"
    filled: int = 0
    paid: Decimal = field(default_factory=Decimal)  # Σ price × quantity of the fills
    last_fill: float = 0.0
    completed_ns: int = 0
    submitter: str = ""

    @property
    def remaining(self) -> int:
        return self.quantity - self.filled

    @property
    def sign(self) -> int:
        return 1 if self.action == "BUY" else -1

    @property
    def average(self) -> float:
        return float(self.paid / self.filled) if self.filled else 0.0

    @property
    def live(self) -> bool:
        return self.status in LIVE


@dataclass(frozen=True)
class Fill:
    """One execution."""

    exec_id: str
    order_id: int
    client_id: int
    perm_id: int
    account: str
    con_id: int
    exchange: str
    action: str
    quantity: int
    price: float
    time_ns: int
    cumulative: int
    average: float
    ref: str
    commission: Decimal
    realized: Decimal | None  # None: it opened, nothing is realised


@dataclass(frozen=True)
class Preview:
    """Margins before and after an order, in the base currency."""

    init_before: Decimal
    maint_before: Decimal
    equity_before: Decimal
    init_after: Decimal
    maint_after: Decimal
    equity_after: Decimal
    commission: Decimal
    available_after: Decimal
    warning: str = ""
