"""What TWS can look up, by command: contracts, option chains, price steps, dates, news, scans. One answer each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec

from pipeline.bus.control import Request
from pipeline.ingest import lookup_rows as rows
from pipeline.ingest.contracts import Contracts
from pipeline.ingest.part import Hub, Part
from pipeline.ingest.requests import Outcome
from pipeline.messages import (
    FindContracts,
    GetArticle,
    GetDepthExchanges,
    GetHeadTime,
    GetHistogram,
    GetMarketRule,
    GetNews,
    GetNewsProviders,
    GetOptionChain,
    GetScannerParameters,
    GetSchedule,
    GetSmartComponents,
    Instrument,
    Scan,
)
from pipeline.tws import translate

WITHIN_S = 20.0
MAX_NEWS = 300


@dataclass
class Open:
    """A question to TWS and what has come of its answer."""

    request: Request
    rows: list[Any] = field(default_factory=list)
    cancel: Callable[[int], None] | None = None  # what tells TWS that nobody waits any more


class Lookups(Part):
    """Each command becomes one request to TWS with a deadline; TWS's own words come back where it refuses."""

    commands = (FindContracts, GetOptionChain, GetMarketRule, GetNewsProviders, GetNews, GetArticle, Scan, GetHistogram,
                GetScannerParameters, GetSmartComponents, GetDepthExchanges, GetHeadTime, GetSchedule)  # fmt: skip

    def __init__(self, hub: Hub, contracts: Contracts) -> None:
        super().__init__(hub)
        self._contracts = contracts
        self._open: dict[int, Open] = {}
        self._components_of: dict[int, str] = {}  # con_id → TWS's name of the map of its letters
        self._unnamed: dict[tuple[str, int], list[int]] = {}  # answers that bear no request id → who waits

    def handle(self, request: Request, command: Any) -> None:
        if not self.hub.connection.ready:
            self.hub.answer(request, False, self.hub.away())
            return
        match command:
            case FindContracts():
                self._find(request, command)
            case GetMarketRule():
                self._ask_unnamed(request, "rule", command.rule_id, lambda c: c.reqMarketRule(command.rule_id))
            case GetNewsProviders():
                self._ask_unnamed(request, "providers", 0, lambda c: c.reqNewsProviders())
            case GetDepthExchanges():
                self._ask_unnamed(request, "depth exchanges", 0, lambda c: c.reqMktDepthExchanges())
            case GetSmartComponents():
                self._components(request, command)
            case GetScannerParameters():
                self._ask_unnamed(request, "scanner", 0, lambda c: c.reqScannerParameters())
            case GetArticle():
                asked = self._begin(request, "article")
                self.hub.connection.client.reqNewsArticle(asked, command.provider, command.article_id, [])
            case Scan():
                self._scan(request, command)
            case _:
                self._about_a_contract(request, command)

    def _begin(self, request: Request, what: str, cancel: Callable[[int], None] | None = None) -> int:
        asked = self.hub.requests.begin(what, self._ended, WITHIN_S)
        self._open[asked] = Open(request, cancel=cancel)
        return asked

    def _ask_unnamed(self, request: Request, what: str, number: int, ask: Callable[[Any], None]) -> None:
        """TWS answers these without the request's id: one question at a time, shared by all who ask."""
        waiting = self._unnamed.setdefault((what, number), [])
        waiting.append(self._begin(request, what))
        if len(waiting) == 1:
            ask(self.hub.connection.client)

    def _about_a_contract(self, request: Request, command: Any) -> None:
        def ask(found: Instrument | None, words: str) -> None:
            if found is None:
                self.hub.answer(request, False, f"contract {command.con_id}: {words}")
            elif not self.hub.connection.ready:
                self.hub.answer(request, False, self.hub.away())
            else:
                self._ask(request, command, found)

        self._contracts.want(command.con_id, ask)

    def _ask(self, request: Request, command: Any, known: Instrument) -> None:
        client, contract = self.hub.connection.client, translate.contract(known)
        match command:
            case GetOptionChain():
                asked = self._begin(request, "option chain")
                client.reqSecDefOptParams(asked, known.symbol, command.exchange, known.sec_type, known.con_id)
            case GetHeadTime():
                asked = self._begin(request, "head time", client.cancelHeadTimeStamp)
                client.reqHeadTimeStamp(asked, contract, command.what, int(command.regular_hours), 2)
            case GetHistogram():
                asked = self._begin(request, "histogram", client.cancelHistogramData)
                client.reqHistogramData(asked, contract, command.regular_hours, command.period)
            case GetSchedule():
                asked = self._begin(request, "schedule", client.cancelHistoricalData)
                client.reqHistoricalData(asked, contract, "", f"{max(1, command.days)} D", "1 day", "SCHEDULE", 1, 2,
                                         False, [])  # fmt: skip
            case GetNews():
                asked = self._begin(request, "news")
                since, until = (rows.news_time(at) if at else "" for at in (command.from_ns, command.to_ns))
                count = min(MAX_NEWS, max(1, command.count))
                client.reqHistoricalNews(asked, known.con_id, command.providers, since, until, count, [])

    def _find(self, request: Request, command: FindContracts) -> None:
        def done(found: list[Instrument], words: str) -> None:
            body = {"contracts": [msgspec.to_builtins(one) for one in found]}
            text = words if not found else f"{len(found)} contracts"
            self.hub.answer(request, bool(found), text, body)

        self._contracts.search(rows.wanted(command), done)

    def _components(self, request: Request, command: GetSmartComponents) -> None:
        name = self._components_of.get(command.con_id, "")
        if not name:
            text = f"contract {command.con_id}: TWS tells its exchanges with a market-data line; it has none yet"
            self.hub.answer(request, False, text)
            return
        self.hub.connection.client.reqSmartComponents(self._begin(request, "smart components"), name)

    def _scan(self, request: Request, command: Scan) -> None:
        client = self.hub.connection.client
        asked = self._begin(request, "scan", client.cancelScannerSubscription)
        wanted, filters = rows.scan(command)
        client.reqScannerSubscription(asked, wanted, [], filters)

    # Ends.

    def _ended(self, asked: int, outcome: Outcome, words: str) -> None:
        known = self._open.pop(asked)
        for key, waiting in list(self._unnamed.items()):
            if asked in waiting:
                waiting.remove(asked)
                if not waiting:
                    del self._unnamed[key]
        if outcome in (Outcome.TIMED_OUT, Outcome.CANCELLED) and known.cancel is not None:
            known.cancel(asked)
        if outcome is not Outcome.DONE:
            self.hub.answer(known.request, False, words)

    def _done(self, asked: int, text: str, body: dict[str, Any]) -> None:
        known = self._open.get(asked)
        if known is not None:
            self.hub.requests.done(asked)
            self.hub.answer(known.request, True, text, body)

    def _done_unnamed(self, what: str, number: int, text: str, body: dict[str, Any]) -> None:
        for asked in list(self._unnamed.get((what, number), [])):
            self._done(asked, text, body)

    def _keep(self, asked: int, row: Any) -> None:
        known = self._open.get(asked)
        if known is not None:
            known.rows.append(row)

    def cancel(self, request_id: str) -> bool:
        """End the question of that command; False where there is none."""
        for asked, known in list(self._open.items()):
            if known.request.command is not None and known.request.command.request_id == request_id:
                self.hub.requests.cancel(asked, "cancelled")
                return True
        return False

    # Answers of TWS.

    def securityDefinitionOptionParameter(
        self,
        reqId: int,
        exchange: str,
        underlyingConId: int,
        tradingClass: str,
        multiplier: str,
        expirations: Any,
        strikes: Any,
    ) -> None:
        """One exchange and trading class of a chain."""
        chain = rows.chain(underlyingConId, exchange, tradingClass, multiplier, expirations, strikes)
        self._keep(reqId, chain)
        if reqId in self._open:
            self.hub.publish(chain)

    def securityDefinitionOptionParameterEnd(self, reqId: int) -> None:
        """The chain is whole."""
        if reqId in self._open:
            chains = [msgspec.to_builtins(chain) for chain in self._open[reqId].rows]
            self._done(reqId, f"{len(chains)} classes on exchanges", {"chains": chains})

    def marketRule(self, marketRuleId: int, priceIncrements: Any) -> None:
        """Price steps."""
        rule = rows.rule(marketRuleId, priceIncrements)
        if ("rule", marketRuleId) in self._unnamed:
            self.hub.publish(rule)
        self._done_unnamed("rule", marketRuleId, f"rule {marketRuleId}", msgspec.to_builtins(rule))

    def tickReqParams(self, tickerId: int, minTick: float, bboExchange: str, snapshotPermissions: int) -> None:
        """What TWS tells of a new line: here the map of its letters."""
        self._components_of[self.hub.connection.client.lines.con_id(tickerId)] = bboExchange

    def smartComponents(self, reqId: int, smartComponentMap: Any) -> None:
        """Letters of exchanges."""
        found = [{"bit": one.bitNumber, "exchange": one.exchange, "letter": one.exchangeLetter}
                 for one in smartComponentMap]  # fmt: skip
        self._done(reqId, f"{len(found)} exchanges", {"exchanges": found})

    def mktDepthExchanges(self, depthMktDataDescriptions: Any) -> None:
        """Who has a book."""
        found = [{"exchange": one.exchange, "sec_type": one.secType, "listing_exchange": one.listingExch,
                  "book": one.serviceDataType} for one in depthMktDataDescriptions]  # fmt: skip
        self._done_unnamed("depth exchanges", 0, f"{len(found)} exchanges", {"exchanges": found})

    def newsProviders(self, newsProviders: Any) -> None:
        """Who may be read."""
        body = {"providers": [{"code": one.code, "name": one.name} for one in newsProviders]}
        self._done_unnamed("providers", 0, f"{len(body['providers'])} providers", body)

    def scannerParameters(self, xml: str) -> None:
        """TWS's XML."""
        self._done_unnamed("scanner", 0, f"{len(xml)} characters of XML", {"xml": xml})

    def historicalNews(self, requestId: int, time: str, providerCode: str, articleId: str, headline: str) -> None:
        """One headline of the past."""
        self._keep(requestId, rows.headline(time, providerCode, articleId, headline))

    def historicalNewsEnd(self, requestId: int, hasMore: bool) -> None:
        """All headlines that were asked for."""
        if requestId in self._open:
            found = self._open[requestId].rows
            self._done(requestId, f"{len(found)} headlines", {"news": found, "more": bool(hasMore)})

    def newsArticle(self, requestId: int, articleType: int, articleText: str) -> None:
        """An article: type 0 is text or HTML, 1 is a PDF in base64."""
        self._done(requestId, "article", {"type": articleType, "text": articleText})

    def scannerData(
        self, reqId: int, rank: int, contractDetails: Any, distance: str, benchmark: str, projection: str, legsStr: str
    ) -> None:
        """One row of a scan."""
        self._keep(reqId, rows.scanned(rank, contractDetails, distance, benchmark, projection, legsStr))

    def scannerDataEnd(self, reqId: int) -> None:
        """The scan has run once; it is not kept running."""
        known = self._open.get(reqId)
        if known is not None:
            if known.cancel is not None:
                known.cancel(reqId)
            self._done(reqId, f"{len(known.rows)} rows", {"rows": known.rows})

    def headTimestamp(self, reqId: int, headTimestamp: str) -> None:
        """When history begins."""
        begin_ns = rows.time_ns(headTimestamp)
        if reqId in self._open and self._open[reqId].cancel is not None:
            self.hub.connection.client.cancelHeadTimeStamp(reqId)
        self._done(reqId, f"history begins at {headTimestamp}", {"from_ns": begin_ns})

    def histogramData(self, reqId: int, items: Any) -> None:
        """Volume by price."""
        found = [[translate.number(item.price), translate.number(item.size)] for item in items]
        self._done(reqId, f"{len(found)} prices", {"price_and_size": found})

    def historicalSchedule(
        self, reqId: int, startDateTime: str, endDateTime: str, timeZone: str, sessions: Any
    ) -> None:
        """Trading sessions."""
        body = {"time_zone": timeZone, "sessions": [rows.session(one) for one in sessions]}
        self._done(reqId, f"{len(body['sessions'])} sessions", body)
