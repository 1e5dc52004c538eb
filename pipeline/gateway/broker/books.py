"""The two paper accounts as they stand at the first open: cash and positions. A table of facts."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Held:
    """A position at the start; `paid` is its cost as a share of the present price."""

    symbol: str
    quantity: int
    paid: float = 1.0
    kind: str = "STK"  # STK, FUT or OPT
    expiry: int = 0  # first or second expiry of the class
    strike: float = 0.0
    right: str = ""


@dataclass(frozen=True, slots=True)
class Opening:
    """An account at the start; cash by segment, in USD."""

    account: str
    cash: float
    commodity_cash: float
    sma: float  # special memorandum account from better days
    positions: tuple[Held, ...]


def _option(symbol: str, quantity: int, expiry: int, strike: float, right: str, paid: float) -> Held:
    return Held(symbol, quantity, paid, "OPT", expiry, strike, right)


TRADER = Opening(
    "DU1234501",
    -200_000.0,
    62_000.0,
    38_000.0,
    (
        Held("AAPL", 600, 0.91),
        Held("MSFT", 250, 0.88),
        Held("NVDA", 500, 0.72),
        Held("AMZN", 300, 1.04),
        Held("META", 60, 0.95),
        Held("AMD", 200, 1.12),
        Held("TSLA", -150, 1.06),
        Held("INTC", -800, 1.18),
        Held("SPY", 120, 0.94),
        _option("AAPL", -5, 0, 255.0, "C", 1.35),
        _option("AAPL", -4, 0, 250.0, "C", 1.20),
        _option("AAPL", 4, 0, 260.0, "C", 1.15),
        _option("AAPL", -3, 1, 225.0, "P", 1.20),
        _option("TSLA", -1, 0, 450.0, "C", 0.80),
        _option("TSLA", 3, 1, 400.0, "P", 0.95),
        _option("TSLA", -3, 1, 360.0, "P", 1.10),
        _option("SPX", 1, 0, 6150.0, "P", 1.30),
        _option("SPX", -1, 0, 6250.0, "P", 1.25),
        _option("SPX", -1, 0, 6700.0, "C", 1.10),
        _option("SPX", 1, 0, 6800.0, "C", 1.15),
        Held("ES", -1, 1.004, "FUT"),
        Held("NQ", 1, 0.991, "FUT"),
    ),
)
INVESTOR = Opening(
    "DU1234502",
    -245_000.0,
    38_000.0,
    20_000.0,
    (
        Held("MSFT", 150, 0.79),
        Held("GOOGL", 300, 0.83),
        Held("JPM", 200, 0.90),
        Held("XOM", 400, 1.02),
        Held("KO", 900, 0.97),
        Held("JNJ", 250, 0.93),
        Held("WMT", 350, 0.86),
        Held("BAC", 800, 0.94),
        Held("AAPL", 300, 0.85),
        Held("SPY", 200, 0.89),
        Held("NVDA", -100, 1.10),
        _option("AAPL", -3, 1, 260.0, "C", 1.30),
        _option("AAPL", 2, 1, 250.0, "C", 1.05),
        _option("AAPL", -2, 0, 225.0, "P", 1.50),
        _option("TSLA", 2, 0, 380.0, "P", 1.10),
        _option("TSLA", -2, 0, 350.0, "P", 1.05),
        _option("SPX", -1, 1, 6200.0, "P", 1.20),
        _option("SPX", 1, 1, 6100.0, "P", 1.18),
        Held("ES", 1, 0.989, "FUT"),
    ),
)
OPENINGS = (TRADER, INVESTOR)
