"""Asks TWS what a con_id or a symbol means; every question ends with an answer, TWS's words, or a deadline."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ibapi.contract import Contract

from pipeline.ingest.part import Hub, Part
from pipeline.ingest.requests import Outcome
from pipeline.messages import Instrument
from pipeline.tws import translate

DEADLINE_S = 10.0
TRIES = 3
RETRY_S = 60.0
OPTIONS = ("OPT", "FOP")
BY_SYMBOL = (("STK", "SMART"), ("IND", ""))  # an ETF is a STK here

Done = Callable[[Instrument | None, str], None]
Every = Callable[[list[Instrument], str], None]


@dataclass
class _Question:
    """One reqContractDetails, or a chain of them."""

    con_id: int = 0
    symbol: str = ""
    kinds: list[tuple[str, str]] = field(default_factory=list)  # that are still to be tried for a symbol
    found: list[Instrument] = field(default_factory=list)
    done: list[Done] = field(default_factory=list)
    wanted: Contract | None = None  # of a search
    every: Every | None = None  # who gets all that a search found
    tries: int = 0
    words: str = ""


class Contracts(Part):
    """Described contracts are published once, and again when the description changes."""

    def __init__(self, hub: Hub) -> None:
        super().__init__(hub)
        self._open: dict[int, _Question] = {}
        self._waiting: list[_Question] = []  # for a connection
        self._later: dict[int, float] = {}  # con_id → when to ask again

    # What others ask.

    def seen(self, instrument: Instrument) -> None:
        """A position names this contract: published as it is, and asked about unless it is known."""
        if self.hub.instruments.provisional(instrument):
            self.hub.publish(instrument)
        self.want(instrument.con_id)

    def want(self, con_id: int, done: Done | None = None) -> None:
        """See to it that the contract is described; `done` is called at once or when TWS has answered."""
        known = self.hub.instruments.get(con_id)
        if known is not None and self.hub.instruments.is_described(con_id):
            self._want_underlying(known)
            if done is not None:
                done(known, "")
            return
        for question in (*self._open.values(), *self._waiting):
            if question.con_id == con_id:
                question.done += [done] if done is not None else []
                return
        if done is None and self._later.get(con_id, 0.0) > self.hub.clock.monotonic():
            return
        self._ask(_Question(con_id=con_id, done=[done] if done is not None else []))

    def find(self, symbol: str, done: Done) -> None:
        """The US stock, ETF or index of that name."""
        for known in self.hub.instruments.all():
            described = self.hub.instruments.is_described(known.con_id)
            if described and known.symbol == symbol and known.sec_type in ("STK", "IND") and known.currency == "USD":
                done(known, "")
                return
        self._ask(_Question(symbol=symbol, kinds=list(BY_SYMBOL), done=[done]))

    def search(self, wanted: Contract, every: Every) -> None:
        """All contracts that fit; they are not published."""
        self._ask(_Question(wanted=wanted, every=every))

    # The loop.

    def connected(self) -> None:
        """Questions of the former connection are asked again."""
        waiting, self._waiting = self._waiting, []
        self._later.clear()
        for question in waiting:
            self._ask(question)
        for known in self.hub.instruments.all():
            if not self.hub.instruments.is_described(known.con_id):
                self.want(known.con_id)

    def step(self, now_s: float) -> None:
        """Repeat what was not answered in time."""
        if not self.hub.connection.ready:
            return
        for con_id, due_s in list(self._later.items()):
            if now_s >= due_s:
                del self._later[con_id]
                self.want(con_id)

    # Answers.

    def contractDetails(self, reqId: int, contractDetails: Any) -> None:
        """One contract of an answer."""
        question = self._open.get(reqId)
        if question is not None:
            question.found.append(translate.instrument(contractDetails))

    def contractDetailsEnd(self, reqId: int) -> None:
        """The answer is whole."""
        self.hub.requests.done(reqId)

    def _ask(self, question: _Question) -> None:
        question.found = []
        if not self.hub.connection.ready:
            self._waiting.append(question)
            return
        request = self.hub.requests.begin("contract details", self._ended, DEADLINE_S)
        self._open[request] = question
        if question.wanted is not None:
            wanted = question.wanted
        elif question.con_id:
            wanted = translate.by_con_id(question.con_id)
        else:
            wanted = translate.stock(question.symbol, *question.kinds[0])
        question.tries += 1
        self.hub.connection.client.reqContractDetails(request, wanted)

    def _ended(self, request: int, outcome: Outcome, words: str) -> None:
        question = self._open.pop(request)
        if question.every is not None:
            question.every(question.found, words or "TWS knows no such contract")
        elif question.found:
            self._answer(question)
        elif outcome is Outcome.LOST:
            self._lost(question, words)
        elif len(question.kinds) > 1:
            question.kinds.pop(0)
            question.words = question.words or words
            self._ask(question)
        elif question.con_id and outcome is Outcome.TIMED_OUT and question.tries < TRIES:
            self._ask(question)
        else:
            if question.con_id:
                self._later[question.con_id] = self.hub.clock.monotonic() + RETRY_S
            for callback in question.done:
                callback(None, question.words or words or "TWS knows no such contract")

    def _lost(self, question: _Question, reason: str) -> None:
        """Who waits for an answer gets the reason; a contract that is needed is asked for again."""
        done, question.done = question.done, []
        if question.con_id:
            self._waiting.append(question)
        for callback in done:
            callback(None, reason)

    def _answer(self, question: _Question) -> None:
        """Of several the first in US dollars."""
        found = sorted(question.found, key=lambda known: known.currency != "USD")[0]
        if self.hub.instruments.described(found, self.hub.clock.now_ns() / 1e9):
            self.hub.publish(found)
        self._want_underlying(found)
        self.hub.lines_changed()
        for callback in question.done:
            callback(found, "")

    def _want_underlying(self, known: Instrument) -> None:
        if known.sec_type in OPTIONS and known.under_con_id:
            under = self.hub.instruments.get(known.under_con_id)
            if under is None or not self.hub.instruments.is_described(known.under_con_id):
                self.want(known.under_con_id)
