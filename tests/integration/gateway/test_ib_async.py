"""ib_async, a second and independent client of the protocol."""

import contextlib

import ib_async
import pytest

DEADLINE_S = 30.0


@pytest.fixture
def ib(address):
    found = ib_async.IB()
    found.RaiseRequestErrors = False
    found.connect(*address, clientId=77, timeout=DEADLINE_S)
    with contextlib.closing(_Closing(found)):
        yield found


class _Closing:
    def __init__(self, ib):
        self.ib = ib

    def close(self):
        self.ib.disconnect()
        self.ib.sleep(0)


def until(ib, fits):
    """Let the client's loop run until `fits` holds."""
    for _ in range(int(DEADLINE_S / 0.02)):
        if fits():
            return
        ib.sleep(0.02)
    raise AssertionError("it did not come to pass in time")


def test_a_whole_conversation(ib):
    assert ib.client.serverVersion() == 178
    assert ib.managedAccounts() == ["DU1234501", "DU1234502"]
    assert 38 <= len(ib.positions()) <= 45
    stock, future = ib_async.Stock("MSFT", "SMART", "USD"), ib_async.Future("ES", "202612", "CME")
    index, option = ib_async.Index("SPX", "CBOE"), ib_async.Option("TSLA", "202612", 400.0, "P", "SMART")
    ib.qualifyContracts(stock, future, index, option)
    assert (stock.conId, index.conId, future.multiplier, option.strike) == (272093, 416904, "50", 400.0)
    tickers = [ib.reqMktData(x) for x in (stock, future, index, option)]
    until(ib, lambda: all(t.last == t.last for t in tickers) and tickers[3].modelGreeks is not None)
    assert tickers[0].bid < tickers[0].ask
    assert -1 < tickers[3].modelGreeks.delta < 0
    (snapshot,) = ib.reqTickers(stock)
    assert snapshot.bid > 0
    assert {value.tag for value in ib.accountSummary()} >= {"NetLiquidation", "AvailableFunds", "Cushion"}
    chains = ib.reqSecDefOptParams("AAPL", "", "STK", 265598)
    assert len(chains[0].strikes) == 20


def test_orders(ib):
    stock = ib_async.Stock("MSFT", "SMART", "USD")
    ib.qualifyContracts(stock)
    state = ib.whatIfOrder(stock, ib_async.MarketOrder("BUY", 100, account="DU1234502"))
    assert float(state.initMarginChange) == pytest.approx(0.33 * 48_000, rel=0.05)
    waiting = ib.placeOrder(stock, ib_async.LimitOrder("BUY", 10, 300.0, account="DU1234502"))
    until(ib, lambda: waiting.orderStatus.status == "Submitted")
    ib.cancelOrder(waiting.order)
    until(ib, lambda: waiting.orderStatus.status == "Cancelled")
    trade = ib.placeOrder(stock, ib_async.MarketOrder("SELL", 1200, account="DU1234502"))
    until(ib, lambda: trade.isDone() and all(fill.commissionReport.execId for fill in trade.fills))
    assert sum(fill.execution.shares for fill in trade.fills) == 1200
    assert len(trade.fills) >= 2
    held = lambda: {p.contract.conId: p.position for p in ib.positions("DU1234502")}  # noqa: E731
    until(ib, lambda: held()[272093] == 150 - 1200)
    refused = ib.placeOrder(stock, ib_async.MarketOrder("BUY", 900_000, account="DU1234502"))
    until(ib, refused.isDone)
    assert any(entry.errorCode == 201 for entry in refused.log)
    assert {t.orderStatus.status for t in ib.reqCompletedOrders(False)} >= {"Filled", "Cancelled"}
    assert len(ib.reqExecutions()) >= 2
