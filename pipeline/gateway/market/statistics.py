"""What generic ticks tell of a contract, and the slow ticks that come unasked. Computed from the tape; no socket.

Figures that the market does not make (open interest, shares to borrow, the year's extremes) are invented: the same for
the same contract and day.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Iterable
from datetime import date

from pipeline.gateway.market import days, listing
from pipeline.gateway.market.instruments import OPTIONS, Instrument
from pipeline.gateway.market.prints import Prints
from pipeline.gateway.market.sessions import Phase, kind_of
from pipeline.gateway.market.tape import MANNERS, Half, Quote, Tape
from pipeline.gateway.tells import ticks

TYPICAL_TRADE = 120  # shares


class Statistics:
    """The figures of all contracts; `keep` begins the sums of a contract's trades."""

    def __init__(self, tape: Tape) -> None:
        self.tape, self.market = tape, tape.market
        self.prints: dict[int, Prints] = {}
        self._on: tuple[date, dict[int, list[Instrument]]] = date.min, {}  # day, underlying → its options

    def keep(self, x: Instrument) -> Prints:
        """The sums of its trades, begun with what the tape says."""
        if x.con_id not in self.prints:
            q = self.tape.quote(x)
            price = 0.0 if math.isnan(q.last) else q.last
            lot = TYPICAL_TRADE if x.sec_type == "STK" else 3
            self.prints[x.con_id] = Prints(q.volume, q.volume * price, math.ceil(q.volume / lot), price)
        return self.prints[x.con_id]

    def traded(self, x: Instrument, price: float, size: int, time_ns: int) -> Prints | None:
        """Hear of a trade; the sums if this contract's are kept."""
        kept = self.prints.get(x.con_id)
        if kept is not None:
            kept.add(price, size, time_ns, self.market.phase(x) is Phase.OPEN)
        return kept

    def unasked(self, x: Instrument) -> list[Half]:
        """Halt, exchanges of the quote, yields of a bond: what every line is told when it changes."""
        q = self.tape.quote(x)
        found = [_generic(49, float(self.market.halted(x)))]
        letters = [letter for _, letter in listing.SMART_MAPS.get(listing.BBO_CODES.get(x.sec_type, ""), ())]
        if letters and self.market.phase(x) is not Phase.CLOSED:
            minute = self.market.now_ns // (60 * days.NS)
            for kind, side in ((32, "bid"), (33, "ask"), (84, "last")):
                chance = zlib.crc32(f"{x.con_id} {side} {minute}".encode())
                some = [letter for n, letter in enumerate(letters) if chance >> n & 1] or letters[:1]
                found.append(_string(kind, some[0] if kind == 84 else "".join(some)))
        if x.bond is not None:
            today = days.new_york(self.market.now_ns).date()
            for kind, price in ((50, q.bid), (51, q.ask), (52, q.last)):
                if price > 0:
                    found.append(_price(kind, round(simple_yield(x, price, (x.expiry_date - today).days / 365.25), 3)))
        return found

    def of(self, x: Instrument, numbers: Iterable[int]) -> list[Half]:
        """What these generic ticks tell now; those that a trade tells are told with it."""
        q = self.tape.quote(x)
        found: list[Half] = []
        for number in sorted(numbers):
            tell = FIGURES.get(number)
            if tell is not None:
                found += tell(self, x, q)
        return found

    def options_on(self, x: Instrument) -> list[Instrument]:
        """The living options on it, looked up once a day."""
        universe = self.market.universe
        if self._on[0] != universe.day:
            found: dict[int, list[Instrument]] = {}
            for option in universe.living():
                if option.sec_type in OPTIONS:
                    found.setdefault(option.under_con_id, []).append(option)
            self._on = universe.day, found
        return self._on[1].get(x.con_id, [])

    # One method for each generic tick.

    def option_volume(self, x: Instrument, _q: Quote) -> list[Half]:
        return self._options(x, 29, self.elapsed(x) * 90_000)

    def open_interest(self, x: Instrument, _q: Quote) -> list[Half]:
        return self._options(x, 27, 400_000)

    def _options(self, x: Instrument, first: int, scale: float) -> list[Half]:
        """Of calls and of puts; of one option its own and 0."""
        if x.sec_type in OPTIONS:
            own = int(made(x, f"option {first}") * scale / 40)
            return [_size(first, own if x.right == "C" else 0), _size(first + 1, own if x.right == "P" else 0)]
        if not self.options_on(x):
            return []
        return [_size(first + n, int((0.5 + made(x, f"{first} {n}")) * scale)) for n in (0, 1)]

    def average_option_volume(self, x: Instrument, _q: Quote) -> list[Half]:
        return [_size(87, int((0.5 + made(x, "87")) * 160_000))] if self.options_on(x) else []

    def historical_volatility(self, x: Instrument, _q: Quote) -> list[Half]:
        return self._volatility(x, 23, 0.92)

    def intraday_volatility(self, x: Instrument, _q: Quote) -> list[Half]:
        return self._volatility(x, 58, 0.97)

    def _volatility(self, x: Instrument, kind: int, share: float) -> list[Half]:
        """The price's own yearly volatility, as an estimate would miss it."""
        place = getattr(self.market, "index", {}).get(x.process)
        if place is None:
            return []
        return [_generic(kind, round(float(self.market.vol[place]) * (share + 0.1 * made(x, str(kind))), 6))]

    def implied_volatility(self, x: Instrument, _q: Quote) -> list[Half]:
        options = self.options_on(x)
        if not options:
            return []
        level = self.market.theory(x).mid
        nearest = min(options, key=lambda o: (o.expiry, abs(o.strike - level)))
        iv = self.market.theory(nearest).iv
        return [_generic(24, round(iv, 6))] if iv > 0 else []

    def year(self, x: Instrument, q: Quote) -> list[Half]:
        """Lows and highs of 13, 26 and 52 weeks, and the usual volume of a day."""
        level = self.market.closing(x)
        if not level > 0:
            return []
        found, low, high = [], q.low, q.high
        for kind, name in ((15, "13"), (17, "26"), (19, "52")):
            low = min(low, level * (1.0 - 0.12 * made(x, f"low {name}") - 0.02))
            high = max(high, level * (1.0 + 0.10 * made(x, f"high {name}") + 0.01))
            found += [_price(kind, round(low, 2)), _price(kind + 1, round(high, 2))]
        if MANNERS[x.sec_type].trades:
            found.append(_size(21, int((0.5 + made(x, "21")) * 3e9 / level) if x.sec_type == "STK" else 250_000))
        return found

    def mark(self, x: Instrument, _q: Quote) -> list[Half]:
        return [_price(37, self.tape.mark(x))]

    def slow_mark(self, x: Instrument, _q: Quote) -> list[Half]:
        return [_price(79, self.tape.mark(x))]

    def auction(self, x: Instrument, _q: Quote) -> list[Half]:
        """What is to be matched at the open or the close: nothing but in the half hour before."""
        if x.sec_type != "STK":
            return []
        _, end, phase = self.market.hours[kind_of(x)].span(self.market.now_ns)
        soon = phase in (Phase.PRE, Phase.OPEN) and end - self.market.now_ns < 1800 * days.NS
        minute = self.market.now_ns // (60 * days.NS)
        volume = int(made(x, f"auction {minute}") * 400_000) if soon else 0
        imbalance = int(volume * (made(x, f"imbalance {minute}") - 0.5))
        price = round(self.market.theory(x).mid, 2) if soon else 0.0
        return [_size(34, volume), _price(35, price), _size(36, imbalance), _size(61, imbalance if soon else 0)]

    def shortable(self, x: Instrument, _q: Quote) -> list[Half]:
        """Above 2.5: at least 1,000 shares are there to borrow."""
        if x.sec_type != "STK":
            return []
        return [_generic(46, 3.0), _size(89, int((0.2 + made(x, "89")) * 20_000_000))]

    def trade_count(self, x: Instrument, _q: Quote) -> list[Half]:
        return [_generic(54, float(self.keep(x).count))]

    def trade_rate(self, x: Instrument, _q: Quote) -> list[Half]:
        return [_generic(55, float(self.keep(x).within(1, self.market.now_ns)[0]))]

    def volume_rate(self, x: Instrument, _q: Quote) -> list[Half]:
        return [_generic(56, float(self.keep(x).within(1, self.market.now_ns)[1]))]

    def short_term_volume(self, x: Instrument, _q: Quote) -> list[Half]:
        kept, now = self.keep(x), self.market.now_ns
        return [_size(kind, kept.within(minutes, now)[1]) for kind, minutes in ((63, 3), (64, 5), (65, 10))]

    def last_regular_trade(self, x: Instrument, _q: Quote) -> list[Half]:
        return [_price(57, self.keep(x).regular)] if MANNERS[x.sec_type].trades else []

    def dividends(self, x: Instrument, _q: Quote) -> list[Half]:
        """`past 12 months,next 12 months,next date,next amount`, empty where none is paid."""
        if x.sec_type != "STK":
            return []
        coming = self.market.dividends(x.symbol)
        if not coming:
            return [_string(59, ",,,")]
        year = sum(amount for _, amount in coming)
        day, amount = coming[0]
        return [_string(59, f"{year:.2f},{year:.2f},{day:%Y%m%d},{amount:.4f}")]

    def bond_factor(self, x: Instrument, _q: Quote) -> list[Half]:
        return [_generic(60, 1.0)] if x.bond is not None else []

    def premium(self, x: Instrument, _q: Quote) -> list[Half]:
        """What the front future costs above the index."""
        futures = [f for f in self.market.universe.living() if f.sec_type == "FUT" and f.process == x.process]
        if x.sec_type != "IND" or not futures:
            return []
        front = min(futures, key=lambda f: f.expiry)
        return [_generic(31, round(self.market.theory(front).mid - self.market.theory(x).mid, 4))]

    def futures_interest(self, x: Instrument, _q: Quote) -> list[Half]:
        return [_size(86, int((0.2 + made(x, "86")) * 2_000_000))] if x.sec_type == "FUT" else []

    def _fund(self, x: Instrument, *kinds: tuple[int, float]) -> list[Half]:
        return [_price(kind, round(price, 4)) for kind, price in kinds] if x.stock_type == "ETF" else []

    def fund_value(self, x: Instrument, _q: Quote) -> list[Half]:
        worth = self.market.theory(x).mid
        return self._fund(x, (94, worth - 0.01), (95, worth + 0.01))

    def fund_last(self, x: Instrument, _q: Quote) -> list[Half]:
        return self._fund(x, (96, self.market.theory(x).mid))

    def fund_close(self, x: Instrument, _q: Quote) -> list[Half]:
        return self._fund(x, (92, self.market.closing(x)), (93, self.market.closing(x)))

    def fund_extremes(self, x: Instrument, q: Quote) -> list[Half]:
        return self._fund(x, (98, q.high), (99, q.low))

    def fund_frozen(self, x: Instrument, _q: Quote) -> list[Half]:
        return self._fund(x, (97, self.market.closing(x)))

    def elapsed(self, x: Instrument) -> float:
        """Share of the session that is over."""
        hours = self.market.hours[kind_of(x)]
        return hours.elapsed(self.market.now_ns) if self.market.phase(x) is Phase.OPEN else 1.0


Figure = Callable[[Statistics, Instrument, Quote], list[Half]]
FIGURES: dict[int, Figure] = {
    100: Statistics.option_volume,
    101: Statistics.open_interest,
    104: Statistics.historical_volatility,
    105: Statistics.average_option_volume,
    106: Statistics.implied_volatility,
    162: Statistics.premium,
    165: Statistics.year,
    221: Statistics.mark,
    225: Statistics.auction,
    232: Statistics.mark,
    236: Statistics.shortable,
    293: Statistics.trade_count,
    294: Statistics.trade_rate,
    295: Statistics.volume_rate,
    318: Statistics.last_regular_trade,
    411: Statistics.intraday_volatility,
    456: Statistics.dividends,
    460: Statistics.bond_factor,
    512: Statistics.historical_volatility,
    576: Statistics.fund_value,
    577: Statistics.fund_last,
    578: Statistics.fund_close,
    588: Statistics.futures_interest,
    595: Statistics.short_term_volume,
    614: Statistics.fund_extremes,
    619: Statistics.slow_mark,
    623: Statistics.fund_frozen,
}
BY_TRADE = {233: 48, 375: 77}  # generic tick → type of the tick that each trade tells
SUMMED = {233, 375, 293, 294, 295, 318, 595}  # they need the sums of trades


def made(x: Instrument, name: str) -> float:
    """A number from 0 to 1 that stays the same for a contract."""
    return zlib.crc32(f"{x.con_id} {name}".encode()) / 2**32


def simple_yield(x: Instrument, price: float, years: float) -> float:
    """Yield to maturity in per cent, by the usual approximation."""
    assert x.bond is not None
    years = max(years, 0.1)
    return 100.0 * (x.bond.coupon + (100.0 - price) / years) / ((100.0 + price) / 2.0)


def _price(kind: int, price: float) -> Half:
    return ticks.PRICE, ticks.tick_price(kind, price, 0, 0)


def _size(kind: int, size: int) -> Half:
    return ticks.SIZE, ticks.tick_size(kind, size)


def _generic(kind: int, value: float) -> Half:
    return ticks.GENERIC, ticks.tick_generic(kind, value)


def _string(kind: int, text: str) -> Half:
    return ticks.STRING, ticks.tick_string(kind, text)
