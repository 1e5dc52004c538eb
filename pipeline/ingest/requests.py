"""Every request to TWS that has an answer: a deadline, and one final state, whatever happens."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from pipeline.tws.connection import Connection
from pipeline.tws.error_codes import Severity, TwsError


class Outcome(StrEnum):
    """How a request ended."""

    DONE = "done"
    REFUSED = "refused"
    TIMED_OUT = "timed out"
    CANCELLED = "cancelled"
    LOST = "lost"  # with the connection


Ended = Callable[[int, Outcome, str], None]  # request id, how, in words


@dataclass
class _Open:
    what: str
    deadline_s: float
    ended: Ended


class Requests:
    """The open ones by their id. `counts[what, outcome]` counts the others, for the process's status."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._open: dict[int, _Open] = {}
        self.counts: Counter[tuple[str, Outcome]] = Counter()

    def begin(self, what: str, ended: Ended, within_s: float = 10.0) -> int:
        """A new request id; `ended` is called exactly once, after `within_s` at the latest (inf: a subscription).

        The caller sends the request. Not to be called without a connection.
        """
        request = self._connection.next_request_id()
        self._open[request] = _Open(what, self._connection.clock.monotonic() + within_s, ended)
        return request

    def __contains__(self, request: int) -> bool:
        return request in self._open

    def __len__(self) -> int:
        return len(self._open)

    def extend(self, request: int, within_s: float) -> None:
        """Part of the answer came: the rest has `within_s` from now."""
        if (known := self._open.get(request)) is not None:
            known.deadline_s = self._connection.clock.monotonic() + within_s

    def done(self, request: int, words: str = "") -> None:
        """The answer is whole."""
        self._end(request, Outcome.DONE, words)

    def cancel(self, request: int, words: str = "") -> None:
        """Nobody wants it any more; the caller tells TWS."""
        self._end(request, Outcome.CANCELLED, words)

    def error(self, error: TwsError) -> bool:
        """TWS answered with an error or a warning; False when the request is none of these."""
        if error.request not in self._open:
            return False
        if error.meaning.severity is Severity.REFUSED:
            self._end(error.request, Outcome.REFUSED, f"{error.text} ({error.code})")
        return True

    def step(self, now_s: float) -> None:
        """Deadlines."""
        for request in [request for request, known in self._open.items() if now_s >= known.deadline_s]:
            self._end(request, Outcome.TIMED_OUT, "TWS did not answer in time")

    def lost(self, reason: str) -> None:
        """The connection is gone, and every answer with it."""
        for request in list(self._open):
            self._end(request, Outcome.LOST, reason)

    def _end(self, request: int, outcome: Outcome, words: str) -> None:
        known = self._open.pop(request, None)
        if known is not None:
            self.counts[known.what, outcome] += 1
            known.ended(request, outcome, words)
