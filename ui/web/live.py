"""The live streams behind the page: one reader for all browsers, at most four editions of a picture a second."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import zmq

from pipeline.bus.live import Subscriber
from pipeline.clock import Clock
from pipeline.runtime import Runtime
from ui.web import picture
from ui.web.picture import Picture, Source
from ui.web.state import LiveState

PROCESSES = ("ingest", "margin", "orders", "supervisor")
EDITION_EVERY_S = 0.25
PING_EVERY_S = 15.0
BEAT_EVERY_S = 2.0  # an empty update, so that a script can tell a quiet market from a dead link
STREAM_ENDS_AFTER_S = 600.0  # the browser comes back by itself, and its login is checked again
READ_EVERY_S = 0.02
FRAMES_A_READ = 2000


@dataclass(frozen=True, slots=True)
class Edition:
    """A picture with its number, and the difference to the one before, both as they are sent."""

    number: int
    picture: Picture
    update: bytes


class LiveCache:
    """Owns the subscribers and the newest state; everything happens in the one event loop that runs `follow`.

    Policy: the streams may drop (their subscribers take a snapshot again); a browser that reads slowly skips editions
    and gets a whole picture; there is no queue a browser.
    """

    def __init__(self, context: zmq.Context[Any], runtime: Runtime, clock: Clock, caution: float = 0.10) -> None:
        self.state = LiveState()
        self.closing = False
        self.listeners: dict[str, int] = {}
        self._clock = clock
        self._caution = caution
        self._subscribers = {name: Subscriber(context, runtime, name, clock) for name in PROCESSES}
        self._editions: dict[str, Edition] = {}
        self._fresh = asyncio.Event()
        self._edition_due = 0.0
        self._seen: set[str] = set()

    def close(self) -> None:
        """End every stream of a browser and close the sockets."""
        self.closing = True
        self._fresh.set()
        for subscriber in self._subscribers.values():
            subscriber.close()

    def end_streams(self) -> None:
        """Browsers' streams end now, so that the server may stop."""
        self.closing = True
        self._fresh.set()

    def read(self) -> None:
        """Take what waits in the sockets; every quarter of a second make an edition of what somebody looks at."""
        for name, subscriber in self._subscribers.items():
            self.state.apply(subscriber.receive(FRAMES_A_READ))
            if not subscriber.stale:
                self._seen.add(name)
        now = self._clock.monotonic()
        if now >= self._edition_due:
            self._edition_due = now + EDITION_EVERY_S
            self._publish()

    async def follow(self) -> None:
        """Read for ever; cancel it to end."""
        while True:
            self.read()
            await asyncio.sleep(READ_EVERY_S)

    def sources(self) -> dict[str, Source]:
        """How each stream does."""
        return {
            name: Source(name in self._seen, subscriber.stale, subscriber.silent_s, subscriber.ended)
            for name, subscriber in self._subscribers.items()
        }

    def draw(self, account: str) -> Picture:
        """The page of `account` now; "" and unknown ones get the first account."""
        return picture.build(self.state, account, self.sources(), self._clock.now_ns(), self._caution)

    async def stream(self, account: str) -> AsyncIterator[bytes]:
        """Server-sent events: one snapshot, then updates; ends when the server stops or after ten minutes."""
        account = self.draw(account).account or account
        self.listeners[account] = self.listeners.get(account, 0) + 1
        try:
            sent = self._edition(account)
            yield _event("snapshot", sent.number, _json(picture.whole(sent.picture)))
            started = told = pinged = self._clock.monotonic()
            while not self.closing and self._clock.monotonic() - started < STREAM_ENDS_AFTER_S:
                await self._fresh.wait()
                edition, now = self._edition(account), self._clock.monotonic()
                chunk = b""
                if edition.number == sent.number + 1:
                    chunk = _event("update", edition.number, edition.update)
                elif edition.number != sent.number:
                    chunk = _event("snapshot", edition.number, _json(picture.whole(edition.picture)))
                elif now - told >= BEAT_EVERY_S:
                    chunk = _event("update", edition.number, b"{}")
                if now - pinged >= PING_EVERY_S:
                    chunk += b": ping\n\n"
                    pinged = now
                if chunk:
                    told, sent = now, edition
                    yield chunk
        finally:
            self.listeners[account] -= 1
            if not self.listeners[account]:
                del self.listeners[account]
                self._editions.pop(account, None)

    def _edition(self, account: str) -> Edition:
        if account not in self._editions:
            self._editions[account] = Edition(1, self.draw(account), b"{}")
        return self._editions[account]

    def _publish(self) -> None:
        for account in self.listeners:
            old = self._edition(account)
            new = self.draw(account)
            changes = picture.difference(old.picture, new)
            if (
                any(changes[part] for part in ("cells", "rows", "marks", "sources"))
                or new.accounts != old.picture.accounts
            ):
                self._editions[account] = Edition(old.number + 1, new, _json(changes))
        fresh, self._fresh = self._fresh, asyncio.Event()
        fresh.set()


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _event(name: str, number: int, data: bytes) -> bytes:
    return b"event: %s\nid: %d\ndata: %s\n\n" % (name.encode(), number, data)
