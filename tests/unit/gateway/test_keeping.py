from dataclasses import replace

import pytest

from pipeline.gateway import keeping
from pipeline.gateway.asks.orders import PlaceOrder
from pipeline.gateway.market.universe import Description

ASK = PlaceOrder(1, Description(con_id=265598, exchange="SMART"), "BUY", 100, "MKT", tif="DAY", account="DU1234502")


def test_everything_survives(brokerage, tmp_path):
    brokerage.place(5, ASK)
    brokerage.place(5, replace(ASK, req_id=2, kind="LMT", limit=200.0))
    brokerage.place(5, replace(ASK, req_id=3, action="SELL"))
    for step in range(1, 101):
        brokerage.market.advance(step)
        brokerage.match()
    keeping.save(tmp_path / "state.json", keeping.dump(brokerage))
    again = keeping.load((tmp_path / "state.json").read_bytes(), 1.0)
    assert again.accounts == brokerage.accounts
    assert again.orders == brokerage.orders
    assert again.fills == brokerage.fills
    assert again.completed == brokerage.completed
    assert again.tape.quotes == brokerage.tape.quotes
    assert (again.next_valid_id(5), again.next_perm_id) == (4, brokerage.next_perm_id)
    assert again.market.now_ns == brokerage.market.now_ns
    assert keeping.dump(again) == keeping.dump(brokerage)


def test_the_market_goes_on_as_if_nothing_had_happened(brokerage):
    brokerage.market.advance(777)
    again = keeping.load(keeping.dump(brokerage), 1.0)
    for market in (brokerage.market, again.market):
        market.advance(2500)
    option = brokerage.universe.option("TSLA", 1, 400.0, "P")
    assert again.market.theory(option) == brokerage.market.theory(option)
    assert again.market.now_ns == brokerage.market.now_ns


def test_another_clock_goes_on_from_the_same_moment(brokerage):
    brokerage.market.advance(200)
    again = keeping.load(keeping.dump(brokerage), 60.0)
    assert again.market.now_ns == brokerage.market.now_ns


@pytest.mark.parametrize("data", [b"", b"{}", b'{"format": 99}', b"[1"])
def test_what_is_no_state_is_refused(data):
    with pytest.raises((ValueError, AttributeError)):
        keeping.load(data, 1.0)
