"""One client through every request of the protocol, step by step; each step waits for the end of its answer.

The genuine ibapi and ib_async have the same names for what they ask; `Library` holds what differs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import ib_async
from ibapi.common import WshEventData
from ibapi.contract import ComboLeg, Contract
from ibapi.execution import ExecutionFilter
from ibapi.order import Order
from ibapi.order_cancel import OrderCancel
from ibapi.scanner import ScannerSubscription

from pipeline.gateway.market.universe import Instrument, Universe

Fits = Callable[..., bool]
ANY: Fits = lambda *_: True  # noqa: E731


@dataclass(frozen=True)
class Library:
    """The classes of one client library, and how it cancels an order."""

    contract: type
    leg: type
    order: type
    filter: type
    scan: type
    wsh: type
    cancel: Callable[[Any, int], None]


IBAPI = Library(
    Contract, ComboLeg, Order, ExecutionFilter, ScannerSubscription, WshEventData,
    lambda client, order_id: client.cancelOrder(order_id, OrderCancel()),
)  # fmt: skip
IB_ASYNC = Library(
    ib_async.Contract, ib_async.ComboLeg, ib_async.Order, ib_async.ExecutionFilter, ib_async.ScannerSubscription,
    ib_async.WshEventData, lambda client, order_id: client.cancelOrder(order_id),
)  # fmt: skip


@dataclass
class Talk:
    """The client that asks, the contracts that exist, and the ids to use."""

    client: Any
    universe: Universe
    classes: Library = IBAPI
    account: str = "DU1234502"
    order_id: int = 0
    kept: dict[str, int] = field(default_factory=dict)  # order ids by the name of their step
    calls: list[tuple[str, tuple[Any, ...]]] = field(default_factory=list)  # what it has heard

    def contract(self, kind: str, symbol: str) -> Any:
        """The first contract of a kind, by con_id and exchange alone."""
        fits = (x for x in self.universe.by_con_id.values() if (x.sec_type, x.symbol) == (kind, symbol))
        return self._by_id(next(fits))

    def bond(self) -> Any:
        """One with a whole coupon: ib_async reads no other."""
        bonds = (x for x in self.universe.by_con_id.values() if x.bond is not None and x.bond.coupon % 1 == 0)
        return self._by_id(next(bonds))

    def option(self) -> Any:
        """An option near the money."""
        options = self.universe.options("AAPL")
        return self._by_id(options[len(options) // 4])

    def spread(self) -> Any:
        """A call spread as a BAG."""
        first, second = [x for x in self.universe.options("AAPL") if x.right == "C"][8:10]
        bag = self.classes.contract()
        bag.symbol, bag.secType, bag.currency, bag.exchange = "AAPL", "BAG", "USD", "SMART"
        bag.comboLegs = [self._leg(first.con_id, "BUY"), self._leg(second.con_id, "SELL")]
        return bag

    def _by_id(self, x: Instrument) -> Any:
        found = self.classes.contract()
        found.conId, found.exchange = x.con_id, x.exchange
        return found

    def _leg(self, con_id: int, action: str) -> Any:
        found = self.classes.leg()
        found.conId, found.ratio, found.action, found.exchange = con_id, 1, action, "SMART"
        return found

    def order(self, action: str, quantity: int, kind: str = "MKT", limit: float = 0.0) -> Any:
        found = self.classes.order()
        found.action, found.totalQuantity, found.orderType, found.account = action, quantity, kind, self.account
        if limit:
            found.lmtPrice = limit
        return found


@dataclass(frozen=True)
class Step:
    """What is asked, and the callback that ends its answer; `steady`: the same answer whenever and however asked."""

    name: str
    say: Callable[[Talk], None]
    ends: str
    fits: Fits = ANY
    steady: bool = False
    since: int = 157  # the server version that has it
    heard_before: bool = False  # it may have come with an earlier step


def details(req_id: int, contract: Callable[[Talk], Any], steady: bool = True) -> Step:
    return Step(
        f"details {req_id}",
        lambda talk: talk.client.reqContractDetails(req_id, contract(talk)),
        "contractDetailsEnd",
        lambda asked: asked == req_id,
        steady,
    )


BOND = "details 108"
CONTRACTS = [
    details(101, lambda t: t.contract("STK", "AAPL")),
    details(102, lambda t: t.contract("STK", "SPY")),
    details(103, lambda t: t.option()),
    details(104, lambda t: t.contract("FUT", "ES")),
    details(105, lambda t: t.contract("FOP", "ES")),
    details(106, lambda t: t.contract("IND", "SPX")),
    details(107, lambda t: t.contract("CASH", "EUR")),
    details(108, lambda t: t.bond()),
    Step(
        "option parameters",
        lambda t: t.client.reqSecDefOptParams(110, "AAPL", "", "STK", 265598),
        "securityDefinitionOptionParameterEnd",
        steady=True,
    ),
    Step("symbols", lambda t: t.client.reqMatchingSymbols(111, "AA"), "symbolSamples", steady=True),
    Step("market rule", lambda t: t.client.reqMarketRule(26), "marketRule", steady=True),
    Step("components", lambda t: t.client.reqSmartComponents(112, "9c0001"), "smartComponents", steady=True),
    Step("depth exchanges", lambda t: t.client.reqMktDepthExchanges(), "mktDepthExchanges", steady=True),
]


def bars(req_id: int, what: str, size: str = "1 hour", ends: str = "historicalDataEnd", since: int = 157) -> Step:
    def say(talk: Talk) -> None:
        stock = talk.contract("STK", "AAPL")
        talk.client.reqHistoricalData(req_id, stock, "20261120-21:00:00", "2 D", size, what, 1, 1, False, [])

    return Step(f"bars {what}", say, ends, lambda asked, *_: asked == req_id, True, since)


def past_ticks(req_id: int, what: str, ends: str) -> Step:
    def say(talk: Talk) -> None:
        stock = talk.contract("STK", "AAPL")
        talk.client.reqHistoricalTicks(req_id, stock, "20261120-15:00:00", "", 20, what, 1, True, [])

    return Step(f"past ticks {what}", say, ends, lambda asked, *_: asked == req_id, True)


def kept_up(talk: Talk) -> None:
    talk.client.reqHistoricalData(209, talk.contract("STK", "MSFT"), "", "3600 S", "1 min", "TRADES", 0, 1, True, [])


HISTORY = [
    bars(201, "TRADES"),
    bars(202, "MIDPOINT", "1 day"),
    bars(203, "SCHEDULE", "1 day", "historicalSchedule", 165),
    Step(
        "head timestamp",
        lambda t: t.client.reqHeadTimeStamp(204, t.contract("STK", "AAPL"), "TRADES", 1, 1),
        "headTimestamp",
        steady=True,
    ),
    Step(
        "histogram",
        lambda t: t.client.reqHistogramData(205, t.contract("STK", "AAPL"), True, "3 days"),
        "histogramData",
    ),
    past_ticks(206, "TRADES", "historicalTicksLast"),
    past_ticks(207, "BID_ASK", "historicalTicksBidAsk"),
    past_ticks(208, "MIDPOINT", "historicalTicks"),
    Step("bars that go on", kept_up, "historicalDataUpdate"),
    Step("no more bars", lambda t: t.client.cancelHistoricalData(209), "error", lambda asked, *_: asked == 209),
]

STREAMS = [
    Step(
        "quotes",
        lambda t: t.client.reqMktData(301, t.contract("STK", "AAPL"), "100,233,236,318,456", False, False, []),
        "tickGeneric",
    ),
    Step(
        "option quotes",
        lambda t: t.client.reqMktData(302, t.option(), "", False, False, []),
        "tickOptionComputation",
        lambda asked, kind, *_: kind == 13,
    ),
    Step(
        "snapshot",
        lambda t: t.client.reqMktData(303, t.contract("STK", "MSFT"), "", True, False, []),
        "tickSnapshotEnd",
    ),
    Step(
        "a spread's quotes",
        lambda t: t.client.reqMktData(304, t.spread(), "", False, False, []),
        "tickPrice",
        lambda asked, *_: asked == 304,
    ),
    Step(
        "trades",
        lambda t: t.client.reqTickByTickData(311, t.contract("STK", "AAPL"), "AllLast", 0, False),
        "tickByTickAllLast",
    ),
    Step(
        "quotes tick by tick",
        lambda t: t.client.reqTickByTickData(312, t.contract("STK", "AAPL"), "BidAsk", 0, False),
        "tickByTickBidAsk",
    ),
    Step(
        "mid points",
        lambda t: t.client.reqTickByTickData(313, t.contract("CASH", "EUR"), "MidPoint", 0, False),
        "tickByTickMidPoint",
    ),
    Step(
        "depth",
        lambda t: t.client.reqMktDepth(321, t.contract("FUT", "ES"), 5, False, []),
        "updateMktDepth",
    ),
    Step(
        "smart depth",
        lambda t: t.client.reqMktDepth(322, t.contract("STK", "AAPL"), 5, True, []),
        "updateMktDepthL2",
    ),
    Step(
        "five-second bars",
        lambda t: t.client.reqRealTimeBars(331, t.contract("STK", "AAPL"), 5, "TRADES", False, []),
        "realtimeBar",
    ),
    Step(
        "implied volatility",
        lambda t: t.client.calculateImpliedVolatility(341, t.option(), 12.0, 245.0, []),
        "tickOptionComputation",
        lambda asked, *_: asked == 341,
    ),
    Step(
        "option price",
        lambda t: t.client.calculateOptionPrice(342, t.option(), 0.3, 245.0, []),
        "tickOptionComputation",
        lambda asked, *_: asked == 342,
    ),
]

ACCOUNTS = [
    Step("accounts", lambda t: t.client.reqManagedAccts(), "managedAccounts", steady=True),
    Step("families", lambda t: t.client.reqFamilyCodes(), "familyCodes", steady=True),
    Step("updates", lambda t: t.client.reqAccountUpdates(True, "DU1234501"), "accountDownloadEnd"),
    Step(
        "updates of several",
        lambda t: t.client.reqAccountUpdatesMulti(401, "DU1234502", "", False),
        "accountUpdateMultiEnd",
    ),
    Step(
        "summary",
        lambda t: t.client.reqAccountSummary(402, "All", "NetLiquidation,Cushion,$LEDGER:ALL"),
        "accountSummaryEnd",
    ),
    Step("positions", lambda t: t.client.reqPositions(), "positionEnd"),
    Step("positions of one", lambda t: t.client.reqPositionsMulti(403, "DU1234502", ""), "positionMultiEnd"),
    Step("profit", lambda t: t.client.reqPnL(404, "DU1234501", ""), "pnl"),
    Step("profit of one", lambda t: t.client.reqPnLSingle(405, "DU1234501", "", 265598), "pnlSingle"),
]


def place(name: str, contract: Callable[[Talk], Any], make: Callable[[Talk], Any], status: str) -> Step:
    def say(talk: Talk) -> None:
        talk.order_id += 1
        talk.kept[name] = talk.order_id
        talk.client.placeOrder(talk.order_id, contract(talk), make(talk))

    return Step(name, say, "orderStatus", lambda _id, found, *_: found == status)


def preview(talk: Talk) -> None:
    talk.order_id += 1
    asked = talk.order("BUY", 10)
    asked.whatIf = True
    talk.client.placeOrder(talk.order_id, talk.contract("STK", "AAPL"), asked)


ORDERS = [
    Step("preview", preview, "openOrder", lambda _id, _c, found, _s: found.whatIf),
    place("bought", lambda t: t.contract("STK", "KO"), lambda t: t.order("BUY", 10), "Filled"),
    place("a spread", lambda t: t.spread(), lambda t: t.order("BUY", 1), "Filled"),
    place("waiting", lambda t: t.contract("STK", "KO"), lambda t: t.order("BUY", 7, "LMT", 20.0), "Submitted"),
    Step("commissions", lambda _t: None, "commissionAndFeesReport", heard_before=True),
    Step("open orders", lambda t: t.client.reqOpenOrders(), "openOrderEnd"),
    Step("all open orders", lambda t: t.client.reqAllOpenOrders(), "openOrderEnd"),
    Step(
        "executions",
        lambda t: t.client.reqExecutions(501, t.classes.filter()),
        "execDetailsEnd",
        lambda asked: asked == 501,
    ),
    Step(
        "cancel",
        lambda t: t.classes.cancel(t.client, t.kept["waiting"]),
        "orderStatus",
        lambda _id, found, *_: found == "Cancelled",
    ),
    Step("completed", lambda t: t.client.reqCompletedOrders(False), "completedOrdersEnd"),
    Step("ids", lambda t: t.client.reqIds(1), "nextValidId"),
]


def scan(talk: Talk) -> None:
    wanted = talk.classes.scan()
    wanted.instrument, wanted.locationCode, wanted.scanCode = "STK", "STK.US.MAJOR", "TOP_PERC_GAIN"
    talk.client.reqScannerSubscription(601, wanted, [], [])


def article(talk: Talk) -> None:
    """The first article of the headlines."""
    _req_id, _time, provider, article_id, _text = next(told for name, told in talk.calls if name == "historicalNews")
    talk.client.reqNewsArticle(642, provider, article_id, [])


OTHERS = [
    Step("time", lambda t: t.client.reqCurrentTime(), "currentTime"),
    Step("milliseconds", lambda t: t.client.reqCurrentTimeInMillis(), "currentTimeInMillis", since=197),
    Step("user", lambda t: t.client.reqUserInfo(611), "userInfo", steady=True, since=167),
    Step("tiers", lambda t: t.client.reqSoftDollarTiers(612), "softDollarTiers", steady=True),
    Step("scanner's parameters", lambda t: t.client.reqScannerParameters(), "scannerParameters", steady=True),
    Step("scanner", scan, "scannerDataEnd"),
    Step("news providers", lambda t: t.client.reqNewsProviders(), "newsProviders", steady=True),
    Step("bulletins", lambda t: t.client.reqNewsBulletins(True), "updateNewsBulletin"),
    Step("display groups", lambda t: t.client.queryDisplayGroups(621), "displayGroupList", steady=True),
    Step("a display group", lambda t: t.client.subscribeToGroupEvents(622, 1), "displayGroupUpdated"),
    Step(
        "calendar without a subscription",
        lambda t: t.client.reqWshMetaData(631),
        "error",
        lambda asked, *_: asked == 631,
        since=161,
    ),
    Step(
        "events without a subscription",
        lambda t: t.client.reqWshEventData(632, t.classes.wsh()),
        "error",
        lambda asked, *_: asked == 632,
        since=161,
    ),
]
NEWS = [
    Step("headlines", lambda t: t.client.reqHistoricalNews(641, 265598, "BRFG", "", "", 10, []), "historicalNewsEnd"),
    Step("article", article, "newsArticle"),
]


def follow_news(talk: Talk) -> None:
    for n, symbol in enumerate(("AAPL", "MSFT", "NVDA", "AMZN", "META", "TSLA", "AMD", "INTC", "JPM", "XOM")):
        talk.client.reqMktData(651 + n, talk.contract("STK", symbol), "mdoff,292", False, False, [])


FRESH_NEWS = [Step("news as it comes", follow_news, "tickNews")]
BINDING = [Step("orders made by hand", lambda t: t.client.reqAutoOpenOrders(True), "orderBound")]
ADVISOR = [
    Step("groups", lambda t: t.client.requestFA(1), "receiveFA"),
    Step("new groups", lambda t: t.client.replaceFA(701, 1, NO_GROUPS), "replaceFAEnd"),
]
NO_GROUPS = '<?xml version="1.0" encoding="UTF-8"?><ListOfGroups></ListOfGroups>'


def end_all(talk: Talk) -> None:
    """Every subscription ends; what comes after the time was asked afterwards."""
    client = talk.client
    for req_id in (301, 302, 304):
        client.cancelMktData(req_id)
    for req_id in (311, 312, 313):
        client.cancelTickByTickData(req_id)
    client.cancelMktDepth(321, False)
    client.cancelMktDepth(322, True)
    client.cancelRealTimeBars(331)
    client.reqAccountUpdates(False, "DU1234501")
    client.cancelAccountUpdatesMulti(401)
    client.cancelAccountSummary(402)
    client.cancelPositions()
    client.cancelPositionsMulti(403)
    client.cancelPnL(404)
    client.cancelPnLSingle(405)
    client.cancelScannerSubscription(601)
    client.cancelNewsBulletins()
    client.unsubscribeFromGroupEvents(622)
    client.reqCurrentTime()


END = [Step("the end of all", end_all, "currentTime")]
ALL = CONTRACTS + HISTORY + STREAMS + ACCOUNTS + ORDERS + OTHERS + NEWS + END
