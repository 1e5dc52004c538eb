"""The past, the scanner and news of a real gateway, heard by ibapi at several versions and by ib_async."""

import contextlib
from datetime import UTC, date, datetime, timedelta

import ib_async
import pytest
from ibapi.scanner import ScannerSubscription

several_versions = pytest.mark.parametrize("app", [157, 178, 200], indirect=True)
DEADLINE_S = 30.0


@several_versions
def test_bars_and_their_updates(app, make_contract):
    """Pacing is of the whole gateway: each version asks for bars of another size."""
    version = app.client.serverVersion()
    size = {157: "5 secs", 178: "10 secs", 200: "15 secs"}[version]
    app.client.reqHistoricalData(1, make_contract(), "", "2 D", "30 mins", "TRADES", 1, 2, False, [])
    app.client.reqHistoricalData(2, make_contract(), "", "1 D", size, "MIDPOINT", 0, 2, True, [])
    app.wait("historicalDataEnd", lambda req_id, *_: req_id == 1)
    rows = [bar for req_id, bar in app.named("historicalData") if req_id == 1]
    assert len(rows) == 14
    first = datetime.fromtimestamp(int(rows[0].date), UTC)
    assert first == datetime(2026, 11, 20, 14, 30, tzinfo=UTC)
    app.wait("historicalDataEnd", lambda req_id, *_: req_id == 2)
    last = [bar for req_id, bar in app.named("historicalData") if req_id == 2][-1]
    update = app.wait("historicalDataUpdate", lambda req_id, bar: int(bar.date) >= int(last.date))[1]
    assert update.low <= min(update.open, update.close)
    assert max(update.open, update.close) <= update.high
    app.client.cancelHistoricalData(2)
    assert app.wait("error", lambda req_id, *_: req_id == 2)[2] == 162
    app.client.cancelHistoricalData(2)
    app.wait("error", lambda req_id, _time, code, *_: (req_id, code) == (2, 366))


@several_versions
def test_the_other_questions_of_the_past(app, make_contract):
    x, version = make_contract(4815747), app.client.serverVersion()
    app.client.reqHeadTimeStamp(1, x, "TRADES", 1, 1)
    app.client.reqHistogramData(2, x, True, "2 days")
    end = f"20261120-19:{version - 150:02d}:00"
    app.client.reqHistoricalTicks(3, x, "", end, 1000, "TRADES", 1, False, [])
    assert app.wait("headTimestamp")[1].startswith("20201102")
    assert len(app.wait("histogramData")[1]) > 50
    ticks = app.wait("historicalTicksLast")[1]
    assert len(ticks) == 1000
    assert ticks[-1].time < datetime(2026, 11, 20, 19, version - 150, tzinfo=UTC).timestamp()
    app.client.reqHistoricalData(4, make_contract(exchange=""), "", "1 D", "1 day", "TRADES", 1, 1, False, [])
    app.client.reqHistoricalData(5, x, "", "1 D", "9 mins", "TRADES", 1, 1, False, [])
    for req_id in (4, 5):
        assert app.wait("error", lambda found, *_, req_id=req_id: found == req_id)[2] == 321


@several_versions
def test_scanner_news_and_groups(app):
    wanted = ScannerSubscription()
    wanted.instrument, wanted.locationCode, wanted.scanCode, wanted.numberOfRows = "STK", "STK.US", "MOST_ACTIVE", 5
    app.client.reqScannerSubscription(1, wanted, [], [])
    app.client.reqScannerParameters()
    app.client.reqNewsProviders()
    app.client.reqHistoricalNews(2, 265598, "BRFG+DJNL", "", "", 3, [])
    app.client.reqNewsBulletins(True)
    app.client.subscribeToGroupEvents(3, 1)
    app.wait("scannerDataEnd")
    assert len(app.named("scannerData")) == 5
    assert "MOST_ACTIVE" in app.wait("scannerParameters")[0]
    assert len(app.wait("newsProviders")[0]) == 3
    app.wait("historicalNewsEnd")
    assert len(app.named("historicalNews")) == 3
    _, _, provider, article, headline = app.named("historicalNews")[0]
    app.client.reqNewsArticle(4, provider, article, [])
    assert app.wait("newsArticle")[2].startswith(headline)
    assert app.wait("updateNewsBulletin")[1] == 1
    assert app.wait("displayGroupUpdated") == (3, "none")
    app.client.cancelScannerSubscription(1)
    assert app.wait("error", lambda req_id, *_: req_id == 1)[2] == 162


@pytest.fixture
def ib(address):
    found = ib_async.IB()
    found.RaiseRequestErrors = False
    found.connect(*address, clientId=78, timeout=DEADLINE_S)
    with contextlib.ExitStack() as stack:
        stack.callback(found.sleep, 0)
        stack.callback(found.disconnect)
        yield found


def test_ib_async(ib):
    stock, pair = ib_async.Stock("MSFT", "SMART", "USD"), ib_async.Forex("EURUSD")
    ib.qualifyContracts(stock, pair)
    bars = ib.reqHistoricalData(stock, date(2026, 11, 20), "5 D", "1 hour", "TRADES", True)
    assert len(bars) == 35
    assert bars[0].date == datetime(2026, 11, 16, 14, 30, tzinfo=UTC)
    assert bars[-1].close == pytest.approx(ib.reqHistoricalData(stock, "", "2 D", "1 day", "TRADES", True)[0].close)
    assert ib.reqHistoricalData(pair, "", "1 D", "1 hour", "MIDPOINT", False)[-1].volume == -1
    assert ib.reqHeadTimeStamp(stock, "TRADES", True).date() == date(2020, 11, 2)
    end = datetime(2026, 11, 20, 18, tzinfo=UTC)
    ticks = ib.reqHistoricalTicks(stock, "", end, 100, "BID_ASK", True)
    assert len(ticks) == 100
    assert end - timedelta(hours=1) < ticks[0].time <= ticks[-1].time < end
    assert len(ib.reqHistoricalSchedule(stock, 3, "20261120 23:59:59 UTC").sessions) == 3
    assert sum(row.count for row in ib.reqHistogramData(stock, True, "1 day")) > 0
    live = ib.reqHistoricalData(stock, "", "60 S", "30 secs", "BID", False, keepUpToDate=True)
    heard = []
    live.updateEvent += lambda _bars, new: heard.append(new)
    for _ in range(int(DEADLINE_S / 0.02)):
        if heard:
            break
        ib.sleep(0.02)
    assert heard
    ib.cancelHistoricalData(live)
    found = ib.reqScannerData(ib_async.ScannerSubscription(3, "STK", "STK.US.MAJOR", "MOST_ACTIVE_USD"))
    assert len(found) == 3
    assert "scanCode" in ib.reqScannerParameters()
    assert [p.code for p in ib.reqNewsProviders()] == ["BRFG", "BRFUPDN", "DJNL"]
    news = ib.reqHistoricalNews(stock.conId, "BRFG+BRFUPDN+DJNL", "", "", 5)
    assert ib.reqNewsArticle(news[0].providerCode, news[0].articleId).articleText.startswith(news[0].headline)
