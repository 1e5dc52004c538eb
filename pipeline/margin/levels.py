"""How near an account is to a liquidation, in five levels with hysteresis."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import IntEnum

POINT = 0.01  # a level is left one point beyond where it was entered
SOFT_EDGE = 0.10  # of net liquidation: a deficit that is tolerated for a while


class Level(IntEnum):
    """0 OK · 1 cushion small · 2 excess small beside maintenance · 3 no excess left · 4 beyond the soft edge."""

    OK = 0
    CAUTION = 1
    WARN = 2
    ALARM = 3
    CRITICAL = 4


@dataclass(frozen=True, slots=True)
class Thresholds:
    """CAUTION at this cushion or less, WARN at this share of maintenance or less."""

    caution_cushion: float = 0.10
    warn_excess: float = 0.05


def level(net_liquidation: float, maintenance: float, excess: float, before: Level, thresholds: Thresholds) -> Level:
    """The level of one view of an account; OK where nothing is known or nothing is held.

    `before` is the level held now: each level up to it is left only one point past its threshold.
    """
    if not (math.isfinite(excess) and math.isfinite(maintenance)) or (maintenance <= 0.0 and excess >= 0.0):
        return Level.OK
    of_maintenance = excess / maintenance if maintenance > 0.0 else -math.inf
    of_net = excess / net_liquidation if net_liquidation > 0.0 else -math.inf
    tests = (
        (Level.CRITICAL, of_net, -SOFT_EDGE, excess < 0.0),
        (Level.ALARM, of_maintenance, 0.0, True),
        (Level.WARN, of_maintenance, thresholds.warn_excess, True),
        (Level.CAUTION, of_net, thresholds.caution_cushion, True),
    )
    for candidate, value, limit, possible in tests:
        if possible and value <= limit + (POINT if before >= candidate else 0.0):
            return candidate
    return Level.OK


class AccountLevel:
    """The level of an account: the worse of the model's and TWS's."""

    def __init__(self, thresholds: Thresholds) -> None:
        self._thresholds = thresholds
        self._model = Level.OK
        self._tws = Level.OK

    def update(self, model: tuple[float, float, float], tws: tuple[float, float, float]) -> Level:
        """Both views as (net liquidation, maintenance, excess)."""
        self._model = level(*model, self._model, self._thresholds)
        self._tws = level(*tws, self._tws, self._thresholds)
        return max(self._model, self._tws)
