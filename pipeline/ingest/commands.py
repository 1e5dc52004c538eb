"""Commands of the desk and the page: symbols added, removed, searched for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from pipeline.bus.control import ControlServer, Request
from pipeline.ingest.contracts import Contracts
from pipeline.ingest.watch import Watchlist
from pipeline.messages import AddSymbol, FindSymbols, Instrument, RemoveSymbol, Reply
from pipeline.tws.connection import Connection

DEADLINE_S = 10.0


class Commands:
    """Answers every request exactly once: with the result, TWS's words, or a deadline."""

    def __init__(
        self,
        connection: Connection,
        control: ControlServer,
        contracts: Contracts,
        watchlist: Watchlist,
        changed: Callable[[], None],
    ) -> None:
        self._connection, self._control, self._contracts = connection, control, contracts
        self._watchlist, self._changed = watchlist, changed
        self._searches: dict[int, tuple[Request, str, float]] = {}  # request id → (who, request_id, deadline)

    def handle(self, request: Request) -> None:
        """One request from the ROUTER."""
        command = request.command
        if command is None:
            return  # another verb: nothing of ours
        match command:
            case AddSymbol():
                self._add(request, command)
            case RemoveSymbol():
                removed = self._watchlist.remove(command.con_id)
                text = "removed" if removed else f"contract {command.con_id} is not in the watchlist"
                self._changed()
                self._answer(request, command.request_id, removed, text)
            case FindSymbols():
                self._find(request, command)
            case _:
                text = f"ingest has no command {type(command).__name__}; orders and margin have others"
                self._answer(request, command.request_id, False, text)

    def _add(self, request: Request, command: AddSymbol) -> None:
        symbol = command.symbol.strip().upper()
        if not symbol and not command.con_id:
            self._answer(request, command.request_id, False, "expected a symbol or a con_id")
            return

        def done(found: Instrument | None, words: str) -> None:
            if found is None:
                self._answer(request, command.request_id, False, f"{symbol or command.con_id}: {words}")
                return
            fresh = self._watchlist.add(found)
            self._changed()
            text = f"{found.symbol} is watched" + ("" if fresh else " already")
            self._answer(request, command.request_id, True, text, msgspec.to_builtins(found))

        if not self._connection.ready:
            self._answer(request, command.request_id, False, self._away())
        elif command.con_id:
            self._contracts.want(command.con_id, done)
        else:
            self._contracts.find(symbol, done)

    def _find(self, request: Request, command: FindSymbols) -> None:
        if not self._connection.ready:
            self._answer(request, command.request_id, False, self._away())
            return
        search = self._connection.next_request_id()
        deadline_s = self._connection.clock.monotonic() + DEADLINE_S
        self._searches[search] = (request, command.request_id, deadline_s)
        self._connection.client.reqMatchingSymbols(search, command.pattern.strip())

    def samples(self, search: int, found: list[Any]) -> None:
        """symbolSamples."""
        waiting = self._searches.pop(search, None)
        if waiting is not None:
            matches = [_match(description) for description in found]
            self._answer(waiting[0], waiting[1], True, f"{len(matches)} found", {"matches": matches})

    def error(self, search: int, text: str) -> bool:
        """An error on a search; False when it is none."""
        waiting = self._searches.pop(search, None)
        if waiting is not None:
            self._answer(waiting[0], waiting[1], False, text)
        return waiting is not None

    def step(self, now_s: float) -> None:
        """Deadlines."""
        for search, (_, _, deadline_s) in list(self._searches.items()):
            if now_s >= deadline_s:
                self.error(search, f"TWS did not answer in {DEADLINE_S:g} s")

    def fail_all(self, reason: str) -> None:
        """The connection is gone."""
        for search in list(self._searches):
            self.error(search, reason)

    def _away(self) -> str:
        return f"TWS is not connected: {self._connection.session.reason or self._connection.session.state}"

    def _answer(
        self, request: Request, request_id: str, ok: bool, text: str, body: dict[str, Any] | None = None
    ) -> None:
        self._control.reply(request, Reply(request_id=request_id, ok=ok, text=text, body=body or {}))


def _match(description: Any) -> dict[str, Any]:
    contract = description.contract
    return {
        "con_id": contract.conId,
        "symbol": contract.symbol,
        "sec_type": contract.secType,
        "currency": contract.currency,
        "primary_exchange": contract.primaryExchange,
        "name": contract.description,
        "derivatives": list(description.derivativeSecTypes),
    }
