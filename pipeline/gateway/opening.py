"""How the gateway begins: a fresh market and broker by the settings. Pure but for the files of a replay."""

from __future__ import annotations

from datetime import date

from pipeline import config
from pipeline.gateway import keeping
from pipeline.gateway.broker.brokerage import Brokerage


def fresh(settings: config.Gateway, day: date) -> Brokerage:
    """A market that opens on `day`, or on the next business day when it is none."""
    return keeping.begin(day, settings.seed, settings.clock)
