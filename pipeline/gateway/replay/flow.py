"""The flow of a replay: rows go out as their time comes, at a speed, once somebody listens. No socket, no clock.

Each row goes to each subscriber of its contract as one frame, in the order of the recording. A client that reads slowly
holds the replay up: nothing is dropped, and what waits for it stays bounded.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

import numpy as np

from pipeline import config
from pipeline.gateway.broker.brokerage import Brokerage
from pipeline.gateway.lines import Lines
from pipeline.gateway.market.instruments import OPTIONS, Instrument
from pipeline.gateway.market.tape import Half
from pipeline.gateway.replay import timeline
from pipeline.gateway.replay.fields import Integers
from pipeline.gateway.replay.market import Recorded
from pipeline.gateway.replay.recording import Day
from pipeline.gateway.replay.tape import RecordedTape, computation_tail, price_tail
from pipeline.gateway.session import Session
from pipeline.gateway.tells import frames, ticks
from pipeline.gateway.tells.frames import number, prefixed

log = logging.getLogger("margindesk.gateway")
ROWS_A_TURN = 4096
WAITING_BYTES = 1 << 20  # so much may wait for a client before the replay waits for it
LONGEST_STALL_S = 0.25  # what a stall missed beyond this is not made up for
COMPUTED_A_TURN = 16  # options whose volatility is computed in one turn
TIME_IN_MS_FROM = 197


class Playing(Lines):
    """The subscriptions of all clients and the recording that plays to them."""

    def __init__(self, brokerage: Brokerage, settings: config.Gateway, matched: Callable[[], None]) -> None:
        """`matched` is called when the quote of a contract with a live order has changed."""
        market, tape = brokerage.market, brokerage.tape
        assert isinstance(market, Recorded)
        assert isinstance(tape, RecordedTape)
        super().__init__(tape, settings.limits, 0.0, 0)
        self.brokerage, self.market, self.printer, self.matched = brokerage, market, tape, matched
        self.speed, self.wait, self.pause_s = settings.replay_speed, settings.replay_wait, settings.replay_pause
        self.announce = settings.replay_announce
        self.played = 0  # rows, of all days
        self._days = [day for day in market.recording.days if day > market.day.day]
        self._sessions: list[Session] = []
        self._announced: dict[Session, int] = {}
        self._stale: dict[int, None] = {}  # options whose computation is to be told
        self._running = self._ended = False
        self._day, self._next, self._position = market.day, 0, 0.0
        self._at: Integers = np.empty(0, np.int64)  # when each row is due, in ns of the recording after the first
        self._faults = 0  # told
        self._begin(market.day)

    def flow(self, elapsed_s: float) -> None:
        """Play what is due `elapsed_s` later, unless nobody listens yet or somebody is behind."""
        self._running = self._running or self._lines() >= self.wait
        if not self._running or self.held_up:
            return
        if self._next == len(self._day.rows) and not self._turn_day():
            return
        due = self._position + min(elapsed_s, LONGEST_STALL_S) * self.speed * timeline.NS
        ready = int(np.searchsorted(self._at, due, side="right"))
        stop = min(ready, self._next + ROWS_A_TURN)
        self._play(self._next, stop)
        self._next = stop
        self._position = due if stop == ready and due < float(self._at[-1]) else float(self._at[stop - 1])
        self._compute()

    @property
    def held_up(self) -> bool:
        """A client has not read what was sent before."""
        return any(session.queued_bytes > WAITING_BYTES for session in self._sessions)

    @property
    def over(self) -> bool:
        """The last row of the last day has been played; time stands still."""
        return self._next == len(self._day.rows) and not self._days

    # Days.

    def _begin(self, day: Day) -> None:
        self._day, self._next, self._position = day, 0, 0.0
        self._name_faults()
        time_ns = day.rows.time_ns
        self._at = time_ns - timeline.shorten(time_ns, self.pause_s) - (time_ns[0] if time_ns.size else 0)

    def _name_faults(self) -> None:
        faults = self.market.recording.faults
        if faults.count > self._faults:
            facts = {"rows": faults.count - self._faults, "first": faults.named}
            log.warning("replay_rows_left_out", extra={"facts": facts})
            self._faults = faults.count

    def _turn_day(self) -> bool:
        """Go on with the next day that has rows; False at the end of the recording."""
        while self._days:
            day = self.market.recording.load(self._days.pop(0))
            self.market.begin(day)
            self._begin(day)
            if len(day.rows):
                return True
        if not self._ended:
            self._ended = True
            log.info("replay_ended", extra={"facts": {"rows": self.played}})
        return False

    # Rows.

    def _play(self, start: int, stop: int) -> None:
        rows, market, tape = self._day.rows, self.market, self.printer
        contracts, made = market.universe.by_con_id, not self._day.complete
        resting = self._resting()
        columns = (rows.time_ns, rows.who, rows.place, rows.kind, rows.price, rows.size)
        for now_ns, who, place, kind, price, size in zip(*(c[start:stop].tolist() for c in columns), strict=True):
            x = contracts[who]
            market.played_ns = now_ns
            second = market.quote(x).last_time
            tape.print_row(x, place, kind, price, size, now_ns)
            follow = tape.after_trade(x, second, price, size) if made and kind == timeline.LAST else []
            if who in self.watchers:
                self._send(x, now_ns, [(place, self._tail(place, kind, price, size)), *follow])
            if who in resting:
                self.matched()
                resting = self._resting()
        self.played += stop - start

    def _send(self, x: Instrument, now_ns: int, halves: list[Half]) -> None:
        for session, line in self.watchers[x.con_id]:
            if self.announce:
                self._announce(session, now_ns // 1_000_000)
            for place, tail in halves:
                session.send_tick(prefixed(line.heads[place], tail))
        if x.sec_type in OPTIONS and not self._day.complete:
            self._stale[x.con_id] = None

    def _announce(self, session: Session, ms: int) -> None:
        if self._announced.get(session) != ms and session.sv >= TIME_IN_MS_FROM:
            self._announced[session] = ms
            session.send(frames.current_time_ms(ms))

    def _tail(self, place: int, kind: int, price: float, size: float) -> bytes:
        if place == ticks.PRICE:
            return price_tail(kind, price, size)
        if place == ticks.OPTION:
            return computation_tail(self._day.computations[int(size)])
        if place == ticks.STRING:
            numeric = str(int(price)) if price.is_integer() else number(price)
            return ticks.tick_string(kind, self._day.texts[int(size)] if size == size else numeric)
        value = size if place == ticks.SIZE else price
        return f"{kind}\0{number(value).removesuffix('.0')}\0".encode("ascii")

    def _compute(self) -> None:
        """Tell of some options whose quotes changed; the others have their turn later."""
        for con_id in list(self._stale)[:COMPUTED_A_TURN]:
            del self._stale[con_id]
            if con_id in self.watchers:
                halves = self.printer.computed(self.market.universe.by_con_id[con_id])
                for session, line in self.watchers[con_id]:
                    self.tell(session, line.heads, halves)

    def _resting(self) -> set[int]:
        """Contracts with live orders."""
        return {order.con_id for order in self.brokerage.live_orders()}

    # Subscriptions.

    def _lines(self) -> int:
        return sum(len(watchers) for watchers in self.watchers.values()) + len(self._held)

    def _fill_urn(self) -> None:
        """Subscriptions have changed; nothing is drawn here."""
        self._sessions = list({session: None for watchers in self.watchers.values() for session, _ in watchers})
        self._announced = {session: ms for session, ms in self._announced.items() if session in self._sessions}
