"""The contracts of a market day, and how a client's description finds them. Pure."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from datetime import date

from pipeline.gateway.market import days, listing

MONTH_CODES = "FGHJKMNQUVXZ"
OPTION_EXCHANGES = "SMART,CBOE,AMEX,PHLX,ISE,BOX,PSE"
STOCK_EXCHANGES = "SMART,NASDAQ,NYSE,ARCA,BATS,IEX"


@dataclass(frozen=True, slots=True)
class Instrument:
    """One contract; `process` names the price it follows, `factor` its share of it (SPY is a tenth of SPX)."""

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
    expiry: str = ""  # YYYYMMDD
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

    @property
    def min_tick(self) -> float:
        return listing.MARKET_RULES[self.rule_id][0][1]

    @property
    def expiry_date(self) -> date:
        return date(int(self.expiry[:4]), int(self.expiry[4:6]), int(self.expiry[6:]))

    @property
    def multiplier_text(self) -> str:
        return str(self.multiplier) if self.sec_type in ("OPT", "FUT") else ""


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


@dataclass
class Universe:
    """All contracts by con_id."""

    day: date
    by_con_id: dict[int, Instrument] = field(default_factory=dict)

    def add(self, instrument: Instrument) -> None:
        if instrument.con_id in self.by_con_id:
            raise ValueError(f"two contracts with con_id {instrument.con_id}")
        self.by_con_id[instrument.con_id] = instrument

    def stock(self, symbol: str) -> Instrument:
        """The stock, ETF or index named `symbol`."""
        return next(x for x in self.by_con_id.values() if x.symbol == symbol and x.sec_type in ("STK", "IND"))

    def future(self, symbol: str) -> Instrument:
        return next(x for x in self.by_con_id.values() if x.symbol == symbol and x.sec_type == "FUT")

    def options(self, symbol: str) -> list[Instrument]:
        """The option class on `symbol`, ordered by expiry, strike, right."""
        found = [x for x in self.by_con_id.values() if x.symbol == symbol and x.sec_type == "OPT"]
        return sorted(found, key=lambda x: (x.expiry, x.strike, x.right))

    def option(self, symbol: str, nth_expiry: int, strike: float, right: str) -> Instrument:
        options = self.options(symbol)
        expiry = sorted({x.expiry for x in options})[nth_expiry]
        return next(x for x in options if (x.expiry, x.strike, x.right) == (expiry, strike, right))

    def find(self, wanted: Description) -> list[Instrument]:
        """Every contract that fits the description; a con_id alone is enough."""
        if wanted.con_id:
            found = self.by_con_id.get(wanted.con_id)
            return [found] if found is not None and _on_exchange(found, wanted.exchange) else []
        if not (wanted.symbol or wanted.local_symbol):
            return []
        return [x for x in self.by_con_id.values() if _fits(x, wanted)]

    def matching(self, pattern: str) -> list[Instrument]:
        """Stocks and indices whose symbol begins with, or whose name holds, `pattern`; at most 16, as TWS."""
        want = pattern.strip().upper()
        if not want:
            return []
        pool = [x for x in self.by_con_id.values() if x.sec_type in ("STK", "IND")]
        exact = [x for x in pool if x.symbol.startswith(want)]
        return (exact + [x for x in pool if want in x.name and x not in exact])[:16]

    def derivative_types(self, instrument: Instrument) -> list[str]:
        return ["OPT"] if any(x.under_con_id == instrument.con_id for x in self.by_con_id.values()) else []


def _on_exchange(instrument: Instrument, exchange: str) -> bool:
    return not exchange or exchange in instrument.valid_exchanges.split(",")


def _fits(x: Instrument, wanted: Description) -> bool:
    right = {"CALL": "C", "PUT": "P", "?": "", "0": ""}.get(wanted.right.upper(), wanted.right.upper())
    return (
        (not wanted.symbol or x.symbol == wanted.symbol)
        and (not wanted.sec_type or x.sec_type == wanted.sec_type)
        and (not wanted.expiry or x.expiry.startswith(wanted.expiry.split(" ")[0]))
        and (not wanted.strike or x.strike == wanted.strike)
        and (not right or x.right == right)
        and (not wanted.multiplier or x.multiplier_text == wanted.multiplier)
        and (not wanted.currency or x.currency == wanted.currency)
        and (not wanted.local_symbol or x.local_symbol == wanted.local_symbol)
        and (not wanted.trading_class or x.trading_class == wanted.trading_class)
        and _on_exchange(x, wanted.exchange)
        and (not wanted.primary or x.sec_type != "STK" or x.primary == wanted.primary)
    )


def build(day: date) -> Universe:
    """The universe of a market that began on `day`."""
    universe = Universe(day)
    for row in listing.STOCKS:
        universe.add(_stock(row, row.symbol, 1.0, "COMMON"))
    universe.add(_stock(listing.SPY, "SPX", listing.SPY.price / listing.SPX_PRICE, "ETF"))
    universe.add(
        Instrument(
            listing.SPX_CON_ID, "SPX", "IND", "S&P 500 Stock Index", "CBOE", "CBOE", "SPX", "SPX", 26, "SPX",
            valid_exchanges="CBOE", industry="Indices", category="Broad Range Equity Index", subcategory="*",
        )
    )  # fmt: skip
    for future in listing.FUTURES:
        universe.add(_future(future, days.monthly_expiries(day, 1, (3, 6, 9, 12))[0]))
    for kind in listing.OPTIONS:
        under = universe.stock(kind.symbol)
        for expiry in days.monthly_expiries(day, listing.EXPIRIES):
            for n in range(listing.STRIKES):
                strike = kind.centre + (n - listing.STRIKES // 2) * kind.step
                for right in "CP":
                    universe.add(_option(kind, under, expiry, strike, right))
    return universe


def _con_id(text: str) -> int:
    """A con_id for what has no real one: from its local symbol, above every real one used here, below 2³¹."""
    return 700_000_000 + zlib.crc32(text.encode()) % 1_400_000_000


def _stock(row: listing.Listed, process: str, factor: float, stock_type: str) -> Instrument:
    market = row.primary if row.primary == "NYSE" else "NMS" if row.primary == "NASDAQ" else row.symbol
    return Instrument(
        row.con_id, row.symbol, "STK", row.name, "SMART", row.primary, row.symbol,
        row.symbol if market == "NYSE" else market, 26, process, factor=factor, valid_exchanges=STOCK_EXCHANGES,
        stock_type=stock_type, industry=row.industry, category=row.category, subcategory=row.subcategory,
    )  # fmt: skip


def _future(row: listing.FutureClass, expiry: date) -> Instrument:
    local = f"{row.symbol}{MONTH_CODES[expiry.month - 1]}{expiry.year % 10}"
    return Instrument(
        _con_id(f"{row.symbol}{expiry:%Y%m%d}"), row.symbol, "FUT", row.name, "CME", "", local, row.symbol,
        row.rule_id, row.process, expiry=f"{expiry:%Y%m%d}", multiplier=row.multiplier, valid_exchanges="CME",
        under_con_id=0, american=False,
    )  # fmt: skip


def _option(kind: listing.OptionClass, under: Instrument, expiry: date, strike: float, right: str) -> Instrument:
    local = f"{kind.trading_class:<6}{expiry:%y%m%d}{right}{round(strike * 1000):08d}"
    return Instrument(
        _con_id(local), kind.symbol, "OPT", under.name, kind.exchange, "", local, kind.trading_class, kind.rule_id,
        under.process, expiry=f"{expiry:%Y%m%d}", strike=strike, right=right, multiplier=kind.multiplier,
        valid_exchanges=OPTION_EXCHANGES if kind.exchange == "SMART" else "SMART,CBOE", under_con_id=under.con_id,
        american=kind.american,
    )  # fmt: skip
