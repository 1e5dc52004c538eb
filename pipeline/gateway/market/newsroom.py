"""Made news: an item where a stock moved far in a day, and while the market goes on where it moves. Pure.

What is written depends on the market's own path alone.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, time, timedelta

from pipeline.gateway.market import days
from pipeline.gateway.market.instruments import Instrument
from pipeline.gateway.market.past import Past
from pipeline.gateway.market.prices import Market

PROVIDERS = {
    "BRFG": "Briefing.com General Market Columns",
    "BRFUPDN": "Briefing.com Analyst Actions",
    "DJNL": "Dow Jones Newsletters",
}
FAR = 1.4  # standard deviations of a day that make news
LOOK_EVERY = 20  # steps of the market
KEPT_ITEMS, KEPT_BULLETINS = 2_000, 200
AT = time(16, 5)


@dataclass(frozen=True, slots=True)
class Item:
    """One item of news about one contract."""

    con_id: int
    time_ns: int
    provider: str
    article: str
    headline: str
    text: str


@dataclass(frozen=True, slots=True)
class Bulletin:
    """A notice of an exchange; kind 1: regular, 2: trading is no longer available there, 3: it is again."""

    number: int
    kind: int
    text: str
    exchange: str


class Newsroom:
    """Writes the items of the past when asked, those of the present as the market moves."""

    def __init__(self, market: Market, past: Past) -> None:
        self.market, self.past = market, past
        self.stocks = [x for x in market.universe.living() if x.sec_type == "STK" and x.stock_type == "COMMON"]
        self.fresh: deque[Item] = deque(maxlen=KEPT_ITEMS)
        self.bulletins: deque[Bulletin] = deque(maxlen=KEPT_BULLETINS)
        self.written = 0  # of fresh items, ever
        self.posted = 0
        self._told = {x.con_id: market.closing(x) for x in self.stocks}
        self._halted: set[int] = set()
        self._post(f"Trading begins on {past.first_day:%A, %d %B %Y}", "NYSE")
        market.observers.append(self._look)

    def items(self, x: Instrument, begin_ns: int, end_ns: int) -> Iterator[Item]:
        """Items about a stock after `begin_ns` and up to `end_ns`, the newest first."""
        for item in reversed(self.fresh):
            if item.con_id == x.con_id and begin_ns < item.time_ns <= end_ns:
                yield item
        if x not in self.stocks:
            return
        day = min(days.new_york(max(end_ns, 0)).date(), self.past.anchor)
        while day > self.past.head and days.ns_of(day, AT) > begin_ns:
            made = self._daily(x, day) if days.is_business_day(day) else None
            if made is not None and made.time_ns <= end_ns:
                yield made
            day -= timedelta(days=1)

    def article(self, provider: str, article: str) -> Item | None:
        """The item with this id."""
        name, _, rest = article.partition("$")
        number, _, ordinal = rest.partition(".")
        for item in self.fresh:
            if item.article == article and name == provider:
                return item
        stock = next((x for x in self.stocks if str(x.con_id) == number), None)
        if stock is None or not ordinal.isascii() or not ordinal.isdigit() or len(ordinal) > 7:
            return None
        day = date.fromordinal(max(int(ordinal), 1)) if int(ordinal) <= date.max.toordinal() else date.max
        inside = self.past.head < day <= self.past.anchor and days.is_business_day(day)
        found = self._daily(stock, day) if inside else None
        return found if found is not None and found.provider == provider == name else None

    def _daily(self, x: Instrument, day: date) -> Item | None:
        before, after = self.past.close(x.process, days.business_day_before(day)), self.past.close(x.process, day)
        move = math.log(after / before)
        if abs(move) < FAR * self.past.daily_vol(x.process):
            return None
        provider = list(PROVIDERS)[(x.con_id + day.toordinal()) % len(PROVIDERS)]
        number = f"{provider}${x.con_id}.{day.toordinal()}"
        return _written(x, days.ns_of(day, AT), provider, number, 100.0 * (after / before - 1.0), after)

    def _look(self) -> None:
        if self.market.step % LOOK_EVERY:
            return
        for x in self.stocks:
            price, told = self.market.price(x.process), self._told[x.con_id]
            if abs(math.log(price / told)) > FAR * self.past.daily_vol(x.process):
                self._told[x.con_id] = price
                self.written += 1
                provider = list(PROVIDERS)[self.written % len(PROVIDERS)]
                number = f"{provider}${x.con_id}.live{self.written}"
                self.fresh.append(
                    _written(x, self.market.now_ns, provider, number, 100.0 * (price / told - 1.0), price)
                )
            self._notice(x)

    def _notice(self, x: Instrument) -> None:
        halted = self.market.halted(x) != 0
        if halted != (x.con_id in self._halted):
            self._halted ^= {x.con_id}
            what = "is halted: volatility trading pause" if halted else "has resumed"
            self._post(f"Trading in {x.symbol} ({x.name}) {what}", x.primary)

    def _post(self, text: str, exchange: str) -> None:
        self.posted += 1
        self.bulletins.append(Bulletin(self.posted, 1, text, exchange))


def _written(x: Instrument, time_ns: int, provider: str, article: str, move: float, price: float) -> Item:
    verb = "rise" if move > 0 else "fall"
    headline = f"{x.name} shares {verb} {abs(move):.1f}% to ${price:.2f}"
    text = (
        f"{headline}. {x.symbol} trades on {x.primary}; {x.industry}, {x.category}. This item was made by a simulation."
    )
    return Item(x.con_id, time_ns, provider, article, headline, text)
