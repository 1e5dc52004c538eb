"""Market-data lines: who is told of which contract, and the flow of ticks at a steady rate. No socket, no clock."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field

from pipeline.gateway.limits import Limits
from pipeline.gateway.market.tape import Half, Tape
from pipeline.gateway.market.universe import Instrument
from pipeline.gateway.session import Line, Session
from pipeline.gateway.tells import ticks
from pipeline.gateway.tells.frames import prefixed

UNDERLYING_WEIGHT = 4  # an underlying moves so many times as often as an option
IDLE_COST = 0.25  # what a moment without a tick takes from the budget
LONGEST_BURST_S = 0.25


@dataclass
class Stream:
    """One contract that moves, and the lines that are told of each of its ticks."""

    x: Instrument
    watchers: list[tuple[Session, Line]] = field(default_factory=list)


class Lines:
    """The subscriptions of all clients; a contract is one line, however many clients watch it."""

    def __init__(self, tape: Tape, limits: Limits, rate: float, seed: int) -> None:
        self.tape, self.limits, self.rate = tape, limits, rate
        self.watchers: dict[int, list[tuple[Session, Line]]] = {}
        self._held: Counter[int] = Counter()
        self._random = random.Random(seed + 1)
        self._urn: list[Stream] = []
        self._budget = 0.0

    def room_for(self, con_id: int) -> bool:
        return con_id in self.watchers or len(self.watchers) < self.limits.lines

    def add(self, session: Session, req_id: int, x: Instrument) -> None:
        line = Line(req_id, x.con_id, ticks.heads(req_id))
        session.lines[req_id] = line
        self.watchers.setdefault(x.con_id, []).append((session, line))
        self._fill_urn()

    def remove(self, session: Session, req_id: int) -> bool:
        """Forget a line; False if there is none."""
        line = session.lines.pop(req_id, None)
        if line is None:
            return False
        left = [(who, other) for who, other in self.watchers[line.con_id] if other is not line]
        if left:
            self.watchers[line.con_id] = left
        else:
            del self.watchers[line.con_id]
        self._fill_urn()
        return True

    def remove_all(self, session: Session) -> None:
        for req_id in list(session.lines):
            self.remove(session, req_id)

    def hold(self, x: Instrument) -> None:
        """Let a contract move although no line watches it; each hold is released once."""
        self._held[x.con_id] += 1
        if self._held[x.con_id] == 1:
            self._fill_urn()

    def release(self, x: Instrument) -> None:
        self._held[x.con_id] -= 1
        if not self._held[x.con_id]:
            del self._held[x.con_id]
            self._fill_urn()

    def picture(self, session: Session, req_id: int, x: Instrument) -> None:
        """Tell one client all that is known of a contract."""
        self.tell(session, ticks.heads(req_id), self.tape.picture(x))

    @staticmethod
    def tell(session: Session, heads: tuple[bytes, ...], halves: list[Half]) -> None:
        for place, tail in halves:
            session.send_tick(prefixed(heads[place], tail))

    def flow(self, elapsed_s: float) -> None:
        """Send the ticks of `elapsed_s`; what a stall missed beyond a quarter of a second is not made up for."""
        if not self._urn:
            self._budget = 0.0
            return
        self._budget = min(self._budget + self.rate * elapsed_s, self.rate * LONGEST_BURST_S + 1.0)
        while self._budget >= 1.0:
            stream = self._urn[int(self._random.random() * len(self._urn))]
            halves = self.tape.event(stream.x)
            for session, line in stream.watchers:
                for place, tail in halves:
                    session.send_tick(prefixed(line.heads[place], tail))
            self._budget -= len(halves) * (len(stream.watchers) or 1) or IDLE_COST

    def _fill_urn(self) -> None:
        contracts = self.tape.market.universe.by_con_id
        self._urn = []
        for con_id in sorted(self.watchers.keys() | self._held.keys()):
            stream = Stream(contracts[con_id], self.watchers.get(con_id, []))
            self._urn += [stream] * (1 if stream.x.sec_type in ("OPT", "FOP") else UNDERLYING_WEIGHT)
