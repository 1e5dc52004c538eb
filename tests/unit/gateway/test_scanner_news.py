"""The scanner, news, display groups and what needs a subscription: the genuine client asks, its decoder hears."""

import xml.etree.ElementTree as ET
from datetime import date

import pytest
from ibapi.common import WshEventData
from ibapi.scanner import ScannerSubscription
from ibapi.tag_value import TagValue

from pipeline.gateway import keeping
from pipeline.gateway.asks import reading
from pipeline.gateway.lines import NewsLine
from pipeline.gateway.market import scans
from pipeline.gateway.tells import scanner
from tests.unit.gateway.desk import Desk

VERSIONS = [157, 163, 170, 176, 178, 182, 187, 193, 196, 198, 200]
every_version = pytest.mark.parametrize("sv", VERSIONS)


@pytest.fixture(scope="module")
def running():
    found = keeping.begin(date(2026, 11, 23), 7, 60.0)
    found.market.advance(400)
    return found


@pytest.fixture
def desk(running, encoder, heard):
    count = len(running.market.observers)
    yield Desk(running, heard, encoder)
    del running.market.observers[count:]


def subscription(code="TOP_PERC_GAIN", **changes):
    found = ScannerSubscription()
    found.instrument, found.locationCode, found.scanCode = "STK", "STK.US.MAJOR", code
    for name, value in changes.items():
        setattr(found, name, value)
    return found


def scan(desk, client, wanted, req_id=5, filters=()):
    desk.ask(client, lambda c: c.reqScannerSubscription(req_id, wanted, [], list(filters)))
    return desk.hear(client)


@every_version
def test_scanner_data_at_every_version(heard, running, sv):
    found = [running.universe.stock("AAPL"), running.universe.future("ES")]
    calls = heard(sv, scanner.scanner_data(5, found))
    contracts = [row[2].contract for row in calls.named("scannerData")]
    assert [(c.conId, c.symbol, c.secType, c.exchange) for c in contracts] == [
        (x.con_id, x.symbol, x.sec_type, x.exchange) for x in found
    ]
    assert contracts[1].lastTradeDateOrContractMonth == found[1].expiry
    assert calls.named("scannerDataEnd") == [(5,)]


@pytest.mark.parametrize("sv", [157, 178, 200])
def test_the_scanner(desk, sv):
    client = desk.client(sv)
    calls = scan(desk, client, subscription(numberOfRows=5))
    rows = calls.named("scannerData")
    assert [row[1] for row in rows] == list(range(len(rows)))
    assert calls.named("scannerDataEnd") == [(5,)]
    market = desk.brokerage.market
    found = [market.universe.by_con_id[row[2].contract.conId] for row in rows]
    changes = [market.theory(x).mid / market.closing(x) for x in found]
    assert changes == sorted(changes, reverse=True)
    contract = rows[0][2].contract
    assert (contract.symbol, contract.secType, contract.exchange) == (found[0].symbol, "STK", "SMART")
    desk.ask(client, lambda c: c.reqScannerParameters())
    ((text,),) = desk.hear(client).named("scannerParameters")
    tree = ET.fromstring(text)
    assert {e.text for e in tree.iter("scanCode")} == set(scans.CODES)


def test_each_scan_ranks_by_what_it_says(desk):
    client, market = desk.client(), desk.brokerage.market
    for n, code in enumerate(scans.CODES):
        rows = scan(desk, client, subscription(code), n).named("scannerData")
        assert rows, code
        desk.ask(client, lambda c, n=n: c.cancelScannerSubscription(n))
        desk.hear(client)
    vols = [market.vol[market.index[row[2].contract.symbol]] for row in rows if row[2].contract.symbol in market.index]
    assert vols == sorted(vols)  # the last one: lowest implied volatility


def test_filters_and_places(desk):
    client = desk.client()
    prices = desk.brokerage.market
    rows = scan(desk, client, subscription("MOST_ACTIVE", abovePrice=200.0, belowPrice=400.0)).named("scannerData")
    found = [prices.universe.by_con_id[row[2].contract.conId] for row in rows]
    assert found
    assert all(200.0 <= prices.theory(x).mid <= 400.0 for x in found)
    rows = scan(desk, client, subscription("MOST_ACTIVE"), 6, [TagValue("usdVolumeAbove", "1e12")])
    assert rows.named("scannerData") == []
    assert rows.named("scannerDataEnd") == [(6,)]
    assert rows.named("error")[0][2] == 165
    wanted = subscription("MOST_ACTIVE", instrument="FUT.US", locationCode="FUT.CME")
    rows = scan(desk, client, wanted, 7).named("scannerData")
    assert {row[2].contract.secType for row in rows} == {"FUT"}
    rows = scan(desk, client, subscription("MOST_ACTIVE", locationCode="STK.NYSE"), 8).named("scannerData")
    assert "AAPL" not in {row[2].contract.symbol for row in rows} > {"JPM"}


def test_scans_are_told_anew_until_they_are_cancelled(desk):
    client = desk.client()
    desk.run(0.05)
    scan(desk, client, subscription())
    desk.run(20.0)
    assert not desk.hear(client).named("scannerData")
    desk.run(11.0)
    assert desk.hear(client).named("scannerDataEnd") == [(5,)]
    desk.ask(client, lambda c: c.cancelScannerSubscription(5))
    ((_, _, code, text, *_),) = desk.hear(client).named("error")
    assert code == 162
    assert "API scanner subscription cancelled: 5" in text
    desk.ask(client, lambda c: c.cancelScannerSubscription(5))
    assert desk.hear(client).named("error")[0][2] == 365


@pytest.mark.parametrize(
    ("wanted", "filters", "code", "text"),
    [
        (subscription("BEST_EVER"), [], 162, "Scanner type with code BEST_EVER is disabled."),
        (subscription(locationCode="STK.HK.TSE"), [], 162, "not configured for one of the chosen locations"),
        (subscription(instrument="BOND"), [], 162, "not configured for one of the chosen locations"),
        (subscription(), [TagValue("moonAbove", "3")], 321, "Scanner filter moonAbove=3"),
        (subscription(), [TagValue("priceAbove", "much")], 321, "Scanner filter priceAbove=much"),
    ],
)
def test_scans_that_are_refused(desk, wanted, filters, code, text):
    ((req_id, _, found, said, *_),) = scan(desk, desk.client(), wanted, 5, filters).named("error")
    assert (req_id, found) == (5, code)
    assert text in said


def test_ten_scans_at_most(desk):
    client, other = desk.client(), desk.client(client_id=2)
    for n in range(10):
        assert not scan(desk, client, subscription(), n).named("error")
    assert "Duplicate ticker ID" in scan(desk, client, subscription(), 3).named("error")[0][3]
    assert "Only 10 simultaneous" in scan(desk, other, subscription(), 3).named("error")[0][3]
    desk.front.forget(client)
    assert not scan(desk, other, subscription(), 3).named("error")


@every_version
def test_news_at_every_version(desk, sv):
    client = desk.client(sv)
    desk.ask(client, lambda c: c.reqNewsProviders())
    ((providers,),) = desk.hear(client).named("newsProviders")
    assert [p.code for p in providers] == ["BRFG", "BRFUPDN", "DJNL"]
    desk.ask(client, lambda c: c.reqHistoricalNews(3, 265598, "BRFG+DJNL+BRFUPDN", "", "2026-11-20 21:30:00.0", 4, []))
    calls = desk.hear(client)
    rows = calls.named("historicalNews")
    assert len(rows) == 4
    assert [row[1] for row in rows] == sorted((row[1] for row in rows), reverse=True)
    assert len(calls.named("historicalNewsEnd")) == 1
    _, time, provider, article, headline = rows[0]
    assert time.endswith(":05:00.0")
    assert article.startswith(f"{provider}$265598.")
    desk.ask(client, lambda c: c.reqNewsArticle(4, provider, article, []))
    ((req_id, kind, text),) = desk.hear(client).named("newsArticle")
    assert (req_id, kind) == (4, 0)
    assert text.startswith(headline)


def test_news_tell_of_the_days_that_moved(desk):
    client, past = desk.client(), desk.house.charts.past
    desk.ask(client, lambda c: c.reqHistoricalNews(3, 265598, "", "2026-01-01 00:00:00.0", "", 300, []))
    rows = [row for row in desk.hear(client).named("historicalNews") if "live" not in row[3]]
    for _, time, _, _, headline in rows:
        day = date.fromisoformat(time[:10])
        before = max(d for d in past._closes["AAPL"] if d < day)
        assert ("rise" in headline) == (past.close("AAPL", day) > past.close("AAPL", before))
    assert 20 < len(rows) < 80


def test_news_as_they_appear_and_bulletins(running, heard, encoder):
    desk = Desk(running, heard, encoder)
    client, early = desk.client(), desk.client(client_id=2)
    desk.lines.news.append(NewsLine(client, 9, running.universe.stock("TSLA"), ()))
    desk.lines.news.append(NewsLine(client, 10, running.universe.stock("TSLA"), ("NOBODY",)))
    desk.ask(client, lambda c: c.reqNewsBulletins(True))
    desk.ask(early, lambda c: c.reqNewsBulletins(False))
    ((number, kind, text, exchange),) = desk.hear(client).named("updateNewsBulletin")
    assert (number, kind, exchange) == (1, 1, "NYSE")
    assert text.startswith("Trading begins")
    assert not desk.hear(early).named("updateNewsBulletin")
    market, n = running.market, running.market.index["TSLA"]
    market.spot = market.spot.copy()
    market.spot[n] *= 1.10
    market.halts[n] = market.now_ns + 10**13, float(market.spot[n])
    desk.run(3.0)
    calls = desk.hear(client)
    row = calls.named("tickNews")[0]
    assert row[0] == 9
    assert "TESLA INC shares rise" in row[4]
    assert {row[0] for row in calls.named("tickNews")} == {9}
    assert "TSLA (TESLA INC) is halted" in calls.named("updateNewsBulletin")[0][2]
    assert len(desk.hear(early).named("updateNewsBulletin")) == 1
    desk.ask(client, lambda c: c.cancelNewsBulletins())
    market.halts.clear()
    desk.run(3.0)
    assert not desk.hear(client).named("updateNewsBulletin")
    assert "has resumed" in desk.hear(early).named("updateNewsBulletin")[0][2]
    desk.ask(client, lambda c: c.reqNewsArticle(4, row[2], row[3], []))
    assert desk.hear(client).named("newsArticle")[0][2].startswith(row[4])


@pytest.mark.parametrize(
    ("call", "code"),
    [
        (lambda c: c.reqHistoricalNews(9, 1, "BRFG", "", "", 5, []), 321),
        (lambda c: c.reqHistoricalNews(9, 265598, "CNN", "", "", 5, []), 10276),
        (lambda c: c.reqHistoricalNews(9, 265598, "BRFG", "soon", "", 5, []), 321),
        (lambda c: c.reqHistoricalNews(9, 265598, "BRFG", "2026-13-01 00:00:00.0", "", 5, []), 321),
        (lambda c: c.reqNewsArticle(9, "CNN", "CNN$1", []), 10276),
        (lambda c: c.reqNewsArticle(9, "BRFG", "BRFG$1", []), 10172),
        (lambda c: c.reqNewsArticle(9, "BRFG", "BRFG$265598.9999999", []), 10172),
        (lambda c: c.reqWshMetaData(9), 10276),
        (lambda c: c.reqWshEventData(9, WshEventData()), 10276),
    ],
)
@pytest.mark.parametrize("sv", [178, 200])
def test_what_needs_a_subscription_or_is_wrong(desk, call, code, sv):
    client = desk.client(sv)
    desk.ask(client, call)
    ((req_id, _, found, *_),) = desk.hear(client).named("error")
    assert (req_id, found) == (9, code)


def test_fundamental_data_is_not_allowed(desk):
    """The genuine client no longer has this request; other clients do."""
    client = desk.client(178)
    desk.say(client, b"52\0002\0009\000265598\0AAPL\0STK\0SMART\0\0USD\0AAPL\0ReportSnapshot\0000\0\0")
    assert desk.hear(client).named("error")[0][2] == 10358
    desk.say(client, b"53\0001\0009\0")
    assert not desk.hear(client).calls


@every_version
def test_display_groups(desk, sv):
    one, two = desk.client(sv), desk.client(sv, 2)
    desk.ask(one, lambda c: c.queryDisplayGroups(1))
    assert desk.hear(one).named("displayGroupList") == [(1, "1|2|3|4|5|6|7")]
    for client in (one, two):
        desk.ask(client, lambda c: c.subscribeToGroupEvents(2, 4))
        assert desk.hear(client).named("displayGroupUpdated") == [(2, "none")]
    desk.ask(one, lambda c: c.updateDisplayGroup(2, "265598@SMART"))
    assert desk.hear(one).named("displayGroupUpdated") == desk.hear(two).named("displayGroupUpdated")
    desk.ask(two, lambda c: c.unsubscribeFromGroupEvents(2))
    desk.ask(one, lambda c: c.updateDisplayGroup(2, "none"))
    assert desk.hear(one).named("displayGroupUpdated") == [(2, "none")]
    assert not desk.hear(two).calls
    for call, code in (
        (lambda c: c.subscribeToGroupEvents(5, 8), 321),
        (lambda c: c.updateDisplayGroup(2, "1@SMART"), 321),
        (lambda c: c.updateDisplayGroup(2, "hello"), 321),
        (lambda c: c.updateDisplayGroup(7, "none"), 300),
        (lambda c: c.unsubscribeFromGroupEvents(7), 300),
    ):
        desk.ask(one, call)
        assert desk.hear(one).named("error")[0][2] == code


def test_partners_are_not_verified(desk):
    client = desk.client()
    for payload in (b"65\0001\0name\0001\0", b"66\0001\0data\0"):
        desk.say(client, payload)
        assert desk.hear(client).named("verifyCompleted")[0][1].startswith("Verification")
    for payload in (b"72\0001\0name\0001\0key\0", b"73\0001\0data\0xyz\0"):
        desk.say(client, payload)
        assert desk.hear(client).named("verifyAndAuthCompleted")[0][1].startswith("Verification")


def test_every_text_request_of_the_protocol_has_a_reader():
    from ibapi.message import OUT

    text = {int(getattr(message, "value", message)) for message in OUT} - {106, 107, 108, 109}
    assert text <= set(reading.READERS)
