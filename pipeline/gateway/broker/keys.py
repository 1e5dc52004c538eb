"""The account keys that TWS reports, spelled as it spells them. Pure; money to the cent."""

from __future__ import annotations

from decimal import Decimal

from pipeline.gateway.broker import rates
from pipeline.gateway.broker.accounts import BASE, ZERO, Account, cents
from pipeline.gateway.broker.balances import Ledger, base_of, value_of
from pipeline.gateway.broker.figures import Figures, figures

__all__ = ["LEDGER_KEYS", "Figures", "Row", "cushion", "figures", "rows", "value_of"]

Row = tuple[str, str, str]  # key, value, currency
LEDGER_KEYS = (
    "AccountOrGroup", "AccruedCash", "CashBalance", "CorporateBondValue", "Cryptocurrency", "Currency", "ExchangeRate",
    "FundValue", "FutureOptionValue", "FuturesPNL", "FxCashBalance", "IssuerOptionValue", "MoneyMarketFundValue",
    "MutualFundValue", "NetDividend", "NetLiquidationByCurrency", "OptionMarketValue", "RealCurrency", "RealizedPnL",
    "StockMarketValue", "TBillValue", "TBondValue", "TotalCashBalance", "UnrealizedPnL", "WarrantValue",
)  # fmt: skip
NOTHING = (  # what this account never holds; TWS reports it all the same
    "Billable", "Guarantee", "IncentiveCoupons", "IndianStockHaircut", "PASharesValue", "PhysicalCertificateValue",
    "TotalDebitCardPendingCharges",
)  # fmt: skip


def rows(account: Account, f: Figures) -> list[Row]:
    """Every key as updateAccountValue sends it, by name.

    AccruedCash comes twice in the base currency, as in TWS: that of the currency, and last that of the account.
    """
    found: list[Row] = []
    for ledger in (base_of(f.ledgers), *f.ledgers):
        found += ledger_rows(account.name, ledger)
    return sorted(found + _texts(account, f) + _segments(f) + _plain(account, f), key=_order)


def _order(row: Row) -> tuple[str, int, str]:
    return row[0], 0 if row[2] == "BASE" else 1, row[2]


def cushion(f: Figures) -> Decimal:
    return f.excess / f.net if f.net > 0 else Decimal(0)


def _texts(account: Account, f: Figures) -> list[Row]:
    found: list[Row] = [
        ("AccountCode", account.name, ""),
        ("AccountReady", "true", ""),
        ("AccountType", "INDIVIDUAL", ""),
        ("ColumnPrio-C", "2", ""),
        ("ColumnPrio-S", "1", ""),
        ("Cushion", f"{cushion(f):.6f}", ""),
        ("DayTradesRemaining", "-1", ""),
        ("HighestSeverity", "0", ""),
        ("Leverage-S", f"{f.gross / f.net_s:.2f}" if f.net_s > 0 else "0.00", ""),
        ("LookAheadNextChange", str(f.next_change), ""),
        ("NLVAndMarginInReview", "false", ""),
        ("SegmentTitle-C", "US Commodities", ""),
        ("SegmentTitle-S", "US Securities", ""),
        ("TradingType-S", "STKNOPT", ""),
        ("WhatIfPMEnabled", "true", ""),
    ]
    return found + [(f"DayTradesRemainingT+{n}", "-1", "") for n in (1, 2, 3, 4)]


def _segments(f: Figures) -> list[Row]:
    """Keys that come as a sum, for the commodities and for the securities."""
    init, maint = (f.init_s, f.init_c), (f.maint_s, f.maint_c)
    ahead_init, ahead_maint = (f.ahead_init_s, f.ahead_init_c), (f.ahead_maint_s, f.ahead_maint_c)
    after = _free(f, ahead_maint) if f.expiring else (ZERO, ZERO)
    table = {
        "AccruedCash": (f.accrued, ZERO),
        "AccruedDividend": (f.dividend, ZERO),
        "EquityWithLoanValue": (f.equity_s, f.equity_c),
        "LookAheadAvailableFunds": _free(f, ahead_init),
        "LookAheadExcessLiquidity": _free(f, ahead_maint),
        "LookAheadInitMarginReq": ahead_init,
        "LookAheadMaintMarginReq": ahead_maint,
        "NetLiquidation": (f.net_s, f.net_c),
        "PostExpirationExcess": after,
        "PostExpirationMargin": ahead_maint if f.expiring else (ZERO, ZERO),
        "TotalCashValue": (f.cash_s, f.cash_c),
    } | dict.fromkeys(NOTHING, (ZERO, ZERO))
    full = (f.init_s, f.full_init_c), (f.maint_s, f.full_maint_c)
    for name, (first, always) in (("", (init, maint)), ("Full", full)):
        table |= {f"{name}InitMarginReq": first, f"{name}MaintMarginReq": always}
        table |= {f"{name}AvailableFunds": _free(f, first), f"{name}ExcessLiquidity": _free(f, always)}
    found: list[Row] = []
    for key, (s, c) in table.items():
        found += [(key, f"{s + c:.2f}", BASE), (f"{key}-C", f"{c:.2f}", BASE), (f"{key}-S", f"{s:.2f}", BASE)]
    return found


def _free(f: Figures, need: tuple[Decimal, Decimal]) -> tuple[Decimal, Decimal]:
    """What is left of each segment after `need`."""
    return f.equity_s - need[0], f.net_c - need[1]


def _plain(account: Account, f: Figures) -> list[Row]:
    power = cents(max(f.equity_s - f.init_s, ZERO) * Decimal(repr(rates.BUYING_POWER)))
    money = {
        "BuyingPower": power,
        "GrossPositionValue": f.gross,
        "GrossPositionValue-S": f.gross,
        "NetLiquidationUncertainty": ZERO,
        "PreviousDayEquityWithLoanValue": account.day_equity,
        "PreviousDayEquityWithLoanValue-S": account.day_equity,
        "RegTEquity": f.net_s,
        "RegTEquity-S": f.net_s,
        "RegTMargin": f.reg_t,
        "RegTMargin-S": f.reg_t,
        "SMA": f.sma,
        "SMA-S": f.sma,
    }
    return [(key, f"{value:.2f}", BASE) for key, value in money.items()]


def ledger_rows(name: str, row: Ledger) -> list[Row]:
    """The keys of one currency, or of all of them in the base currency."""
    rate = "1.00" if row.rate == 1.0 else f"{row.rate:.7f}"
    texts = {"AccountOrGroup": name, "Currency": row.currency, "RealCurrency": row.currency, "ExchangeRate": rate}
    money = dict.fromkeys(LEDGER_KEYS, ZERO) | {
        "AccruedCash": row.accrued,
        "CashBalance": row.cash,
        "CorporateBondValue": row.corporate,
        "FutureOptionValue": row.future_option,
        "FuturesPNL": row.futures,
        "NetDividend": row.dividend,
        "NetLiquidationByCurrency": row.net,
        "OptionMarketValue": row.option,
        "RealizedPnL": row.realized,
        "StockMarketValue": row.stock,
        "TBillValue": row.bill,
        "TBondValue": row.treasury,
        "TotalCashBalance": row.cash,
        "UnrealizedPnL": row.unrealized,
    }
    return [(key, texts.get(key, f"{value:.2f}"), row.currency) for key, value in money.items()]
