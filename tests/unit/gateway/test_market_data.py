"""Level 1: generic ticks, data types, permissions, combinations, openings; asked and heard by the genuine client."""

import itertools
from datetime import datetime
from decimal import Decimal

import pytest
from ibapi.contract import ComboLeg, Contract

from pipeline import config
from pipeline.gateway import keeping
from pipeline.gateway.answers.market_data import MarketData
from pipeline.gateway.market.days import NEW_YORK
from tests.unit.gateway.desk import Desk

VERSIONS = [157, 178, 200]
PLACES = {"STK": "SMART", "IND": "CBOE", "CASH": "IDEALPRO", "FUT": "CME", "OPT": "SMART", "BOND": "SMART"}


def contract(con_id, exchange="SMART"):
    found = Contract()
    found.conId, found.exchange = con_id, exchange
    return found


def leg(con_id, action, ratio=1):
    found = ComboLeg()
    found.conId, found.ratio, found.action, found.exchange = con_id, ratio, action, "SMART"
    return found


def bag(*legs, symbol="AAPL"):
    found = contract(0)
    found.symbol, found.secType, found.currency, found.comboLegs = symbol, "BAG", "USD", list(legs)
    return found


AAPL, TSLA, EUR, SPX = contract(265598), contract(76792991), contract(12087792, "IDEALPRO"), contract(416904, "CBOE")


@pytest.fixture
def make(heard, encoder):
    """A desk at a market that stands at a moment of 2026-11-23 (a Monday)."""

    def made(at="09:30", rate=400.0, clock=1.0, **settings):
        hour, minute = map(int, at.split(":"))
        brokerage = keeping.begin(datetime(2026, 11, 23).date(), 7, clock)
        market = brokerage.market
        start = datetime(2026, 11, 23, hour, minute, tzinfo=NEW_YORK)
        market.start_ns = int(start.timestamp()) * 10**9
        return Desk(brokerage, heard, encoder, rate, **settings)

    return made


def errors(heard):
    return [(req_id, code) for req_id, _, code, *_ in heard.named("error")]


def watch(desk, client, req_id, wanted, generic="", snapshot=False, regulatory=False):
    desk.ask(client, lambda c: c.reqMktData(req_id, wanted, generic, snapshot, regulatory, []))
    return desk.hear(client)


def kinds(told, req_id):
    """Tick type → the last value told, over all kinds of ticks."""
    found = {}
    for name in ("tickPrice", "tickSize", "tickString", "tickGeneric"):
        found |= {row[1]: row[2] for row in told.named(name) if row[0] == req_id}
    return found


@pytest.mark.parametrize("sv", VERSIONS)
def test_a_stock_s_generic_ticks_have_figures(make, sv):
    desk = make()
    client = desk.client(sv)
    numbers = "100,101,104,105,106,165,221,225,232,233,236,293,294,295,318,375,411,456,595,619"
    told = kinds(watch(desk, client, 7, AAPL, numbers), 7)
    expected = {*range(15, 22), 23, 24, 27, 28, 29, 30, 34, 35, 36, 37, 46, 54, 55, 56, 57, 58, 59, 61, 63, 64, 65}
    assert expected | {79, 87, 89, 32, 33, 84, 49} <= set(told)
    quote = desk.brokerage.tape.quote(desk.brokerage.universe.stock("AAPL"))
    assert told[19] <= told[17] <= told[15] <= quote.low
    assert told[20] >= told[18] >= told[16] >= quote.high
    assert (told[37], told[46]) == (desk.brokerage.tape.mark(desk.brokerage.universe.stock("AAPL")), 3.0)
    assert told[89] > 0
    assert 0.1 < told[24] < 0.6
    assert len(told[59].split(",")) == 4
    assert set(told[32]) | set(told[33]) | set(told[84]) <= set("QNPZV")


def test_each_trade_tells_volume_and_mean_price_of_the_day(make):
    desk = make()
    client, x = desk.client(), desk.brokerage.universe.stock("AAPL")
    desk.brokerage.tape.quote(x)
    watch(desk, client, 7, AAPL, "233,375,293")
    trades = []
    desk.brokerage.tape.trades.append(lambda y, price, size, at: trades.append((price, size, at)))
    desk.run(3.0)
    told = desk.hear(client)
    rows = [row[2].split(";") for row in told.named("tickString") if row[1] == 48]
    assert [(float(r[0]), int(r[1]), int(r[2])) for r in rows] == [(p, s, at // 10**6) for p, s, at in trades]
    assert int(rows[-1][3]) == desk.brokerage.tape.quote(x).volume
    assert all(r[5] == "true" for r in rows)
    assert rows == [row[2].split(";") for row in told.named("tickString") if row[1] == 77]
    counts = [row[2] for row in told.named("tickGeneric") if row[1] == 54]
    assert counts == sorted(counts)
    desk.ask(client, lambda c: c.cancelMktData(7))
    assert len(desk.brokerage.tape.trades) == 1


def test_each_kind_of_contract_has_its_own_ticks(make):
    desk = make()
    client, universe = desk.client(), desk.brokerage.universe
    future, option = universe.future("ES"), universe.option("AAPL", 0, 245.0, "C")
    bond = next(x for x in universe.by_con_id.values() if x.sec_type == "BOND")
    told = kinds(watch(desk, client, 1, contract(future.con_id, "CME"), "588,100"), 1)
    assert told[86] > 0
    told = kinds(watch(desk, client, 2, contract(option.con_id), "100,101,106"), 2)
    assert (told[28], told[30]) == (Decimal(0), Decimal(0))
    assert told[27] > 0
    told = kinds(watch(desk, client, 3, EUR), 3)
    assert {1, 2, 0, 3, 6, 7, 9} <= set(told)
    assert not {4, 5, 8, 45} & set(told)
    told = kinds(watch(desk, client, 4, SPX, "162"), 4)
    assert told[31] > 0
    told = kinds(watch(desk, client, 5, contract(bond.con_id, bond.exchange), "460"), 5)
    assert told[60] == 1.0
    assert told[51] < told[50] < 12.0
    fund = universe.stock("SPY")
    told = kinds(watch(desk, client, 6, contract(fund.con_id), "576,577,578,614,623"), 6)
    assert set(range(92, 100)) <= set(told)


def test_wrong_lists_are_refused_with_the_legal_ones(make):
    desk = make()
    client = desk.client()
    told = watch(desk, client, 1, AAPL, "100,9999").named("error")
    assert told[0][2] == 321
    assert told[0][3].startswith(
        "Error validating request.-'bQ' : cause - Incorrect generic tick list of 100,9999.  "
        "Legal ones for (STK) are: 100(Option Volume),101(Option Open Interest),105(Average Opt Volume),106(impvolat),"
    )
    assert "576(" not in watch(desk, client, 2, SPX, "abc").named("error")[0][3]
    assert errors(watch(desk, client, 3, contract(416904, "CBOE"), "576")) == [(3, 321)]
    assert errors(watch(desk, client, 4, AAPL, "233", snapshot=True)) == [(4, 321)]
    assert errors(watch(desk, client, 5, AAPL, "162")) == [(5, 321)]
    assert errors(watch(desk, client, 6, AAPL, "-5")) == [(6, 321)]
    assert not desk.lines.watchers


def test_the_top_of_the_book_can_be_turned_off(make):
    desk = make()
    client = desk.client()
    told = watch(desk, client, 1, AAPL, "mdoff,233,292:BRFG+DJNL")
    desk.run(2.0)
    later = desk.hear(client)
    assert not told.named("tickPrice")
    assert not later.named("tickPrice")
    assert any(row[1] == 48 for row in later.named("tickString"))
    (news,) = desk.lines.news
    assert (news.session, news.req_id, news.providers) == (client, 1, ("BRFG", "DJNL"))
    desk.end(client)
    assert (desk.lines.news, desk.lines.watchers, desk.brokerage.tape.trades) == ([], {}, [])


@pytest.mark.parametrize("regulatory", [False, True])
def test_a_snapshot_tells_all_and_ends(make, regulatory):
    desk = make()
    client = desk.client()
    told = watch(desk, client, 1, AAPL, snapshot=not regulatory, regulatory=regulatory)
    assert {1, 2, 4, 6, 7, 8, 9, 14} <= set(kinds(told, 1))
    assert told.calls[-1] == ("tickSnapshotEnd", (1,))
    desk.run(1.0)
    assert not desk.hear(client).calls


def test_ids_and_lines(make):
    desk = make(limits=config.GatewayLimits(lines=2))
    client = desk.client()
    watch(desk, client, 1, AAPL)
    watch(desk, client, 2, AAPL)
    watch(desk, client, 3, EUR)
    assert errors(watch(desk, client, 1, SPX)) == [(1, 322)]
    assert errors(watch(desk, client, 4, SPX)) == [(4, 101)]
    assert errors(watch(desk, client, 5, bag(leg(265598, "BUY"), leg(272093, "SELL")))) == [(5, 101)]
    for n in range(10, 27):
        watch(desk, client, n, AAPL, "mdoff,233")
    assert errors(watch(desk, client, 30, AAPL)) == [(30, 101)]
    desk.ask(client, lambda c: c.cancelMktData(9))
    desk.ask(client, lambda c: c.reqMarketDataType(5))
    assert errors(desk.hear(client)) == [(9, 300), (-1, 321)]


def test_a_combination_is_quoted_by_its_legs(make):
    desk = make()
    client, universe = desk.client(), desk.brokerage.universe
    call, other = (universe.option("AAPL", 0, strike, "C") for strike in (240.0, 250.0))
    told = watch(desk, client, 1, bag(leg(call.con_id, "BUY"), leg(other.con_id, "SELL")))
    assert told.named("marketDataType") == [(1, 1)]
    desk.run(3.0)
    later = desk.hear(client)
    prices = {row[1]: row[2] for row in [*told.named("tickPrice"), *later.named("tickPrice")]}
    a, b = desk.brokerage.tape.quote(call), desk.brokerage.tape.quote(other)
    assert prices == {1: pytest.approx(a.bid - b.ask), 2: pytest.approx(a.ask - b.bid)}
    assert later.named("tickPrice")
    for before, after in itertools.pairwise(later.named("tickPrice")):
        assert before[1:3] != after[1:3]
    desk.ask(client, lambda c: c.cancelMktData(1))
    desk.run(1.0)
    assert not desk.hear(client).calls
    assert desk.brokerage.tape.quotes_changed == []


def test_combinations_that_make_no_sense_are_refused(make):
    desk = make()
    client, future = desk.client(), desk.brokerage.universe.future("ES")
    asked = [
        (bag(leg(265598, "BUY")), 321),
        (bag(leg(265598, "BUY"), leg(99, "SELL")), 200),
        (bag(leg(265598, "BUY"), leg(272093, "HOLD")), 200),
        (bag(leg(756733, "BUY", 100), leg(future.con_id, "SELL")), 321),
    ]
    for n, (wanted, code) in enumerate(asked):
        assert errors(watch(desk, client, n, wanted)) == [(n, code)]


@pytest.mark.parametrize(("wanted", "code"), [(AAPL, 10089), (EUR, 354)])
def test_without_live_data_live_is_refused(make, wanted, code):
    desk = make(without_live_data=["AAPL", "EUR"])
    client = desk.client()
    told = watch(desk, client, 1, wanted)
    assert errors(told) == [(1, code)]
    assert "Delayed market data is available." in told.named("error")[0][3]
    assert not told.named("tickPrice")
    desk.ask(client, lambda c: c.reqTickByTickData(2, wanted, "BidAsk", 0, False))
    desk.ask(client, lambda c: c.reqRealTimeBars(3, wanted, 5, "BID", False, []))
    assert errors(desk.hear(client)) == [(2, 10189), (3, 420)]
    assert not errors(watch(desk, client, 4, TSLA))


@pytest.mark.parametrize("sv", VERSIONS)
def test_delayed_data_follows_its_advisory_under_its_own_types(make, sv):
    desk = make(without_live_data=["*"])
    client = desk.client(sv)
    desk.ask(client, lambda c: c.reqMarketDataType(3))
    told = watch(desk, client, 1, AAPL, "236")
    assert errors(told) == [(1, 10167)]
    assert told.named("marketDataType") == [(1, 3)]
    found = kinds(told, 1)
    assert {66, 67, 68, 69, 70, 71, 72, 73, 74, 75, 76, 88, 90, 89} <= set(found)
    assert not set(range(10)) & set(found)
    desk.run(2.0)
    later = desk.hear(client)
    assert {row[1] for row in later.named("tickPrice")} <= {66, 67, 68, 72, 73}
    assert later.named("tickSize")
    assert errors(watch(desk, client, 2, EUR, "233")) == [(2, 10167), (2, 10090)]
    option = desk.brokerage.universe.option("AAPL", 0, 245.0, "C")
    told = watch(desk, client, 3, contract(option.con_id))
    assert {row[1] for row in told.named("tickOptionComputation")} == {80, 81, 82, 83}


def test_delayed_prices_are_those_of_fifteen_minutes_ago(make):
    desk = make(without_live_data=["*"], clock=60.0)
    client, market = desk.client(), desk.brokerage.market
    seen = []
    market.observers.append(lambda: seen.append((market.now_ns, market.price("AAPL"))))
    desk.ask(client, lambda c: c.reqMarketDataType(3))
    watch(desk, client, 1, AAPL)
    desk.run(30.0)  # half an hour of the market
    found = kinds(desk.hear(client), 1)
    then = market.now_ns - 15 * 60 * 10**9
    near = [price for at, price in seen if abs(at - then) < 20 * 10**9]
    assert min(near) - 0.1 < found[66] < found[67] < max(near) + 0.1


def test_live_data_comes_to_who_asked_for_delayed_and_has_live(make):
    desk = make()
    client = desk.client()
    desk.ask(client, lambda c: c.reqMarketDataType(3))
    told = watch(desk, client, 1, AAPL)
    assert told.named("marketDataType") == [(1, 1)]
    assert 1 in kinds(told, 1)


def test_a_closed_market_is_silent_live_data_has_no_quote_and_frozen_has(make):
    desk = make("21:00")
    live, frozen = desk.client(), desk.client(178, 2)
    desk.ask(frozen, lambda c: c.reqMarketDataType(2))
    told = watch(desk, live, 1, AAPL)
    assert told.named("marketDataType") == [(1, 1)]
    assert (kinds(told, 1)[1], kinds(told, 1)[2]) == (-1.0, -1.0)
    assert kinds(told, 1)[9] > 0
    told = watch(desk, frozen, 1, AAPL)
    assert told.named("marketDataType") == [(1, 2)]
    assert 0 < kinds(told, 1)[1] < kinds(told, 1)[2]
    desk.run(2.0)
    assert not desk.hear(live).named("tickPrice")
    assert not desk.hear(frozen).named("tickPrice")


def test_closing_and_opening_are_told(make):
    desk = make("19:59", clock=60.0)
    live, frozen = desk.client(), desk.client(178, 2)
    desk.ask(frozen, lambda c: c.reqMarketDataType(2))
    assert watch(desk, live, 1, AAPL).named("marketDataType") == [(1, 1)]
    assert watch(desk, frozen, 1, AAPL).named("marketDataType") == [(1, 1)]
    desk.run(3.0)
    told = desk.hear(live)
    assert (kinds(told, 1)[1], kinds(told, 1)[2]) == (-1.0, -1.0)
    assert desk.hear(frozen).named("marketDataType") == [(1, 2)]
    desk.run(2.0)
    assert not desk.hear(live).calls
    desk.brokerage.market.start_ns += 8 * 3600 * 10**9  # four in the morning
    desk.run(2.0)
    assert kinds(desk.hear(live), 1)[1] > 0
    assert desk.hear(frozen).named("marketDataType") == [(1, 1)]


def test_outside_of_regular_hours_it_is_quieter(make):
    counts = []
    for at in ("10:00", "08:00"):
        desk = make(at)
        client = desk.client()
        watch(desk, client, 1, AAPL)
        desk.run(5.0)
        counts.append(len(desk.hear(client).named("tickPrice")))
    assert 0 < counts[1] < 0.4 * counts[0]


def test_a_halt_is_told_and_stops_the_ticks(make):
    desk = make("10:00")
    client, market = desk.client(), desk.brokerage.market
    assert kinds(watch(desk, client, 1, AAPL), 1)[49] == 0.0
    market.halts[market.index["AAPL"]] = (market.now_ns + 10**12, market.price("AAPL"))
    desk.run(1.1)
    assert [row for row in desk.hear(client).named("tickGeneric") if row[1] == 49] == [(1, 49, 2.0)]
    desk.run(2.0)
    assert not desk.hear(client).named("tickPrice")


def test_a_combination_with_a_leg_that_is_not_subscribed_to_is_refused(make):
    desk = make(without_live_data=["MSFT"])
    client = desk.client()
    desk.ask(client, lambda c: c.reqMarketDataType(3))
    assert errors(watch(desk, client, 1, bag(leg(265598, "BUY"), leg(272093, "SELL")))) == [(1, 10089)]


def test_delayed_lines_end_with_their_client_and_close_with_their_market(make):
    desk = make("21:00", without_live_data=["*"])
    client = desk.client()
    desk.ask(client, lambda c: c.reqMarketDataType(4))
    told = watch(desk, client, 1, AAPL)
    assert told.named("marketDataType") == [(1, 4)]
    assert kinds(told, 1)[66] > 0
    desk.run(1.5)
    assert not desk.hear(client).calls
    desk.brokerage.market.start_ns += 13 * 3600 * 10**9  # ten in the morning
    desk.run(1.5)
    told = desk.hear(client)
    assert told.named("marketDataType") == [(1, 3)]
    assert {row[1] for row in told.named("tickPrice")} & {66, 67}
    late = next(area for area in desk.front.areas if isinstance(area, MarketData)).late
    assert len(late.watchers) == 1
    desk.end(client)
    assert (late.watchers, late._mine) == ({}, {})
