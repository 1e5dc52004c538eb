"""Live data of a real gateway, as the genuine client and ib_async hear it."""

import asyncio
import contextlib

import ib_async
import pytest
from ibapi.contract import ComboLeg, Contract

from pipeline import config
from pipeline.gateway import alone
from pipeline.gateway.market import ladder

several_versions = pytest.mark.parametrize("app", [157, 178, 200], indirect=True)
DEADLINE_S = 30.0


@pytest.fixture(scope="module")
def address():
    """A market that is always open and goes twenty times as fast; no live data of KO."""
    settings = config.Gateway(rate=1500, clock=20.0, hours="always", without_live_data=["KO"])
    with alone.running(settings, 0, None, "--day", "2026-11-23") as found:
        yield found


def pair():
    found = Contract()
    found.symbol, found.currency, found.secType, found.exchange = "EUR", "USD", "CASH", "IDEALPRO"
    return found


@several_versions
def test_every_tick_by_tick(app, make_contract):
    for n, kind in enumerate(("Last", "AllLast", "BidAsk", "MidPoint")):
        app.client.reqTickByTickData(n, make_contract(), kind, 10 if kind == "Last" else 0, False)
    app.wait("historicalTicksLast", lambda req_id, rows, done: (req_id, len(rows), done) == (0, 10, True))
    for n in (0, 1):
        assert app.wait("tickByTickAllLast", lambda req_id, *_, n=n: req_id == n)[1] == n + 1
    quote = app.wait("tickByTickBidAsk")
    assert quote[2] < quote[3]
    app.wait("tickByTickMidPoint")
    for n in range(4):
        app.client.cancelTickByTickData(n)
    app.client.reqTickByTickData(9, pair(), "Last", 0, False)
    assert app.wait("error", lambda req_id, *_: req_id == 9)[2] == 10189
    app.client.cancelTickByTickData(9)
    app.wait("error", lambda req_id, _at, code, *_: (req_id, code) == (9, 300))


@several_versions
def test_depth_of_smart_and_of_an_exchange(app, make_contract):
    app.client.reqMktDepth(1, make_contract(), 5, True, [])
    app.client.reqMktDepth(2, pair(), 5, False, [])
    assert app.wait("error", lambda req_id, *_: req_id == 1)[2] == 2152
    app.wait("updateMktDepthL2", lambda _r, position, maker, *_: position == 4 and maker in ladder.EXCHANGES)
    app.wait("updateMktDepth", lambda req_id, position, *_: (req_id, position) == (2, 4))
    app.wait("updateMktDepthL2", lambda _r, _p, _m, operation, *_: operation == 1)
    app.client.reqMktDepth(3, make_contract(), 5, False, [])
    assert app.wait("error", lambda req_id, *_: req_id == 3)[2] == 10092
    app.client.cancelMktDepth(1, True)
    app.client.cancelMktDepth(2, False)
    app.client.cancelMktDepth(2, False)
    assert app.wait("error", lambda req_id, *_: req_id == 2)[2] == 310


@several_versions
def test_bars_of_every_kind(app, make_contract):
    for n, what in enumerate(("TRADES", "BID", "ASK", "MIDPOINT")):
        app.client.reqRealTimeBars(n, make_contract(), 5, what, False, [])
    for n in range(4):
        _, at, opened, high, low, closed, volume, _, count = app.wait("realtimeBar", lambda r, *_, n=n: r == n)
        assert at % 5 == 0
        assert low <= min(opened, closed) <= max(opened, closed) <= high
        assert (volume >= 0) == (count >= 0) == (n == 0)
        app.client.cancelRealTimeBars(n)
    app.client.reqRealTimeBars(9, make_contract(), 5, "OPEN", False, [])
    assert app.wait("error", lambda req_id, *_: req_id == 9)[2] == 321


@several_versions
def test_generic_ticks_delayed_data_and_combinations(app, make_contract):
    app.client.reqMktData(1, make_contract(), "233,236,318,456", False, False, [])
    app.wait("tickString", lambda _r, kind, text: kind == 48 and text.count(";") == 5)
    app.wait("tickGeneric", lambda _r, kind, _v: kind == 46)
    app.wait("tickSize", lambda _r, kind, _v: kind == 89)
    app.wait("tickPrice", lambda _r, kind, *_: kind == 57)
    app.client.reqMktData(2, make_contract(8894), "", False, False, [])
    assert app.wait("error", lambda req_id, *_: req_id == 2)[2] == 10089
    app.client.reqMarketDataType(3)
    app.client.reqMktData(3, make_contract(8894), "", False, False, [])
    assert app.wait("error", lambda req_id, *_: req_id == 3)[2] == 10167
    app.wait("marketDataType", lambda req_id, kind: (req_id, kind) == (3, 3))
    assert app.wait("tickPrice", lambda req_id, kind, *_: (req_id, kind) == (3, 66))[2] > 0
    spread = make_contract(0)
    spread.symbol, spread.secType, spread.currency, spread.comboLegs = "AAPL", "BAG", "USD", []
    for con_id, action in ((265598, "BUY"), (272093, "SELL")):
        leg = ComboLeg()
        leg.conId, leg.ratio, leg.action, leg.exchange = con_id, 1, action, "SMART"
        spread.comboLegs.append(leg)
    app.client.reqMktData(4, spread, "", False, False, [])
    bid = app.wait("tickPrice", lambda req_id, kind, *_: (req_id, kind) == (4, 1))[2]
    ask = app.wait("tickPrice", lambda req_id, kind, *_: (req_id, kind) == (4, 2))[2]
    assert bid < ask < 0  # a share of MSFT costs more than one of AAPL
    for n in (1, 3, 4):
        app.client.cancelMktData(n)


@pytest.fixture
def ib(address):
    found = ib_async.IB()
    found.RaiseRequestErrors = False
    found.connect(*address, clientId=88, timeout=DEADLINE_S)
    yield found
    found.disconnect()
    with contextlib.suppress(asyncio.CancelledError):
        found.sleep(0)


def until(ib, fits):
    for _ in range(int(DEADLINE_S / 0.02)):
        if fits():
            return
        ib.sleep(0.02)
    raise AssertionError("it did not come to pass in time")


def test_ib_async_hears_every_stream(ib):
    stock, euro = ib_async.Stock("MSFT", "SMART", "USD"), ib_async.Forex("EURUSD")
    ib.qualifyContracts(stock, euro)
    ticks = ib.reqTickByTickData(stock, "AllLast")
    quotes = ib.reqTickByTickData(euro, "BidAsk")
    until(ib, lambda: ticks.tickByTicks and quotes.tickByTicks)
    ib.cancelTickByTickData(stock, "AllLast")
    ib.cancelTickByTickData(euro, "BidAsk")
    book = ib.reqMktDepth(stock, 5, True)
    until(ib, lambda: len(book.domBids) == 5 and len(book.domAsks) == 5)
    assert book.domBids[0].price < book.domAsks[0].price
    ib.cancelMktDepth(stock, True)
    bars = ib.reqRealTimeBars(euro, 5, "MIDPOINT", False)
    until(ib, lambda: len(bars) >= 2)
    assert bars[0].low <= bars[0].close <= bars[0].high
    ib.cancelRealTimeBars(bars)
    option = ib_async.Option("AAPL", "202612", 245.0, "C", "SMART")
    ib.qualifyContracts(option)
    found = ib.calculateImpliedVolatility(option, 9.0, 245.0)
    assert 0.05 < found.impliedVol < 1.0
    found = ib.calculateOptionPrice(option, found.impliedVol, 245.0)
    assert found.optPrice == pytest.approx(9.0, abs=1e-4)
    ticker = ib.reqMktData(stock, "233,236,456")
    until(ib, lambda: ticker.rtVolume > 0 and ticker.shortable > 2.5 and ticker.dividends is not None)
    ib.cancelMktData(stock)
