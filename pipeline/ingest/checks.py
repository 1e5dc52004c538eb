"""Each minute, and after each reconnect: do our positions and cash equal what TWS says when it is asked afresh?"""

from __future__ import annotations

from decimal import Decimal

from ibapi.contract import Contract

from pipeline.ingest.book import Book
from pipeline.ingest.comparison import CASH_KEYS, Doubts, Found, compare
from pipeline.ingest.contracts import Contracts
from pipeline.ingest.part import Hub, Part
from pipeline.ingest.requests import Outcome
from pipeline.messages import AccountCheck, AccountValue, Difference, Position
from pipeline.tws import translate

EVERY_S = 60.0
FIRST_S = 5.0  # after an account's picture was published
AGAIN_S = 3.0  # a difference is looked at twice
WITHIN_S = 10.0
CENT = 0.005


class Checks(Part):
    """One account after the other; differences are published, and TWS's word with them."""

    def __init__(self, hub: Hub, book: Book, contracts: Contracts) -> None:
        super().__init__(hub)
        self._book, self._contracts = book, contracts
        self._doubts = Doubts()
        self._due_s: dict[str, float] = {}
        self._account_of: dict[int, str] = {}  # open requests
        self._positions: dict[int, dict[int, Position]] = {}
        self._values: dict[int, dict[tuple[str, str], AccountValue]] = {}

    def connected(self) -> None:
        self._doubts.clear()
        first_s = self.hub.clock.monotonic() + FIRST_S
        self._due_s = dict.fromkeys(self.hub.connection.accounts, first_s)

    def step(self, now_s: float) -> None:
        if not self.hub.connection.ready or self.hub.connection.session.state != "READY":
            return
        for account, due_s in self._due_s.items():
            if now_s >= due_s and account not in self._account_of.values() and account not in self._book.gathering:
                self._due_s[account] = now_s + EVERY_S
                self._ask(account)

    def _ask(self, account: str) -> None:
        client, requests = self.hub.connection.client, self.hub.requests
        request = requests.begin("check of positions", self._positions_ended, WITHIN_S)
        self._account_of[request], self._positions[request] = account, {}
        client.reqPositionsMulti(request, account, "")
        request = requests.begin("check of cash", self._values_ended, WITHIN_S)
        self._account_of[request], self._values[request] = account, {}
        client.reqAccountUpdatesMulti(request, account, "", False)

    # Answers.

    def positionMulti(
        self, reqId: int, account: str, modelCode: str, contract: Contract, pos: Decimal, avgCost: float
    ) -> None:
        """One position of a fresh answer."""
        if reqId in self._positions and not modelCode:
            self._contracts.seen(translate.provisional(contract))
            told = translate.position(account, int(contract.conId), pos, avgCost, self.hub.clock.now_ns())
            self._positions[reqId][told.con_id] = told

    def positionMultiEnd(self, reqId: int) -> None:
        """The answer is whole."""
        self.hub.requests.done(reqId)

    def value(self, request: int, value: AccountValue) -> bool:
        """A value of a fresh answer; False when it belongs to the standing subscription."""
        if request in self._values:
            self._values[request][value.key, value.currency] = value
        return request in self._values

    def values_end(self, request: int) -> bool:
        """The answer is whole; False when it is none of ours."""
        if request not in self._values:
            return False
        self.hub.requests.done(request)
        return True

    def _positions_ended(self, request: int, outcome: Outcome, words: str) -> None:
        account, theirs = self._account_of.pop(request), self._positions.pop(request)
        if outcome is not Outcome.LOST:
            self.hub.connection.client.cancelPositionsMulti(request)
        if outcome is not Outcome.DONE:
            self._told(account, "positions", 0, 0, words)
            return
        ours = {str(con_id): held.quantity for con_id, held in self._book.accounts[account].positions.items()}
        fresh = {str(con_id): held.quantity for con_id, held in theirs.items() if held.quantity != 0}
        for one in self._settle(account, "positions", compare(ours, fresh), len(ours.keys() | fresh.keys())):
            self.hub.publish_all(self._book.position(self._truth(account, int(one.key), theirs)))

    def _truth(self, account: str, con_id: int, theirs: dict[int, Position]) -> Position:
        if con_id in theirs:
            return theirs[con_id]
        return translate.position(account, con_id, 0.0, 0.0, self.hub.clock.now_ns())

    def _values_ended(self, request: int, outcome: Outcome, words: str) -> None:
        account, theirs = self._account_of.pop(request), self._values.pop(request)
        if outcome is not Outcome.LOST:
            self.hub.connection.client.cancelAccountUpdatesMulti(request)
        if outcome is not Outcome.DONE:
            self._told(account, "cash", 0, 0, words)
            return
        held = self._book.accounts[account].values
        ours = {f"{k} {c}": v.value for (k, c), v in held.items() if k in CASH_KEYS}
        fresh = {f"{k} {c}": v.value for (k, c), v in theirs.items() if k in CASH_KEYS}
        for one in self._settle(account, "cash", compare(ours, fresh, CENT), len(fresh)):
            key, _, currency = one.key.partition(" ")
            if (key, currency) in theirs:
                self.hub.publish_all(self._book.value(theirs[key, currency]))

    def _settle(self, account: str, part: str, found: dict[str, Found], compared: int) -> list[Found]:
        standing, doubtful = self._doubts.settle(account, part, found)
        if doubtful:
            self._due_s[account] = self.hub.clock.monotonic() + AGAIN_S
            return []
        for one in standing:
            self.hub.publish(
                Difference(account=account, part=part, key=one.key, ours=one.ours, tws=one.tws, repaired=True,
                           recv_ns=self.hub.clock.now_ns())
            )  # fmt: skip
        self._told(account, part, compared, len(standing))
        return standing

    def _told(self, account: str, part: str, compared: int, differences: int, text: str = "") -> None:
        self.hub.publish(
            AccountCheck(account=account, part=part, compared=compared, differences=differences,
                         recv_ns=self.hub.clock.now_ns(), text=text)
        )  # fmt: skip
