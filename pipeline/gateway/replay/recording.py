"""A recording, a day at a time: the contracts of the day and all of its rows. From the files of a folder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from pipeline.gateway.market.instruments import Instrument
from pipeline.gateway.replay import contracts, timeline
from pipeline.gateway.replay.fields import Faults, Floats
from pipeline.gateway.replay.folder import Folder, Part
from pipeline.gateway.replay.layout import Series, Source
from pipeline.gateway.replay.rows import Quotes, Ticks
from pipeline.gateway.replay.timeline import Rows
from pipeline.messages import OPTION


@dataclass(frozen=True)
class Day:
    """One day; `complete` when the rows are all ticks that a client is to get, so that none need be made of trades."""

    day: date
    contracts: list[Instrument]
    rows: Rows
    complete: bool = False
    texts: Sequence[str] = ()
    computations: npt.NDArray[np.void] = field(default_factory=lambda: np.empty(0, OPTION))


class Recording(Protocol):
    """What a replay reads from."""

    faults: Faults

    @property
    def days(self) -> Sequence[date]:
        """The days that are there, in order."""

    def load(self, day: date) -> Day:
        """All of one day."""


class Files:
    """The recording in a folder of zip files; one day is in memory at a time."""

    def __init__(self, folder: Folder) -> None:
        self.folder, self.faults = folder, folder.faults
        self.days = folder.days()
        self._numbers: dict[Series, int] = {}
        self._taken: dict[int, Series] = {}

    def load(self, day: date) -> Day:
        parts: list[Rows] = []
        seen: dict[Series, None] = {}
        steps = _Steps()
        for of in chosen(self.folder.of_day(day)):
            for part in self.folder.parts(of):
                parts.append(self._rows(part))
                steps.add(part)
                seen |= dict.fromkeys(part.series)
        for series in list(seen):
            under = contracts.under_of(series)
            if under is not None:
                seen.setdefault(under)
        rules = {series: steps.rule(contracts.family(series)) for series in seen}
        listed = [replace(contracts.instrument(s, rules[s]), con_id=self.con_id(s)) for s in seen]
        return Day(day, listed, timeline.merge(parts))

    def con_id(self, series: Series) -> int:
        """The same in every replay; the next free one where two computed ones are equal."""
        found = self._numbers.get(series)
        if found is None:
            found = contracts.instrument(series, 26).con_id
            while found in self._taken:
                found += 1
            self._numbers[series], self._taken[found] = found, series
        return found

    def series_of(self, con_id: int) -> Series | None:
        """The series of a contract that was met so far."""
        return self._taken.get(con_id)

    def _rows(self, part: Part) -> Rows:
        who = np.array([self.con_id(series) for series in part.series], dtype=np.int32)
        if isinstance(part.rows, Ticks):
            return timeline.of_ticks(part.rows, who)
        if isinstance(part.rows, Quotes):
            return timeline.of_quotes(part.rows, who, part.of.bar_s)
        return timeline.of_trades(part.rows, who, part.of.bar_s, part.of.sec_type != "IND")


def chosen(sources: list[Source]) -> list[Source]:
    """Of each contract and kind of row the finest: bars of what there are ticks of are history alone."""
    finest: dict[tuple[Any, ...], int] = {}
    for of in sources:
        key = _what(of)
        finest[key] = min(finest.get(key, of.bar_s), of.bar_s)
    return sorted((of for of in sources if finest[_what(of)] == of.bar_s), key=lambda of: (of.path, of.what))


def _what(of: Source) -> tuple[Any, ...]:
    return of.sec_type, of.market, of.symbol, of.under_month, of.what


class _Steps:
    """The prices of each family of contracts, for the smallest steps in them; quotes say it, trades if there are none.

    Trades can be within a step: of a combination, or at a midpoint.
    """

    def __init__(self) -> None:
        self._prices: dict[tuple[Series, str], list[Floats]] = {}

    def add(self, part: Part) -> None:
        rows = part.rows
        if isinstance(rows, Ticks):
            prices = rows.price
        elif isinstance(rows, Quotes):
            prices = np.concatenate((rows.bid[3], rows.ask[3]))
        else:
            prices = rows.close
        family = contracts.family(part.series[0]) if part.series else None
        if family is not None:
            self._prices.setdefault((family, part.of.what), []).append(np.unique(prices[~np.isnan(prices)]))

    def rule(self, family: Series) -> int:
        found = self._prices.get((family, "quote")) or self._prices.get((family, "trade")) or [np.empty(0)]
        return contracts.rule(family.sec_type, np.concatenate(found))
