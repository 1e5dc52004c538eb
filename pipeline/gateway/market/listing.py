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
    """A future, quarterly; `symbol` is TWS's, `process` the price that it follows."""

    symbol: str
    name: str
    process: str
    multiplier: int
    tick: float
    rule_id: int


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
SPX_CON_ID, SPX_PRICE, SPX_VOL = 416904, 6500.0, 0.15
NDX_PRICE, NDX_VOL, NDX_CORRELATION = 24_400.0, 0.20, 0.92
RATE, INDEX_YIELD = 0.04, 0.013  # continuous, a year

OPTIONS = (
    OptionClass("AAPL", "AAPL", "SMART", 100, 245.0, 5.0, True, 109),
    OptionClass("TSLA", "TSLA", "SMART", 100, 400.0, 10.0, True, 109),
    OptionClass("SPX", "SPXW", "CBOE", 100, 6500.0, 50.0, False, 110),
)
STRIKES, EXPIRIES = 20, 2
FUTURES = (
    FutureClass("ES", "E-mini S&P 500", "SPX", 50, 0.25, 67),
    FutureClass("NQ", "E-mini NASDAQ 100", "NDX", 20, 0.25, 67),
)
INDEX_PROCESSES = ("SPX", "NDX")

MARKET_RULES: dict[int, list[tuple[float, float]]] = {  # id → (from this price on, smallest step)
    26: [(0.0, 0.01)],
    67: [(0.0, 0.25)],
    109: [(0.0, 0.01), (3.0, 0.05)],
    110: [(0.0, 0.05), (3.0, 0.10)],
}
