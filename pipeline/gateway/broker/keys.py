"""The account keys that TWS reports, from books, marks and margins. Pure; money to the cent in the base currency."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from pipeline.gateway.broker import margin, rates
from pipeline.gateway.broker.accounts import ZERO, Account, Position, amount, cents
from pipeline.gateway.broker.legs import Leg
from pipeline.gateway.market.universe import Instrument, Universe

Mark = Callable[[Instrument], float]
LEDGER_KEYS = (
    "CashBalance", "TotalCashBalance", "StockMarketValue", "OptionMarketValue", "FuturesPNL", "UnrealizedPnL",
    "RealizedPnL", "NetLiquidationByCurrency", "ExchangeRate", "RealCurrency", "Currency", "AccruedCash",
)  # fmt: skip


@dataclass(frozen=True)
class Figures:
    """An account at one moment; -S securities, -C commodities."""

    stock: Decimal
    option: Decimal
    futures: Decimal  # profit or loss of the futures held
    gross: Decimal
    unrealized: Decimal
    realized: Decimal
    cash_s: Decimal
    cash_c: Decimal
    init_s: Decimal
    init_c: Decimal
    maint_s: Decimal
    maint_c: Decimal
    reg_t: Decimal
    sma: Decimal

    @property
    def net_s(self) -> Decimal:
        return self.cash_s + self.stock + self.option

    @property
    def net_c(self) -> Decimal:
        return self.cash_c + self.futures

    @property
    def net(self) -> Decimal:
        return self.net_s + self.net_c

    @property
    def equity_s(self) -> Decimal:
        """Equity with loan value: options in the American style aren't counted."""
        return self.cash_s + self.stock

    @property
    def equity_c(self) -> Decimal:
        return self.net_c - self.maint_c

    @property
    def available(self) -> Decimal:
        return self.equity_s - self.init_s + self.net_c - self.init_c

    @property
    def excess(self) -> Decimal:
        return self.equity_s - self.maint_s + self.net_c - self.maint_c


def value_of(x: Instrument, position: Position, price: float) -> tuple[Decimal, Decimal]:
    """Market value and unrealised profit of a position."""
    value = amount(x, position.quantity, price)
    return value, value - position.cost


def legs(account: Account, universe: Universe, mark: Mark) -> list[Leg]:
    """The positions as the margin rules see them."""
    found = []
    for con_id, position in account.positions.items():
        if position.quantity:
            found.append(leg(universe.by_con_id[con_id], position.quantity, universe, mark))
    return found


def leg(x: Instrument, quantity: int, universe: Universe, mark: Mark) -> Leg:
    price = mark(x)
    under = mark(universe.by_con_id[x.under_con_id]) if x.sec_type == "OPT" else price
    return Leg(x.symbol, x.sec_type, quantity, price, under, x.multiplier, x.expiry, x.strike, x.right)


def figures(account: Account, universe: Universe, mark: Mark) -> Figures:
    """All sums of an account."""
    sums = {"STK": ZERO, "OPT": ZERO, "FUT": ZERO}
    gross = unrealized = realized = ZERO
    for con_id, position in account.positions.items():
        x = universe.by_con_id[con_id]
        realized += position.realized
        if not position.quantity:
            continue
        value, profit = value_of(x, position, mark(x))
        unrealized += profit
        sums[x.sec_type] += profit if x.sec_type == "FUT" else value
        gross += ZERO if x.sec_type == "FUT" else abs(value)
    securities, commodities = margin.account(legs(account, universe, mark))
    reg_t = cents(securities.reg_t)
    equity = account.cash + sums["STK"] + sums["OPT"]
    init_s = max(securities.initial, rates.MINIMUM_INITIAL) if securities.initial > 0 else 0.0
    return Figures(
        sums["STK"], sums["OPT"], sums["FUT"], gross, unrealized, realized, account.cash, account.commodity_cash,
        cents(init_s), cents(commodities.initial), cents(securities.maintenance),
        cents(commodities.maintenance), reg_t, _sma(account, equity - reg_t),
    )  # fmt: skip


def _sma(account: Account, from_equity: Decimal) -> Decimal:
    """Special memorandum account: the larger of yesterday's less half of what was bought, and today's excess."""
    return max(account.day_sma - cents(account.purchases * Decimal(repr(rates.REG_T_STOCK))), from_equity)


Row = tuple[str, str, str]  # key, value, currency


def rows(account: Account, f: Figures) -> list[Row]:
    """Every key as updateAccountValue sends it, in a steady order."""
    texts: list[Row] = [
        ("AccountCode", account.name, ""),
        ("AccountOrGroup", account.name, "USD"),
        ("AccountReady", "true", ""),
        ("AccountType", "INDIVIDUAL", ""),
        ("TradingType-S", "STKMRGN", ""),
        ("SegmentTitle-S", "US Securities", ""),
        ("SegmentTitle-C", "US Commodities", ""),
        ("WhatIfPMEnabled", "true", ""),
        ("NLVAndMarginInReview", "false", ""),
        ("Currency", "USD", "USD"),
        ("RealCurrency", "USD", "USD"),
        ("ExchangeRate", "1.00", "USD"),
        ("Cushion", f"{cushion(f):.6f}", ""),
        ("Leverage-S", f"{f.gross / f.net_s:.2f}" if f.net_s > 0 else "0.00", ""),
        ("LookAheadNextChange", "0", ""),
        ("HighestSeverity", "0", ""),
        ("DayTradesRemaining", "-1", ""),
    ]
    texts += [(f"DayTradesRemainingT+{n}", "-1", "") for n in (1, 2, 3, 4)]
    money = _segments(f) + _plain_money(account, f)
    return texts + [(key, f"{value:.2f}", currency) for key, value, currency in money]


def cushion(f: Figures) -> Decimal:
    return f.excess / f.net if f.net > 0 else Decimal(0)


def _segments(f: Figures) -> list[tuple[str, Decimal, str]]:
    """Keys that come as a sum, -S and -C."""
    init, maint = (f.init_s, f.init_c), (f.maint_s, f.maint_c)
    available = (f.equity_s - f.init_s, f.net_c - f.init_c)
    excess = (f.equity_s - f.maint_s, f.net_c - f.maint_c)
    table = {
        "TotalCashValue": (f.cash_s, f.cash_c),
        "NetLiquidation": (f.net_s, f.net_c),
        "EquityWithLoanValue": (f.equity_s, f.equity_c),
        "AccruedCash": (ZERO, ZERO),
        "AccruedDividend": (ZERO, ZERO),
        "Guarantee": (ZERO, ZERO),
    }
    for name in ("", "Full", "LookAhead"):  # no intraday discount and no change ahead: all three alike
        table |= {f"{name}InitMarginReq": init, f"{name}MaintMarginReq": maint}
        table |= {f"{name}AvailableFunds": available, f"{name}ExcessLiquidity": excess}
    found = []
    for key, (s, c) in table.items():
        found += [(key, s + c, "USD"), (f"{key}-S", s, "USD"), (f"{key}-C", c, "USD")]
    return found


def _plain_money(account: Account, f: Figures) -> list[tuple[str, Decimal, str]]:
    power = cents(max(f.equity_s - f.init_s, ZERO) * Decimal(repr(rates.BUYING_POWER)))
    found = [
        ("GrossPositionValue", f.gross, "USD"),
        ("GrossPositionValue-S", f.gross, "USD"),
        ("PreviousDayEquityWithLoanValue", account.day_equity, "USD"),
        ("PreviousDayEquityWithLoanValue-S", account.day_equity, "USD"),
        ("RegTEquity", f.net_s, "USD"),
        ("RegTEquity-S", f.net_s, "USD"),
        ("RegTMargin", f.reg_t, "USD"),
        ("RegTMargin-S", f.reg_t, "USD"),
        ("SMA", f.sma, "USD"),
        ("SMA-S", f.sma, "USD"),
        ("BuyingPower", power, "USD"),
    ]
    for currency in ("USD", "BASE"):
        found += [
            ("CashBalance", f.cash_s + f.cash_c, currency),
            ("TotalCashBalance", f.cash_s + f.cash_c, currency),
            ("StockMarketValue", f.stock, currency),
            ("OptionMarketValue", f.option, currency),
            ("FuturesPNL", f.futures, currency),
            ("UnrealizedPnL", f.unrealized, currency),
            ("RealizedPnL", f.realized, currency),
            ("NetLiquidationByCurrency", f.net, currency),
        ]
    return found
