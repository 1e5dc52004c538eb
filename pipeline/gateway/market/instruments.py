"""What a contract is, and how a client describes one. Plain data."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from pipeline.gateway.market import listing

DERIVATIVES = ("OPT", "FUT", "FOP")
OPTIONS = ("OPT", "FOP")


@dataclass(frozen=True, slots=True)
class Instrument:
    """One contract; `process` names the price it follows, `factor` its share of it (SPY is a tenth of SPX).

    `multiplier` turns price × quantity into money: 10 for a bond, whose price is per cent of 1,000 dollars of face.
    """

    con_id: int
    symbol: str
    sec_type: str
    name: str
    exchange: str
    primary: str
    local_symbol: str
    trading_class: str
    rule_id: int
    process: str
    expiry: str = ""  # YYYYMMDD, the last day of trading; of a bond its maturity
    strike: float = 0.0
    right: str = ""
    multiplier: int = 1
    factor: float = 1.0
    valid_exchanges: str = ""
    under_con_id: int = 0
    stock_type: str = ""
    industry: str = ""
    category: str = ""
    subcategory: str = ""
    american: bool = True
    currency: str = "USD"
    month: str = ""  # YYYYMM that names the contract, where that isn't the expiry's
    cusip: str = ""
    bond: listing.Bond | None = None

    @property
    def min_tick(self) -> float:
        return listing.MARKET_RULES[self.rule_id][0][1]

    @property
    def expiry_date(self) -> date:
        return date(int(self.expiry[:4]), int(self.expiry[4:6]), int(self.expiry[6:]))

    @property
    def contract_month(self) -> str:
        return self.month or self.expiry[:6]

    @property
    def isin(self) -> str:
        """US ISIN of the CUSIP; empty without one."""
        body = f"US{self.cusip}"
        return f"{body}{isin_digit(body)}" if self.cusip else ""

    @property
    def multiplier_text(self) -> str:
        return str(self.multiplier) if self.sec_type in DERIVATIVES else ""


@dataclass(frozen=True, slots=True)
class Description:
    """A contract as a client described it; empty or 0: not said."""

    con_id: int = 0
    symbol: str = ""
    sec_type: str = ""
    expiry: str = ""
    strike: float = 0.0
    right: str = ""
    multiplier: str = ""
    exchange: str = ""
    primary: str = ""
    currency: str = ""
    local_symbol: str = ""
    trading_class: str = ""
    legs: tuple[tuple[int, int, str, str], ...] = ()  # con_id, ratio, action, exchange of a BAG


def price_step(rule_id: int, price: float) -> float:
    """The smallest price step at `price`."""
    found = 0.0
    for low_edge, step in listing.MARKET_RULES[rule_id]:
        if price >= low_edge:
            found = step
    return found or listing.MARKET_RULES[rule_id][0][1]


def isin_digit(body: str) -> int:
    """Check digit of an ISIN (ISO 6166): letters as two digits, then Luhn from the right."""
    digits = "".join(str(int(c, 36)) for c in body)
    total = 0
    for n, c in enumerate(reversed(digits)):
        value = int(c) * (2 if n % 2 == 0 else 1)
        total += value // 10 + value % 10
    return -total % 10
