"""Account aggregates: TWS's keys from the sums of the groups and from the cash that TWS reports."""

from __future__ import annotations

import math
from dataclasses import dataclass

BUYING_POWER_FACTOR = 4.0  # a Reg T margin account; observed to the cent


@dataclass(frozen=True, slots=True)
class Segment:
    """Sums of one segment (securities or commodities), base currency."""

    initial: float = 0.0
    maintenance: float = 0.0
    reg_t: float = 0.0
    equity_value: float = 0.0  # stock, bonds, funds
    option_value: float = 0.0  # options, and options on futures
    gross: float = 0.0
    variation: float = 0.0  # futures: change since TWS's own marks


@dataclass(frozen=True, slots=True)
class Cash:
    """What only TWS knows, base currency; nan where it has not told."""

    securities: float = math.nan
    commodities: float = 0.0
    accrued: float = 0.0  # interest and dividends, securities segment
    futures_pnl: float = 0.0  # TWS's own, at its marks
    sma: float = math.nan


@dataclass(frozen=True, slots=True)
class AccountFigures:
    """TWS's keys. Suffix _s securities, _c commodities, without: the sum."""

    net_liquidation: float
    net_liquidation_s: float
    net_liquidation_c: float
    equity_with_loan: float
    equity_with_loan_s: float
    initial_margin: float
    initial_margin_s: float
    initial_margin_c: float
    maintenance_margin: float
    maintenance_margin_s: float
    maintenance_margin_c: float
    reg_t_margin: float
    available_funds: float
    excess_liquidity: float
    cushion: float
    leverage: float
    buying_power: float
    sma: float
    gross_position_value: float
    cash: float


def figures(securities: Segment, commodities: Segment, cash: Cash) -> AccountFigures:
    """All keys.

    NLV-S = cash + stock + options + accruals; ELV-S = cash + stock (options of US style do not count); NLV-C = cash +
    futures P&L + options on futures, ELV-C = NLV-C − maintenance-C; available = (ELV-S − initial-S) + (NLV-C −
    initial-C); excess the same with maintenance; cushion = excess / NLV; SMA = max(TWS's last, NLV-S − Reg T margin).
    """
    elv_s = cash.securities + securities.equity_value
    nlv_s = elv_s + securities.option_value + cash.accrued
    nlv_c = cash.commodities + cash.futures_pnl + commodities.variation + commodities.option_value
    nlv = nlv_s + nlv_c
    excess = (elv_s - securities.maintenance) + (nlv_c - commodities.maintenance)
    sma_now = nlv_s - securities.reg_t
    return AccountFigures(
        net_liquidation=nlv,
        net_liquidation_s=nlv_s,
        net_liquidation_c=nlv_c,
        equity_with_loan=elv_s + nlv_c - commodities.maintenance,
        equity_with_loan_s=elv_s,
        initial_margin=securities.initial + commodities.initial,
        initial_margin_s=securities.initial,
        initial_margin_c=commodities.initial,
        maintenance_margin=securities.maintenance + commodities.maintenance,
        maintenance_margin_s=securities.maintenance,
        maintenance_margin_c=commodities.maintenance,
        reg_t_margin=securities.reg_t,
        available_funds=(elv_s - securities.initial) + (nlv_c - commodities.initial),
        excess_liquidity=excess,
        cushion=ratio(excess, nlv),
        leverage=ratio(securities.gross, nlv_s),
        buying_power=max(0.0, BUYING_POWER_FACTOR * (elv_s - securities.initial)),
        sma=sma_now if math.isnan(cash.sma) else max(cash.sma, sma_now),
        gross_position_value=securities.gross,
        cash=cash.securities + cash.commodities,
    )


def ratio(part: float, whole: float) -> float:
    """part / whole; nan where there is no whole."""
    return part / whole if whole else math.nan
