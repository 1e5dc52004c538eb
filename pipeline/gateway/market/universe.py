"""The contracts of a market day, and how a client's description finds them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cache
from typing import Any

from pipeline.gateway.market import days, issuing, listing
from pipeline.gateway.market.instruments import DERIVATIVES, OPTIONS, Description, Instrument, price_step

__all__ = ["Description", "Instrument", "Universe", "build", "price_step"]


Centres = Mapping[str, float]  # option class → price around which new strikes are listed


@dataclass
class Universe:
    """All contracts by con_id, those that expired too; `first` is the day it began, `day` the present one."""

    day: date
    by_con_id: dict[int, Instrument] = field(default_factory=dict)
    listed: list[tuple[str, str, float, str]] = field(default_factory=list)  # class, expiry, centre, listed on

    def __post_init__(self) -> None:
        self.first = self.day

    def add(self, instrument: Instrument) -> None:
        if instrument.con_id in self.by_con_id:
            raise ValueError(f"two contracts with con_id {instrument.con_id}")
        self.by_con_id[instrument.con_id] = instrument

    def lives(self, x: Instrument) -> bool:
        """It is still traded on the present day."""
        return not x.expiry or x.expiry >= _text(self.day)

    def living(self) -> Iterable[Instrument]:
        return (x for x in self.by_con_id.values() if self.lives(x))

    def expired(self, day: date) -> list[Instrument]:
        """Derivatives whose last day of trading was before `day`; they stay in `by_con_id`."""
        text = f"{day:%Y%m%d}"
        return [x for x in self.by_con_id.values() if x.sec_type in DERIVATIVES and x.expiry < text]

    def roll(self, day: date, centres: Centres | None = None) -> bool:
        """Begin `day`: what expired is no longer found, what is due is listed. True if something was listed."""
        self.day, before = day, len(self.by_con_id)
        for row in listing.FUTURES:
            for expiry, month in days.future_expiries(row.expires, day, row.months, row.count):
                fresh = issuing.future(row, expiry, month)
                if fresh.con_id not in self.by_con_id:
                    self.add(fresh)
        for kind in (*listing.OPTIONS, *listing.FUTURES_OPTIONS):
            for expiry in days.monthly_expiries(day, listing.EXPIRIES):
                if not any(known[:2] == (kind.symbol, f"{expiry:%Y%m%d}") for known in self.listed):
                    self.list_options(kind.symbol, f"{expiry:%Y%m%d}", (centres or {}).get(kind.symbol, kind.centre))
        return len(self.by_con_id) != before

    def list_options(self, symbol: str, expiry: str, centre: float) -> None:
        """List one expiry of an option class, 20 strikes around `centre`."""
        kind = next(row for row in (*listing.OPTIONS, *listing.FUTURES_OPTIONS) if row.symbol == symbol)
        on_future = kind in listing.FUTURES_OPTIONS
        day = date(int(expiry[:4]), int(expiry[4:6]), int(expiry[6:]))
        under = self.future_at(symbol, expiry) if on_future else self.stock(symbol)
        make = issuing.future_option if on_future else issuing.option
        middle = round(centre / kind.step) * kind.step
        for n in range(listing.STRIKES):
            for right in "CP":
                self.add(make(kind, under, day, middle + (n - listing.STRIKES // 2) * kind.step, right))
        self.listed.append((symbol, expiry, centre, self.day.isoformat()))

    def dump(self) -> dict[str, Any]:
        """What building it anew wouldn't find: the present day and what was listed when."""
        return {"day": self.day.isoformat(), "listed": [list(row) for row in self.listed]}

    def restore(self, state: dict[str, Any]) -> None:
        """Roll a fresh universe, day by day, to the one that was dumped."""
        last = date.fromisoformat(state["day"])
        while self.day < last:
            day = days.next_business_day(self.day)
            self.roll(day, {row[0]: row[2] for row in state["listed"] if row[3] == day.isoformat()})

    def stock(self, symbol: str) -> Instrument:
        """The stock, ETF or index named `symbol`."""
        return next(x for x in self.by_con_id.values() if x.symbol == symbol and x.sec_type in ("STK", "IND"))

    def futures(self, symbol: str) -> list[Instrument]:
        """The curve, the front month first."""
        return sorted((x for x in self.living() if x.symbol == symbol and x.sec_type == "FUT"), key=lambda x: x.expiry)

    def future(self, symbol: str) -> Instrument:
        """The front month."""
        return self.futures(symbol)[0]

    def future_at(self, symbol: str, expiry: str) -> Instrument:
        """The future that an option with this expiry is on: the first that lives as long."""
        return next(x for x in self.futures(symbol) if x.expiry >= expiry)

    def options(self, symbol: str) -> list[Instrument]:
        """The option class on `symbol` (ES: on its futures), ordered by expiry, strike, right."""
        found = [x for x in self.living() if x.symbol == symbol and x.sec_type in OPTIONS]
        return sorted(found, key=lambda x: (x.expiry, x.strike, x.right))

    def option(self, symbol: str, nth_expiry: int, strike: float, right: str) -> Instrument:
        options = self.options(symbol)
        expiry = sorted({x.expiry for x in options})[nth_expiry]
        return next(x for x in options if (x.expiry, x.strike, x.right) == (expiry, strike, right))

    def find(self, wanted: Description, expired: bool = False) -> list[Instrument]:
        """Every living contract that fits the description, with `expired` futures too; a con_id alone is enough."""
        if wanted.con_id:
            found = self.by_con_id.get(wanted.con_id)
            fits = found is not None and _on_exchange(found, wanted.exchange)
            return [found] if found is not None and fits and self._offered(found, expired) else []
        if not (wanted.symbol or wanted.local_symbol):
            return []
        return [x for x in self.by_con_id.values() if _fits(x, wanted) and self._offered(x, expired)]

    def front(self, wanted: Description) -> Description:
        """A continuous future's description as that of the front month; unchanged when there is none."""
        found = sorted(self.find(replace(wanted, sec_type="FUT")), key=lambda x: x.expiry)
        return replace(wanted, sec_type="FUT", con_id=found[0].con_id) if found else wanted

    def _offered(self, x: Instrument, expired: bool) -> bool:
        return self.lives(x) or (expired and x.sec_type == "FUT")

    def matching(self, pattern: str) -> list[Instrument]:
        """Stocks and indices whose symbol begins with, or whose name holds, `pattern`; at most 16, as TWS."""
        want = pattern.strip().upper()
        if not want:
            return []
        pool = [x for x in self.by_con_id.values() if x.sec_type in ("STK", "IND")]
        exact = [x for x in pool if x.symbol.startswith(want)]
        return (exact + [x for x in pool if want in x.name and x not in exact])[:16]

    def issuers(self, pattern: str) -> list[listing.Bond]:
        """Bonds whose issuer's name holds `pattern`, one an issuer."""
        want = pattern.strip().upper()
        rows = {row.issuer_id: row for row in listing.BONDS if want and (want in row.name or row.symbol == want)}
        return list(rows.values())

    def derivative_types(self, instrument: Instrument) -> list[str]:
        return sorted({x.sec_type for x in self.living() if x.under_con_id == instrument.con_id})


@cache
def _text(day: date) -> str:
    return f"{day:%Y%m%d}"


def _on_exchange(instrument: Instrument, exchange: str) -> bool:
    return not exchange or exchange in instrument.valid_exchanges.split(",")


def _expires(x: Instrument, wanted: str) -> bool:
    return x.expiry == wanted or x.contract_month == wanted or (len(wanted) == 4 and x.expiry.startswith(wanted))


def _fits(x: Instrument, wanted: Description) -> bool:
    right = {"CALL": "C", "PUT": "P", "?": "", "0": ""}.get(wanted.right.upper(), wanted.right.upper())
    return (
        (not wanted.symbol or x.symbol == wanted.symbol or (x.bond is not None and wanted.symbol in (x.cusip, x.isin)))
        and (not wanted.sec_type or x.sec_type == wanted.sec_type)
        and (not wanted.expiry or _expires(x, wanted.expiry.split(" ")[0]))
        and (not wanted.strike or x.strike == wanted.strike)
        and (not right or x.right == right)
        and (not wanted.multiplier or x.multiplier_text == wanted.multiplier)
        and (not wanted.currency or x.currency == wanted.currency)
        and (not wanted.local_symbol or x.local_symbol == wanted.local_symbol)
        and (not wanted.trading_class or x.trading_class == wanted.trading_class)
        and _on_exchange(x, wanted.exchange)
        and (not wanted.primary or x.sec_type != "STK" or x.primary == wanted.primary)
    )


def build(day: date) -> Universe:
    """The universe of a market that began on `day`."""
    universe = Universe(day)
    for row in listing.STOCKS:
        universe.add(issuing.stock(row, row.symbol, 1.0, "COMMON"))
    spy, qqq, tlt = listing.SPY, listing.QQQ, listing.TLT
    universe.add(issuing.stock(spy, "SPX", spy.price / listing.SPX_PRICE, "ETF"))
    universe.add(issuing.stock(qqq, "NDX", qqq.price / listing.NDX_PRICE, "ETF"))
    universe.add(issuing.stock(tlt, "TLT", 1.0, "ETF"))
    for number in listing.INDICES:
        universe.add(issuing.index(*number))
    for pair in listing.PAIRS:
        universe.add(issuing.pair(pair))
    for bond in listing.BONDS:
        universe.add(issuing.bond(bond))
    universe.roll(day)
    return universe
