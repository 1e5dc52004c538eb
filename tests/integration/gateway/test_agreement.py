"""The broker's margin and the margin engine, two implementations of the same rules, on the demo's book."""

import os
from datetime import date

import numpy as np
import pytest

from pipeline import jit, messages
from pipeline.gateway import keeping
from pipeline.gateway.broker import keys, rates
from pipeline.messages import TICK


@pytest.fixture(scope="module", autouse=True)
def _warm():
    with jit.warming(os.environ.get("PYTEST_XDIST_WORKER", "tool")):
        from pipeline.margin.warmup import warm_up

        warm_up()


@pytest.fixture(scope="module", params=[0, 12_000])
def brokerage(request):
    found = keeping.begin(date(2026, 11, 23), 7, 5.0)
    found.market.advance(request.param)
    return found


def book_of(brokerage, house):
    """What the engine would know after everything has been told."""
    from pipeline.margin.book import Book
    from pipeline.margin.rules.rates import RateBook

    book, now = Book(RateBook(house=house)), brokerage.market.now_ns
    for x in brokerage.universe.by_con_id.values():
        book.on(
            messages.Instrument(
                con_id=x.con_id, symbol=x.symbol, sec_type=x.sec_type, currency="USD", exchange=x.exchange,
                expiry=x.expiry, strike=x.strike or float("nan"), right=x.right, multiplier=float(x.multiplier),
                under_con_id=x.under_con_id, under_symbol=x.symbol if x.under_con_id else "", stock_type=x.stock_type,
                trading_class=x.trading_class,
            )
        )  # fmt: skip
    for name, account in brokerage.accounts.items():
        for con_id, held in account.positions.items():
            cost = float(held.average_cost())
            book.on(messages.Position(account=name, con_id=con_id, quantity=float(held.quantity), average_cost=cost))
        book.on(
            messages.AccountSnapshot(
                account=name, complete=True, values=1, positions=1, base_currency="USD", recv_ns=now
            )
        )
    book.ticks(np.array(list(quotes(brokerage, now)), dtype=TICK))
    return book


def quotes(brokerage, now):
    for x in brokerage.universe.by_con_id.values():
        if x.sec_type == "IND":
            yield now, now, x.con_id, 4, 0, brokerage.tape.mark(x), 0.0
        else:
            bid, ask = brokerage.tape.now(x)
            yield now, now, x.con_id, 1, 0, bid, 1.0
            yield now, now, x.con_id, 2, 0, ask, 1.0


def figures_of(brokerage, house):
    from pipeline.margin import engine

    book = book_of(brokerage, house)
    columns = engine.recompute(book).columns
    found = {}
    for n, name in enumerate(columns.accounts):
        account = brokerage.accounts[name]
        for key, value, currency in keys.rows(account, brokerage.bank.figures(account)):
            if currency == "USD" and value.replace(".", "").lstrip("-").isdigit():
                told = messages.AccountValue(
                    account=name, key=key, currency=currency, value=float(value), text=value,
                    recv_ns=brokerage.market.now_ns,
                )  # fmt: skip
                book.on(told)
        found[name] = engine.account_figures(columns, n, book.account(name).cash())
    return found


def test_with_the_house_rates_told_both_agree_to_half_a_percent(brokerage):
    for name, model in figures_of(brokerage, rates.HOUSE).items():
        ours = brokerage.bank.figures(brokerage.accounts[name])
        assert model.maintenance_margin == pytest.approx(float(ours.maint_s + ours.maint_c), rel=0.005)
        assert model.initial_margin == pytest.approx(float(ours.init_s + ours.init_c), rel=0.005)
        assert model.excess_liquidity == pytest.approx(float(ours.excess), rel=0.005)


def test_without_them_only_the_account_that_holds_these_symbols_differs(brokerage):
    models = figures_of(brokerage, None)
    trader, investor = (brokerage.bank.figures(brokerage.accounts[name]) for name in ("DU1234501", "DU1234502"))
    gap = float(trader.maint_s + trader.maint_c) - models["DU1234501"].maintenance_margin
    assert gap > 5_000
    assert models["DU1234502"].maintenance_margin == pytest.approx(
        float(investor.maint_s + investor.maint_c), rel=0.005
    )
