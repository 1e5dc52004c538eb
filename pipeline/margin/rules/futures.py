"""Futures by table: so many dollars a contract, every month for itself."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.margin.rules.rates import FutureRate


@dataclass(frozen=True, slots=True)
class Outright:
    """Requirement of contracts that nothing offsets, dollars."""

    initial: float
    maintenance: float


def outright(contracts: float, rate: FutureRate) -> Outright:
    """|contracts| times the rate; long and short alike."""
    return Outright(abs(contracts) * rate.initial, abs(contracts) * rate.maintenance)
