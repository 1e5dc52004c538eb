"""Asks for everything that TWS tells about accounts, and feeds the book.

Values come by reqAccountUpdatesMulti, one request an account, because it names its request; positions by reqPositions,
all accounts at once; P&L by reqPnL. TWS's own marks come only by reqAccountUpdates, which one TWS session has once: it
goes from account to account.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ibapi.contract import Contract

from pipeline.ingest.book import Book
from pipeline.ingest.contracts import Contracts
from pipeline.messages import Message
from pipeline.tws import translate
from pipeline.tws.connection import Connection

WHOLE_S = 10.0  # after that the picture goes out as it is
MARKS_S = 3.0  # one account's marks may take this long while others wait
SWEEP_S = 60.0  # marks of each account are asked again this often when there are several


class Accounts:
    """Requests and answers about accounts."""

    def __init__(
        self, connection: Connection, book: Book, contracts: Contracts, publish: Callable[[Sequence[Message]], None]
    ) -> None:
        self._connection, self.book, self._contracts, self._publish = connection, book, contracts, publish
        self._clock = connection.clock
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
            self.marks_end(self._marks[0], came=False)
        if now_s >= self._sweep_due_s and not self._marks:
            self._sweep()

    # Answers.

    def value(self, request: int, account: str, key: str, text: str, currency: str) -> None:
        """accountUpdateMulti."""
        account = account or self._values.get(request, "")
        self._publish(self.book.value(translate.account_value(account, key, text, currency, self._clock.now_ns())))

    def values_end(self, request: int) -> None:
        """accountUpdateMultiEnd."""
        account = self._values.get(request)
        if account is not None:
            self._publish(self.book.part(account, "values", self._clock.now_ns()))

    def position(self, account: str, contract: Contract, quantity: object, average_cost: float) -> None:
        """position."""
        self._contracts.seen(translate.provisional(contract))
        now_ns = self._clock.now_ns()
        self._publish(
            self.book.position(translate.position(account, int(contract.conId), quantity, average_cost, now_ns))
        )

    def positions_end(self) -> None:
        """positionEnd."""
        for account in self._connection.accounts:
            self._publish(self.book.part(account, "positions", self._clock.now_ns()))

    def marks(self, account: str, contract: Contract, quantity: object, marks: tuple[float, ...]) -> None:
        """updatePortfolio."""
        self._contracts.seen(translate.provisional(contract))
        now_ns = self._clock.now_ns()
        self._publish(self.book.position(translate.portfolio(account, int(contract.conId), quantity, marks, now_ns)))

    def marks_end(self, account: str, came: bool = True) -> None:
        """accountDownloadEnd, or its deadline; TWS leaves the name away now and then."""
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

    def pnl(self, request: int, daily: float, unrealized: float, realized: float) -> None:
        """pnl."""
        account = self._pnl.get(request)
        if account is not None:
            now_ns = self._clock.now_ns()
            self._publish(self.book.pnl(translate.pnl(account, daily, unrealized, realized, now_ns)))

    def _sweep(self) -> None:
        self._sweep_due_s = float("inf")
        self._marks = list(self._connection.accounts)
        if self._marks:
            self._ask_marks()

    def _ask_marks(self) -> None:
        self._marks_due_s = self._clock.monotonic() + MARKS_S
        self._connection.client.reqAccountUpdates(True, self._marks[0])
