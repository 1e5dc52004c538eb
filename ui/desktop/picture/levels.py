"""The margin level of a set of figures, without hysteresis (that is the engine's). Pure."""

from __future__ import annotations

import math

from pipeline.config import Margin

OK, CAUTION, WARN, ALARM, CRITICAL = range(5)


def level(net_liquidation: float, excess: float, maintenance: float, limits: Margin) -> int:
    """1 cushion at or under the setting · 2 EL at or under its share of maintenance · 3 EL gone; -1 where unknown."""
    if math.isnan(excess):
        return -1
    if excess <= 0 and not (excess == 0 and maintenance == 0):
        return ALARM
    if maintenance > 0 and excess <= limits.warn_excess_of_maintenance * maintenance:
        return WARN
    if net_liquidation > 0 and excess / net_liquidation <= limits.caution_cushion:
        return CAUTION
    return OK
