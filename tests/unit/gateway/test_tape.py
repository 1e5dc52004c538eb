from collections import Counter
from datetime import date

from pipeline.gateway import keeping
from pipeline.gateway.market.tape import Tape
from pipeline.gateway.market.universe import price_step
from pipeline.gateway.tells import ticks


def kinds(halves):
    return [(place, int(tail.split(b"\0")[0])) for place, tail in halves]


def run(brokerage, x, events: int):
    tape: Tape = brokerage.tape
    tape.picture(x)
    seen = []
    for n in range(events):
        brokerage.market.advance(n)
        seen.append(tape.event(x))
    return seen


def test_a_picture_tells_everything_once(brokerage):
    told = kinds(brokerage.tape.picture(brokerage.universe.stock("AAPL")))
    assert told[:3] == [(ticks.PRICE, 1), (ticks.PRICE, 2), (ticks.PRICE, 4)]
    assert {(ticks.STRING, 45), (ticks.SIZE, 8), (ticks.PRICE, 6), (ticks.PRICE, 7), (ticks.PRICE, 9)} <= set(told)
    assert max(Counter(told).values()) == 1


def test_an_option_tells_its_computations_an_index_no_quote(brokerage):
    option = brokerage.universe.option("AAPL", 0, 245.0, "C")
    assert {(ticks.OPTION, kind) for kind in (10, 11, 12, 13)} <= set(kinds(brokerage.tape.picture(option)))
    index = kinds(brokerage.tape.picture(brokerage.universe.stock("SPX")))
    assert (ticks.PRICE, 1) not in index
    assert (ticks.PRICE, 4) in index


def test_a_price_carries_its_size_and_no_echo_follows(brokerage):
    echoes = {1: 0, 2: 3, 4: 5}
    for halves in run(brokerage, brokerage.universe.stock("TSLA"), 2000):
        told = kinds(halves)
        for price, size in echoes.items():
            assert not ((ticks.PRICE, price) in told and (ticks.SIZE, size) in told)


def test_quotes_stay_on_the_price_grid_and_never_cross(brokerage):
    universe = brokerage.universe
    for x in (universe.stock("AAPL"), universe.future("ES"), universe.option("SPX", 0, 6500.0, "P")):
        for _ in run(brokerage, x, 300):
            quote = brokerage.tape.quote(x)
            assert quote.bid < quote.ask
            for price in (quote.bid, quote.ask):
                step = price_step(x.rule_id, price)
                assert abs(price / step - round(price / step)) < 1e-6
            assert quote.low <= quote.last <= quote.high


def test_what_the_client_was_told_is_what_the_tape_holds(brokerage):
    """Looking at the market for a fill or a mark must not swallow a tick."""
    x = brokerage.universe.stock("NVDA")
    told = {}
    halves = list(brokerage.tape.picture(x))
    for n in range(1500):
        brokerage.market.advance(n)
        brokerage.tape.mark(x)
        brokerage.tape.now(x)
        halves += brokerage.tape.event(x)
    for place, tail in halves:
        fields = tail.split(b"\0")
        told[place, int(fields[0])] = float(fields[1])
    quote = brokerage.tape.quote(x)
    assert (told[ticks.PRICE, 1], told[ticks.PRICE, 2], told[ticks.PRICE, 4]) == (quote.bid, quote.ask, quote.last)
    assert told[ticks.SIZE, 8] == quote.volume


def test_seeded_tape_repeats():
    tapes = []
    for _ in range(2):
        brokerage = keeping.begin(date(2026, 11, 23), 7, 1.0)
        tapes.append(run(brokerage, brokerage.universe.stock("AAPL"), 200))
    assert tapes[0] == tapes[1]


def test_listeners_hear_each_trade_and_each_change_of_the_quote(brokerage):
    x = brokerage.universe.stock("AAPL")
    tape = brokerage.tape
    begun = tape.quote(x).volume
    trades, quotes = [], []
    tape.trades.append(lambda *args: trades.append(args))
    tape.quotes_changed.append(lambda y, quote, at: quotes.append((y, quote.bid, quote.bid_size, quote.ask, at)))
    seen = run(brokerage, x, 400)
    assert begun + sum(size for _, _, size, _ in trades) == tape.quote(x).volume
    assert all(y is x and low <= tape.quote(x).high for y, low, _, _ in trades)
    assert [at for *_, at in trades] == sorted(at for *_, at in trades)
    moved = sum(
        bool({(ticks.PRICE, 1), (ticks.PRICE, 2), (ticks.SIZE, 0), (ticks.SIZE, 3)} & set(kinds(h))) for h in seen
    )
    assert len(quotes) == moved
    assert quotes[-1][1:4] == (tape.quote(x).bid, tape.quote(x).bid_size, tape.quote(x).ask)


def test_an_index_prints_levels_without_a_size(brokerage):
    x = brokerage.universe.stock("SPX")
    levels = []
    brokerage.tape.trades.append(lambda _x, price, size, _at: levels.append((price, size)))
    run(brokerage, x, 50)
    assert {size for _, size in levels} == {0}
    assert levels[-1][0] == brokerage.tape.quote(x).last
    assert brokerage.tape.quote(x).volume == 0
