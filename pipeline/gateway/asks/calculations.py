"""What a client asks to be calculated of an option; the count of options that some clients send last is not read."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.gateway.asks.fields import Fields, Reader, plain
from pipeline.gateway.asks.request import Request
from pipeline.gateway.market.universe import Description

NOTHING = Description()


@dataclass(frozen=True, slots=True)
class ImpliedVolatility(Request):
    """nan: not said."""

    contract: Description = NOTHING
    price: float = 0.0
    under: float = 0.0


@dataclass(frozen=True, slots=True)
class OptionPrice(Request):
    contract: Description = NOTHING
    volatility: float = 0.0
    under: float = 0.0


def _implied_volatility(f: Fields) -> Request:
    f.skip()
    return ImpliedVolatility(f.id(), f.contract(), f.decimal(), f.decimal())


def _option_price(f: Fields) -> Request:
    f.skip()
    return OptionPrice(f.id(), f.contract(), f.decimal(), f.decimal())


READERS: dict[int, Reader] = {
    54: _implied_volatility,
    55: _option_price,
    56: plain("cancelCalculation", 1),
    57: plain("cancelCalculation", 1),
}
