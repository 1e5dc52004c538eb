"""The tape over a recording: each row as it is printed, and what a new subscriber is told of what was played. Pure."""

from __future__ import annotations

import math
from typing import Any

from pipeline.gateway.market.days import NS
from pipeline.gateway.market.instruments import OPTIONS, Instrument
from pipeline.gateway.market.tape import (
    ASK,
    AUTO_EXECUTE,
    BID,
    CLOSE,
    HIGH,
    LAST,
    LAST_TIME,
    LOW,
    OPEN,
    VOLUME,
    Half,
    Quote,
    Tape,
)  # fmt: skip
from pipeline.gateway.replay.market import Recorded
from pipeline.gateway.tells import ticks
from pipeline.gateway.tells.frames import number
from pipeline.messages import TickFlag

SIZES = {0: "bid_size", 3: "ask_size", 5: "last_size", VOLUME: "volume"}
PRICES = {HIGH: "high", LOW: "low", OPEN: "open", CLOSE: "close"}
SIDED = (BID, ASK, LAST)


class RecordedTape(Tape):
    """Quotes are those of the rows played so far; nothing else moves them."""

    market: Recorded

    def __init__(self, market: Recorded) -> None:
        super().__init__(market, 0)
        self.quotes = market.quotes

    def dump(self) -> dict[str, Any]:
        return {}

    def quote(self, x: Instrument) -> Quote:
        return self.market.quote(x)

    def now(self, x: Instrument) -> tuple[float, float]:
        """Bid and ask of the last rows; -1 where there is none."""
        quote = self.market.quote(x)
        return quote.bid, quote.ask

    def mark(self, x: Instrument) -> float:
        return round(self.market.level(x), 4)

    def new_day(self) -> None:
        """A day begins with its first row."""

    def event(self, _x: Instrument) -> list[Half]:
        """Nothing happens of itself."""
        return []

    def print_row(self, x: Instrument, place: int, kind: int, price: float, size: float, now_ns: int) -> None:
        """A row of the recording changes the quote; who listens to trades and quotes is told."""
        quote = self.quotes.get(x.con_id) or self.market.quote(x)
        if place == ticks.SIZE:
            name = SIZES.get(kind)
            if name is not None and not math.isnan(size):
                setattr(quote, name, int(size))
                if kind in (0, 3):
                    self._requoted(x, quote, now_ns)
        elif place != ticks.PRICE:
            return
        elif kind == BID:
            quote.bid, quote.bid_size = price, int(size)
            self._requoted(x, quote, now_ns)
        elif kind == ASK:
            quote.ask, quote.ask_size = price, int(size)
            self._requoted(x, quote, now_ns)
        elif kind == LAST and (price, size) != (-1.0, 0.0):
            quote.last, quote.last_size, quote.last_time = price, int(size), now_ns // NS
            for traded in self.trades:
                traded(x, price, int(size), now_ns)
        elif kind in PRICES:
            setattr(quote, PRICES[kind], price)

    def _requoted(self, x: Instrument, quote: Quote, now_ns: int) -> None:
        for requoted in self.quotes_changed:
            requoted(x, quote, now_ns)

    def after_trade(self, x: Instrument, before: int, price: float, size: float) -> list[Half]:
        """What follows a trade that was printed: its second if it is new (`before`: the last one), volume, extremes."""
        quote = self.market.quote(x)
        halves: list[Half] = []
        if quote.last_time != before:
            halves.append((ticks.STRING, ticks.tick_string(LAST_TIME, str(quote.last_time))))
        if size > 0:
            quote.volume += int(size)
            halves.append((ticks.SIZE, ticks.tick_size(VOLUME, quote.volume)))
        if math.isnan(quote.open):
            quote.open = price
            halves.append((ticks.PRICE, ticks.tick_price(OPEN, price, 0, 0)))
        if not price <= quote.high:
            quote.high = price
            halves.append((ticks.PRICE, ticks.tick_price(HIGH, price, 0, 0)))
        if not price >= quote.low:
            quote.low = price
            halves.append((ticks.PRICE, ticks.tick_price(LOW, price, 0, 0)))
        return halves

    def picture(self, x: Instrument) -> list[Half]:
        """All that was played of it; what wasn't yet is not told."""
        quote = self.market.quote(x)
        halves: list[Half] = []
        sides = (
            (BID, quote.bid, quote.bid_size),
            (ASK, quote.ask, quote.ask_size),
            (LAST, quote.last, quote.last_size),
        )
        halves += [(ticks.PRICE, price_tail(kind, price, size)) for kind, price, size in sides if price > 0]
        if quote.last_time:
            halves.append((ticks.STRING, ticks.tick_string(LAST_TIME, str(quote.last_time))))
        if quote.volume:
            halves.append((ticks.SIZE, ticks.tick_size(VOLUME, quote.volume)))
        for kind, price in ((HIGH, quote.high), (LOW, quote.low), (CLOSE, quote.close), (OPEN, quote.open)):
            if not math.isnan(price):
                halves.append((ticks.PRICE, ticks.tick_price(kind, price, 0, 0)))
        halves.append((ticks.GENERIC, ticks.tick_generic(49, 0.0)))
        return halves + self.computed(x)

    def computed(self, x: Instrument) -> list[Half]:
        """Bid, ask and model computations of an option whose price has a volatility; nothing of all others."""
        if x.sec_type not in OPTIONS:
            return []
        quote, theory = self.market.quote(x), self.market.theory(x)
        return self._computations(quote, theory, True, True) if theory.iv > 0 else []


def price_tail(kind: int, price: float, size: float) -> bytes:
    """Second half of a tickPrice; no quote is a price of -1."""
    text = str(int(size)) if float(size).is_integer() else number(size)
    return f"{kind}\0{number(price)}\0{text}\0{AUTO_EXECUTE if kind in SIDED and price > 0 else 0}\0".encode("ascii")


UNCOMPUTED = {"delta": -2.0, "gamma": -2.0, "vega": -2.0, "theta": -2.0}  # all others: -1


def computation_tail(of: Any) -> bytes:
    """Second half of a tickOptionComputation from an OPTION record; what was not computed as TWS says it."""
    names = ("implied_vol", "delta", "price", "pv_dividend", "gamma", "vega", "theta", "underlying_price")
    values = [float(of[name]) for name in names]
    shown = [UNCOMPUTED.get(name, -1.0) if math.isnan(v) else v for name, v in zip(names, values, strict=True)]
    texts = "\0".join(number(value) for value in shown)
    attribute = 1 if int(of["flags"]) & TickFlag.PRICE_BASED else 0
    return f"{int(of['tick_type'])}\0{attribute}\0{texts}\0".encode("ascii")
