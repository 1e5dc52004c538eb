"""What prices did since the market began: minutes of each calendar day, five seconds of the last day. Bounded. Pure."""

from __future__ import annotations

from datetime import date
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from pipeline.gateway.market import days
from pipeline.gateway.market.path import DAY_MINUTES, Array, Whole

MINUTE_S, FINE_S = 60, 5
KEPT_DAYS = 20  # calendar days whose minutes are kept
KEPT_HOURS = 26  # hours whose five seconds are kept
OPEN, HIGH, LOW, CLOSE = range(4)
Key = TypeVar("Key", date, int)


class Live:
    """Open, high, low and close of every price in every bucket; columns are prices.

    `observe` is to be called after each move with all prices; it must stay cheap.
    """

    def __init__(self, now_ns: int, spot: Array) -> None:
        self.began_s = now_ns // days.NS
        self._minutes: dict[date, Array] = {}
        self._fine: dict[int, Array] = {}  # hour (UTC) → five seconds
        self._closes: dict[date, Array] = {}
        self._bucket = self.began_s // FINE_S
        self._last = spot
        self._begin(spot)

    def observe(self, now_ns: int, spot: Array) -> None:
        bucket = now_ns // (FINE_S * days.NS)
        if bucket != self._bucket:
            self._turn(bucket)
        np.maximum(self._high, spot, out=self._high)
        np.minimum(self._low, spot, out=self._low)
        self._last = spot

    def minutes(self, day: date) -> Array | None:
        """Rows of a calendar day, nan where nothing was seen: [minute, 4, price]; None if the day isn't kept."""
        self._store()
        return self._minutes.get(day)

    def fine(self, begin_s: int, end_s: int) -> tuple[Whole, Array]:
        """The five seconds kept within a stretch of time: when they begin, and [row, 4, price]."""
        self._store()
        times, rows = [], []
        for hour in range(begin_s // 3600, (end_s - 1) // 3600 + 1):
            if hour in self._fine:
                time = hour * 3600 + FINE_S * np.arange(3600 // FINE_S)
                seen = (time >= begin_s) & (time < end_s) & ~np.isnan(self._fine[hour][:, CLOSE, 0])
                times.append(time[seen])
                rows.append(self._fine[hour][seen])
        if not times:
            return np.empty(0, np.int64), np.empty((0, 4, len(self._last)))
        return np.concatenate(times), np.concatenate(rows)

    def last(self, day: date) -> Array | None:
        """The last prices seen in a day's session, of every day since the beginning."""
        return self._closes.get(day)

    def _begin(self, spot: Array) -> None:
        self._first, self._high, self._low = spot.copy(), spot.copy(), spot.copy()

    def _turn(self, bucket: int) -> None:
        """The bucket is over; those that the clock jumped over were quiet."""
        self._store()
        missed = min(bucket - self._bucket - 1, 86_400 // FINE_S)
        quiet = np.broadcast_to(self._last, (4, len(self._last)))
        for jumped in range(bucket - missed, bucket):
            self._put(jumped, quiet)
        self._bucket = bucket
        self._begin(self._last)

    def _store(self) -> None:
        self._put(self._bucket, np.stack((self._first, self._high, self._low, self._last)))

    def _put(self, bucket: int, row: npt.NDArray[np.float64]) -> None:
        second = bucket * FINE_S
        hour = _kept(self._fine, second // 3600, 3600 // FINE_S, len(self._last), KEPT_HOURS)
        hour[second % 3600 // FINE_S] = row
        moment = days.new_york(second * days.NS)
        day = _kept(self._minutes, moment.date(), DAY_MINUTES, len(self._last), KEPT_DAYS)
        minute = day[moment.hour * 60 + moment.minute]
        if np.isnan(minute[CLOSE, 0]):
            minute[:] = row
        else:
            np.maximum(minute[HIGH], row[HIGH], out=minute[HIGH])
            np.minimum(minute[LOW], row[LOW], out=minute[LOW])
            minute[CLOSE] = row[CLOSE]
        if moment.time() < days.CLOSE:
            self._closes[moment.date()] = row[CLOSE]


def _kept(table: dict[Key, Array], key: Key, rows: int, prices: int, most: int) -> Array:
    """The table's entry, begun when it is new; the oldest one goes when there are too many."""
    found = table.get(key)
    if found is None:
        found = table[key] = np.full((rows, 4, prices), np.nan)
        if len(table) > most:
            del table[next(iter(table))]
    return found
