"""A recording in a journal that ingest kept: its ticks, computations and texts by contract, as TWS sent them.

The journal may belong to a running process; it is only read. Contracts are those of its `instrument` messages.
"""

from __future__ import annotations

import math
from datetime import date
from pathlib import Path

import numpy as np
import numpy.typing as npt

from pipeline import messages
from pipeline.bus.reading import read_frames
from pipeline.errors import WireError
from pipeline.gateway.market import days, listing
from pipeline.gateway.market.instruments import Instrument
from pipeline.gateway.replay import timeline
from pipeline.gateway.replay.fields import Bools, Faults
from pipeline.gateway.replay.recording import Day
from pipeline.gateway.replay.timeline import Rows
from pipeline.gateway.tells import ticks
from pipeline.messages import OPTION, Frame, MarketText, PayloadKind

PRICE_TYPES = (1, 2, 4, 6, 7, 9, 14, *range(15, 21), 35, 37, 50, 51, 52, 57, *range(66, 69), 72, 73, 75, 76, 78, 79)
SIZE_TYPES = (0, 3, 5, 8, 21, 22, 27, 28, 29, 30, 34, 63, 64, 65, 86, 87, 89)
STRING_TYPES = (25, 26, 32, 33, 38, 39, 40, 41, 42, 43, 44, 45, 47, 48, 59, 61, 62, 77, 84, 85, 88)
TICKS, OPTIONS = b"md.tick", b"md.option"
SEC_TYPES = ("STK", "OPT", "FUT", "FOP", "IND", "CASH", "BOND")


class JournalRecording:
    """One directory of segments; read once for its contracts and days, again for each day that is played."""

    def __init__(self, directory: Path) -> None:
        self.directory, self.faults = directory, Faults()
        self._known: dict[int, messages.Instrument] = {}
        found: set[date] = set()
        for frame in read_frames(directory):
            if frame.topic in (TICKS, OPTIONS):
                time_ns = _times(messages.records(frame))
                found |= {_day(int(time_ns.min())), _day(int(time_ns.max()))} if time_ns.size else set()
            elif frame.header.kind is PayloadKind.MAP:
                message = self._message(frame)
                if isinstance(message, messages.Instrument) and message.sec_type in SEC_TYPES:
                    self._known[message.con_id] = message
                elif isinstance(message, MarketText):
                    found.add(_day(message.recv_ns))
        self.days = sorted(found)

    def load(self, day: date) -> Day:
        """All rows whose time is on that day in New York, in the journal's order; times never go back."""
        parts: list[Rows] = []
        texts: list[str] = []
        computations: list[npt.NDArray[np.void]] = []
        count = 0
        for frame in read_frames(self.directory):
            if frame.topic == TICKS:
                records = _of_day(messages.records(frame), day)
                parts.append(of_ticks(records))
            elif frame.topic == OPTIONS:
                records = _of_day(messages.records(frame), day)
                computations.append(records)
                parts.append(of_computations(records, count))
                count += records.size
            elif frame.topic == MarketText.topic.encode():
                message = self._message(frame)
                if isinstance(message, MarketText) and _day(message.recv_ns) == day:
                    parts.append(of_text(message, len(texts)))
                    texts.append(message.text)
        rows = self._of_known(joined(parts))
        listed = [instrument(known, rule_of(known.min_tick)) for known in self._known.values()]
        together = np.concatenate(computations) if computations else np.empty(0, OPTION)
        return Day(day, listed, rows, True, texts, together)

    def _of_known(self, rows: Rows) -> Rows:
        """Rows of contracts that the journal describes; the others are faults."""
        known = np.isin(rows.who, np.fromiter(self._known, np.int64, len(self._known)))
        for con_id, count in zip(*np.unique(rows.who[~known], return_counts=True), strict=True):
            text = f"{self.directory}: expected a description of contract {con_id}, found {count} rows without one"
            self.faults.add(text, int(count))
        return rows.where(known)

    def _message(self, frame: Frame) -> messages.Message | None:
        try:
            return messages.unpack(frame.payload)
        except WireError as error:
            self.faults.add(f"{self.directory}: seq {frame.header.seq}: expected a message, found: {error}")
            return None


def of_ticks(records: npt.NDArray[np.void]) -> Rows:
    """TICK records as rows; a tick type says in which form TWS sends it, a size alone is a size."""
    kind = records["tick_type"].astype(np.int16)
    sized = np.isnan(records["price"]) & ~np.isnan(records["size"])
    forms = np.select(
        [sized | np.isin(kind, SIZE_TYPES), np.isin(kind, PRICE_TYPES), np.isin(kind, STRING_TYPES)],
        [ticks.SIZE, ticks.PRICE, ticks.STRING],
        ticks.GENERIC,
    )
    forms[sized & np.isin(kind, (1, 2, 4))] = ticks.PRICE  # no quote
    price, size = records["price"].astype(np.float64), records["size"].astype(np.float64)
    priced = forms == ticks.PRICE
    price[priced & np.isnan(price)] = -1.0
    size[priced & np.isnan(size)] = 0.0
    return Rows(_times(records), records["con_id"].astype(np.int32), forms.astype(np.int8), kind, price, size)


def of_computations(records: npt.NDArray[np.void], first: int) -> Rows:
    """OPTION records; `first` is the place of the first one among the day's computations."""
    return Rows(
        _times(records), records["con_id"].astype(np.int32), np.full(records.size, ticks.OPTION, np.int8),
        records["tick_type"].astype(np.int16), records["price"].astype(np.float64),
        np.arange(first, first + records.size, dtype=np.float64),
    )  # fmt: skip


def of_text(message: MarketText, place: int) -> Rows:
    return Rows(
        np.array([message.recv_ns]), np.array([message.con_id], np.int32), np.array([ticks.STRING], np.int8),
        np.array([message.tick_type], np.int16), np.array([math.nan]), np.array([float(place)]),
    )  # fmt: skip


def joined(parts: list[Rows]) -> Rows:
    """The rows in the order of the journal: a time before the one of its predecessor is that one's."""
    if not parts:
        return timeline.EMPTY
    columns = [np.concatenate(c) for c in zip(*(timeline.columns(part) for part in parts), strict=True)]
    return Rows(np.maximum.accumulate(columns[0]), *columns[1:])


def instrument(known: messages.Instrument, rule_id: int) -> Instrument:
    """The contract as ingest had it from TWS."""
    exchanges = ",".join(dict.fromkeys(name for name in ("SMART", known.exchange, known.primary_exchange) if name))
    return Instrument(
        known.con_id, known.symbol, known.sec_type, known.long_name or known.symbol, known.exchange or "SMART",
        known.primary_exchange, known.local_symbol or known.symbol, known.trading_class or known.symbol, rule_id,
        known.symbol, expiry=known.expiry, strike=0.0 if math.isnan(known.strike) else known.strike, right=known.right,
        multiplier=int(known.multiplier), valid_exchanges=exchanges, under_con_id=known.under_con_id,
        stock_type=known.stock_type, currency=known.currency,
    )  # fmt: skip


def rule_of(min_tick: float) -> int:
    """The market rule whose first step is the contract's smallest one; that of a cent where TWS did not say."""
    found = (rule_id for rule_id, steps in listing.MARKET_RULES.items() if steps[0][1] == min_tick)
    return next(found, 26)


def _times(records: npt.NDArray[np.void]) -> npt.NDArray[np.int64]:
    """TWS's time where it was known, else that of the computer."""
    return np.where(records["market_ns"] > 0, records["market_ns"], records["recv_ns"]).astype(np.int64)


def _day(ns: int) -> date:
    return days.new_york(ns).date()


def _of_day(records: npt.NDArray[np.void], day: date) -> npt.NDArray[np.void]:
    if not records.size:
        return records
    time_ns = _times(records)
    edges = [int(time_ns.min()), int(time_ns.max())]
    if _day(edges[0]) == _day(edges[1]):
        return records if _day(edges[0]) == day else records[:0]
    on_day: Bools = np.fromiter((_day(int(t)) == day for t in time_ns), np.bool_, time_ns.size)
    return records[on_day]
