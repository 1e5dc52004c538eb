"""The watchlist's commands: symbols added, removed, searched for."""

from __future__ import annotations

from typing import Any

import msgspec

from pipeline import logs
from pipeline.bus.control import Request
from pipeline.ingest.contracts import Contracts
from pipeline.ingest.part import Hub, Part
from pipeline.ingest.requests import Outcome
from pipeline.ingest.watch import Watchlist
from pipeline.messages import AddSymbol, FindSymbols, Instrument, RemoveSymbol


class Watching(Part):
    """Answers with the result, TWS's words, or a deadline."""

    commands = (AddSymbol, RemoveSymbol, FindSymbols)

    def __init__(self, hub: Hub, contracts: Contracts, watchlist: Watchlist) -> None:
        super().__init__(hub)
        self._contracts, self._watchlist = contracts, watchlist
        self._searches: dict[int, Request] = {}

    def handle(self, request: Request, command: Any) -> None:
        match command:
            case AddSymbol():
                self._add(request, command)
            case RemoveSymbol():
                removed = self._watchlist.remove(command.con_id)
                text = "removed" if removed else f"contract {command.con_id} is not in the watchlist"
                self.hub.lines_changed()
                self.hub.answer(request, removed, text)
            case FindSymbols():
                self._find(request, command)

    def connected(self) -> None:
        """Configured symbols that TWS has not described yet."""
        for symbol in self._watchlist.symbols:
            self._look_up(symbol)

    def _look_up(self, symbol: str) -> None:
        def done(found: Instrument | None, words: str) -> None:
            if found is not None:
                self._watchlist.resolved(symbol, found)
                self.hub.lines_changed()
            else:
                logs.event("ingest", "watch_unknown", level=30, symbol=symbol, text=words)

        self._contracts.find(symbol, done)

    def _add(self, request: Request, command: AddSymbol) -> None:
        symbol = command.symbol.strip().upper()
        if not symbol and not command.con_id:
            self.hub.answer(request, False, "expected a symbol or a con_id")
            return

        def done(found: Instrument | None, words: str) -> None:
            if found is None:
                self.hub.answer(request, False, f"{symbol or command.con_id}: {words}")
                return
            fresh = self._watchlist.add(found)
            self.hub.lines_changed()
            text = f"{found.symbol} is watched" + ("" if fresh else " already")
            self.hub.answer(request, True, text, msgspec.to_builtins(found))

        if not self.hub.connection.ready:
            self.hub.answer(request, False, self.hub.away())
        elif command.con_id:
            self._contracts.want(command.con_id, done)
        else:
            self._contracts.find(symbol, done)

    def _find(self, request: Request, command: FindSymbols) -> None:
        if not self.hub.connection.ready:
            self.hub.answer(request, False, self.hub.away())
            return
        search = self.hub.requests.begin("symbol search", self._ended)
        self._searches[search] = request
        self.hub.connection.client.reqMatchingSymbols(search, command.pattern.strip())

    def symbolSamples(self, reqId: int, contractDescriptions: list[Any]) -> None:
        """The answer to a search."""
        asked = self._searches.get(reqId)
        if asked is not None:
            matches = [_match(description) for description in contractDescriptions]
            self.hub.answer(asked, True, f"{len(matches)} found", {"matches": matches})
            self.hub.requests.done(reqId)

    def _ended(self, search: int, outcome: Outcome, words: str) -> None:
        asked = self._searches.pop(search)
        if outcome is not Outcome.DONE:
            self.hub.answer(asked, False, words)


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
