"""The subscriptions of one kind of stream, by client and by contract; without one, nothing is listened to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Generic, Protocol, TypeVar

from pipeline.gateway.answers.area import House
from pipeline.gateway.market.tape import Requoted, Traded
from pipeline.gateway.market.universe import Instrument
from pipeline.gateway.session import Session


class Feed(Protocol):
    """What every subscription knows of itself."""

    session: Session
    req_id: int
    x: Instrument


F = TypeVar("F", bound=Feed)


class Feeds(Generic[F]):
    """While there are some, their contracts move and `traded` and `quoted` hear the tape."""

    def __init__(self, house: House, traded: Traded | None = None, quoted: Requoted | None = None) -> None:
        self._house, self._traded, self._quoted = house, traded, quoted
        self._mine: dict[Session, dict[int, F]] = {}
        self._by_contract: dict[int, list[F]] = {}

    def __bool__(self) -> bool:
        return bool(self._by_contract)

    def __iter__(self) -> Iterator[F]:
        return (feed for feeds in self._by_contract.values() for feed in feeds)

    def on(self, con_id: int) -> list[F]:
        """Those of one contract."""
        return self._by_contract.get(con_id, [])

    def of(self, session: Session) -> dict[int, F]:
        """Those of one client, by request id."""
        return self._mine.get(session, {})

    def begin(self, feed: F) -> None:
        if not self._by_contract:
            self._listen()
        self._mine.setdefault(feed.session, {})[feed.req_id] = feed
        self._by_contract.setdefault(feed.x.con_id, []).append(feed)
        self._house.brokerage.tape.quote(feed.x)
        self._house.lines.hold(feed.x)

    def end(self, session: Session, req_id: int) -> bool:
        """End one; False if there is none."""
        mine = self._mine.get(session, {})
        feed = mine.pop(req_id, None)
        if feed is None:
            return False
        if not mine:
            del self._mine[session]
        left = self._by_contract[feed.x.con_id]
        left.remove(feed)
        if not left:
            del self._by_contract[feed.x.con_id]
        if not self._by_contract:
            self._unlisten()
        self._house.lines.release(feed.x)
        return True

    def forget(self, session: Session) -> None:
        for req_id in list(self._mine.get(session, ())):
            self.end(session, req_id)

    def _listen(self) -> None:
        tape = self._house.brokerage.tape
        if self._traded is not None:
            tape.trades.append(self._traded)
        if self._quoted is not None:
            tape.quotes_changed.append(self._quoted)

    def _unlisten(self) -> None:
        tape = self._house.brokerage.tape
        if self._traded is not None:
            tape.trades.remove(self._traded)
        if self._quoted is not None:
            tape.quotes_changed.remove(self._quoted)
