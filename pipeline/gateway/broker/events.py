"""What happens at the broker, as those who must hear of it are told. Plain data."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.gateway.broker.ordering import Fill, Order


@dataclass(frozen=True)
class Changed:
    """An order is new, or its state changed; `code` goes with it as an error message (0: none)."""

    order: Order
    code: int = 0
    text: str = ""


@dataclass(frozen=True)
class Filled:
    """An execution; the books hold it already. Of a combination also one for each leg."""

    order: Order
    fill: Fill


@dataclass(frozen=True)
class Bound:
    """An order entered in TWS itself has now an id of the API."""

    order: Order


Event = Changed | Filled | Bound
