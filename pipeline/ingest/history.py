"""History on request: bars and ticks of a period, cut into pieces, at TWS's pace, from the cache where it has them."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
import numpy as np

from pipeline.bus.control import Request
from pipeline.ingest import history_rows as rows
from pipeline.ingest.contracts import Contracts
from pipeline.ingest.history_cache import Cache
from pipeline.ingest.history_pacing import OPEN_AT_MOST, RETRY_S, Pacing
from pipeline.ingest.history_plan import (
    BAR_KINDS_ASKED,
    MAX_PIECES,
    NS,
    SIZES,
    TICK_KINDS,
    TICK_PIECE_S,
    Piece,
    duration,
    pieces,
    size_of,
    spelled,
)
from pipeline.ingest.history_rows import Records
from pipeline.ingest.part import Hub, Part
from pipeline.ingest.requests import Outcome
from pipeline.messages import BAR, TBT_LAST, TBT_MID, TBT_QUOTE, GetBars, GetTicks, HistoryState, Instrument
from pipeline.tws import translate

WITHIN_S = 60.0  # for one answer of TWS
TRIES = 2
MAX_REPLY_BYTES = 12 << 20
MAX_JOBS = 100
PAGE = 1000  # ticks of one answer; TWS adds the rest of the last second
NO_DATA = "no data"
PACING = "pacing violation"
TICK_RECORDS = {"TRADES": (b"hist.last", TBT_LAST), "BID_ASK": (b"hist.quote", TBT_QUOTE),
                "MIDPOINT": (b"hist.mid", TBT_MID)}  # fmt: skip


@dataclass
class Job:
    """One command, until it is answered."""

    request: Request
    command: GetBars | GetTicks
    state: HistoryState
    topic: bytes
    dtype: np.dtype[Any]
    kind: str  # of the cache
    total: int  # pieces
    waiting: deque[Piece]
    parts: list[Records] = field(default_factory=list)
    not_before_s: float = 0.0
    tries: int = 0
    cursor_ns: int = 0  # of ticks: where the next page of the piece begins; 0: at its beginning
    pages: list[Records] = field(default_factory=list)  # of the piece that is being asked for

    @property
    def weight(self) -> int:
        return 2 if self.command.what == "BID_ASK" else 1


class History(Part):
    """Jobs take turns, one request of each at a time; every piece from TWS is published before it is answered."""

    commands = (GetBars, GetTicks)

    def __init__(self, hub: Hub, contracts: Contracts) -> None:
        super().__init__(hub)
        self._contracts = contracts
        self._cache = Cache(hub.directory / "history")
        self._pacing = Pacing()
        self._jobs: deque[Job] = deque()
        self._asked: dict[int, tuple[Job, Piece]] = {}
        self._bars: dict[int, list[Records]] = {}

    # Commands.

    def handle(self, request: Request, command: Any) -> None:
        fault = _fault(command)
        if fault or len(self._jobs) >= MAX_JOBS:
            self.hub.answer(request, False, fault or f"{MAX_JOBS} requests for history wait already")
            return
        self._contracts.want(command.con_id, lambda found, words: self._begin(request, command, found, words))

    def _begin(self, request: Request, command: GetBars | GetTicks, found: Instrument | None, words: str) -> None:
        bars = isinstance(command, GetBars)
        if found is None:
            self.hub.answer(request, False, f"contract {command.con_id}: {words}")
            return
        size = size_of(command.size) if isinstance(command, GetBars) else ""
        topic, dtype = (b"hist.bar", BAR) if bars else TICK_RECORDS[command.what]
        grid_s = SIZES[size][1] if bars else TICK_PIECE_S
        plan = pieces(command.from_ns, command.to_ns, grid_s, self.hub.connection.market_time_ns())
        if len(plan) > MAX_PIECES:
            text = f"that is {len(plan)} requests to TWS; expected at most {MAX_PIECES}: ask for a shorter period"
            self.hub.answer(request, False, text)
            return
        state = HistoryState(
            request_id=command.request_id, con_id=command.con_id, data="bars" if bars else "ticks",
            what=command.what, size=size, from_ns=command.from_ns, to_ns=command.to_ns,
        )  # fmt: skip
        hours = "rth" if command.regular_hours else "all"
        kind = f"{command.what}-{(size or 'ticks').replace(' ', '-')}-{hours}"
        self._jobs.append(Job(request, command, state, topic, dtype, kind, len(plan), deque(plan)))
        self.hub.publish(state)

    def cancel(self, request_id: str) -> bool:
        """End the job of that command; False where there is none."""
        for job in list(self._jobs):
            if job.command.request_id == request_id:
                for asked, (other, _) in list(self._asked.items()):
                    if other is job:
                        self.hub.connection.client.cancelHistoricalData(asked)
                        self.hub.requests.cancel(asked, "cancelled")
                self._finish(job, "cancelled", "cancelled")
                return True
        return False

    # The queue.

    def step(self, now_s: float) -> None:
        for job in list(self._jobs):
            if not any(other is job for other, _ in self._asked.values()):
                self._advance(job, now_s)
        self._jobs.rotate(-1)  # nobody is always first

    def _advance(self, job: Job, now_s: float) -> None:
        """What the cache has, then one request to TWS if its turn has come."""
        while job.waiting and self._from_cache(job, job.waiting[0]):
            job.waiting.popleft()
        if not job.waiting:
            self._finish(job, "done", "")
        elif not self.hub.connection.ready:
            self._finish(job, "lost", self.hub.away())
        elif now_s >= job.not_before_s and len(self._asked) < OPEN_AT_MOST:
            piece = job.waiting[0]
            begin_ns = job.cursor_ns or piece.from_ns
            identity = (job.command.con_id, job.kind, begin_ns, piece.to_ns)
            contract = (job.command.con_id, job.command.what)
            if self._pacing.wait_s(identity, contract, job.weight, now_s) == 0.0:
                self._pacing.sent(identity, contract, job.weight, now_s)
                self._ask(job, piece, begin_ns)

    def _from_cache(self, job: Job, piece: Piece) -> bool:
        if not piece.whole or job.cursor_ns:
            return False
        found = self._cache.get(job.command.con_id, job.kind, piece.from_ns, job.dtype)
        if found is None:
            return False
        kept = rows.inside(found, job.command.from_ns, job.command.to_ns)
        job.parts.append(kept)
        job.state = msgspec.structs.replace(job.state, cached=job.state.cached + len(kept))
        return True

    def _ask(self, job: Job, piece: Piece, begin_ns: int) -> None:
        client, command = self.hub.connection.client, job.command
        known = self.hub.instruments.get(command.con_id)
        assert known is not None
        contract = translate.contract(known)
        contract.includeExpired = known.sec_type in ("FUT", "FOP", "OPT")
        request = self.hub.requests.begin("history", self._ended, WITHIN_S)
        self._asked[request] = (job, piece)
        if isinstance(command, GetBars):
            self._bars[request] = []
            length = duration(piece, SIZES[job.state.size][0])
            client.reqHistoricalData(request, contract, spelled(piece.to_ns), length, job.state.size, command.what,
                                     int(command.regular_hours), 2, False, [])  # fmt: skip
        else:
            client.reqHistoricalTicks(request, contract, spelled(begin_ns), "", PAGE, command.what,
                                      int(command.regular_hours), False, [])  # fmt: skip

    # Answers.

    def historicalData(self, reqId: int, bar: Any) -> None:
        """One bar."""
        if reqId not in self._bars:
            return
        job, _ = self._asked[reqId]
        seconds, now_ns = SIZES[job.state.size][0], self.hub.clock.now_ns()
        try:
            self._bars[reqId].append(rows.bar(bar, job.command.con_id, job.command.what, seconds, now_ns))
        except ValueError:
            self.hub.requests.cancel(reqId)
            self._finish(job, "refused", f"expected the time of a bar, found {bar.date!r}")

    def historicalDataEnd(self, reqId: int, start: str, end: str) -> None:
        """All bars of a piece."""
        self.hub.requests.done(reqId)

    def historicalTicksLast(self, reqId: int, ticks: Sequence[Any], done: bool) -> None:
        """A page of trades."""
        self._page(reqId, rows.trades, ticks)

    def historicalTicksBidAsk(self, reqId: int, ticks: Sequence[Any], done: bool) -> None:
        """A page of quotes."""
        self._page(reqId, rows.quotes, ticks)

    def historicalTicks(self, reqId: int, ticks: Sequence[Any], done: bool) -> None:
        """A page of midpoints."""
        self._page(reqId, rows.midpoints, ticks)

    def _page(self, request: int, read: Any, ticks: Sequence[Any]) -> None:
        """A page ends with a whole second: the next one begins a second later, so nothing is lost or doubled."""
        if request not in self._asked:
            return
        job, piece = self._asked[request]
        page = read(ticks, job.command.con_id, self.hub.clock.now_ns())
        job.pages.append(page)
        last_ns = int(page["market_ns"].max()) if len(page) else 0
        more = len(page) >= PAGE and last_ns + NS < piece.to_ns
        job.cursor_ns = last_ns + NS if more else 0
        self.hub.requests.done(request, "more" if more else "")

    def _ended(self, request: int, outcome: Outcome, words: str) -> None:
        job, piece = self._asked.pop(request)
        bars = self._bars.pop(request, None)
        said = words.lower()
        if outcome is Outcome.DONE and words == "more":
            return
        if outcome is Outcome.DONE or (outcome is Outcome.REFUSED and NO_DATA in said):
            self._got(job, piece, bars if bars is not None else job.pages)
        elif outcome is Outcome.REFUSED and PACING in said and job.tries < TRIES:
            job.tries += 1
            job.not_before_s = self.hub.clock.monotonic() + RETRY_S
        elif outcome is not Outcome.CANCELLED:
            self._finish(job, str(outcome), words)

    def _got(self, job: Job, piece: Piece, parts: Sequence[Records]) -> None:
        """A piece is whole: published, kept, and the next one is due."""
        found = np.concatenate(parts) if parts else np.zeros(0, dtype=job.dtype)
        found = rows.inside(found, piece.from_ns, piece.to_ns)
        job.pages, job.cursor_ns, job.tries = [], 0, 0
        job.waiting.popleft()
        self.hub.records(job.topic, found)
        if piece.whole:
            self._cache.put(job.command.con_id, job.kind, piece.from_ns, found)
        kept = rows.inside(found, job.command.from_ns, job.command.to_ns)
        job.parts.append(kept)
        count = sum(len(part) for part in job.parts)
        share = (job.total - len(job.waiting)) / job.total
        job.state = msgspec.structs.replace(job.state, state="running", progress=share, records=count)
        self.hub.publish(job.state)

    def _finish(self, job: Job, state: str, words: str) -> None:
        """The one reply, and the final state."""
        self._jobs.remove(job)
        every = np.concatenate(job.parts) if job.parts else np.zeros(0, dtype=job.dtype)
        good = state == "done"
        body: dict[str, Any] = {"topic": job.topic.decode(), "count": len(every), "state": state}
        text = words or f"{len(every)} records, {job.state.cached} of them from the cache"
        if good and every.nbytes <= MAX_REPLY_BYTES:
            body["records"] = every.tobytes()
        elif good:
            text += f"; too many for a reply: they stand in the record of {job.topic.decode()}"
        progress = 1.0 if good else job.state.progress
        job.state = msgspec.structs.replace(
            job.state, state=state, progress=progress, records=len(every), text=words
        )  # fmt: skip
        self.hub.publish(job.state)
        self.hub.answer(job.request, good, text, body)


def _fault(command: GetBars | GetTicks) -> str:
    if command.con_id <= 0:
        return f"con_id: expected a contract id, found {command.con_id}"
    if not 0 <= command.from_ns < command.to_ns:
        return f"expected from_ns < to_ns, found {command.from_ns} and {command.to_ns}"
    kinds = BAR_KINDS_ASKED if isinstance(command, GetBars) else TICK_KINDS
    if command.what not in kinds:
        return f"what: expected one of {', '.join(kinds)}, found {command.what!r}"
    if isinstance(command, GetBars) and not size_of(command.size):
        return f"size: expected one of {', '.join(SIZES)}, found {command.size!r}"
    return ""
