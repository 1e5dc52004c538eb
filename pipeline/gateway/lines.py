"""Market-data lines: who is told of which contract, and the flow of ticks at a steady rate. No socket, no clock."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field

from pipeline.gateway.limits import Limits
from pipeline.gateway.market.sessions import Phase
from pipeline.gateway.market.tape import Half, Tape
from pipeline.gateway.market.universe import Instrument
from pipeline.gateway.session import Line, Session
from pipeline.gateway.tells import ticks
from pipeline.gateway.tells.frames import prefixed

UNDERLYING_WEIGHT = 4  # an underlying moves so many times as often as an option
IDLE_COST = 0.25  # what a moment without a tick takes from the budget
LONGEST_BURST_S = 0.25
THIN = 19  # outside of regular hours, for each moment that something happens, so many without


@dataclass
class Stream:
    """One contract that moves, and the lines that are told of each of its ticks."""

    x: Instrument
    watchers: list[tuple[Session, Line]] = field(default_factory=list)


@dataclass(frozen=True)
class NewsLine:
    """A line that wants the headlines of its contract; no `providers`: all of them."""

    session: Session
    req_id: int
    x: Instrument
    providers: tuple[str, ...]


class Lines:
    """The subscriptions of all clients; a contract is one line, however many clients watch it."""

    def __init__(self, tape: Tape, limits: Limits, rate: float, seed: int) -> None:
        self.tape, self.limits, self.rate = tape, limits, rate
        self.watchers: dict[int, list[tuple[Session, Line]]] = {}
        self.news: list[NewsLine] = []
        self._held: Counter[int] = Counter()
        self._random = random.Random(seed + 1)
        self._urn: list[Stream | None] = []
        self._stood: list[tuple[int, bool]] = []
        self._budget = 0.0
        self.moving: list[Instrument] = []  # neither closed nor halted

    def add(self, session: Session, req_id: int, x: Instrument) -> None:
        line = self.lines_of(session)[req_id] = Line(req_id, x.con_id, ticks.heads(req_id))
        self.watchers.setdefault(x.con_id, []).append((session, line))
        self._fill_urn()

    def remove(self, session: Session, req_id: int) -> bool:
        """Forget a line; False if there is none."""
        line = self.lines_of(session).pop(req_id, None)
        if line is None:
            return False
        left = [(who, other) for who, other in self.watchers[line.con_id] if other is not line]
        if left:
            self.watchers[line.con_id] = left
        else:
            del self.watchers[line.con_id]
        self._fill_urn()
        return True

    def lines_of(self, session: Session) -> dict[int, Line]:
        """A client's lines by request id."""
        return session.lines

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

    def refresh(self) -> None:
        """Take notice of exchanges that opened, closed or halted."""
        if self._standing() != self._stood:
            self._fill_urn()

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
            if stream is None:
                self._budget -= 1.0
                continue
            halves = self.tape.event(stream.x)
            for session, line in stream.watchers:
                for place, tail in halves:
                    session.send_tick(prefixed(line.heads[place], tail))
            self._budget -= len(halves) * (len(stream.watchers) or 1) or IDLE_COST

    def _contracts(self) -> list[Instrument]:
        contracts = self.tape.market.universe.by_con_id
        return [contracts[con_id] for con_id in sorted(self.watchers.keys() | self._held.keys())]

    def _standing(self) -> list[tuple[int, bool]]:
        """The phase of each contract, and whether it is halted."""
        market = self.tape.market
        return [(market.phase(x), bool(market.halted(x))) for x in self._contracts()]

    def _fill_urn(self) -> None:
        """What may happen next: nothing where it is closed or halted, less outside of regular hours."""
        self._urn, self._stood, self.moving = [], self._standing(), []
        for x, (phase, halted) in zip(self._contracts(), self._stood, strict=True):
            if phase == Phase.CLOSED or halted:
                continue
            self.moving.append(x)
            weight = 1 if x.sec_type in ("OPT", "FOP") else UNDERLYING_WEIGHT
            self._urn += [Stream(x, self.watchers.get(x.con_id, []))] * weight
            if phase != Phase.OPEN:
                self._urn += [None] * (weight * THIN)
