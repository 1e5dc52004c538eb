"""Quotes, trades and the tick events of one contract: what changed, already in bytes. Pure and seeded."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import dataclass, fields
from operator import attrgetter
from typing import Any

from pipeline.gateway.market.days import NS
from pipeline.gateway.market.prices import Market, Theory
from pipeline.gateway.market.universe import Instrument, price_step
from pipeline.gateway.tells import ticks

Half = tuple[int, bytes]  # place of the first half in ticks.heads(), second half
BID_SIZE, BID, ASK, ASK_SIZE, LAST, LAST_SIZE, HIGH, LOW, VOLUME, CLOSE = range(10)
BID_MODEL, ASK_MODEL, LAST_MODEL, MODEL, OPEN, LAST_TIME, HALTED = 10, 11, 12, 13, 14, 45, 49
AUTO_EXECUTE, NO_QUOTE = 1, -1.0


@dataclass(frozen=True, slots=True)
class Manner:
    """How a kind of contract is quoted and traded."""

    lot: int  # units that a displayed size is a multiple of
    depth: int  # largest displayed size, in lots
    trades: float  # share of the moments at which it trades; 0: it prints no trades
    computed: bool = False  # its greeks are told


MANNERS = {
    "STK": Manner(100, 9, 0.25),
    "OPT": Manner(1, 60, 0.06, computed=True),
    "FOP": Manner(1, 30, 0.06, computed=True),
    "FUT": Manner(1, 40, 0.25),
    "IND": Manner(1, 1, 0.0),
    "CASH": Manner(250_000, 24, 0.0),
    "BOND": Manner(5, 50, 0.10),
}


@dataclass(slots=True)
class Quote:
    """A contract as the tape has it; a bid of -1 with size 0 is no bid."""

    bid: float = NO_QUOTE
    ask: float = NO_QUOTE
    bid_size: int = 0
    ask_size: int = 0
    last: float = math.nan
    last_size: int = 0
    last_time: int = 0  # seconds, UTC
    high: float = math.nan
    low: float = math.nan
    open: float = math.nan
    close: float = math.nan
    volume: int = 0


AS_ROW = attrgetter(*(field.name for field in fields(Quote)))
Traded = Callable[[Instrument, float, int, int], None]  # contract, price, size, market time in ns
Requoted = Callable[[Instrument, Quote, int], None]  # contract, its quote now, market time in ns


class Tape:
    """All quotes; a contract's quote begins when it is first asked for."""

    def __init__(self, market: Market, seed: int) -> None:
        self.market = market
        self.quotes: dict[int, Quote] = {}
        self.trades: list[Traded] = []  # called at each trade; of an index at each new level, with size 0
        self.quotes_changed: list[Requoted] = []  # called when a price or a size of the quote is another one
        self._random = random.Random(seed)
        self._remembered: dict[int, tuple[float, float, float]] = {}  # theory, bid, ask
        self._theories: dict[int, tuple[int, Theory]] = {}  # step of the market, theory at it

    def dump(self) -> dict[str, Any]:
        """The quotes as JSON takes them."""
        return {str(con_id): AS_ROW(quote) for con_id, quote in self.quotes.items()}

    def restore(self, rows: dict[str, Any]) -> None:
        self.quotes = {int(con_id): Quote(*row) for con_id, row in rows.items()}

    def quote(self, x: Instrument) -> Quote:
        """The quote as last printed on the tape."""
        found = self.quotes.get(x.con_id)
        if found is None:
            found = self.quotes[x.con_id] = Quote(close=self.market.closing(x))
            self._requote(x, found, self._theory(x))
            found.open = found.high = found.low = self._trade_price(x, found)
            if x.sec_type != "CASH":
                self._first_trade(x, found)
        return found

    def _first_trade(self, x: Instrument, quote: Quote) -> None:
        quote.last, quote.last_time = quote.open, self.market.now_ns // NS
        if x.sec_type != "IND":
            quote.last_size = self._size(x)
            quote.volume = self._random.randrange(1, 400) * MANNERS[x.sec_type].lot

    def now(self, x: Instrument) -> tuple[float, float]:
        """Bid and ask at this moment, for matching and marking; the tape itself stays as it was printed."""
        return self._bid_ask(x, self._theory(x))

    def mark(self, x: Instrument) -> float:
        """The price that values a position: the middle, on the 0.0001 that TWS shows; of an index its level."""
        if x.sec_type == "IND":
            return round(self._theory(x).mid, 2)
        bid, ask = self.now(x)
        return round((max(bid, 0.0) + ask) / 2.0, 4)

    def new_day(self) -> None:
        """Yesterday's last prices become the close; highs, lows and volumes begin again."""
        for con_id, quote in self.quotes.items():
            quote.close = self.market.closing(self.market.universe.by_con_id[con_id])
            quote.open = quote.high = quote.low = quote.bid if math.isnan(quote.last) else quote.last
            quote.volume = 0

    def event(self, x: Instrument) -> list[Half]:
        """One moment of this contract: its quote follows the market, now and then it trades."""
        quote, theory = self.quote(x), self._theory(x)
        if x.sec_type == "IND":
            return self._index_event(x, quote, theory)
        manner = MANNERS[x.sec_type]
        bid, ask = quote.bid, quote.ask
        self._requote(x, quote, theory)
        halves: list[Half] = []
        if quote.bid != bid:
            quote.bid_size = self._size(x) if quote.bid > 0 else 0
            halves.append(self._price(BID, quote.bid, quote.bid_size))
        if quote.ask != ask:
            quote.ask_size = self._size(x)
            halves.append(self._price(ASK, quote.ask, quote.ask_size))
        moved = bool(halves)
        if x.sec_type == "CASH" and moved:
            halves += self._extremes(quote, quote.bid)
        dice = self._random.random()
        if dice < manner.trades * self.market.volume_factor(x):
            halves += self._trade(x, quote, theory)
        elif not moved:
            halves.append(self._new_size(x, quote, dice))
            moved = True
        if manner.computed and (quote.bid != bid or quote.ask != ask):
            halves += self._computations(quote, theory, quote.bid != bid, quote.ask != ask)
        if moved:
            for hear in self.quotes_changed:
                hear(x, quote, self.market.now_ns)
        return halves

    def picture(self, x: Instrument) -> list[Half]:
        """All that a new subscriber is told first."""
        quote, theory = self.quote(x), self._theory(x)
        halves: list[Half] = []
        if x.sec_type != "IND":
            halves.append(self._price(BID, quote.bid, quote.bid_size))
            halves.append(self._price(ASK, quote.ask, quote.ask_size))
        if not math.isnan(quote.last):
            halves.append(self._price(LAST, quote.last, quote.last_size))
            halves.append((ticks.STRING, ticks.tick_string(LAST_TIME, str(quote.last_time))))
        if MANNERS[x.sec_type].trades:
            halves.append((ticks.SIZE, ticks.tick_size(VOLUME, quote.volume)))
        for kind, price in ((HIGH, quote.high), (LOW, quote.low), (CLOSE, quote.close), (OPEN, quote.open)):
            halves.append((ticks.PRICE, ticks.tick_price(kind, price, 0, 0)))
        halves.append((ticks.GENERIC, ticks.tick_generic(HALTED, float(self.market.halted(x)))))
        if MANNERS[x.sec_type].computed:
            halves += self._computations(quote, theory, True, True)
            halves.append(_computation(LAST_MODEL, theory, quote.last, theory.iv))
        return halves

    def _theory(self, x: Instrument) -> Theory:
        """The market's; asked for once in a step, as prices stand between two."""
        known = self._theories.get(x.con_id)
        if known is None or known[0] != self.market.step:
            known = self._theories[x.con_id] = self.market.step, self.market.theory(x)
        return known[1]

    def _bid_ask(self, x: Instrument, theory: Theory) -> tuple[float, float]:
        """The price grid around the theory; remembered while the theory stays, as it does between two moves."""
        remembered = self._remembered.get(x.con_id)
        if remembered is not None and remembered[0] == theory.mid:
            return remembered[1], remembered[2]
        half = self._half_spread(x, theory) * self.market.spread_factor(x)
        low, high = theory.mid - half, theory.mid + half
        step_low, step_high = price_step(x.rule_id, low), price_step(x.rule_id, high)
        bid = round(math.floor(low / step_low + 1e-9) * step_low, 6)
        ask = max(round(math.ceil(high / step_high - 1e-9) * step_high, 6), x.min_tick)
        bid = bid if bid > 0 else NO_QUOTE
        self._remembered[x.con_id] = theory.mid, bid, ask
        return bid, ask

    def _requote(self, x: Instrument, quote: Quote, theory: Theory) -> None:
        quote.bid, quote.ask = self._bid_ask(x, theory)
        if quote.bid > 0 and not quote.bid_size:
            quote.bid_size = self._size(x)
        if not quote.ask_size:
            quote.ask_size = self._size(x)

    @staticmethod
    def _half_spread(x: Instrument, theory: Theory) -> float:
        if x.sec_type in ("OPT", "FOP"):
            return 0.4 * price_step(x.rule_id, theory.mid) + 0.006 * min(theory.mid, 40.0)
        if x.sec_type == "STK":
            return 0.25 * x.min_tick + 0.000012 * theory.mid
        return 0.0006 * theory.mid if x.sec_type == "BOND" else 0.1 * x.min_tick

    def _size(self, x: Instrument, old: int = -1) -> int:
        """A size to display; another one than `old`, since what did not change is not told."""
        manner = MANNERS[x.sec_type]
        lots = 1 + int(self._random.random() * manner.depth)
        size = manner.lot * lots
        return size if size != old else manner.lot * (lots % manner.depth + 1)

    def _trade_price(self, x: Instrument, quote: Quote) -> float:
        if x.sec_type == "IND":
            return round(self._theory(x).mid, 2)
        return quote.bid if quote.bid > 0 and self._random.random() < 0.5 else quote.ask

    def _index_event(self, x: Instrument, quote: Quote, theory: Theory) -> list[Half]:
        price = round(theory.mid, 2)
        if price == quote.last:
            return []
        quote.last, quote.last_time = price, self.market.now_ns // NS
        for hear in self.trades:
            hear(x, price, 0, self.market.now_ns)
        time = (ticks.STRING, ticks.tick_string(LAST_TIME, str(quote.last_time)))
        return [(ticks.PRICE, ticks.tick_price(LAST, price, 0, 0)), time, *self._extremes(quote, price)]

    def _trade(self, x: Instrument, quote: Quote, theory: Theory) -> list[Half]:
        price, size, now_ns = self._trade_price(x, quote), self._size(x, quote.last_size), self.market.now_ns
        now = now_ns // NS
        halves: list[Half] = []
        if price != quote.last:
            halves.append(self._price(LAST, price, size))
        else:
            halves.append((ticks.SIZE, ticks.tick_size(LAST_SIZE, size)))
        if now != quote.last_time:
            halves.append((ticks.STRING, ticks.tick_string(LAST_TIME, str(now))))
        quote.last, quote.last_size, quote.last_time = price, size, now
        quote.volume += size
        halves.append((ticks.SIZE, ticks.tick_size(VOLUME, quote.volume)))
        halves += self._extremes(quote, price)
        if MANNERS[x.sec_type].computed:
            halves.append(_computation(LAST_MODEL, theory, price, theory.iv))
        for hear in self.trades:
            hear(x, price, size, now_ns)
        return halves

    @staticmethod
    def _extremes(quote: Quote, price: float) -> list[Half]:
        halves: list[Half] = []
        if price > quote.high:
            quote.high = price
            halves.append((ticks.PRICE, ticks.tick_price(HIGH, price, 0, 0)))
        if price < quote.low:
            quote.low = price
            halves.append((ticks.PRICE, ticks.tick_price(LOW, price, 0, 0)))
        return halves

    def _new_size(self, x: Instrument, quote: Quote, dice: float) -> Half:
        if dice < 0.6 and quote.bid > 0:
            quote.bid_size = self._size(x, quote.bid_size)
            return ticks.SIZE, ticks.tick_size(BID_SIZE, quote.bid_size)
        quote.ask_size = self._size(x, quote.ask_size)
        return ticks.SIZE, ticks.tick_size(ASK_SIZE, quote.ask_size)

    @staticmethod
    def _price(kind: int, price: float, size: int) -> Half:
        return ticks.PRICE, ticks.tick_price(kind, price, size, AUTO_EXECUTE if price > 0 else 0)

    @staticmethod
    def _computations(quote: Quote, theory: Theory, bid: bool, ask: bool) -> list[Half]:
        halves = []
        per_point = max(theory.vega, 1e-4)
        for wanted, kind, price in ((bid, BID_MODEL, quote.bid), (ask, ASK_MODEL, quote.ask)):
            if wanted and price > 0:
                shift = (price - theory.mid) / per_point / 100.0
                halves.append(_computation(kind, theory, price, max(theory.iv + shift, 0.01)))
            elif wanted:
                halves.append((ticks.OPTION, ticks.not_computed(kind)))
        halves.append(_computation(MODEL, theory, theory.mid, theory.iv))
        return halves


def _computation(kind: int, theory: Theory, price: float, iv: float) -> Half:
    return ticks.OPTION, ticks.tick_option(
        kind, iv, theory.delta, price, theory.gamma, theory.vega, theory.theta, theory.under
    )
