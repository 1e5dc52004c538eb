"""What the simulated exchanges list: a table of facts, no behaviour. Prices are invented but plausible."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Listed:
    """A stock or ETF: TWS's facts, and how the market moves it (price at the first open, yearly vol, correlation)."""

    symbol: str
    con_id: int
    name: str
    primary: str
    price: float
    vol: float
    correlation: float
    industry: str
    category: str
    subcategory: str


@dataclass(frozen=True, slots=True)
class OptionClass:
    """An option class: 20 strikes around `centre`."""

    symbol: str
    trading_class: str
    exchange: str
    multiplier: int
    centre: float
    step: float
    american: bool
    rule_id: int


@dataclass(frozen=True, slots=True)
class FutureClass:
    """A future; `symbol` is TWS's, `process` the price that it follows, `income` what holding that earns a year."""

    symbol: str
    name: str
    process: str
    multiplier: int
    rule_id: int
    under_con_id: int
    income: float
    exchange: str = "CME"
    months: tuple[int, ...] = (3, 6, 9, 12)
    count: int = 3
    expires: str = "third Friday"  # or the rule of CL, of GC


@dataclass(frozen=True, slots=True)
class Pair:
    """A currency pair: units of `currency` for one `symbol`."""

    symbol: str
    currency: str
    con_id: int
    price: float
    vol: float
    correlation: float
    rule_id: int


@dataclass(frozen=True, slots=True)
class Driver:
    """A price that others follow and that is no contract itself."""

    name: str
    price: float
    vol: float
    correlation: float


@dataclass(frozen=True, slots=True)
class Bond:
    """A bond with a coupon twice a year; dates YYYYMMDD, `spread` its yield above the Treasury curve."""

    symbol: str
    cusip: str
    name: str
    coupon: float
    maturity: str
    issued: str
    ratings: str
    kind: str
    spread: float
    issuer_id: str
    callable: bool = False


STOCKS = (
    Listed("AAPL", 265598, "APPLE INC", "NASDAQ", 245.0, 0.27, 0.72, "Technology", "Computers", "Computers"),
    Listed("MSFT", 272093, "MICROSOFT CORP", "NASDAQ", 480.0, 0.24, 0.75, "Technology", "Software", "Applications"),
    Listed("NVDA", 4815747, "NVIDIA CORP", "NASDAQ", 178.0, 0.42, 0.70, "Technology", "Semiconductors", "Components"),
    Listed("AMZN", 3691937, "AMAZON.COM INC", "NASDAQ", 226.0, 0.31, 0.70, "Communications", "Internet", "Commerce"),
    Listed("GOOGL", 208813719, "ALPHABET INC-CL A", "NASDAQ", 242.0, 0.29, 0.68, "Communications", "Internet", "Web"),
    Listed("META", 107113386, "META PLATFORMS INC", "NASDAQ", 705.0, 0.33, 0.66, "Communications", "Internet", "Media"),
    Listed("TSLA", 76792991, "TESLA INC", "NASDAQ", 402.0, 0.55, 0.55, "Consumer", "Auto Manufacturers", "Cars"),
    Listed("AMD", 4391, "ADVANCED MICRO DEVICES", "NASDAQ", 162.0, 0.48, 0.62, "Technology", "Semiconductors", "Parts"),
    Listed("INTC", 270639, "INTEL CORP", "NASDAQ", 35.5, 0.44, 0.52, "Technology", "Semiconductors", "Components"),
    Listed("JPM", 1520593, "JPMORGAN CHASE & CO", "NYSE", 302.0, 0.22, 0.64, "Financial", "Banks", "Diversified"),
    Listed("XOM", 13977, "EXXON MOBIL CORP", "NYSE", 113.0, 0.23, 0.38, "Energy", "Oil&Gas", "Integrated"),
    Listed("KO", 8894, "COCA-COLA CO/THE", "NYSE", 68.5, 0.15, 0.35, "Consumer", "Beverages", "Non-alcoholic"),
    Listed("JNJ", 8719, "JOHNSON & JOHNSON", "NYSE", 179.0, 0.17, 0.33, "Consumer", "Pharmaceuticals", "Medical"),
    Listed("WMT", 13824, "WALMART INC", "NYSE", 101.0, 0.20, 0.42, "Consumer", "Retail", "Discount"),
    Listed("BAC", 10098, "BANK OF AMERICA CORP", "NYSE", 51.0, 0.25, 0.62, "Financial", "Banks", "Diversified"),
)
SPY = Listed("SPY", 756733, "SPDR S&P 500 ETF TRUST", "ARCA", 650.0, 0.15, 0.98, "Funds", "Equity Fund", "Growth")
QQQ = Listed("QQQ", 320227571, "INVESCO QQQ TRUST", "NASDAQ", 592.0, 0.20, 0.92, "Funds", "Equity Fund", "Growth")
TLT = Listed("TLT", 15547841, "ISHARES 20+ YEAR TREASURY BD", "NASDAQ", 89.5, 0.14, -0.15, "Funds", "Debt", "Treasury")
INDICES = (  # symbol, con_id, name
    ("SPX", 416904, "S&P 500 Stock Index"),
    ("NDX", 416843, "NASDAQ 100 Stock Index"),
    ("VIX", 13455763, "CBOE Volatility Index"),
)
SPX_PRICE, SPX_VOL = 6500.0, 0.15
NDX_PRICE, NDX_VOL, NDX_CORRELATION = 24_400.0, 0.20, 0.92
CUSIPS = {
    "AAPL": "037833100", "MSFT": "594918104", "NVDA": "67066G104", "AMZN": "023135106", "GOOGL": "02079K305",
    "META": "30303M102", "TSLA": "88160R101", "AMD": "007903107", "INTC": "458140100", "JPM": "46625H100",
    "XOM": "30231G102", "KO": "191216100", "JNJ": "478160104", "WMT": "931142103", "BAC": "060505104",
    "SPY": "78462F103", "QQQ": "46090E103", "TLT": "464287432",
}  # fmt: skip
RATE, INDEX_YIELD = 0.04, 0.013  # continuous, a year

OPTIONS = (
    OptionClass("AAPL", "AAPL", "SMART", 100, 245.0, 5.0, True, 109),
    OptionClass("TSLA", "TSLA", "SMART", 100, 400.0, 10.0, True, 109),
    OptionClass("SPX", "SPXW", "CBOE", 100, 6500.0, 50.0, False, 110),
)
FUTURES_OPTIONS = (OptionClass("ES", "ES", "CME", 50, 6500.0, 50.0, True, 111),)
STRIKES, EXPIRIES = 20, 2
MONTHS = tuple(range(1, 13))
FUTURES = (
    FutureClass("ES", "E-mini S&P 500", "SPX", 50, 67, 11004968, INDEX_YIELD),
    FutureClass("NQ", "E-mini NASDAQ 100", "NDX", 20, 67, 11004958, 0.007),
    FutureClass("CL", "Light Sweet Crude Oil", "CL", 1000, 32, 17340715, 0.075, "NYMEX", MONTHS, 4, "CL"),
    FutureClass("GC", "Gold", "GC", 100, 33, 17340718, 0.0, "COMEX", (2, 4, 6, 8, 10, 12), 3, "GC"),
)
INDEX_PROCESSES = ("SPX", "NDX")

PAIRS = (
    Pair("EUR", "USD", 12087792, 1.1550, 0.075, 0.15, 239),
    Pair("GBP", "USD", 12087797, 1.3120, 0.080, 0.20, 239),
    Pair("AUD", "USD", 14433401, 0.6480, 0.095, 0.35, 239),
    Pair("USD", "JPY", 15016059, 156.20, 0.090, 0.10, 240),
    Pair("USD", "CAD", 15016062, 1.4050, 0.060, -0.30, 239),
    Pair("USD", "CHF", 12087820, 0.8060, 0.075, -0.10, 239),
)
DRIVERS = (Driver("CL", 60.0, 0.34, 0.25), Driver("GC", 4080.0, 0.18, -0.05))

CURRENCIES = {
    "EUR": "European Monetary Union Euro", "GBP": "British pound", "AUD": "Australian dollar",
    "USD": "United States dollar",
}  # fmt: skip

BONDS = (
    Bond("US-T", "91282CPJ4", "US TREASURY NOTE", 4.125, "20351115", "20251117", "Aaa/AA+/AA+",
         "US TREASURY NOTE", 0.0, "e1400715"),
    Bond("US-T", "91282CJZ5", "US TREASURY NOTE", 4.0, "20340215", "20240215", "Aaa/AA+/AA+",
         "US TREASURY NOTE", 0.0, "e1400715"),
    Bond("AAPL", "037833BX7", "APPLE INC", 4.65, "20460223", "20160223", "Aaa/AA+/NR",
         "US CORPORATE BOND", 0.0065, "e1432232", True),
    Bond("JPM", "46625HHF0", "JPMORGAN CHASE & CO", 6.4, "20380515", "20080522", "A1/A/AA-",
         "US CORPORATE BOND", 0.0080, "e1414801"),
)  # fmt: skip

MARKET_RULES: dict[int, list[tuple[float, float]]] = {  # id → (from this price on, smallest step)
    26: [(0.0, 0.01)],
    32: [(0.0, 0.01)],
    33: [(0.0, 0.1)],
    67: [(0.0, 0.25)],
    109: [(0.0, 0.01), (3.0, 0.05)],
    110: [(0.0, 0.05), (3.0, 0.10)],
    111: [(0.0, 0.05), (10.0, 0.25)],
    239: [(0.0, 0.00005)],
    240: [(0.0, 0.005)],
    2600: [(0.0, 0.001)],
    2700: [(0.0, 0.0001)],
    2701: [(0.0, 0.05), (5.0, 0.25)],
}

BBO_CODES = {"STK": "9c0001", "OPT": "9c0002"}  # what tickReqParams names, by security type
SMART_MAPS: dict[str, tuple[tuple[str, str], ...]] = {  # BBO code → exchange and its letter, in the order of the bits
    "9c0001": (("NASDAQ", "Q"), ("NYSE", "N"), ("ARCA", "P"), ("BATS", "Z"), ("IEX", "V")),
    "9c0002": (("CBOE", "C"), ("AMEX", "A"), ("PHLX", "X"), ("ISE", "I"), ("BOX", "B"), ("PSE", "P")),
}
DEPTH_EXCHANGES: tuple[tuple[str, str, str, int], ...] = (  # exchange, security type, kind of data, group
    ("ARCA", "STK", "Deep2", 1), ("BATS", "STK", "Deep2", 1), ("IEX", "STK", "Deep2", 1),
    ("NASDAQ", "STK", "Deep2", 1), ("NYSE", "STK", "Deep2", 1),
    ("CME", "FUT", "Deep", 2147483647), ("CME", "FOP", "Deep", 2147483647), ("NYMEX", "FUT", "Deep", 2147483647),
    ("COMEX", "FUT", "Deep", 2147483647), ("IDEALPRO", "CASH", "Deep", 4),
)  # fmt: skip
