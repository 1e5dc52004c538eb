"""Contract questions to a running gateway, by the genuine client and by ib_async."""

import ib_async
import pytest
from ibapi.contract import Contract

several_versions = pytest.mark.parametrize("app", [157, 178, 200], indirect=True)
ASKED = {
    1: ({"symbol": "QQQ", "secType": "STK", "exchange": "SMART"}, ["QQQ"]),
    2: ({"symbol": "NQ", "secType": "FUT", "exchange": "CME"}, ["NQZ6", "NQH7", "NQM7"]),
    3: ({"symbol": "ES", "secType": "FOP", "strike": 6500.0, "right": "C"}, ["ESZ6 C6500", "ESF7 C6500"]),
    4: ({"symbol": "USD", "secType": "CASH", "exchange": "IDEALPRO", "currency": "JPY"}, ["USD.JPY"]),
    5: ({"symbol": "NDX", "secType": "IND"}, ["NDX"]),
    6: ({"symbol": "GC", "secType": "CONTFUT", "exchange": "COMEX"}, ["GCZ6"]),
}  # fmt: skip


def contract(**fields):
    made = Contract()
    for name, value in fields.items():
        setattr(made, name, value)
    return made


@several_versions
def test_every_type_of_contract(app):
    for req_id, (fields, _) in ASKED.items():
        app.client.reqContractDetails(req_id, contract(**fields))
    app.client.reqContractDetails(7, contract(symbol="037833BX7", secType="BOND"))
    app.client.reqContractDetails(8, contract(symbol="AAPL", secType="BAG", exchange="SMART"))
    for req_id, (_, wanted) in ASKED.items():
        app.wait("contractDetailsEnd", lambda ended, req_id=req_id: ended == req_id)
        told = [details.contract.localSymbol for asked, details in app.named("contractDetails") if asked == req_id]
        assert told == wanted
    app.wait("contractDetailsEnd", lambda ended: ended == 7)
    ((_, bond),) = app.named("bondContractDetails")
    assert (bond.coupon, bond.maturity, bond.callable) == (4.65, "20460223", True)
    refused = app.wait("error", lambda req_id, *_: req_id == 8)
    assert refused[2] == 321
    assert "'BAG' isn't supported for contract data request" in refused[3]


@several_versions
def test_what_belongs_to_contracts(app):
    app.client.reqMktDepthExchanges()
    app.client.reqSmartComponents(9, "9c0001")
    app.client.reqMarketRule(240)
    app.client.reqMatchingSymbols(10, "JPMORGAN")
    assert "IDEALPRO" in [x.exchange for x in app.wait("mktDepthExchanges")[0]]
    assert [x.exchange for x in app.wait("smartComponents")[1]] == ["NASDAQ", "NYSE", "ARCA", "BATS", "IEX"]
    assert app.wait("marketRule")[1][0].increment == 0.005
    found = [x.contract.secType for x in app.wait("symbolSamples")[1]]
    assert found == (["STK", "BOND"] if app.client.serverVersion() >= 176 else ["STK"])


@pytest.fixture
def ib(address):
    client = ib_async.IB()
    client.connect(*address, clientId=951, timeout=30)
    yield client
    client.disconnect()
    client.sleep(0)


def test_ib_async_reads_them_alike(ib):
    curve = ib.reqContractDetails(ib_async.Future("CL", exchange="NYMEX"))
    assert [x.contract.localSymbol for x in curve] == ["CLF7", "CLG7", "CLH7", "CLJ7"]
    pair = ib_async.Forex("EURUSD")
    ib.qualifyContracts(pair)
    assert (pair.conId, pair.localSymbol) == (12087792, "EUR.USD")
    (note,) = ib.reqContractDetails(ib_async.Bond(symbol="91282CJZ5", exchange="SMART"))
    assert (note.cusip, note.coupon, note.maturity) == ("91282CJZ5", 4, "20340215")
    (fund,) = ib.reqContractDetails(ib_async.Contract(secType="STK", secIdType="ISIN", secId="US78462F1030"))
    assert (fund.contract.symbol, fund.stockType) == ("SPY", "ETF")
    assert ib.reqMarketRule(int(curve[0].marketRuleIds))[0].increment == curve[0].minTick
    spring = ib.reqContractDetails(ib_async.Future("ES", "202703", "CME"))[0].contract
    (chain,) = ib.reqSecDefOptParams("ES", "CME", "FUT", spring.conId)
    assert (chain.tradingClass, chain.expirations, len(chain.strikes)) == ("ES", ["20270115"], 20)
