"""What days do to an account: interest, dividends, daily settlement, expiries."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from pipeline.gateway import keeping
from pipeline.gateway.broker import carrying, deliveries
from pipeline.gateway.broker.accounts import Account, Position, amount
from pipeline.gateway.broker.brokerage import Filled
from pipeline.gateway.market import days

DAY = date(2026, 11, 23)


def account(cash="0.00"):
    return Account("DU1234501", Decimal(cash), Decimal("0.00"), carried_to="20261123")


def test_a_debt_costs_each_tier_at_its_rate():
    """50,000 at 5.38 %; of 250,000 the second 150,000 at 4.88 %."""
    assert carrying.interest(Decimal(-50_000), "USD", 36) == Decimal("-269.00")
    assert carrying.interest(Decimal(-250_000), "USD", 360) == Decimal("-12700.00")


def test_a_credit_earns_above_the_first_ten_thousand():
    assert carrying.interest(Decimal(10_000), "USD", 360) == 0
    assert carrying.interest(Decimal(110_000), "USD", 360) == Decimal("3380.00")
    assert carrying.interest(Decimal(110_000), "CHF", 360) == 0
    assert carrying.interest(Decimal(-100), "PLN", 360) == 0


def test_interest_accrues_by_night_and_is_paid_on_the_third_business_day():
    held = account("-100000.00")
    held.foreign = {"EUR": Decimal("60000.00")}
    carrying.carry(held, date(2026, 11, 27))
    assert held.accrued["USD"] == carrying.interest(Decimal(-100_000), "USD", 4)
    assert held.accrued["EUR"] > 0
    assert held.cash == Decimal("-100000.00")
    assert carrying.posting_day(date(2026, 12, 20)) == date(2026, 12, 3)
    for day in (date(2026, 12, 2), date(2026, 12, 3)):
        before = held.accrued
        carrying.carry(held, day)
    assert held.accrued == {}
    assert held.cash == Decimal("-100000.00") + before["USD"] + carrying.interest(Decimal(-100_000), "USD", 1)
    assert held.foreign["EUR"] > Decimal("60000.00")


def test_dividends_are_owed_from_the_ex_date_and_paid_three_weeks_later():
    held = account()
    held.positions = {1: Position(300, Decimal(0)), 2: Position(-100, Decimal(0))}
    declared = [(date(2026, 11, 24), 0.26), (date(2027, 2, 23), 0.26)]
    for con_id in (1, 2):
        carrying.earn(held, con_id, declared, date(2026, 11, 23), date(2026, 11, 24))
    assert [row.amount for row in held.dividends] == [Decimal("78.00"), Decimal("-26.00")]
    carrying.pay(held, date(2026, 12, 14), {1: "USD", 2: "USD"})
    assert held.cash == 0
    carrying.pay(held, date(2026, 12, 15), {1: "USD", 2: "USD"})
    assert (held.cash, held.dividends) == (Decimal("52.00"), [])


def test_what_accrues_counts_in_the_net_liquidation_and_not_in_the_equity(brokerage):
    held = brokerage.accounts["DU1234502"]
    before = brokerage.bank.figures(held)
    held.accrued = {"USD": Decimal("-10.00")}
    held.dividends.append(carrying.Dividend(265598, "20261215", Decimal("78.00")))
    after = brokerage.bank.figures(held)
    assert after.net - before.net == Decimal("68.00")
    assert after.equity_s == before.equity_s


def roll(brokerage, day):
    """Go on to the morning of `day`, as the gateway does at each opening."""
    market = brokerage.market
    moment, events = days.new_york(market.now_ns).date(), []
    while moment < day:
        moment = days.business_day(moment + timedelta(days=1))
        market.start_ns += days.ns_of(moment, days.OPEN) - market.now_ns
        market.advance(market.step + 1)
        events += brokerage.roll_day()
    return events


@pytest.fixture
def fast():
    return keeping.begin(DAY, 7, 600.0)


def test_the_night_pays_the_variation_of_the_futures_into_cash(fast):
    held, future = fast.accounts["DU1234502"], fast.universe.future("ES")
    position, cash = held.positions[future.con_id], held.commodity_cash
    roll(fast, date(2026, 11, 24))
    profit = amount(future, position.quantity, fast.market.closing(future)) - position.cost
    assert position.settled == profit != 0
    assert held.commodity_cash == cash + profit
    figures = fast.bank.figures(held)
    assert figures.futures == amount(future, position.quantity, fast.bank.mark(future)) - position.cost - profit
    assert figures.net_c == held.commodity_cash + figures.futures


def test_closing_a_settled_future_pays_the_rest_only():
    held, brokerage = account(), keeping.begin(DAY, 7, 1.0)
    future = brokerage.universe.future("ES")
    held.fill(future, 2, 6500.0)
    held.positions[future.con_id].settled = Decimal("1000.00")
    held.commodity_cash = Decimal("1000.00")
    _, realized = held.fill(future, -2, 6520.0)
    assert realized == Decimal("2000.00") - Decimal("9.00")
    assert held.commodity_cash == realized
    assert held.positions[future.con_id].settled == 0


def test_expiries_deliver_settle_or_end(fast):
    universe, held = fast.universe, fast.accounts["DU1234502"]
    expiry = universe.options("AAPL")[0].expiry_date
    calls = {k: universe.option("AAPL", 0, k, "C") for k in (195.0, 290.0)}
    put = universe.option("AAPL", 0, 290.0, "P")
    index = universe.option("SPX", 0, 6000.0, "C")
    front = universe.future("ES")
    held.positions = {}
    for x, quantity in ((calls[195.0], 2), (calls[290.0], 3), (put, -1), (index, 1), (front, 1)):
        held.fill(x, quantity, 20.0)
    roll(fast, expiry)
    assert held.open_quantity(put.con_id) == -1
    events = roll(fast, days.business_day(expiry + timedelta(days=1)))
    told = {event.fill.con_id: [] for event in events if isinstance(event, Filled)}
    for event in events:
        if isinstance(event, Filled) and event.fill.account == held.name:
            told[event.fill.con_id].append((event.fill.action, event.fill.quantity, event.fill.price))
    assert told[calls[195.0].con_id] == [("SELL", 2, 0.0)]
    assert told[calls[290.0].con_id] == [("SELL", 3, 0.0)]
    assert told[put.con_id] == [("BUY", 1, 0.0)]
    assert told[265598] == [("BUY", 200, 195.0), ("BUY", 100, 290.0)]
    ((action, quantity, price),) = told[index.con_id]
    assert (action, quantity) == ("SELL", 1)
    assert price == pytest.approx(fast.market.settlement(index), abs=1e-4)
    assert [row[:2] for row in told[front.con_id]] == [("SELL", 1)]
    assert all(held.open_quantity(x.con_id) == 0 for x in (*calls.values(), put, index, front))
    assert held.open_quantity(265598) == 300
    assert all(fill.commission == 0 for fill in fast.fills if fill.order_id == 0)


def test_an_option_on_a_future_delivers_the_future_or_pays_when_both_end(fast):
    universe = fast.universe
    option = next(x for x in universe.options("ES") if x.right == "P" and x.strike == 6900.0)
    under = universe.by_con_id[option.under_con_id]
    held = account()
    held.positions = {option.con_id: Position(-1, Decimal(0))}
    due = list(deliveries.due(held, universe, lambda _x: 250.0, {option.con_id}))
    assert [(row.con_id, row.quantity, row.price) for row in due] == [
        (option.con_id, 1, 0.0),
        (under.con_id, 1, 6900.0),
    ]
    due = list(deliveries.due(held, universe, lambda _x: 250.0, {option.con_id, under.con_id}))
    assert [(row.con_id, row.quantity, row.price) for row in due] == [(option.con_id, 1, 250.0)]


def test_a_day_begins_with_sums_of_nothing_and_forgets_what_is_closed(fast):
    held = fast.accounts["DU1234501"]
    x = fast.universe.stock("KO")
    held.fill(x, 100, 68.0)
    held.fill(x, -100, 69.0)
    assert x.con_id in held.positions
    roll(fast, date(2026, 11, 24))
    assert x.con_id not in held.positions
    assert fast.bank.figures(held).realized == 0
    for con_id, position in held.positions.items():
        x = fast.universe.by_con_id[con_id]
        assert position.day_value == amount(x, position.quantity, fast.market.closing(x))


def test_a_night_moves_money_between_columns_and_adds_only_what_accrues(fast):
    market = fast.market
    market.start_ns += days.ns_of(date(2026, 11, 24), days.OPEN) - market.now_ns
    market.advance(market.step + 1)
    before = {name: fast.bank.figures(held) for name, held in fast.accounts.items()}
    fast.roll_day()
    for name, held in fast.accounts.items():
        now = fast.bank.figures(held)
        assert held.accrued["USD"] < 0
        assert now.accrued - before[name].accrued == held.accrued["USD"]
        assert now.net - before[name].net == now.accrued + now.dividend
        assert now.futures != before[name].futures


def test_balances_survive(fast):
    held = fast.accounts["DU1234501"]
    held.fill(fast.universe.by_con_id[12087792], 10_000, 1.155)
    roll(fast, date(2026, 12, 1))
    held.dividends.append(carrying.Dividend(265598, "20261215", Decimal("78.00")))
    again = keeping.load(keeping.dump(fast), 600.0)
    assert again.accounts == fast.accounts
    assert again.bank.figures(again.accounts["DU1234501"]) == fast.bank.figures(held)
    assert held.accrued.keys() == {"USD"}
    assert held.foreign == {"EUR": Decimal("10000.00")}
