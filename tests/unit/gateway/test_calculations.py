"""What options would be worth: the genuine client asks, the market's own prices are the measure."""

import pytest
from ibapi.contract import Contract

from pipeline.gateway.market import calculating
from tests.unit.gateway.desk import Desk

VERSIONS = [157, 178, 200]


def contract(con_id):
    found = Contract()
    found.conId, found.exchange = con_id, "SMART"
    return found


@pytest.fixture
def desk(brokerage, heard, encoder):
    return Desk(brokerage, heard, encoder)


@pytest.mark.parametrize(
    ("symbol", "strike", "right"), [("AAPL", 245.0, "P"), ("AAPL", 260.0, "C"), ("SPX", 6400.0, "P")]
)
def test_the_market_s_own_volatility_gives_its_own_price_and_back(desk, symbol, strike, right):
    x = desk.brokerage.universe.option(symbol, 0, strike, right)
    theory, now = desk.brokerage.market.theory(x), desk.brokerage.market.now_ns
    assert calculating.value(x, theory.under, theory.iv, now).mid == pytest.approx(theory.mid, rel=1e-9)
    assert calculating.implied(x, theory.mid, theory.under, now) == pytest.approx(theory.iv, rel=1e-6)


@pytest.mark.parametrize("sv", VERSIONS)
def test_both_calculations_are_answered_as_type_53(desk, sv):
    client, x = desk.client(sv), desk.brokerage.universe.option("AAPL", 0, 245.0, "C")
    theory = desk.brokerage.market.theory(x)
    desk.ask(client, lambda c: c.calculateImpliedVolatility(1, contract(x.con_id), theory.mid, theory.under, []))
    desk.ask(client, lambda c: c.calculateOptionPrice(2, contract(x.con_id), 0.5, theory.under, []))
    desk.ask(client, lambda c: c.cancelCalculateImpliedVolatility(1))
    desk.ask(client, lambda c: c.cancelCalculateOptionPrice(2))
    told = desk.hear(client)
    first, second = told.named("tickOptionComputation")
    assert (first[0], first[1], second[0], second[1]) == (1, 53, 2, 53)
    assert first[3] == pytest.approx(theory.iv, abs=1e-6)
    assert first[4] == pytest.approx(theory.delta, abs=1e-6)
    assert (second[3], second[10]) == (0.5, pytest.approx(theory.under, abs=1e-6))
    assert second[5] > theory.mid
    assert not told.named("error")


def test_the_count_that_ib_async_adds_does_no_harm(desk):
    client, x = desk.client(178), desk.brokerage.universe.option("AAPL", 0, 245.0, "C")
    fields = [54, 3, 9, x.con_id, "", "", "", "", "", "", "SMART", "", "", "", "", 12.0, 245.0, 0, ""]
    desk.say(client, "".join(f"{field}\0" for field in fields).encode())
    assert desk.hear(client).named("tickOptionComputation")[0][0] == 9


def test_a_price_that_no_volatility_gives_is_not_computed(desk):
    client, x = desk.client(), desk.brokerage.universe.option("AAPL", 0, 220.0, "C")
    desk.ask(client, lambda c: c.calculateImpliedVolatility(1, contract(x.con_id), 0.5, 245.0, []))
    ((_, _, _, iv, delta, *_),) = desk.hear(client).named("tickOptionComputation")
    assert (iv, delta) == (None, None)


def test_what_makes_no_sense_is_refused(desk):
    client, x = desk.client(), desk.brokerage.universe.option("AAPL", 0, 245.0, "C")
    desk.ask(client, lambda c: c.calculateOptionPrice(1, contract(265598), 0.5, 245.0, []))
    desk.ask(client, lambda c: c.calculateOptionPrice(2, contract(x.con_id), -0.5, 245.0, []))
    desk.ask(client, lambda c: c.calculateImpliedVolatility(3, contract(x.con_id), 5.0, 0.0, []))
    desk.ask(client, lambda c: c.calculateImpliedVolatility(4, contract(99), 5.0, 245.0, []))
    assert [(row[0], row[2]) for row in desk.hear(client).named("error")] == [(1, 321), (2, 321), (3, 321), (4, 200)]
