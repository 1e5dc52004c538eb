"""Reg T: the account's equity, calls, trigger values and the first purchase (12 CFR 220, FINRA 4210(b))."""

from __future__ import annotations

import math

MINIMUM_EQUITY = 2_000.0
REG_T_RATE = 0.50


def equity(long_value: float = 0.0, debit: float = 0.0, credit: float = 0.0, short_value: float = 0.0) -> float:
    """Long value − debit + credit − short value."""
    return long_value - debit + credit - short_value


def maintenance_call(equity_now: float, maintenance: float) -> float:
    """What is missing to the maintenance requirement; 0 if nothing is."""
    return max(0.0, maintenance - equity_now)


def long_trigger(debit: float, rate: float) -> float:
    """Market value of a long account at which equity equals maintenance: debit / (1 − rate)."""
    return debit / (1.0 - rate)


def short_trigger(credit: float, rate: float) -> float:
    """Market value of a short account at which equity equals maintenance: credit / (1 + rate)."""
    return credit / (1.0 + rate)


def first_purchase_deposit(cost: float, minimum: float = MINIMUM_EQUITY, rate: float = REG_T_RATE) -> float:
    """Deposit for the first purchase in a new margin account: never more than its cost, never less than the minimum."""
    return min(cost, max(minimum, rate * cost))


def sma(previous: float, cash_change: float, net_purchases: float, reg_t_equity: float, reg_t_margin: float) -> float:
    """Special memorandum account after a day: max(previous + cash change − 50 % of net purchases, Reg T excess)."""
    carried = previous + cash_change - REG_T_RATE * net_purchases
    return max(carried, reg_t_equity - reg_t_margin) if not math.isnan(carried) else reg_t_equity - reg_t_margin
