"""Margin rates of the simulated broker: its own table, kept apart from every other one on purpose. Dated 2026-11."""

from __future__ import annotations

INITIAL_OF_MAINTENANCE = 1.10  # house initial margin over house maintenance, stocks and futures
STOCK_MAINTENANCE = 0.30
BROAD_ETF = {"SPY": 0.25}  # maintenance and initial alike
HOUSE = {"TSLA": 0.40, "AMD": 0.50}  # two symbols with a house rate of their own
FUTURES = {"ES": 21_700.0, "NQ": 31_600.0}  # maintenance a contract
CALENDARS = {"ES": 650.0, "NQ": 1_050.0}  # a long and a short future of one class in two months, for the pair
INTRADAY = {"CL": 0.75, "GC": 0.75}  # share of the rate in the liquid hours; others: all of it
OTHER_FUTURE = 0.08  # of the value, for a class without a row
OTHER_CALENDAR = 0.05  # of the outright rate
REG_T_STOCK = 0.50
BROAD_INDICES = ("SPX", "NDX", "RUT", "XSP")
EQUITY_OPTION, INDEX_OPTION, OPTION_FLOOR = 0.20, 0.15, 0.10
HEDGED = 0.10  # of the strike, for stock and options that hedge each other
COLLAR = 0.25  # of the call's strike at most, for a collar
MINIMUM_INITIAL = 2_000.0
BUYING_POWER = 4.0
SHORT_FUTURE_OPTION = 0.02  # of the outright rate, at least, for each short option on a future
VOLATILITY_SHIFT = 0.15  # of the volatility, in the scan of options on futures
TREASURIES = ((1.0, 0.01), (3.0, 0.02), (5.0, 0.03), (10.0, 0.04), (20.0, 0.05), (1e9, 0.06))  # years below, rate
CORPORATE_BOND = 0.10
CURRENCIES = {  # share of a borrowed balance, or of one that secures it
    "USD": 0.025, "EUR": 0.025, "GBP": 0.025, "CAD": 0.025, "AUD": 0.025, "JPY": 0.025, "CHF": 0.03, "NZD": 0.0333,
    "SEK": 0.0333, "NOK": 0.0333, "SGD": 0.05, "MXN": 0.05, "HKD": 0.10, "CNH": 0.10,
}  # fmt: skip
OTHER_CURRENCY = 0.15


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


def future(symbol: str, value: float, intraday: bool = False) -> float:
    """Maintenance of one future that is worth `value`."""
    return FUTURES.get(symbol, OTHER_FUTURE * value) * (INTRADAY.get(symbol, 1.0) if intraday else 1.0)


def calendar(symbol: str, value: float) -> float:
    """Maintenance of a long and a short future in two months, both together."""
    return CALENDARS.get(symbol, OTHER_CALENDAR * future(symbol, value))


def treasury(years: float) -> float:
    return next(rate for below, rate in TREASURIES if years < below)


def currency_pair(one: str, other: str) -> float:
    """Share of a balance owed in `one` that is needed when `other` secures it."""
    return max(CURRENCIES.get(one, OTHER_CURRENCY), CURRENCIES.get(other, OTHER_CURRENCY))
