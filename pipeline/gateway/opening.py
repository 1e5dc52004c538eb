"""How the gateway begins: a made market, or a recording, by the settings."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime

from pipeline import config
from pipeline.gateway import keeping
from pipeline.gateway.broker.brokerage import Brokerage
from pipeline.gateway.lines import Lines
from pipeline.gateway.market import days


def fresh(settings: config.Gateway, day: date | None = None) -> Brokerage:
    """The recording from `day` on, or a market that opens on that day (none: today) or the next business day."""
    if settings.replay:
        from pipeline.gateway.replay import opening as replay

        return replay.brokerage(settings, day)
    day = day if day is not None else datetime.now(days.NEW_YORK).date()
    return keeping.begin(day, settings.seed, settings.clock, settings.hours, settings.advisor)


def lines(brokerage: Brokerage, settings: config.Gateway, matched: Callable[[], None]) -> Lines:
    """The subscriptions, with what drives them; `matched` is called where a recorded quote may fill an order."""
    if settings.replay:
        from pipeline.gateway.replay.flow import Playing

        return Playing(brokerage, settings, matched)
    return Lines(brokerage.tape, settings.limits, settings.rate, brokerage.market.seed)
