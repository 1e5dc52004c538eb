"""The gateway as a process of a run: the same port again after a restart, the market where it was."""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path
from typing import Any

import msgspec

from pipeline.errors import CannotStart, ConfigError
from pipeline.gateway import keeping, opening
from pipeline.gateway.broker.brokerage import Brokerage
from pipeline.gateway.market import days
from pipeline.gateway.server import Server
from pipeline.service import Service

BIND_TRIES_S = 3.0


class GatewayService(Service):
    """The simulated TWS of a run."""

    name = "gateway"
    server: Server | None = None

    def setup(self) -> None:
        directory = self.runtime.state_dir / "gateway"
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        settings = self.settings.gateway
        brokerage = self._brokerage(directory)
        self.server = self._listen(brokerage, directory, settings.port or self._last_port())
        host, port = self.server.address
        self.runtime.announce("gateway", host=host, port=port, pid=os.getpid())
        self.event("listening", host=host, port=port)

    def _brokerage(self, directory: Path) -> Brokerage:
        """As saved, or fresh; a file that can't be read is put aside, loudly."""
        settings, path = self.settings.gateway, directory / "state.json"
        if settings.replay:
            return opening.fresh(settings)
        with contextlib.suppress(FileNotFoundError):
            try:
                return keeping.load(path.read_bytes(), settings.clock, settings.hours, settings.advisor)
            except (ValueError, KeyError, TypeError) as error:
                path.replace(path.with_suffix(".bad"))
                self.last_error = f"{path}: expected the gateway's state, found: {error}; begun afresh"
                self.event("state_unreadable", level=40, text=self.last_error)
        return opening.fresh(settings)

    def _last_port(self) -> int:
        announced = self.runtime.announced("gateway") or {}
        port = announced.get("port", 0)
        return port if isinstance(port, int) else 0

    def _listen(self, brokerage: Brokerage, directory: Path, port: int) -> Server:
        """Take the port; it may be held for a moment by the predecessor."""
        settings = self.settings.gateway
        until = time.monotonic() + BIND_TRIES_S
        while True:
            try:
                return Server(brokerage, msgspec.structs.replace(settings, port=port), directory)
            except ConfigError as error:
                raise CannotStart(str(error)) from error
            except OSError as error:
                if time.monotonic() < until:
                    time.sleep(0.05)
                elif settings.port:
                    text = (
                        f"{settings.host}:{port}: expected a free port, found: {error.strerror}; set gateway.port = 0"
                    )
                    raise CannotStart(text) from error
                else:
                    port, until = 0, time.monotonic() + BIND_TRIES_S

    def step(self, timeout_ms: int) -> None:
        assert self.server is not None
        self.server.step(timeout_ms / 1e3)

    def close(self) -> None:
        if self.server is not None:
            self.server.close()

    def beat_detail(self) -> dict[str, Any]:
        server = self.server
        if server is None:
            return {}
        return {
            "port": server.address[1],
            "clients": len(server.connections),
            "lines": len(server.lines.watchers),
            "dropped": server.dropped,
            "market_time": f"{days.new_york(server.brokerage.market.now_ns):%Y-%m-%d %H:%M:%S}",
        }

    def beat_queue(self) -> int:
        return sum(len(session.queue) for session in self.server.house.sessions) if self.server else 0
