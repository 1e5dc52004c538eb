"""Who hears what of orders: the client itself, the master client, client 0, and those who ask."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from pipeline import config
from pipeline.gateway import keeping
from pipeline.gateway.answers.area import House
from pipeline.gateway.answers.front import Front
from pipeline.gateway.asks import reading
from pipeline.gateway.asks.orders import AutoOpenOrders, CancelOrder, CompletedOrders, Executions, PlaceOrder
from pipeline.gateway.asks.request import BadRequest, Plain
from pipeline.gateway.asks.terms import Terms
from pipeline.gateway.broker.searching import wanted
from pipeline.gateway.limits import Limits
from pipeline.gateway.lines import Lines
from pipeline.gateway.market import days
from pipeline.gateway.market.universe import Description
from pipeline.gateway.session import Phase, Session

ACCOUNT = "DU1234502"
ASK = PlaceOrder(1, Description(con_id=265598, exchange="SMART"), "BUY", 100.0, "MKT", account=ACCOUNT)
CHEAP = replace(ASK, kind="LMT", limit=100.0)


class Talk:
    """A front with some clients, without sockets."""

    def __init__(self, **settings: Any) -> None:
        self.broker, limits = keeping.begin(date(2026, 11, 23), 7, 1.0), Limits()
        lines = Lines(self.broker.tape, limits, 1.0, 7)
        self.house = House(self.broker, lines, limits, config.Gateway(**settings))
        self.front = Front(self.house)

    def client(self, client_id: int, sv: int = 178) -> Session:
        session = Session("here", Limits())
        session.client_id, session.sv, session.phase = client_id, sv, Phase.OPEN
        self.house.sessions.append(session)
        return session

    def ask(self, session: Session, request: Any) -> None:
        self.front.heard(self.front.answer(session, request))

    def steps(self, count: int = 60) -> None:
        for _ in range(count):
            self.broker.market.advance(self.broker.market.step + 1)
            self.front.heard(self.broker.match())


def said(session: Session) -> list[bytes]:
    """What it was sent since it was last asked."""
    session.seal(0.0)
    data = b"".join(bytes(batch.data) for batch in session.queue)
    session.queue.clear()
    found = []
    while data:
        length = int.from_bytes(data[:4], "big")
        found.append(data[: 4 + length])
        data = data[4 + length :]
    return found


def names(heard, session: Session) -> list[str]:
    return [name for name, _ in heard(session.sv, *said(session)).calls]


@pytest.fixture
def talk() -> Talk:
    return Talk(master_client=9)


def test_the_owner_and_the_master_client_hear_of_an_order_and_nobody_else(talk, heard):
    owner, master, other = talk.client(5), talk.client(9), talk.client(6, 200)
    talk.ask(owner, ASK)
    talk.steps()
    mine = names(heard, owner)
    assert mine[:2] == ["openOrder", "orderStatus"]
    assert mine[-1] == "commissionAndFeesReport"
    assert mine.count("execDetails") == mine.count("commissionAndFeesReport") > 0
    assert names(heard, master) == mine
    assert said(other) == []


def test_open_orders_are_each_client_s_own_and_all_are_on_request(talk, heard):
    one, two = talk.client(5), talk.client(6)
    talk.ask(one, CHEAP)
    talk.ask(two, CHEAP)
    said(one)
    talk.ask(one, Plain(name="openOrders"))
    assert names(heard, one) == ["openOrder", "orderStatus", "openOrderEnd"]
    talk.ask(one, Plain(name="allOpenOrders"))
    assert names(heard, one) == ["openOrder", "orderStatus"] * 2 + ["openOrderEnd"]
    with pytest.raises(BadRequest) as refused:
        talk.ask(two, CancelOrder(7))
    assert refused.value.code == 10147


def test_only_client_0_binds_orders_entered_in_tws(talk, heard):
    default, other = talk.client(0), talk.client(5)
    with pytest.raises(BadRequest) as refused:
        talk.ask(other, AutoOpenOrders(bind=True))
    assert refused.value.code == 321
    talk.ask(default, AutoOpenOrders(bind=True))
    talk.front.heard(talk.broker.place_by_hand(CHEAP))
    recorder = heard(178, *said(default))
    assert [name for name, _ in recorder.calls] == ["orderBound", "openOrder", "orderStatus"]
    ((perm_id, client_id, order_id),) = recorder.named("orderBound")
    assert (perm_id, client_id, order_id) == (1_376_327_563, 0, -1)
    assert said(other) == []
    talk.ask(default, CancelOrder(-1))
    said(default)
    talk.ask(default, CompletedOrders(api_only=True))
    assert names(heard, default) == ["completedOrdersEnd"]
    talk.ask(default, CompletedOrders(api_only=False))
    assert names(heard, default) == ["completedOrder", "completedOrdersEnd"]


@pytest.mark.parametrize("twice", [False, True])
def test_a_what_if_is_answered_once_or_twice(heard, twice):
    talk = Talk(what_if_two_answers=twice)
    client = talk.client(5)
    talk.ask(client, replace(ASK, what_if=True))
    states = [call[3] for call in heard(178, *said(client)).named("openOrder")]
    assert len(states) == 1 + twice
    assert float(states[-1].initMarginAfter) > 0
    if twice:
        assert (float(states[0].initMarginAfter), bool(states[0].warningText)) == (1.7976931348623157e308, True)
    assert talk.broker.orders == {}


def test_open_orders_at_the_start(heard):
    talk = Talk(open_orders_at_start=True)
    talk.ask(talk.client(5), CHEAP)
    again = talk.client(5)
    talk.front.start.greet(again)
    assert names(heard, again)[-2:] == ["openOrder", "orderStatus"]


def test_executions_by_every_field(talk, heard):
    client = talk.client(5)
    talk.ask(client, ASK)
    talk.ask(client, replace(ASK, req_id=2, contract=Description(con_id=8894, exchange="NYSE"), action="SELL"))
    talk.steps()
    said(client)
    talk.ask(client, Executions(7))
    recorder = heard(178, *said(client))
    assert {call[0] for call in recorder.named("execDetails")} == {7}
    assert [name for name, _ in recorder.calls][-1] == "commissionAndFeesReport"
    count, now = len(recorder.named("execDetails")), talk.broker.market.now_ns

    def fits(**asked: Any) -> int:
        rows = [wanted(fill, talk.broker.contract(fill), Executions(7, **asked), now) for fill in talk.broker.fills]
        return sum(rows)

    apples = fits(symbol="AAPL")
    assert 0 < apples < count
    assert fits(side="BOT") == fits(side="BUY") == fits(exchange="NASDAQ") == fits(sec_type="STK") - fits(side="SLD")
    assert fits(exchange="NYSE") == count - apples
    assert (fits(client_id=5), fits(client_id=6), fits(account=ACCOUNT), fits(account="DU1234501")) == (
        count, 0, count, 0,
    )  # fmt: skip
    assert (fits(since="20261123-14:30:00"), fits(since="20261123 10:30:00")) == (count, 0)
    assert (fits(dates=(20261123,)), fits(dates=(20261122,))) == (count, 0)
    with pytest.raises(BadRequest):
        fits(since="yesterday")


def test_executions_of_earlier_days_are_asked_for(talk):
    client = talk.client(5)
    talk.ask(client, ASK)
    talk.steps()
    fill = talk.broker.fills[0]
    x = talk.broker.contract(fill)
    tomorrow = fill.time_ns + 86_400 * days.NS
    assert not wanted(fill, x, Executions(7), tomorrow)
    assert wanted(fill, x, Executions(7, days=2), tomorrow)
    assert wanted(fill, x, Executions(7, dates=(20261123,)), tomorrow)


@pytest.mark.parametrize("sv", [157, 178, 200])
@pytest.mark.parametrize(
    "changes",
    [
        {"kind": "LMT", "limit": 100.0},
        {"kind": "STP LMT", "limit": 400.0, "stop": 390.0},
        {"kind": "TRAIL", "stop": 5.0, "terms": Terms({"auxPrice": 5.0})},
        {"kind": "TRAIL", "terms": Terms({"trailingPercent": 3.3})},
        {"kind": "TRAIL LIMIT", "stop": 5.0, "terms": Terms({"auxPrice": 5.0, "lmtPriceOffset": 0.5})},
        {"kind": "MIDPRICE", "limit": 100.0},
        {"kind": "MOC"},
    ],
)
def test_an_order_sent_back_as_it_was_told_is_a_modification(talk, heard, encoder, sv, changes):
    client = talk.client(5, sv)
    talk.ask(client, replace(ASK, **changes))
    talk.steps(3)
    _, contract, told, _ = heard(sv, *said(client)).named("openOrder")[-1]
    told.totalQuantity += 1
    genuine = encoder(sv)
    genuine.placeOrder(1, contract, told)
    talk.ask(client, reading.decode(genuine.sent[0], sv))
    ((_, _, again, state),) = heard(sv, *said(client)).named("openOrder")
    assert (again.totalQuantity, again.permId, state.status) == (101, told.permId, talk.broker.orders[5, 1].status)
    same = ("orderType", "lmtPrice", "auxPrice", "trailStopPrice", "trailingPercent", "tif", "lmtPriceOffset")
    assert {name: getattr(again, name) for name in same} == {name: getattr(told, name) for name in same}
