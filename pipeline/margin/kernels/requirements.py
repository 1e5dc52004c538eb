"""What one contract, one spread or one hedged lot requires: scalars in, dollars per unit out.

Conventions: S spot, K strike, p premium, all per unit of the underlying; rates as fractions. Rates of one underlying
travel as a vector, see the constants below; `rules` fills it from its dated tables.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.jit import kernel

Rates = NDArray[np.float64]
Triple = tuple[float, float, float]  # maintenance, initial, Reg T

# Places in the vector of rates of one underlying.
BASIC = 0  # a of the naked option rule, times the leverage
FLOOR = 1  # b of the naked option rule, times the leverage
LONG_MAINTENANCE = 2
LONG_INITIAL = 3
SHORT_HOUSE_MAINTENANCE = 4  # 0: none beyond the published table
SHORT_HOUSE_INITIAL = 5
SHORT_RATE = 6  # 30 % times the leverage, at most 100 %
REG_T = 7
IBKR = 8  # 1: the in-the-money amount stands in the requirement; 0: it caps the value in equity (Cboe)
HOUSE_INITIAL_HEDGED = 9  # stock rate that initial margin of a hedged lot uses
RATES = 10


@kernel
def naked(call: bool, spot: float, strike: float, price: float, basic: float, floor: float) -> float:
    """Short option, per unit: p + max(a·S − OTM, b·S for a call, b·K for a put). FINRA 4210(f)(2)(E)."""
    if call:
        return price + max(basic * spot - max(0.0, strike - spot), floor * spot)
    return price + max(basic * spot - max(0.0, spot - strike), floor * strike)


@kernel
def straddle(call_requirement: float, call_price: float, put_requirement: float, put_price: float) -> float:
    """Short call and short put, per unit: the larger requirement and the premium of the other side."""
    if call_requirement >= put_requirement:
        return call_requirement + put_price
    return put_requirement + call_price


@kernel
def short_stock(spot: float, rate: float) -> float:
    """Short share: below 5.00 max(2.50, S), else max(5.00, rate·S), rate 30 % as a rule. FINRA 4210(c)(2)-(3)."""
    if spot < 5.0:
        return max(2.5, spot)
    return max(5.0, rate * spot)


@kernel
def long_share(spot: float, rates: Rates) -> Triple:
    """(maintenance, initial, Reg T) of a long share."""
    return rates[LONG_MAINTENANCE] * spot, rates[LONG_INITIAL] * spot, rates[REG_T] * spot


@kernel
def short_share(spot: float, rates: Rates) -> Triple:
    """(maintenance, initial, Reg T) of a short share, beyond the proceeds."""
    table = short_stock(spot, rates[SHORT_RATE])
    maintenance = max(table, rates[SHORT_HOUSE_MAINTENANCE] * spot)
    initial = max(table, rates[SHORT_HOUSE_INITIAL] * spot)
    return maintenance, initial, rates[REG_T] * spot


@kernel
def covered_call(spot: float, strike: float, price: float, rates: Rates) -> Triple:
    """Long share and short call. IBKR charges its maintenance formula as initial, too."""
    stock, initial, reg_t = long_share(spot, rates)
    if rates[IBKR] == 0.0:
        return stock, initial, reg_t
    in_money = max(0.0, spot - strike)
    first = in_money + rates[LONG_MAINTENANCE] * min(spot, strike)
    second = min(spot, max(price, stock))
    requirement = max(first, second)
    return requirement, requirement, reg_t


@kernel
def covered_put(spot: float, strike: float, rates: Rates) -> Triple:
    """Short share and short put: the share's requirement and the put's in-the-money amount."""
    stock, initial, reg_t = short_share(spot, rates)
    in_money = max(0.0, strike - spot) if rates[IBKR] != 0.0 else 0.0
    return stock + in_money, initial + in_money, reg_t + in_money


@kernel
def protective_put(spot: float, strike: float, rates: Rates) -> Triple:
    """Long share and long put: min(10 %·K + OTM, the share's maintenance)."""
    stock, _, reg_t = long_share(spot, rates)
    return min(0.1 * strike + max(0.0, spot - strike), stock), rates[HOUSE_INITIAL_HEDGED] * spot, reg_t


@kernel
def protective_call(spot: float, strike: float, rates: Rates) -> Triple:
    """Short share and long call: min(10 %·K + OTM, the share's maintenance)."""
    stock, initial, reg_t = short_share(spot, rates)
    return min(0.1 * strike + max(0.0, strike - spot), stock), initial, reg_t


@kernel
def conversion(spot: float, strike: float, rates: Rates) -> Triple:
    """Long share, long put and short call of one strike and expiry: 10 %·K, IBKR and the call's in-the-money amount."""
    in_money = max(0.0, spot - strike) if rates[IBKR] != 0.0 else 0.0
    return (
        0.1 * strike + in_money,
        rates[HOUSE_INITIAL_HEDGED] * spot + in_money,
        rates[REG_T] * spot + in_money,
    )


@kernel
def reverse_conversion(spot: float, strike: float, rates: Rates) -> Triple:
    """Short share, long call and short put of one strike and expiry."""
    _, initial, reg_t = short_share(spot, rates)
    in_money = max(0.0, strike - spot) if rates[IBKR] != 0.0 else 0.0
    return 0.1 * strike + in_money, initial + in_money, reg_t + in_money


@kernel
def collar(spot: float, put_strike: float, call_strike: float, rates: Rates) -> Triple:
    """Long share, long put below, short call above, one expiry: min(10 %·Kp + OTM put, 25 %·Kc)."""
    in_money = max(0.0, spot - call_strike) if rates[IBKR] != 0.0 else 0.0
    base = min(0.1 * put_strike + max(0.0, spot - put_strike), 0.25 * call_strike)
    return (
        base + in_money,
        rates[HOUSE_INITIAL_HEDGED] * spot + in_money,
        rates[REG_T] * spot + in_money,
    )
