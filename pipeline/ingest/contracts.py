"""Asks TWS what a con_id or a symbol means; every question ends with an answer, TWS's words, or a deadline."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from pipeline.ingest.instruments import Instruments
from pipeline.messages import Instrument, Message
from pipeline.tws import translate
from pipeline.tws.connection import Connection

DEADLINE_S = 10.0
TRIES = 3
RETRY_S = 60.0
OPTIONS = ("OPT", "FOP")
BY_SYMBOL = (("STK", "SMART"), ("IND", ""))  # an ETF is a STK here

Done = Callable[[Instrument | None, str], None]


@dataclass
class _Question:
    """One reqContractDetails, or a chain of them."""

    con_id: int = 0
    symbol: str = ""
    kinds: list[tuple[str, str]] = field(default_factory=list)  # that are still to be tried for a symbol
    found: list[Instrument] = field(default_factory=list)
    done: list[Done] = field(default_factory=list)
    deadline_s: float = 0.0
    tries: int = 0
    words: str = ""


class Contracts:
    """Described contracts are published once, and again when the description changes."""

    def __init__(self, connection: Connection, instruments: Instruments, publish: Callable[[Message], None]) -> None:
        self._connection, self._instruments, self._publish = connection, instruments, publish
        self._clock = connection.clock
        self._open: dict[int, _Question] = {}
        self._later: dict[int, float] = {}  # con_id → when to ask again

    # What others ask.

    def seen(self, instrument: Instrument) -> None:
        """A position names this contract: published as it is, and asked about unless it is known."""
        if self._instruments.provisional(instrument):
            self._publish(instrument)
        self.want(instrument.con_id)

    def want(self, con_id: int, done: Done | None = None) -> None:
        """See to it that the contract is described; `done` is called at once or when TWS has answered."""
        known = self._instruments.get(con_id)
        if known is not None and self._instruments.is_described(con_id):
            self._want_underlying(known)
            if done is not None:
                done(known, "")
            return
        for question in self._open.values():
            if question.con_id == con_id:
                question.done += [done] if done is not None else []
                return
        if done is None and self._later.get(con_id, 0.0) > self._clock.monotonic():
            return
        self._ask(_Question(con_id=con_id, done=[done] if done is not None else []))

    def find(self, symbol: str, done: Done) -> None:
        """The US stock, ETF or index of that name."""
        for known in self._instruments.all():
            described = self._instruments.is_described(known.con_id)
            if described and known.symbol == symbol and known.sec_type in ("STK", "IND") and known.currency == "USD":
                done(known, "")
                return
        self._ask(_Question(symbol=symbol, kinds=list(BY_SYMBOL), done=[done]))

    # The loop.

    def connected(self) -> None:
        """Questions of the former connection are asked again."""
        waiting, self._open = list(self._open.values()), {}
        self._later.clear()
        for question in waiting:
            self._ask(question)
        for known in self._instruments.all():
            if not self._instruments.is_described(known.con_id):
                self.want(known.con_id)

    def step(self, now_s: float) -> None:
        """Give up or repeat what was not answered in time."""
        if not self._connection.ready:
            return
        for request, question in list(self._open.items()):
            if now_s >= question.deadline_s:
                self._end(request, f"TWS did not answer in {DEADLINE_S:g} s")
        for con_id, due_s in list(self._later.items()):
            if now_s >= due_s:
                del self._later[con_id]
                self.want(con_id)

    def fail_all(self, reason: str) -> None:
        """No connection: who waits for an answer gets the reason."""
        for question in self._open.values():
            done, question.done = question.done, []
            for callback in done:
                callback(None, reason)
        self._open = {request: q for request, q in self._open.items() if q.con_id}

    # Answers.

    def details(self, request: int, details: Any) -> None:
        """contractDetails."""
        question = self._open.get(request)
        if question is not None:
            question.found.append(translate.instrument(details))

    def details_end(self, request: int) -> None:
        """contractDetailsEnd."""
        self._end(request, "TWS knows no such contract")

    def error(self, request: int, text: str) -> bool:
        """An error on one of our requests; False when it is none of ours."""
        if request not in self._open:
            return False
        self._end(request, text)
        return True

    def _ask(self, question: _Question) -> None:
        question.found = []
        question.deadline_s = self._clock.monotonic() + DEADLINE_S
        request = self._connection.next_request_id()
        self._open[request] = question
        if not self._connection.ready:
            return  # `connected` asks
        if question.con_id:
            wanted = translate.by_con_id(question.con_id)
        else:
            wanted = translate.stock(question.symbol, *question.kinds[0])
        question.tries += 1
        self._connection.client.reqContractDetails(request, wanted)

    def _end(self, request: int, words: str) -> None:
        question = self._open.pop(request, None)
        if question is None:
            return
        if question.found:
            self._answer(question)
        elif len(question.kinds) > 1:
            question.kinds.pop(0)
            question.words = question.words or words
            self._ask(question)
        elif question.con_id and "did not answer" in words and question.tries < TRIES:
            self._ask(question)
        else:
            if question.con_id:
                self._later[question.con_id] = self._clock.monotonic() + RETRY_S
            for callback in question.done:
                callback(None, question.words or words)

    def _answer(self, question: _Question) -> None:
        """Of several the first in US dollars."""
        found = sorted(question.found, key=lambda known: known.currency != "USD")[0]
        if self._instruments.described(found, self._clock.now_ns() / 1e9):
            self._publish(found)
        self._want_underlying(found)
        for callback in question.done:
            callback(found, "")

    def _want_underlying(self, known: Instrument) -> None:
        if known.sec_type in OPTIONS and known.under_con_id:
            under = self._instruments.get(known.under_con_id)
            if under is None or not self._instruments.is_described(known.under_con_id):
                self.want(known.under_con_id)
