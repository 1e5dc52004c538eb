"""What an order, a fill and a margin preview are. Plain data."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from pipeline.gateway.asks import terms as asked
from pipeline.gateway.asks.terms import Terms

LIVE = ("PreSubmitted", "Submitted")
BAG_CON_ID = 28812380  # TWS's for a combination in dollars
TRIGGERED_KINDS = ("STP", "STP LMT", "TRAIL", "TRAIL LIMIT", "MIT", "LIT")
TRAILING_KINDS = ("TRAIL", "TRAIL LIMIT")
PEGGED_KINDS = ("MIDPRICE", "REL", "PEG MID", "PEG MKT")
CLOSING_KINDS = ("MOC", "LOC")
NO_TERMS = Terms()


@dataclass
class Order:
    """One order of one client; what was asked changes by a modification only, the rest with its life."""

    order_id: int
    client_id: int
    perm_id: int
    account: str
    con_id: int  # BAG_CON_ID for a combination
    exchange: str
    action: str  # BUY or SELL
    quantity: int
    kind: str  # TWS's order type
    limit: float  # 0.0 without one
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
    terms: Terms = NO_TERMS
    symbol: str = ""  # of a combination
    stop: float = 0.0  # the trigger price as it stands, a pegged order's offset; 0.0 without one
    offset: float = 0.0  # TRAIL LIMIT: from the stop to the limit
    triggered: bool = False
    freed: bool = False  # its conditions were met
    touches: int = 0  # observations in a row that were beyond the trigger
    why_held: str = ""
    parent_id: int = 0
    parent_perm: int = 0
    oca_group: str = ""
    oca_type: int = 0
    placed_ns: int = 0
    opened_ns: int = 0  # when its market was first seen open; 0: not yet
    by_hand: bool = False  # entered in TWS itself
    awaits_close: bool = False  # OPG, placed while the market was open: the next opening counts
    reason: str = ""  # why it ended
    shares: dict[str, int] = field(default_factory=dict)  # of an advisor's group: quantity by account
    given: dict[str, int] = field(default_factory=dict)  # of that, what fills have brought

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

    @property
    def good_after(self) -> str:
        return self.terms.text("goodAfterTime")

    @property
    def good_till(self) -> str:
        return self.terms.text("goodTillDate") if self.tif == "GTD" else ""

    def portions(self) -> dict[str, int]:
        """What each account still gets, as it stands."""
        if not self.shares:
            return {self.account: self.remaining}
        return {name: max(share - self.given.get(name, 0), 0) for name, share in self.shares.items()}

    @property
    def con_ids(self) -> tuple[int, ...]:
        """The contracts whose quotes it meets: its own, or those of its legs."""
        return tuple(leg.con_id for leg in self.terms.legs) or (self.con_id,)


def dumped(order: Order) -> dict[str, Any]:
    """An order as JSON takes it; cheaper than a deep copy, since it is saved often."""
    return vars(order) | {"terms": asked.dumped(order.terms)}


def restored(row: dict[str, Any]) -> Order:
    """An order from what `dumped` and JSON made of it."""
    return Order(**(row | {"paid": Decimal(row["paid"]), "terms": asked.restored(row["terms"])}))


@dataclass(frozen=True)
class Fill:
    """One execution. Of a combination as a whole `commission` is None: its legs' executions carry the money."""

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
    commission: Decimal | None
    realized: Decimal | None  # None: it opened, nothing is realised
    symbol: str = ""  # of a combination
    model: str = ""
    liquidity: int = 2  # 1 added, 2 removed


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
