"""Asks for everything that TWS tells about accounts, and feeds the book.

Values come by reqAccountUpdatesMulti, one request an account, because it names its request; positions by reqPositions,
all accounts at once; P&L by reqPnL. TWS's own marks come only by reqAccountUpdates, which one TWS session has once: it
goes from account to account.
"""

from __future__ import annotations

from decimal import Decimal

from ibapi.contract import Contract

from pipeline.ingest.book import Book
from pipeline.ingest.checks import Checks
from pipeline.ingest.contracts import Contracts
from pipeline.ingest.part import Hub, Item, Part
from pipeline.tws import translate

WHOLE_S = 10.0  # after that the picture goes out as it is
MARKS_S = 3.0  # one account's marks may take this long while others wait
SWEEP_S = 60.0  # marks of each account are asked again this often when there are several


class Accounts(Part):
    """Requests and answers about accounts."""

    def __init__(self, hub: Hub, book: Book, contracts: Contracts, checks: Checks) -> None:
        super().__init__(hub)
        self.book, self._contracts, self._checks = book, contracts, checks
        self._connection, self._clock, self._publish = hub.connection, hub.clock, hub.publish_all
        self._values: dict[int, str] = {}  # request → account
        self._pnl: dict[int, str] = {}
        self._marks: list[str] = []  # accounts whose marks are still to be asked, the current one first
        self._marks_due_s = self._sweep_due_s = self._deadline_s = float("inf")

    def connected(self) -> None:
        """Ask for all of it."""
        connection, client = self._connection, self._connection.client
        self.book.begin(connection.accounts)
        self._values, self._pnl, self._marks = {}, {}, []
        for account in connection.accounts:
            request = connection.next_request_id()
            self._values[request] = account
            client.reqAccountUpdatesMulti(request, account, "", False)
        client.reqPositions()
        self._sweep()
        for account in connection.accounts:
            request = connection.next_request_id()
            self._pnl[request] = account
            client.reqPnL(request, account, "")
        self._deadline_s = self._clock.monotonic() + WHOLE_S

    def step(self, now_s: float) -> None:
        """Deadlines."""
        if not self._connection.ready:
            return
        if now_s >= self._deadline_s:
            self._deadline_s = float("inf")
            self._publish(self.book.deadline(self._clock.now_ns()))
        if self._marks and now_s >= self._marks_due_s:
            self._marks_end(self._marks[0], came=False)
        if now_s >= self._sweep_due_s and not self._marks:
            self._sweep()

    def items(self) -> list[Item]:
        return [(message.topic.encode(), message) for message in self.book.messages()]

    # Answers.

    def accountUpdateMulti(self, reqId: int, account: str, modelCode: str, key: str, value: str, currency: str) -> None:
        """One key of an account."""
        if modelCode:
            return
        account = account or self._values.get(reqId, "")
        told = translate.account_value(account, key, value, currency, self._clock.now_ns())
        if not self._checks.value(reqId, told):
            self._publish(self.book.value(told))

    def accountUpdateMultiEnd(self, reqId: int) -> None:
        """All keys of an account have come."""
        if self._checks.values_end(reqId):
            return
        account = self._values.get(reqId)
        if account is not None:
            self._publish(self.book.part(account, "values", self._clock.now_ns()))

    def position(self, account: str, contract: Contract, position: Decimal, avgCost: float) -> None:
        """One position, without marks."""
        self._contracts.seen(translate.provisional(contract))
        now_ns = self._clock.now_ns()
        self._publish(self.book.position(translate.position(account, int(contract.conId), position, avgCost, now_ns)))
        self.hub.lines_changed()

    def positionEnd(self) -> None:
        """All positions of all accounts have come."""
        for account in self._connection.accounts:
            self._publish(self.book.part(account, "positions", self._clock.now_ns()))

    def updatePortfolio(
        self,
        contract: Contract,
        position: Decimal,
        marketPrice: float,
        marketValue: float,
        averageCost: float,
        unrealizedPNL: float,
        realizedPNL: float,
        accountName: str,
    ) -> None:
        """One position with TWS's marks."""
        self._contracts.seen(translate.provisional(contract))
        marks = (marketPrice, marketValue, averageCost, unrealizedPNL, realizedPNL)
        now_ns = self._clock.now_ns()
        told = translate.portfolio(accountName, int(contract.conId), position, marks, now_ns)
        self._publish(self.book.position(told))

    def accountDownloadEnd(self, accountName: str) -> None:
        """All marks of an account have come; TWS leaves the name away now and then."""
        self._marks_end(accountName)

    def _marks_end(self, account: str, came: bool = True) -> None:
        if not self._marks or account not in ("", self._marks[0]):
            return
        current = self._marks.pop(0)
        if came:
            self._publish(self.book.part(current, "marks", self._clock.now_ns()))
        if self._marks:
            self._connection.client.reqAccountUpdates(False, current)
            self._ask_marks()
        elif len(self._connection.accounts) > 1:
            self._sweep_due_s = self._clock.monotonic() + SWEEP_S

    def pnl(self, reqId: int, dailyPnL: float, unrealizedPnL: float, realizedPnL: float) -> None:
        """TWS's P&L of an account."""
        account = self._pnl.get(reqId)
        if account is not None:
            now_ns = self._clock.now_ns()
            self._publish(self.book.pnl(translate.pnl(account, dailyPnL, unrealizedPnL, realizedPnL, now_ns)))

    def _sweep(self) -> None:
        self._sweep_due_s = float("inf")
        self._marks = list(self._connection.accounts)
        if self._marks:
            self._ask_marks()

    def _ask_marks(self) -> None:
        self._marks_due_s = self._clock.monotonic() + MARKS_S
        self._connection.client.reqAccountUpdates(True, self._marks[0])
