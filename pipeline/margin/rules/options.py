"""Strategy rules for options, each with its name, its formula in symbols and the same with the numbers put in.

The arithmetic is `kernels.requirements` and `kernels.losses`; here are the words. S spot, K strike, p premium, m the
stock's maintenance rate, M multiplier, n contracts or lots.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.margin.kernels import requirements
from pipeline.margin.kernels.losses import spread_loss
from pipeline.margin.kernels.splits import lot_requirement

Rates = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class OptionTerms:
    """One option series and its price, per unit of the underlying."""

    call: bool
    strike: float
    price: float

    def __str__(self) -> str:
        return f"{self.strike:g}{'C' if self.call else 'P'}"


@dataclass(frozen=True, slots=True)
class Requirement:
    """What a group requires, in the instrument's currency, and why."""

    rule: str
    formula: str
    numbers: str
    binding: str
    maintenance: float
    initial: float
    reg_t: float
    at_least: bool = False
    reason: str = ""


def money(value: float) -> str:
    """As people write it; — where it is unknown."""
    return "—" if math.isnan(value) else f"{value:,.2f}"


def naked(option: OptionTerms, contracts: float, multiplier: float, spot: float, rates: Rates) -> Requirement:
    """Short option alone: n·M·(p + max(a·S − OTM, b·S)), b·K for a put."""
    basic, floor = rates[requirements.BASIC], rates[requirements.FLOOR]
    side, base = ("call", "S") if option.call else ("put", "K")
    formula = f"n·M·(p + max({basic:.0%}·S − OTM, {floor:.0%}·{base}))"
    if math.isnan(spot):
        known = contracts * multiplier * option.price
        return Requirement(
            f"naked short {side}",
            formula,
            f"S unknown; premium alone {money(known)}",
            "",
            known,
            known,
            known,
            True,
            "the underlying has no price",
        )
    unit = requirements.naked(option.call, spot, option.strike, option.price, basic, floor)
    out_of = max(0.0, option.strike - spot) if option.call else max(0.0, spot - option.strike)
    first, second = basic * spot - out_of, floor * (spot if option.call else option.strike)
    numbers = (
        f"{contracts:g}·{multiplier:g}·({money(option.price)} + max({basic:.0%}·{money(spot)} − {money(out_of)}, "
        f"{floor:.0%}·{money(spot if option.call else option.strike)}))"
    )
    total = contracts * multiplier * unit
    binding = "basic" if first >= second else "minimum"
    return Requirement(f"naked short {side}", formula, numbers, f"{option} {binding}", total, total, total)


def straddle(
    call: OptionTerms, put: OptionTerms, pairs: float, multiplier: float, spot: float, rates: Rates
) -> Requirement:
    """Short call and short put: the larger naked requirement and the premium of the other side."""
    name = "short straddle" if call.strike == put.strike else "short strangle"
    formula = "n·M·(max(Rc, Rp) + premium of the other side)"
    if math.isnan(spot):
        known = pairs * multiplier * (call.price + put.price)
        return Requirement(
            name,
            formula,
            f"S unknown; premiums alone {money(known)}",
            "",
            known,
            known,
            known,
            True,
            "the underlying has no price",
        )
    basic, floor = rates[requirements.BASIC], rates[requirements.FLOOR]
    need_call = requirements.naked(True, spot, call.strike, call.price, basic, floor)
    need_put = requirements.naked(False, spot, put.strike, put.price, basic, floor)
    total = pairs * multiplier * requirements.straddle(need_call, call.price, need_put, put.price)
    larger, other = (call, put) if need_call >= need_put else (put, call)
    numbers = f"{pairs:g}·{multiplier:g}·(max({money(need_call)}, {money(need_put)}) + {money(other.price)})"
    return Requirement(name, formula, numbers, str(larger), total, total, total)


def spread(legs: list[tuple[OptionTerms, float]], multiplier: float) -> Requirement:
    """Balanced longs and shorts: the largest loss at expiry over all prices. `legs`: (option, signed contracts)."""
    ordered = sorted(legs, key=lambda leg: leg[0].strike)
    strike = np.array([leg[0].strike for leg in ordered])
    call = np.array([leg[0].call for leg in ordered], dtype=np.bool_)
    quantity = np.array([leg[1] for leg in ordered], dtype=np.float64)
    unit, where = spread_loss(strike, call, quantity)
    total = unit * multiplier
    names = ", ".join(f"{contracts:+g} {option}" for option, contracts in ordered)
    name = _spread_name(ordered)
    numbers = f"{multiplier:g}·{money(unit)}, the loss of [{names}] at S = {where:g}"
    return Requirement(
        name, "M·max over S of −Σ n·intrinsic(S), S ∈ {0, every strike}", numbers, f"S = {where:g}", total, total, total
    )


def _spread_name(legs: list[tuple[OptionTerms, float]]) -> str:
    """What traders call it."""
    calls = [leg for leg in legs if leg[0].call]
    puts = [leg for leg in legs if not leg[0].call]
    if len(legs) == 2 and (len(calls) == 2 or len(puts) == 2):
        side = "call" if calls else "put"
        return f"calendar {side} spread" if legs[0][0].strike == legs[1][0].strike else f"vertical {side} spread"
    if len(calls) == 2 and len(puts) == 2:
        shorts = [leg[0].strike for leg in legs if leg[1] < 0]
        return "iron butterfly" if len(set(shorts)) == 1 else "iron condor"
    return "spread (max loss)"


def lot(
    long_stock: bool,
    hedge: OptionTerms | None,
    short: OptionTerms | None,
    lots: float,
    multiplier: float,
    spot: float,
    rates: Rates,
) -> Requirement:
    """Lots of stock, bare or hedged by options."""
    name, formula = _lot_words(long_stock, hedge, short, rates)
    if math.isnan(spot):
        return Requirement(name, formula, "S unknown", "", 0.0, 0.0, 0.0, True, "the underlying has no price")
    unit = lot_requirement(
        long_stock,
        spot,
        hedge.strike if hedge else math.nan,
        short.strike if short else math.nan,
        short.price if short else 0.0,
        rates,
    )
    scale = lots * multiplier
    given = [f"S = {money(spot)}", f"m = {rates[requirements.LONG_MAINTENANCE]:.4g}"]
    given += [f"long {hedge}"] if hedge else []
    given += [f"short {short} at {money(short.price)}"] if short else []
    numbers = f"{lots:g}·{multiplier:g}·{money(unit[0])} with {', '.join(given)}"
    binding = str(short or hedge or "")
    return Requirement(name, formula, numbers, binding, scale * unit[0], scale * unit[1], scale * unit[2])


def _lot_words(long_stock: bool, hedge: OptionTerms | None, short: OptionTerms | None, rates: Rates) -> tuple[str, str]:
    ibkr = rates[requirements.IBKR] != 0.0
    if hedge and short:
        if not long_stock:
            return "reverse conversion", "n·M·(10 %·K + ITM put)" if ibkr else "n·M·10 %·K"
        if hedge.strike == short.strike:
            return "conversion", "n·M·(10 %·K + ITM call)" if ibkr else "n·M·10 %·K"
        return "collar", "n·M·(min(10 %·Kp + OTM put, 25 %·Kc)" + (" + ITM call)" if ibkr else ")")
    if hedge:
        if long_stock:
            return "protective put", "n·M·min(10 %·K + OTM put, m·S)"
        return "protective call", "n·M·min(10 %·K + OTM call, stock requirement)"
    if short:
        if not long_stock:
            return "covered put", "n·M·(stock requirement + ITM put)" if ibkr else "n·M·stock requirement"
        if ibkr:
            return "covered call", "n·M·max(ITM + m·min(S, K), min(S, max(p, m·S)))"
        return "covered call", "n·M·m·S"
    return stock_words(long_stock)


def stock_words(long_stock: bool) -> tuple[str, str]:
    """Name and formula of shares alone."""
    if long_stock:
        return "long stock", "N·m·S"
    return "short stock", "N·max(5.00, 30 %·S), below 5.00: N·max(2.50, S); or the house rate where larger"


def shares(quantity: float, spot: float, rates: Rates) -> Requirement:
    """Shares that no option goes with; `quantity` signed."""
    name, formula = stock_words(quantity > 0.0)
    if math.isnan(spot):
        return Requirement(name, formula, "S unknown", "", 0.0, 0.0, 0.0, True, "the stock has no price")
    one = requirements.long_share(spot, rates) if quantity > 0.0 else requirements.short_share(spot, rates)
    rate = rates[requirements.LONG_MAINTENANCE] if quantity > 0.0 else rates[requirements.SHORT_RATE]
    count = abs(quantity)
    numbers = f"{count:g}·{money(one[0])} with S = {money(spot)}, rate {rate:.4g}"
    return Requirement(name, formula, numbers, "", count * one[0], count * one[1], count * one[2])


def long_option(option: OptionTerms, contracts: float) -> Requirement:
    """A long option that covers nothing: paid in full, no loan value."""
    return Requirement("long option", "0: paid in full", f"{contracts:g} {option}, no loan value", "", 0.0, 0.0, 0.0)
