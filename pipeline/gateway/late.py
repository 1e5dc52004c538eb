"""Delayed lines: the market of fifteen minutes ago, under the tick types that TWS gives delayed data. No socket."""

from __future__ import annotations

from dataclasses import replace

from pipeline.gateway.lines import Lines
from pipeline.gateway.market.days import NS
from pipeline.gateway.market.instruments import Instrument
from pipeline.gateway.market.past import Past
from pipeline.gateway.market.prices import Market, Theory
from pipeline.gateway.market.tape import Half, Tape
from pipeline.gateway.session import Line, Session

DELAY_S = 15 * 60
STEP_S = 5  # the past is known in such steps
LATE = {  # tick type → the one of delayed data
    0: 69, 1: 66, 2: 67, 3: 70, 4: 68, 5: 71, 6: 72, 7: 73, 8: 74, 9: 75, 10: 80, 11: 81, 12: 82, 13: 83, 14: 76,
    45: 88, 49: 90, 50: 103, 51: 104,
}  # fmt: skip
RELABELLED = {b"%d" % kind: b"%d" % late for kind, late in LATE.items()}


class Before(Market):
    """The market as it was fifteen minutes ago; sensitivities of options are those of now."""

    def __init__(self, market: Market, past: Past) -> None:
        self.market, self.universe, self.seed = market, market.universe, market.seed
        self.hours = market.hours
        self._past = past
        self._known: dict[int, tuple[int, Theory]] = {}

    @property
    def step(self) -> int:  # type: ignore[override]
        return self.market.step

    @property
    def now_ns(self) -> int:
        return self.market.now_ns - DELAY_S * NS

    def theory(self, x: Instrument) -> Theory:
        """Its worth at the price that it follows, fifteen minutes ago."""
        second = self.now_ns // NS // STEP_S * STEP_S
        known = self._known.get(x.con_id)
        if known is None or known[0] != second:
            known = self._known[x.con_id] = second, self._theory(x, second)
        return known[1]

    def _theory(self, x: Instrument, second: int) -> Theory:
        process = self.market.driver(x)
        seen = self._past.seconds(process, second // 60 * 60, second // 60 * 60 + 60, STEP_S).within(0, second + STEP_S)
        theory = self.market.theory(x)
        if not len(seen):
            return theory
        return replace(theory, mid=self.market.worth(x, float(seen.close[-1]), second * NS))

    def closing(self, x: Instrument) -> float:
        return self.market.closing(x)

    def halted(self, x: Instrument) -> int:
        return self.market.halted(x)


class LateTape(Tape):
    """Quotes and trades of their own at the prices of then."""

    def event(self, x: Instrument) -> list[Half]:
        return relabelled(super().event(x))

    def picture(self, x: Instrument) -> list[Half]:
        return relabelled(super().picture(x))


class Late(Lines):
    """The delayed lines of all clients; they have the same rate as the live ones, each line for line."""

    def __init__(self, market: Market, past: Past, live: Lines) -> None:
        self.live = live
        seed = market.seed + 2
        super().__init__(LateTape(Before(market, past), seed), live.limits, 0.0, seed)
        self._mine: dict[Session, dict[int, Line]] = {}

    def flow(self, elapsed_s: float) -> None:
        live, late = len(self.live.watchers), len(self.watchers)
        if late:
            self.rate = self.live.rate * late / (live + late)
            super().flow(elapsed_s)

    def remove(self, session: Session, req_id: int) -> bool:
        """Forget a line; False if there is none."""
        found = super().remove(session, req_id)
        if not self._mine.get(session):
            self._mine.pop(session, None)
        return found

    def lines_of(self, session: Session) -> dict[int, Line]:
        return self._mine.setdefault(session, {})


def relabelled(halves: list[Half]) -> list[Half]:
    """Ticks under their delayed types; what has none is not told."""
    found = []
    for place, tail in halves:
        kind, _, rest = tail.partition(b"\0")
        if kind in RELABELLED:
            found.append((place, RELABELLED[kind] + b"\0" + rest))
    return found
