"""The `web` Service: one asyncio loop with uvicorn and the live cache; the Service's own loop turns it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import Iterator
from typing import Any

import uvicorn

from configs import asgi
from configs.web import first_user
from pipeline.errors import CannotStart
from pipeline.service import Service
from ui.web.live import LiveCache

GRACE_S = 2
TURN_S = 0.05
USER_RETRY_S = 2.0


class Server(uvicorn.Server):
    """uvicorn whose signals belong to the Service."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class WebService(Service):
    """Serves the page and REST; a blocked event loop blocks the beats, so it looks hung."""

    name = "web"

    def setup(self) -> None:
        """Bind first, then serve; the first user is made as soon as PostgreSQL is there."""
        listener = self._bind()
        self._address = f"http://{_shown(self.settings.web.host)}:{listener.getsockname()[1]}/"
        self._loop = asyncio.new_event_loop()
        asyncio.set_event_loop(self._loop)
        self._live = LiveCache(self.context, self.runtime, self.clock, self.settings.margin.caution_cushion)
        self._server = Server(_config(self._live, self.settings.web.behind_tls))
        self._serving = self._loop.create_task(self._server.serve([listener]))
        self._reading = self._loop.create_task(self._live.follow())
        while not self._server.started:
            self._turn(0.01)
        made = first_user.ensure(self.runtime)
        self._announce(made)
        self._first_user = self._loop.create_task(self._make_first_user()) if made is None else None

    def step(self, timeout_ms: int) -> None:
        """Turn the loop; a fault of the server or the reader is a fault of this process."""
        self._turn(timeout_ms / 1e3)

    def drain(self) -> None:
        """End the browsers' streams, let requests finish, stop."""
        self._live.end_streams()
        self._server.should_exit = True
        deadline = self.clock.monotonic() + GRACE_S + 1.0
        while not self._serving.done() and self.clock.monotonic() < deadline:
            self._turn(TURN_S)
            if self.clock.monotonic() >= self._beat_due:
                self.beat()

    def close(self) -> None:
        """Cancel what still runs; close the sockets."""
        if not hasattr(self, "_loop"):
            return
        tasks = asyncio.all_tasks(self._loop)
        for task in tasks:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        self._live.close()
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.close()

    def beat_detail(self) -> dict[str, Any]:
        """Who looks, and how the streams do."""
        if not hasattr(self, "_live"):
            return {}
        return {
            "url": self._address,
            "streams": sum(self._live.listeners.values()),
            "bad": self._live.state.bad,
            **{name: source.word for name, source in self._live.sources().items()},
        }

    def _turn(self, seconds: float) -> None:
        self._loop.run_until_complete(asyncio.sleep(seconds))
        for task in (self._reading, self._serving):
            if task.done() and not self.stopping.is_set():
                task.result()
                raise CannotStart("the web server ended by itself; its log says why")

    def _bind(self) -> socket.socket:
        """The configured port; with port 0 the one of the last start if it is free, else any."""
        web = self.settings.web
        told = (self.runtime.announced("web") or {}).get("url", "")
        last = told.rstrip("/").rsplit(":", 1)[-1]
        wanted = [web.port] if web.port else [int(last), 0] if last.isdigit() else [0]
        family = socket.AF_INET6 if ":" in web.host else socket.AF_INET
        for port in wanted:
            listener = socket.socket(family, socket.SOCK_STREAM)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                listener.bind((web.host, port))
            except OSError as error:
                listener.close()
                reason = error.strerror
                continue
            return listener
        raise CannotStart(
            f"web: expected to listen on {web.host}:{web.port}, found: {reason}; "
            "end the program that has the port, or set another one in [web] port (0: any free one)"
        )

    async def _make_first_user(self) -> None:
        """Ask until PostgreSQL answers; the page needs it only for logins."""
        while (made := await asyncio.to_thread(first_user.ensure, self.runtime)) is None:
            await asyncio.sleep(USER_RETRY_S)
        self._announce(made)

    def _announce(self, made: first_user.FirstUser | None) -> None:
        """The address, and where the first user's password stands while it does."""
        facts = {} if made is None else {"user": made.name, "password_file": made.password_file}
        self.runtime.announce("web", url=self._address, pid=os.getpid(), **facts)
        if made is not None and made.new:
            self.event("first_user", **facts)


def _config(live: LiveCache, behind_tls: bool) -> uvicorn.Config:
    return uvicorn.Config(
        asgi.with_live(live),  # type: ignore[arg-type]  # uvicorn's own type is a protocol of its TypedDicts
        http="h11",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=behind_tls,
        timeout_graceful_shutdown=GRACE_S,
    )


def _shown(host: str) -> str:
    return f"[{host}]" if ":" in host else host
