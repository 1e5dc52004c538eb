"""A random trading day of 5,000 orders on each account: executions and commission reports explain the books."""

from __future__ import annotations

import math
import random
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from pipeline.gateway import keeping
from pipeline.gateway.asks.orders import PlaceOrder
from pipeline.gateway.asks.request import BadRequest
from pipeline.gateway.asks.terms import Condition, Leg, Terms
from pipeline.gateway.broker import previews
from pipeline.gateway.broker.accounts import Account
from pipeline.gateway.broker.brokerage import Brokerage, Changed, Filled
from pipeline.gateway.broker.ordering import BAG_CON_ID, Preview
from pipeline.gateway.market import days
from pipeline.gateway.market.universe import Description, Instrument, price_step

DAY = date(2026, 11, 23)
ORDERS, ORDERS_A_STEP, CLIENT = 5000, 12, 5
SIZES = {"STK": (1, 400), "OPT": (1, 4), "FUT": (1, 1), "FOP": (1, 1), "CASH": (1000, 40_000), "BOND": (1, 10)}
LEGAL = {
    "PreSubmitted": {"PreSubmitted", "Submitted", "Filled", "Cancelled"},
    "Submitted": {"Submitted", "PreSubmitted", "Filled", "Cancelled"},
    "Filled": {"Filled"},
    "Cancelled": set(),
}


@dataclass
class Ledger:
    """Balances from executions and commission reports alone."""

    cash: dict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    held: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    futures: Decimal = Decimal(0)  # what futures would have cost, were they paid
    realized: Decimal = Decimal(0)  # what futures brought
    executed: dict[int, int] = field(default_factory=lambda: defaultdict(int))  # by permId, legs left out
    ids: set[str] = field(default_factory=set)

    def hear(self, event: Filled, x: Instrument) -> None:
        fill = event.fill
        assert fill.exec_id not in self.ids
        self.ids.add(fill.exec_id)
        if fill.con_id == event.order.con_id:
            self.executed[fill.perm_id] += fill.quantity
        if fill.con_id == BAG_CON_ID:
            assert fill.commission is None
            return
        assert fill.commission is not None
        signed = fill.quantity if fill.action == "BUY" else -fill.quantity
        paid = (Decimal(repr(fill.price)) * signed * x.multiplier).quantize(Decimal("0.01"))
        self.cash["USD"] -= fill.commission
        if x.sec_type == "FUT":  # it moves no cash until it is closed
            self.futures += paid + fill.commission
            self.cash["USD"] += (fill.realized or 0) + fill.commission  # which has its share of the commissions
            self.realized += fill.realized or Decimal(0)
        else:
            self.cash[x.currency] -= paid
        if x.sec_type == "CASH":
            self.cash[x.symbol] += signed
        else:
            self.held[x.con_id] += signed


@dataclass
class Day:
    """One account's day."""

    broker: Brokerage
    account: str
    dice: random.Random
    ledger: Ledger = field(default_factory=Ledger)
    states: dict[int, str] = field(default_factory=dict)
    placed: int = 0
    refused: dict[int, int] = field(default_factory=lambda: defaultdict(int))

    def hear(self, events: list[Any]) -> None:
        for event in events:
            order = event.order
            if isinstance(event, Filled):
                self.ledger.hear(event, self.broker.contract(event.fill))
            if isinstance(event, Changed) or event.fill.con_id == order.con_id:
                before = self.states.get(order.perm_id, "PreSubmitted")
                assert order.status in LEGAL[before], (before, order.status)
                self.states[order.perm_id] = order.status

    def place(self, **asked: Any) -> None:
        self.placed += 1
        terms = Terms(asked.pop("terms", {}), asked.pop("legs", ()), conditions=asked.pop("conditions", ()))
        request = PlaceOrder(self.broker.next_valid_id(CLIENT), account=self.account, terms=terms, **asked)
        try:
            self.hear(self.broker.place(CLIENT, request))
        except BadRequest as refused:
            self.refused[refused.code] += 1


def contracts(broker: Brokerage, dice: random.Random) -> list[Instrument]:
    """A few of each kind."""
    found: list[Instrument] = []
    for kind, count in (("STK", 6), ("OPT", 6), ("FUT", 2), ("FOP", 2), ("CASH", 3), ("BOND", 2)):
        listed = [x for x in broker.universe.living() if x.sec_type == kind]
        found += dice.sample(listed, min(count, len(listed)))
    return found


def near(broker: Brokerage, x: Instrument, dice: random.Random) -> float:
    """A price on the grid around the market."""
    mid = broker.tape.mark(x)
    aim = mid * (1.0 + dice.gauss(0.0, 0.002))
    step = price_step(x.rule_id, aim)
    return round(max(round(aim / step), 1) * step, 6)


def ask(day: Day, x: Instrument) -> dict[str, Any]:
    dice, low = day.dice, SIZES[x.sec_type]
    asked: dict[str, Any] = {"contract": Description(con_id=x.con_id, exchange=x.exchange)}
    asked |= {"action": dice.choice(("BUY", "SELL")), "quantity": float(dice.randint(*low)), "terms": {}}
    kinds = ["MKT", "MKT", "LMT", "LMT", "LMT", "STP", "STP LMT", "TRAIL", "TRAIL LIMIT", "MIT", "LIT"]
    kinds += ["MTL", "MIDPRICE", "REL", "PEG MID", "MOC"]
    asked["kind"] = kind = dice.choice(kinds)
    if kind in ("LMT", "STP LMT", "LIT"):
        asked["limit"] = near(day.broker, x, dice)
    if kind in ("STP", "STP LMT", "MIT", "LIT"):
        asked["stop"] = near(day.broker, x, dice)
    if kind.startswith("TRAIL"):
        amount = 4 * price_step(x.rule_id, day.broker.tape.mark(x))
        asked |= {"stop": amount, "terms": {"auxPrice": amount, "lmtPriceOffset": amount}}
    asked["tif"] = dice.choice(("DAY", "DAY", "GTC", "IOC", "FOK")) if kind != "MOC" else "DAY"
    if dice.random() < 0.1:
        asked["terms"] |= {"ocaGroup": f"g{dice.randrange(8)}", "ocaType": dice.randint(1, 3)}
    if dice.random() < 0.05:
        more = dice.random() < 0.5
        asked["conditions"] = (Condition(1, "a", more, str(day.broker.tape.mark(x)), x.con_id, "SMART"),)
    return asked


def bracket(day: Day, x: Instrument) -> None:
    """Entry, target and stop."""
    asked, broker, parent = ask(day, x), day.broker, day.broker.next_valid_id(CLIENT)
    asked |= {"kind": "LMT", "limit": near(broker, x, day.dice), "tif": "DAY", "transmit": False}
    back = asked | {"action": "SELL" if asked["action"] == "BUY" else "BUY", "parent_id": parent, "terms": {}}
    back.pop("conditions", None)
    day.place(**asked)
    if (CLIENT, parent) in broker.orders:
        day.place(**(back | {"limit": near(broker, x, day.dice)}))
        day.place(**(back | {"kind": "STP", "stop": near(broker, x, day.dice), "limit": math.nan, "transmit": True}))


def spread(day: Day) -> None:
    calls = [x for x in day.broker.universe.options("AAPL") if x.right == "C"]
    one, other = day.dice.sample(calls[:6], 2)
    legs = (Leg(one.con_id, 1, "BUY", "SMART"), Leg(other.con_id, day.dice.randint(1, 2), "SELL", "SMART"))
    bag = Description(symbol="AAPL", sec_type="BAG", exchange="SMART", currency="USD")
    kind, limit = day.dice.choice((("MKT", math.nan), ("LMT", round(day.dice.uniform(-3.0, 6.0), 2))))
    action = day.dice.choice(("BUY", "SELL"))
    day.place(contract=bag, legs=legs, action=action, quantity=2.0, kind=kind, limit=limit)


def disturb(day: Day) -> None:
    """Cancel or change something that lives."""
    live = day.broker.live_orders()
    while len(live) > 40:
        order = live.pop(day.dice.randrange(len(live)))
        if order.live:
            day.hear(day.broker.cancel(CLIENT, order.order_id))
    order = day.dice.choice(live) if live else None
    if order is None or order.kind != "LMT" or order.terms.legs or not order.live:
        return
    x = day.broker.contract(order)
    request = PlaceOrder(
        order.order_id, Description(con_id=x.con_id, exchange=order.exchange), order.action,
        float(max(order.quantity - 1, 1)), "LMT", near(day.broker, x, day.dice), order.tif, order.account,
        parent_id=order.parent_id, terms=order.terms,
    )  # fmt: skip
    try:
        day.hear(day.broker.place(CLIENT, request))
    except BadRequest as refused:
        day.refused[refused.code] += 1


def step(day: Day) -> None:
    day.broker.market.advance(day.broker.market.step + 1)
    day.hear(day.broker.match())


def balances(account: Account) -> dict[str, Decimal]:
    found = {"USD": account.cash + account.commodity_cash} | dict(account.foreign)
    return {name: value for name, value in found.items() if value}


@pytest.mark.parametrize("account", ["DU1234501", "DU1234502"])
def test_a_random_day_reconciles_to_the_cent(monkeypatch, account):
    broker, dice = keeping.begin(DAY, 7, 1.0), random.Random(f"day of {account}")
    books = broker.accounts[account]
    enough = Preview(*[Decimal(1)] * 8)  # margin has tests of its own; to find the cheapest 10,000 times takes minutes
    monkeypatch.setattr(previews, "preview", lambda _order, _bank: enough)
    pool, day = contracts(broker, dice), Day(broker, account, dice)
    began, held = balances(books), {c: p.quantity for c, p in books.positions.items()}
    others = {name: balances(other) for name, other in broker.accounts.items() if name != account}
    cost = futures_cost(broker, books)
    while day.placed < ORDERS:
        for _ in range(ORDERS_A_STEP):
            what = dice.random()
            x = dice.choice(pool)
            if what < 0.25:
                bracket(day, x)
            elif what < 0.32:
                spread(day)
            else:
                day.place(**ask(day, x))
        disturb(day)
        step(day)
    broker.market.restore(broker.market.dump() | {"now_ns": days.ns_of(DAY, days.CLOSE)})
    day.hear(broker.match())
    left = [order for order in broker.live_orders() if order.tif == "DAY"]
    assert {broker.contract(order).sec_type for order in left} <= {"FUT", "FOP", "CASH", "BOND"}  # which trade on
    day.hear(broker.cancel_all())

    ledger = day.ledger
    expected = defaultdict(Decimal, began)
    for name, change in ledger.cash.items():
        expected[name] += change
    assert balances(books) == {name: value for name, value in expected.items() if value}
    assert futures_cost(broker, books) - cost == ledger.futures + ledger.realized
    quantities = {c: p.quantity for c, p in books.positions.items() if p.quantity and c not in pairs(broker)}
    total = defaultdict(int, held)
    for con_id, change in ledger.held.items():
        total[con_id] += change
    assert quantities == {c: q for c, q in total.items() if q}
    assert {name: balances(other) for name, other in broker.accounts.items() if name != account} == others

    orders = list(broker.orders.values())
    assert len(orders) == broker.next_perm_id - min(order.perm_id for order in orders)
    assert {order.status for order in orders} == {"Filled", "Cancelled"}
    assert {order.perm_id: order.filled for order in orders if order.filled} == dict(ledger.executed)
    assert {order.perm_id: order.status for order in orders if order.transmit} == day.states
    assert sum(order.status == "Filled" for order in orders) > ORDERS // 10
    assert broker.live_orders() == []


def futures_cost(broker: Brokerage, books: Account) -> Decimal:
    kinds = {c: broker.universe.by_con_id[c].sec_type for c in books.positions}
    return sum((p.cost for c, p in books.positions.items() if kinds[c] == "FUT"), Decimal(0))


def pairs(broker: Brokerage) -> set[int]:
    return {x.con_id for x in broker.universe.by_con_id.values() if x.sec_type == "CASH"}
