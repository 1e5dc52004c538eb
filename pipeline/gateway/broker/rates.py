"""Margin rates of the simulated broker: its own table, kept apart from every other one on purpose. Dated 2026-11."""

from __future__ import annotations

INITIAL_OF_MAINTENANCE = 1.10  # house initial margin over house maintenance, stocks and futures
STOCK_MAINTENANCE = 0.30
BROAD_ETF = {"SPY": 0.25}  # maintenance and initial alike
HOUSE = {"TSLA": 0.40, "AMD": 0.50}  # two symbols with a house rate of their own
FUTURES = {"ES": 21_700.0, "NQ": 31_600.0}  # maintenance a contract
REG_T_STOCK = 0.50
BROAD_INDICES = ("SPX",)
EQUITY_OPTION, INDEX_OPTION, OPTION_FLOOR = 0.20, 0.15, 0.10
MINIMUM_INITIAL = 2_000.0
BUYING_POWER = 4.0


def long_rates(symbol: str) -> tuple[float, float]:
    """Initial and maintenance rate of a long stock."""
    if symbol in BROAD_ETF:
        return BROAD_ETF[symbol], BROAD_ETF[symbol]
    maintenance = HOUSE.get(symbol, STOCK_MAINTENANCE)
    return min(INITIAL_OF_MAINTENANCE * maintenance, 1.0), maintenance


def short_per_share(symbol: str, price: float) -> float:
    """Requirement of one short share: the four-line table, or the house rate where that is higher."""
    standard = max(2.50, price) if price < 5.0 else max(5.0, 0.30 * price)
    return max(standard, HOUSE.get(symbol, 0.0) * price)
