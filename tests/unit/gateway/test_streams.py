"""Tick by tick, depth and bars: asked by the genuine encoder, heard by the genuine decoder."""

import itertools
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ibapi.contract import Contract

from pipeline.gateway.market import ladder
from pipeline.gateway.market.ladder import Row
from pipeline.gateway.tells import streams
from tests.unit.gateway.desk import Desk

VERSIONS = [157, 163, 170, 176, 178, 182, 187, 193, 194, 196, 198, 200]
several_versions = pytest.mark.parametrize("sv", [157, 178, 200])
every_version = pytest.mark.parametrize("sv", VERSIONS)


def contract(con_id, exchange="SMART"):
    found = Contract()
    found.conId, found.exchange = con_id, exchange
    return found


AAPL, EUR, SPX = contract(265598), contract(12087792, "IDEALPRO"), contract(416904, "CBOE")


@pytest.fixture
def desk(brokerage, heard, encoder):
    return Desk(brokerage, heard, encoder)


def option(desk):
    return contract(desk.brokerage.universe.option("AAPL", 0, 245.0, "C").con_id)


def future(desk):
    x = desk.brokerage.universe.future("ES")
    return contract(x.con_id, x.exchange)


def errors(heard):
    return [(req_id, code) for req_id, _, code, *_ in heard.named("error")]


@every_version
def test_every_layout_is_read_back(heard, sv):
    told = heard(
        sv,
        streams.tick_last(7, streams.ALL_LAST, 1_795_444_203, 150.25, 300, "ARCA", ""),
        streams.tick_bid_ask(7, 1_795_444_203, 150.2, 150.3, 100, 200, True, True),
        streams.tick_mid_point(7, 1_795_444_203, 150.25),
        streams.depth_row(8, 3, streams.UPDATE, streams.BID_SIDE, 150.2, 400),
        streams.depth_row_of(8, 0, "ARCA", streams.INSERT, streams.ASK_SIDE, 150.3, 500, True),
        streams.real_time_bar(9, 1_795_444_200, 150.0, 151.0, 149.5, 150.5, 1200, 150.25, 14),
    )
    ((req_id, kind, at, price, size, attributes, exchange, conditions),) = told.named("tickByTickAllLast")
    assert (req_id, kind, at, price, size, exchange, conditions) == (
        7, 2, 1_795_444_203, 150.25, Decimal(300), "ARCA", "",
    )  # fmt: skip
    assert not (attributes.pastLimit)
    assert not (attributes.unreported)
    ((_, _, bid, ask, bid_size, ask_size, attributes),) = told.named("tickByTickBidAsk")
    assert (bid, ask, bid_size, ask_size) == (150.2, 150.3, Decimal(100), Decimal(200))
    assert attributes.bidPastLow
    assert attributes.askPastHigh
    assert told.named("tickByTickMidPoint") == [(7, 1_795_444_203, 150.25)]
    assert told.named("updateMktDepth") == [(8, 3, 1, 1, 150.2, Decimal(400))]
    assert told.named("updateMktDepthL2") == [(8, 0, "ARCA", 0, 0, 150.3, Decimal(500), True)]
    assert told.named("realtimeBar") == [
        (9, 1_795_444_200, 150.0, 151.0, 149.5, 150.5, Decimal(1200), Decimal("150.25"), 14)
    ]


@several_versions
def test_each_trade_and_quote_of_the_tape_reaches_who_asked_for_it(desk, sv):
    client = desk.client(sv)
    trades, quotes = [], []
    desk.brokerage.tape.trades.append(lambda x, price, size, _at: trades.append((x.con_id, price, size)))
    desk.brokerage.tape.quotes_changed.append(lambda _x, q, _at: quotes.append((q.bid, q.ask, q.bid_size, q.ask_size)))
    for n, kind in enumerate(("Last", "AllLast", "BidAsk", "MidPoint")):
        desk.ask(client, lambda c, n=n, kind=kind: c.reqTickByTickData(n, AAPL, kind, 0, False))
    desk.run(2.0)
    told = desk.hear(client)
    last = [(265598, row[3], int(row[4])) for row in told.named("tickByTickAllLast") if row[0] == 0]
    assert last == [(265598, row[3], int(row[4])) for row in told.named("tickByTickAllLast") if row[0] == 1]
    assert last == trades
    assert last
    assert [(r[2], r[3], int(r[4]), int(r[5])) for r in told.named("tickByTickBidAsk")] == quotes
    middles = [row[2] for row in told.named("tickByTickMidPoint")]
    assert middles
    assert all(a != b for a, b in itertools.pairwise(middles))
    assert not told.named("tickPrice")
    for n in range(4):
        desk.ask(client, lambda c, n=n: c.cancelTickByTickData(n))
    desk.run(1.0)
    assert not desk.hear(client).calls


def test_sizes_are_left_out_when_they_are_to_be_ignored(desk):
    client = desk.client()
    desk.ask(client, lambda c: c.reqTickByTickData(1, AAPL, "BidAsk", 0, True))
    desk.run(3.0)
    prices = [row[2:4] for row in desk.hear(client).named("tickByTickBidAsk")]
    assert len(prices) > 5
    assert all(a != b for a, b in itertools.pairwise(prices))


def test_a_pair_has_quotes_and_an_index_has_levels(desk):
    client = desk.client()
    desk.ask(client, lambda c: c.reqTickByTickData(1, EUR, "BidAsk", 0, False))
    desk.ask(client, lambda c: c.reqTickByTickData(2, SPX, "Last", 0, False))
    desk.run(2.0)
    told = desk.hear(client)
    assert told.named("tickByTickBidAsk")
    assert {row[4] for row in told.named("tickByTickAllLast")} == {Decimal(0)}


def test_tick_by_tick_is_refused_as_tws_does(desk):
    client = desk.client()
    bag = contract(0)
    bag.symbol, bag.secType, bag.comboLegs = "AAPL", "BAG", []
    asked = [
        (option(desk), "Last", 0, 10189),
        (EUR, "AllLast", 0, 10189),
        (SPX, "MidPoint", 0, 10189),
        (bag, "Last", 0, 10189),
        (AAPL, "last", 0, 321),
        (AAPL, "Last", 5000, 321),
        (contract(99), "Last", 0, 200),
        (contract(265598, ""), "Last", 0, 321),
    ]
    for n, (wanted, kind, count, _) in enumerate(asked):
        desk.ask(client, lambda c, n=n, w=wanted, k=kind, m=count: c.reqTickByTickData(n, w, k, m, False))
    assert errors(desk.hear(client)) == [(n, code) for n, (*_, code) in enumerate(asked)]
    for n in (1, 2, 3, 4, 5, 6, 1):
        desk.ask(client, lambda c, n=n: c.reqTickByTickData(n, AAPL, "Last", 0, False))
    desk.ask(client, lambda c: c.cancelTickByTickData(77))
    assert errors(desk.hear(client)) == [(6, 10190), (1, 102), (77, 300)]


def test_a_client_that_ends_leaves_nothing_behind(desk):
    client = desk.client()
    desk.ask(client, lambda c: c.reqTickByTickData(1, AAPL, "Last", 0, False))
    desk.ask(client, lambda c: c.reqMktDepth(2, AAPL, 5, True, []))
    desk.ask(client, lambda c: c.reqRealTimeBars(3, AAPL, 5, "TRADES", False, []))
    tape = desk.brokerage.tape
    assert (len(tape.trades), len(tape.quotes_changed)) == (2, 3)
    desk.end(client)
    assert (tape.trades, tape.quotes_changed) == ([], [])
    before = tape.quote(desk.brokerage.universe.stock("AAPL")).volume
    desk.run(1.0)
    assert tape.quote(desk.brokerage.universe.stock("AAPL")).volume == before


def applied(rows, shifting):
    """A client's book after these rows: one that shifts what stands behind, or one that only writes places."""
    book = {0: [], 1: []}
    for _, position, maker, operation, side, price, size, _smart in rows:
        row = Row(price, int(size), maker)
        if operation == streams.DELETE:
            book[side].pop(position)
        elif operation == streams.INSERT and (shifting or position == len(book[side])):
            book[side].insert(position, row)
        else:
            book[side][position] = row
    return book


@pytest.mark.parametrize("shifting", [True, False])
def test_applying_the_rows_of_a_smart_book_gives_ours(desk, shifting):
    client, x = desk.client(), desk.brokerage.universe.stock("AAPL")
    desk.ask(client, lambda c: c.reqMktDepth(2, AAPL, 7, True, []))
    desk.run(5.0)
    told = desk.hear(client)
    assert errors(told) == [(2, 2152)]
    rows = told.named("updateMktDepthL2")
    assert {row[3] for row in rows} >= {streams.INSERT, streams.UPDATE}
    assert all(row[7] for row in rows)
    book = applied(rows, shifting)
    quote = desk.brokerage.tape.quote(x)
    for side in (0, 1):
        assert book[side] == ladder.rows(x, quote, side, 7, ladder.EXCHANGES)
        assert len(book[side]) == 7
    assert (book[1][0].price, book[1][0].size, book[0][0].price) == (quote.bid, quote.bid_size, quote.ask)
    assert [row.price for row in book[1]] == sorted({row.price for row in book[1]}, reverse=True)
    assert [row.price for row in book[0]] == sorted({row.price for row in book[0]})


some_rows = st.lists(st.builds(Row, st.floats(1, 9), st.integers(1, 9), st.sampled_from(["", "ARCA"])), max_size=8)


@given(some_rows, some_rows, st.booleans())
def test_operations_turn_any_book_into_any_other(old, new, shifting):
    told = [(7, 0, "", 0, 1, 0, 0, False)][:0]
    for rows in (ladder.operations([], old), ladder.operations(old, new)):
        told += [
            (7, position, row.maker, operation, 1, row.price, row.size, False) for operation, position, row in rows
        ]
    assert applied(told, shifting)[1] == new


def test_a_book_of_one_exchange(desk):
    client = desk.client(157)
    desk.ask(client, lambda c: c.reqMktDepth(1, future(desk), 4, False, []))
    desk.ask(client, lambda c: c.reqMktDepth(2, contract(265598, "NASDAQ"), 4, False, []))
    told = desk.hear(client)
    assert len(told.named("updateMktDepth")) == 8
    makers = {row[2] for row in told.named("updateMktDepthL2")}
    assert makers <= set(ladder.MAKERS)
    assert len(told.named("updateMktDepthL2")) == 8
    desk.ask(client, lambda c: c.cancelMktDepth(1, False))
    desk.hear(client)
    desk.run(2.0)
    told = desk.hear(client)
    assert told.named("updateMktDepthL2")
    assert not told.named("updateMktDepth")


def test_depth_is_refused_as_tws_does(desk):
    client = desk.client()
    for n, (wanted, rows, smart) in enumerate(
        [(AAPL, 5, False), (SPX, 5, False), (AAPL, 0, True), (contract(9), 5, True)]
    ):
        desk.ask(client, lambda c, n=n, w=wanted, r=rows, s=smart: c.reqMktDepth(n, w, r, s, []))
    desk.ask(client, lambda c: c.cancelMktDepth(9, True))
    assert errors(desk.hear(client)) == [(0, 10092), (1, 10092), (2, 321), (3, 200), (9, 310)]
    for n in range(4):
        desk.ask(client, lambda c, n=n: c.reqMktDepth(n, EUR, 3, False, []))
    desk.ask(client, lambda c: c.reqMktDepth(0, EUR, 3, False, []))
    assert errors(desk.hear(client)) == [(3, 309), (0, 102)]


def test_a_halt_empties_the_book_and_a_day_begins_it_again(desk):
    client, market = desk.client(), desk.brokerage.market
    desk.ask(client, lambda c: c.reqMktDepth(2, AAPL, 5, True, []))
    desk.hear(client)
    process = market.index["AAPL"]
    market.halts[process] = (market.now_ns + 10**12, float(market.spot[process]))
    desk.run(1.5)
    told = desk.hear(client)
    assert errors(told)[-1] == (2, 317)
    desk.run(2.0)
    assert not desk.hear(client).named("updateMktDepthL2")
    market.halts.clear()
    desk.run(2.5)
    told = desk.hear(client)
    assert errors(told) == []
    assert len({row[1] for row in told.named("updateMktDepthL2") if row[3] == streams.INSERT}) == 5


@several_versions
def test_bars_are_made_of_the_trades(desk, sv):
    client = desk.client(sv)
    trades = []
    desk.brokerage.tape.trades.append(lambda _x, price, size, at: trades.append((at // 10**9 // 5 * 5, price, size)))
    desk.ask(client, lambda c: c.reqRealTimeBars(3, AAPL, 5, "TRADES", True, []))
    desk.run(15.1)
    bars = desk.hear(client).named("realtimeBar")
    assert len(bars) == 3
    for _, begun, opened, high, low, closed, volume, wap, count in bars:
        inside = [(price, size) for at, price, size in trades if at == begun]
        prices = [price for price, _ in inside]
        assert (opened, high, low, closed) == (prices[0], max(prices), min(prices), prices[-1])
        assert (int(volume), count) == (sum(size for _, size in inside), len(inside))
        assert float(wap) == pytest.approx(sum(p * s for p, s in inside) / int(volume), abs=1e-5)
    assert [bar[1] for bar in bars] == [bars[0][1] + 5 * n for n in range(3)]


def test_bars_of_quotes_have_no_volume_and_a_quiet_one_repeats_the_last_price(desk):
    client = desk.client()
    for n, what in enumerate(("BID", "ASK", "MIDPOINT")):
        desk.ask(client, lambda c, n=n, what=what: c.reqRealTimeBars(n, EUR, 5, what, False, []))
    desk.run(5.1)
    bars = {bar[0]: bar for bar in desk.hear(client).named("realtimeBar")}
    assert bars[0][5] < bars[2][5] < bars[1][5]
    assert {(int(bar[6]), int(bar[7]), bar[8]) for bar in bars.values()} == {(-1, -1, -1)}
    desk.lines.rate = 0.0
    desk.ask(client, lambda c: c.reqRealTimeBars(9, AAPL, 5, "TRADES", False, []))
    last = desk.brokerage.tape.quote(desk.brokerage.universe.stock("AAPL")).last
    desk.run(5.0)
    quiet = next(bar for bar in desk.hear(client).named("realtimeBar") if bar[0] == 9)
    assert quiet[2:] == (last, last, last, last, Decimal(0), Decimal(str(last)), 0)


def test_bars_are_refused_as_tws_does(desk):
    client = desk.client()
    asked = [(AAPL, "BID_ASK", 321), (EUR, "TRADES", 420), (SPX, "BID", 420), (contract(9), "BID", 200)]
    for n, (wanted, what, _) in enumerate(asked):
        desk.ask(client, lambda c, n=n, w=wanted, what=what: c.reqRealTimeBars(n, w, 5, what, False, []))
    desk.ask(client, lambda c: c.cancelRealTimeBars(9))
    assert errors(desk.hear(client)) == [(n, code) for n, (*_, code) in enumerate(asked)] + [(9, 300)]


@several_versions
def test_ticks_of_the_past_come_first(desk, sv):
    client = desk.client(sv)
    for n, kind in enumerate(("Last", "BidAsk", "MidPoint")):
        desk.ask(client, lambda c, n=n, kind=kind: c.reqTickByTickData(n, AAPL, kind, 20, False))
    desk.run(3.0)
    told = desk.hear(client)
    ((_, trades, _),) = told.named("historicalTicksLast")
    ((_, quotes, _),) = told.named("historicalTicksBidAsk")
    ((_, middles, _),) = told.named("historicalTicks")
    assert (len(trades), len(quotes), len(middles)) == (20, 20, 20)
    assert [row.time for row in trades] == sorted(row.time for row in trades)
    names = [name for name, arguments in told.calls if arguments[0] == 0]
    assert names[0] == "historicalTicksLast"
    assert "tickByTickAllLast" in names
    assert all(row[2] >= trades[-1].time for row in told.named("tickByTickAllLast"))


def test_ticks_of_the_past_count_and_can_be_cancelled(desk):
    client = desk.client()
    for n in range(6):
        desk.ask(client, lambda c, n=n: c.reqTickByTickData(n, AAPL, "Last", 5, False))
    desk.ask(client, lambda c: c.cancelTickByTickData(1))
    desk.run(1.0)
    told = desk.hear(client)
    assert errors(told) == [(5, 10190)]
    assert sorted(row[0] for row in told.named("historicalTicksLast")) == [0, 2, 3, 4]
    desk.ask(client, lambda c: c.reqTickByTickData(7, AAPL, "Last", 5, False))
    desk.end(client)
    desk.run(1.0)
    assert desk.brokerage.tape.trades == []
