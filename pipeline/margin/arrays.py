"""Positions and instruments into the contiguous arrays that kernels read; shape and dtype are made right here, once."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from pipeline.margin.kernels import groups as kernel
from pipeline.margin.kernels import requirements
from pipeline.margin.kernels.quotes import Quotes
from pipeline.margin.kernels.splits import Work, new_work
from pipeline.margin.rules.rates import RateBook
from pipeline.messages import Instrument, Position

SECURITIES, COMMODITIES = 0, 1
KINDS = {"STK": kernel.STOCK, "OPT": kernel.OPTION, "FUT": kernel.FUTURE, "FOP": kernel.FUTURE_OPTION}
YEAR_NS = 365 * 86_400 * 10**9
NEW_YORK = ZoneInfo("America/New_York")


@dataclass(frozen=True, slots=True)
class GroupName:
    """What a class group is: the positions of one account on one underlying, in one segment and currency."""

    account: str
    segment: int
    underlying: str
    currency: str


@dataclass(frozen=True)
class Columns:
    """Everything that a recomputation reads and fills."""

    legs: kernel.Legs
    groups: kernel.Groups
    accounts: list[str]
    names: list[GroupName]
    under_con_ids: NDArray[np.int64]  # by group; 0: unknown
    group_account: NDArray[np.int64]
    group_segment: NDArray[np.int64]
    positions: list[Position]  # by leg
    instruments: list[Instrument | None]  # by leg
    leg_of: dict[tuple[str, int], int]
    group_of_leg: NDArray[np.int64]
    slot_start: NDArray[np.int64]  # the groups of slot s are slot_groups[slot_start[s]:slot_start[s+1]]
    slot_groups: NDArray[np.int64]
    sums: NDArray[np.float64]  # [account, segment, figure]
    account_flags: NDArray[np.uint16]
    future_dates: list[str]  # by group: date and origin of the table's row
    future_sources: list[str]
    work: Work  # scratch
    marked: NDArray[np.bool_]  # scratch
    which: NDArray[np.int64]  # scratch


def expiry_ns(expiry: str) -> int:
    """16:00 in New York on the day of expiry (yyyymmdd), UTC ns; 0 where it is no day."""
    try:
        day = datetime.strptime(expiry[:8], "%Y%m%d").replace(hour=16, tzinfo=NEW_YORK)
    except ValueError:
        return 0
    return int(day.astimezone(UTC).timestamp()) * 10**9


def years_to(expiry: str, now_ns: int) -> float:
    """ACT/365 from now to the close of the day of expiry, at least an hour; nan where either is unknown."""
    end = expiry_ns(expiry)
    return max((end - now_ns) / YEAR_NS, 1.0 / (365.0 * 24.0)) if end and now_ns else math.nan


def group_name(account: str, con_id: int, instrument: Instrument | None) -> GroupName:
    """The class group that a position belongs to."""
    if instrument is None:
        return GroupName(account, SECURITIES, f"#{con_id}", "")
    segment = COMMODITIES if instrument.sec_type in ("FUT", "FOP") else SECURITIES
    derived = instrument.sec_type in ("OPT", "FUT", "FOP")
    return GroupName(
        account, segment, (instrument.under_symbol if derived else "") or instrument.symbol, instrument.currency
    )


@dataclass(frozen=True)
class Inputs:
    """What `compile_columns` reads besides the positions."""

    instruments: Mapping[int, Instrument]
    slot_of: Callable[[int], int]  # con_id → slot, made if there is none
    rates: RateBook
    fx: Callable[[str, str], float]  # (account, currency) → base currency per unit, nan if unknown
    now_ns: int  # market time
    slots: int  # how many there are
    accounts: Sequence[str] = ()  # also those that hold nothing
    references: Mapping[tuple[str, int], float] = field(default_factory=dict)  # see Legs.reference


def compile_columns(positions: Iterable[Position], inputs: Inputs) -> Columns:
    """Arrays of these positions (quantity 0 left out), groups in the order of account, segment, underlying."""
    held = [position for position in positions if position.quantity]
    named = [(group_name(p.account, p.con_id, inputs.instruments.get(p.con_id)), p) for p in held]
    lots = Counter[tuple[GroupName, float]]()
    for name, position in named:
        lots[name, _multiplier(inputs.instruments.get(position.con_id))] += int(abs(position.quantity))
    named.sort(key=lambda pair: (_name_key(pair[0]), _leg_key(pair[0], pair[1], inputs.instruments, lots)))
    names = list(dict.fromkeys(name for name, _ in named))
    legs = _legs([position for _, position in named], inputs)
    number = {name: g for g, name in enumerate(names)}
    group_of_leg = np.array([number[name] for name, _ in named], dtype=np.int64)
    accounts = sorted({name.account for name in names} | set(inputs.accounts))
    ordered = [position for _, position in named]
    instruments = [inputs.instruments.get(position.con_id) for position in ordered]
    start = np.searchsorted(group_of_leg, np.arange(len(names) + 1)).astype(np.int64)
    _rank_expiries(legs, instruments, start)
    under = np.array([_under_con_id(instruments[a:b], inputs) for a, b in _runs(start)], dtype=np.int64)
    groups = _groups(names, instruments, start, under, inputs)
    slot_start, slot_groups = _slots_to_groups(legs, groups, group_of_leg, inputs.slots)
    count = len(names)
    futures = [inputs.rates.future(n.underlying, _day(inputs)) if n.segment == COMMODITIES else None for n in names]
    return Columns(
        legs=legs,
        groups=groups,
        accounts=accounts,
        names=names,
        under_con_ids=under,
        group_account=np.array([accounts.index(name.account) for name in names], dtype=np.int64),
        group_segment=np.array([name.segment for name in names], dtype=np.int64),
        positions=ordered,
        instruments=instruments,
        leg_of={(position.account, position.con_id): leg for leg, position in enumerate(ordered)},
        group_of_leg=group_of_leg,
        slot_start=slot_start,
        slot_groups=slot_groups,
        sums=np.zeros((len(accounts), 2, kernel.FIGURES)),
        account_flags=np.zeros(len(accounts), dtype=np.uint16),
        future_dates=[rate.date if rate else "" for rate in futures],
        future_sources=[rate.source if rate else "" for rate in futures],
        work=new_work(int(np.diff(start).max(initial=0))),
        marked=np.zeros(count, dtype=np.bool_),
        which=np.arange(count, dtype=np.int64),
    )


def _runs(start: NDArray[np.int64]) -> Sequence[tuple[int, int]]:
    return list(zip(start[:-1].tolist(), start[1:].tolist(), strict=True))


def _name_key(name: GroupName) -> tuple[str, int, str, str]:
    return name.account, name.segment, name.underlying, name.currency


def _multiplier(instrument: Instrument | None) -> float:
    return instrument.multiplier if instrument is not None else 1.0


def _leg_key(
    name: GroupName,
    position: Position,
    instruments: Mapping[int, Instrument],
    lots: Counter[tuple[GroupName, float]],
) -> tuple[int, int, float, float, str, str, int]:
    """What is no option first; options by multiplier (the one with most contracts first, it gets the stock), strike."""
    instrument = instruments.get(position.con_id)
    if instrument is None or instrument.sec_type != "OPT":
        return 0, 0, 0.0, 0.0, "", "", position.con_id
    multiplier = instrument.multiplier
    return 1, -lots[name, multiplier], multiplier, instrument.strike, instrument.right, instrument.expiry, 0


def _legs(positions: Sequence[Position], inputs: Inputs) -> kernel.Legs:
    held = [inputs.instruments.get(position.con_id) for position in positions]
    kinds = [kernel.OTHER if i is None else KINDS.get(i.sec_type, kernel.OTHER) for i in held]
    count = len(positions)
    return kernel.Legs(
        slot=np.array([inputs.slot_of(position.con_id) for position in positions], dtype=np.int64),
        kind=np.array(kinds, dtype=np.uint8),
        quantity=np.array([position.quantity for position in positions], dtype=np.float64),
        average_cost=np.array([position.average_cost for position in positions], dtype=np.float64),
        tws_price=np.array([tws_price(position) for position in positions], dtype=np.float64),
        reference=np.array(
            [inputs.references.get((p.account, p.con_id), tws_price(p)) for p in positions], dtype=np.float64
        ),
        call=np.array([i is not None and i.right.startswith("C") for i in held], dtype=np.bool_),
        strike=np.array([math.nan if i is None else i.strike for i in held], dtype=np.float64),
        rank=np.zeros(count, dtype=np.int64),
        multiplier=np.array([_multiplier(i) for i in held], dtype=np.float64),
        years=np.array([math.nan if i is None else years_to(i.expiry, inputs.now_ns) for i in held], dtype=np.float64),
        price=np.full(count, math.nan),
        flags=np.zeros(count, dtype=np.uint16),
    )


def tws_price(position: Position) -> float:
    """TWS's own mark; nan where it gives none (0 is none)."""
    price = position.market_price
    return price if 0.0 < price < 1e9 else math.nan


def _rank_expiries(legs: kernel.Legs, instruments: Sequence[Instrument | None], start: NDArray[np.int64]) -> None:
    for a, b in _runs(start):
        expiries = ["" if i is None else i.expiry for i in instruments[a:b]]
        order = {expiry: rank for rank, expiry in enumerate(sorted(set(expiries)))}
        legs.rank[a:b] = [order[expiry] for expiry in expiries]


def _under_con_id(instruments: Sequence[Instrument | None], inputs: Inputs) -> int:
    """Of a group's underlying: the stock itself, else what its options name, else a known contract of that symbol."""
    known = [i for i in instruments if i is not None]
    for instrument in known:
        if instrument.sec_type in ("STK", "IND"):
            return instrument.con_id
    for instrument in known:
        if instrument.under_con_id:
            return instrument.under_con_id
    for instrument in known:
        symbol = instrument.under_symbol or instrument.symbol
        for other in inputs.instruments.values():
            if other.symbol == symbol and other.sec_type in ("STK", "IND"):
                return other.con_id
    return 0


def _groups(
    names: Sequence[GroupName],
    instruments: Sequence[Instrument | None],
    start: NDArray[np.int64],
    under: NDArray[np.int64],
    inputs: Inputs,
) -> kernel.Groups:
    count = len(names)
    rates = np.zeros((count, requirements.RATES))
    future = np.full((2, count), math.nan)
    for g, name in enumerate(names):
        rates[g] = _rates_of(name, instruments[start[g] : start[g + 1]], int(under[g]), inputs)
        if name.segment == COMMODITIES and (rate := inputs.rates.future(name.underlying, _day(inputs))) is not None:
            future[:, g] = rate.maintenance, rate.initial
    return kernel.Groups(
        start=start,
        under_slot=np.array([inputs.slot_of(int(con_id)) if con_id else -1 for con_id in under], dtype=np.int64),
        rates=rates,
        future_maintenance=future[0].copy(),
        future_initial=future[1].copy(),
        fx=np.array([inputs.fx(name.account, name.currency) for name in names], dtype=np.float64),
        spot=np.full(count, math.nan),
        figures=np.zeros((count, kernel.FIGURES)),
        flags=np.zeros(count, dtype=np.uint16),
    )


def _day(inputs: Inputs) -> str:
    """The market's day in New York; empty before market time is known."""
    return datetime.fromtimestamp(inputs.now_ns / 1e9, NEW_YORK).strftime("%Y-%m-%d") if inputs.now_ns else ""


def _rates_of(
    name: GroupName, instruments: Sequence[Instrument | None], under_con_id: int, inputs: Inputs
) -> NDArray[np.float64]:
    under = inputs.instruments.get(under_con_id)
    if under is None:
        under = next((i for i in instruments if i is not None and i.sec_type == "STK"), None)
    if under is not None:
        kind = inputs.rates.class_of(name.underlying, under.sec_type, under.stock_type)
    else:  # the underlying was never described: an index is known by its symbol
        index = inputs.rates.class_of(name.underlying, "IND")
        kind = index if index == "broad_index" else inputs.rates.class_of(name.underlying, "STK")
    return inputs.rates.vector(name.underlying, kind)


def _slots_to_groups(
    legs: kernel.Legs, groups: kernel.Groups, group_of_leg: NDArray[np.int64], slots: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    pairs = set(zip(legs.slot.tolist(), group_of_leg.tolist(), strict=True))
    pairs |= {(slot, g) for g, slot in enumerate(groups.under_slot.tolist()) if slot >= 0}
    ordered = sorted(pairs)
    highest = max([slots, *(slot + 1 for slot, _ in ordered)])
    start = np.searchsorted(np.array([slot for slot, _ in ordered], dtype=np.int64), np.arange(highest + 1))
    return start.astype(np.int64), np.array([g for _, g in ordered], dtype=np.int64)


def mark_used(columns: Columns, quotes: Quotes) -> None:
    """Tell the quotes on which slots a figure depends."""
    quotes.used[:] = False
    counts = np.diff(columns.slot_start)
    quotes.used[: counts.size] = counts[: quotes.used.size] > 0
