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
from pipeline.gateway.market.figures import FUNDS, generic_tick, price_tick, size_tick, string_tick
from pipeline.gateway.market.instruments import OPTIONS, Instrument
from pipeline.gateway.market.prints import Prints
from pipeline.gateway.market.sessions import Phase, kind_of
from pipeline.gateway.market.tape import MANNERS, Half, Quote, Tape

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
        found = [generic_tick(49, float(self.market.halted(x)))]
        letters = [letter for _, letter in listing.SMART_MAPS.get(listing.BBO_CODES.get(x.sec_type, ""), ())]
        if letters and self.market.phase(x) is not Phase.CLOSED:
            minute = self.market.now_ns // (60 * days.NS)
            for kind, side in ((32, "bid"), (33, "ask"), (84, "last")):
                chance = zlib.crc32(f"{x.con_id} {side} {minute}".encode())
                some = [letter for n, letter in enumerate(letters) if chance >> n & 1] or letters[:1]
                found.append(string_tick(kind, some[0] if kind == 84 else "".join(some)))
        if x.bond is not None:
            today = days.new_york(self.market.now_ns).date()
            for kind, price in ((50, q.bid), (51, q.ask), (52, q.last)):
                if price > 0:
                    found.append(
                        price_tick(kind, round(simple_yield(x, price, (x.expiry_date - today).days / 365.25), 3))
                    )
        return found

    def of(self, x: Instrument, numbers: Iterable[int]) -> list[Half]:
        """What these generic ticks tell now; those that a trade tells are told with it."""
        q = self.tape.quote(x)
        found: list[Half] = []
        for number in sorted(numbers):
            tell = FIGURES.get(number)
            if tell is not None:
                found += tell(self, x, q)
            elif number in FUNDS and x.stock_type == "ETF":
                found += FUNDS[number](q, self.market.theory(x).mid, self.market.closing(x))
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
            return [size_tick(first, own if x.right == "C" else 0), size_tick(first + 1, own if x.right == "P" else 0)]
        if not self.options_on(x):
            return []
        return [size_tick(first + n, int((0.5 + made(x, f"{first} {n}")) * scale)) for n in (0, 1)]

    def average_option_volume(self, x: Instrument, _q: Quote) -> list[Half]:
        return [size_tick(87, int((0.5 + made(x, "87")) * 160_000))] if self.options_on(x) else []

    def historical_volatility(self, x: Instrument, _q: Quote) -> list[Half]:
        return self._volatility(x, 23, 0.92)

    def intraday_volatility(self, x: Instrument, _q: Quote) -> list[Half]:
        return self._volatility(x, 58, 0.97)

    def _volatility(self, x: Instrument, kind: int, share: float) -> list[Half]:
        """The price's own yearly volatility, as an estimate would miss it."""
        place = getattr(self.market, "index", {}).get(x.process)
        if place is None:
            return []
        return [generic_tick(kind, round(float(self.market.vol[place]) * (share + 0.1 * made(x, str(kind))), 6))]

    def implied_volatility(self, x: Instrument, _q: Quote) -> list[Half]:
        options = self.options_on(x)
        if not options:
            return []
        level = self.market.theory(x).mid
        nearest = min(options, key=lambda o: (o.expiry, abs(o.strike - level)))
        iv = self.market.theory(nearest).iv
        return [generic_tick(24, round(iv, 6))] if iv > 0 else []

    def year(self, x: Instrument, q: Quote) -> list[Half]:
        """Lows and highs of 13, 26 and 52 weeks, and the usual volume of a day."""
        level = self.market.closing(x)
        if not level > 0:
            return []
        found, low, high = [], q.low, q.high
        for kind, name in ((15, "13"), (17, "26"), (19, "52")):
            low = min(low, level * (1.0 - 0.12 * made(x, f"low {name}") - 0.02))
            high = max(high, level * (1.0 + 0.10 * made(x, f"high {name}") + 0.01))
            found += [price_tick(kind, round(low, 2)), price_tick(kind + 1, round(high, 2))]
        if MANNERS[x.sec_type].trades:
            found.append(size_tick(21, int((0.5 + made(x, "21")) * 3e9 / level) if x.sec_type == "STK" else 250_000))
        return found

    def mark(self, x: Instrument, _q: Quote) -> list[Half]:
        return [price_tick(37, self.tape.mark(x))]

    def slow_mark(self, x: Instrument, _q: Quote) -> list[Half]:
        return [price_tick(79, self.tape.mark(x))]

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
        return [
            size_tick(34, volume),
            price_tick(35, price),
            size_tick(36, imbalance),
            size_tick(61, imbalance if soon else 0),
        ]

    def shortable(self, x: Instrument, _q: Quote) -> list[Half]:
        """Above 2.5: at least 1,000 shares are there to borrow."""
        if x.sec_type != "STK":
            return []
        return [generic_tick(46, 3.0), size_tick(89, int((0.2 + made(x, "89")) * 20_000_000))]

    def trade_count(self, x: Instrument, _q: Quote) -> list[Half]:
        return [generic_tick(54, float(self.keep(x).count))]

    def trade_rate(self, x: Instrument, _q: Quote) -> list[Half]:
        return [generic_tick(55, float(self.keep(x).within(1, self.market.now_ns)[0]))]

    def volume_rate(self, x: Instrument, _q: Quote) -> list[Half]:
        return [generic_tick(56, float(self.keep(x).within(1, self.market.now_ns)[1]))]

    def short_term_volume(self, x: Instrument, _q: Quote) -> list[Half]:
        kept, now = self.keep(x), self.market.now_ns
        return [size_tick(kind, kept.within(minutes, now)[1]) for kind, minutes in ((63, 3), (64, 5), (65, 10))]

    def last_regular_trade(self, x: Instrument, _q: Quote) -> list[Half]:
        return [price_tick(57, self.keep(x).regular)] if MANNERS[x.sec_type].trades else []

    def dividends(self, x: Instrument, _q: Quote) -> list[Half]:
        """`past 12 months,next 12 months,next date,next amount`, empty where none is paid."""
        if x.sec_type != "STK":
            return []
        coming = self.market.dividends(x.symbol)
        if not coming:
            return [string_tick(59, ",,,")]
        year = sum(amount for _, amount in coming)
        day, amount = coming[0]
        return [string_tick(59, f"{year:.2f},{year:.2f},{day:%Y%m%d},{amount:.4f}")]

    def bond_factor(self, x: Instrument, _q: Quote) -> list[Half]:
        return [generic_tick(60, 1.0)] if x.bond is not None else []

    def premium(self, x: Instrument, _q: Quote) -> list[Half]:
        """What the front future costs above the index."""
        futures = [f for f in self.market.universe.living() if f.sec_type == "FUT" and f.process == x.process]
        if x.sec_type != "IND" or not futures:
            return []
        front = min(futures, key=lambda f: f.expiry)
        return [generic_tick(31, round(self.market.theory(front).mid - self.market.theory(x).mid, 4))]

    def futures_interest(self, x: Instrument, _q: Quote) -> list[Half]:
        return [size_tick(86, int((0.2 + made(x, "86")) * 2_000_000))] if x.sec_type == "FUT" else []

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
    588: Statistics.futures_interest,
    595: Statistics.short_term_volume,
    619: Statistics.slow_mark,
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
