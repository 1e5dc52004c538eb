"""The faces of the market and its tape over a recording: what is known of prices is what was played so far. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import date
from typing import Any

import numpy as np

from pipeline.gateway.market import days, sessions
from pipeline.gateway.market.chains import Theory
from pipeline.gateway.market.instruments import OPTIONS, Instrument
from pipeline.gateway.market.prices import NOT_HALTED, Market
from pipeline.gateway.market.sessions import Phase
from pipeline.gateway.market.tape import Quote
from pipeline.gateway.market.universe import Universe
from pipeline.gateway.replay import implied, timeline
from pipeline.gateway.replay.recording import Day, Recording

Rate = Callable[[date], float]


class Recorded(Market):
    """A market whose prices were recorded; its time is that of the last row played, however fast it goes.

    It shares no state with the made market: nothing of `Market.__init__` is wanted, every public face is given here.
    """

    def __init__(self, recording: Recording, first: Day, speed: float, rate: Rate) -> None:
        self.recording = recording
        self.universe = Universe(first.day)
        self.seed, self.clock, self.step = 0, speed, 0
        self.quotes: dict[int, Quote] = {}
        self.closes: dict[int, float] = {}  # of the day before, where it was played
        self.observers = []
        self.halts, self.fixings = {}, {}
        self.hours = {kind: sessions.Hours(kind, False) for kind in sessions.KINDS}
        self.start_ns = int(first.rows.time_ns[0]) if len(first.rows) else days.ns_of(first.day, days.OPEN)
        self.played_ns = self.start_ns
        self._rate = rate
        self._firsts: dict[int, float] = {}
        self._theories: dict[int, tuple[float, float, int, Theory]] = {}
        self.begin(first)

    def begin(self, day: Day) -> None:
        """A recorded day: its contracts are listed, the last prices become yesterday's, the day's sums begin anew."""
        self.day, self.universe.day = day, day.day
        for x in day.contracts:
            self.universe.by_con_id[x.con_id] = x
        for con_id, quote in self.quotes.items():
            close = self._known(con_id, quote)
            if not math.isnan(close):
                self.closes[con_id] = close
            self.quotes[con_id] = Quote(
                quote.bid, quote.ask, quote.bid_size, quote.ask_size, quote.last, quote.last_size, quote.last_time,
                close=close,
            )  # fmt: skip
        self._firsts = _firsts(day)

    # Time.

    @property
    def now_ns(self) -> int:
        return self.played_ns

    def time_of(self, _step: int) -> int:
        return self.played_ns

    def advance(self, step: int) -> None:
        """Count the steps; the rows themselves are played by the flow."""
        while self.step < step:
            self.step += 1
            for observe in self.observers:
                observe()

    # Prices.

    def quote(self, x: Instrument) -> Quote:
        found = self.quotes.get(x.con_id)
        if found is None:
            found = self.quotes[x.con_id] = Quote(close=self.closes.get(x.con_id, math.nan))
        return found

    def level(self, x: Instrument) -> float:
        """The middle of the quote, one side of it, the last trade, or the day's first price; 0 if there is none."""
        found = self._known(x.con_id, self.quote(x))
        return self.closing(x) if math.isnan(found) else found

    def _known(self, con_id: int, quote: Quote) -> float:
        return _level(quote, self.universe.by_con_id[con_id].sec_type in OPTIONS)

    def closing(self, x: Instrument) -> float:
        """The last price of the recorded day before; on the first day the first price of that day."""
        return self.closes.get(x.con_id, self._firsts.get(x.con_id, 0.0))

    def theory(self, x: Instrument) -> Theory:
        """The level; of an option with what follows from its price. A volatility of 0: its price has none."""
        if not self.universe.lives(x):
            return Theory(self.settlement(x))
        if x.sec_type not in OPTIONS:
            return Theory(self.level(x))
        under = self.universe.by_con_id.get(x.under_con_id)
        spot, mid = (0.0 if under is None else self.level(under)), self.level(x)
        minute = self.played_ns // (60 * days.NS)
        known = self._theories.get(x.con_id)
        if known is None or known[:3] != (spot, mid, minute):
            known = self._theories[x.con_id] = spot, mid, minute, self._computed(x, spot, mid)
        return known[3]

    def _computed(self, x: Instrument, spot: float, mid: float) -> Theory:
        rate = self._rate(self.universe.day)
        years = days.years_to(x.expiry_date, self.played_ns)
        terms = implied.Terms(spot, x.strike, years, rate, 0.0 if x.sec_type == "FOP" else rate, x.right == "C")
        vol = implied.volatility(terms, mid)
        if math.isnan(vol):
            return Theory(mid, under=spot)
        found = implied.greeks(terms, vol)
        return Theory(mid, vol, found.delta, found.gamma, found.vega, found.theta, spot)

    def settlement(self, x: Instrument) -> float:
        """Of an option what it is worth if exercised now, of all others the level."""
        if x.sec_type not in OPTIONS or x.under_con_id not in self.universe.by_con_id:
            return self.level(x)
        under = self.level(self.universe.by_con_id[x.under_con_id])
        return max(under - x.strike if x.right == "C" else x.strike - under, 0.0)

    # What others ask.

    def phase(self, x: Instrument) -> Phase:
        """By the exchange's calendar at the recording's time; where that says closed, after hours: rows still come."""
        found = self.hours[sessions.kind_of(x)].phase(self.played_ns)
        return Phase.POST if found is Phase.CLOSED else found

    def halted(self, _x: Instrument) -> int:
        """The recordings don't tell."""
        return NOT_HALTED

    def volume_factor(self, _x: Instrument) -> float:
        return 1.0

    def spread_factor(self, _x: Instrument) -> float:
        return 1.0

    def fx(self, currency: str) -> float:
        """All recordings are in US dollars; KeyError for another currency."""
        return {"USD": 1.0}[currency]

    def dividends(self, _symbol: str) -> list[tuple[date, float]]:
        """None are recorded."""
        return []

    def price(self, process: str) -> float:
        return self.level(self.universe.stock(process))

    def roll_day(self) -> None:
        """A day begins with its first row, see `begin`."""

    def dump(self) -> dict[str, Any]:
        """Nothing is kept: a replay begins anew."""
        return {"now_ns": self.now_ns, "step": self.step}

    def restore(self, state: dict[str, Any]) -> None:
        raise ValueError("expected a made market, found a replay: it begins anew")


def _level(quote: Quote, option: bool) -> float:
    """The middle of both sides; an option without a bid is worth half its ask. nan: nothing is known."""
    if quote.bid > 0 and quote.ask > 0:
        return (quote.bid + quote.ask) / 2.0
    if option and quote.ask > 0:
        return quote.ask / 2.0
    known = [price for price in (quote.last, quote.ask, quote.bid) if price > 0]
    return known[0] if known else math.nan


def _firsts(day: Day) -> dict[int, float]:
    """The first price of each contract: of a trade where there is one, else of a quote."""
    found: dict[int, float] = {}
    rows = day.rows
    for kinds in ((timeline.BID, timeline.ASK), (timeline.OPEN, timeline.LAST)):
        known = np.flatnonzero(np.isin(rows.kind, kinds) & (rows.price > 0) & (rows.place == 0))
        who, first = np.unique(rows.who[known], return_index=True)
        found |= dict(zip(who.tolist(), rows.price[known][first].tolist(), strict=True))
    return found
