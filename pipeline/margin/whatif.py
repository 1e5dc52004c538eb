"""An account with trades that were not made: the same engine on a copy, the live arrays stay as they are."""

from __future__ import annotations

import math
from dataclasses import asdict, replace

from pipeline.errors import MargindeskError
from pipeline.margin import engine
from pipeline.margin.book import Book
from pipeline.margin.kernels import groups as kernel
from pipeline.margin.rules.account import AccountFigures, Cash
from pipeline.messages import OrderSpec, Position

KEYS = (
    "initial_margin", "maintenance_margin", "excess_liquidity", "equity_with_loan", "available_funds", "reg_t_margin",
)  # fmt: skip


class WhatIfError(MargindeskError):
    """The trades can't be judged."""


def what_if(book: Book, account: str, trades: list[OrderSpec]) -> dict[str, dict[str, float]]:
    """{"before", "after", "change"} of the keys; `at_least` is 1 where a figure is a lower bound.

    A trade fills at its limit price, else at the mark; stocks and options move cash, futures do not; no commission.
    WhatIfError names what is missing: account, contract, price.
    """
    if account not in book.accounts:
        raise WhatIfError(f"no account {account!r} is known; known: {', '.join(sorted(book.accounts)) or 'none'}")
    positions = dict(book.account(account).positions)
    cash = book.account(account).cash()
    before = _figures(book, account, list(positions.values()), cash)
    spent = 0.0
    for trade in trades:
        positions, paid = _with_trade(book, account, positions, trade)
        spent += paid
    after = _figures(book, account, list(positions.values()), replace(cash, securities=cash.securities - spent))
    change = {key: after[key] - before[key] for key in KEYS}
    return {"before": before, "after": after, "change": change}


def _with_trade(
    book: Book, account: str, positions: dict[int, Position], trade: OrderSpec
) -> tuple[dict[int, Position], float]:
    """The positions after it, and the cash of the securities segment that it costs."""
    instrument = book.instruments.get(trade.con_id)
    if instrument is None:
        raise WhatIfError(f"contract {trade.con_id} is not known here; add it to the watchlist first")
    if trade.account and trade.account != account:
        raise WhatIfError(f"expected trades of account {account}, found one of {trade.account}")
    if trade.side not in ("BUY", "SELL") or not (0.0 < trade.quantity < math.inf):
        raise WhatIfError(f"expected BUY or SELL and a positive quantity, found {trade.side} {trade.quantity:g}")
    price = trade.limit_price
    if not 0.0 < price < math.inf:
        price = mark(book, trade.con_id)
    if math.isnan(price):
        raise WhatIfError(f"{instrument.local_symbol or instrument.symbol} has no price yet, and no limit was given")
    signed = trade.quantity if trade.side == "BUY" else -trade.quantity
    held = positions.get(trade.con_id)
    old = held.quantity if held is not None else 0.0
    cost = price * instrument.multiplier
    average = held.average_cost if held is not None and old * signed < 0.0 else cost
    fresh = Position(
        account=account,
        con_id=trade.con_id,
        quantity=old + signed,
        average_cost=average,
        market_price=held.market_price if held is not None else math.nan,
    )
    fx = book.account(account).fx(instrument.currency)
    paid = 0.0 if instrument.sec_type in ("FUT", "FOP") else signed * cost * fx
    return {**positions, trade.con_id: fresh}, paid


def mark(book: Book, con_id: int) -> float:
    """The mark of a contract, else TWS's own of any account that holds it; nan if neither is known."""
    price = float(book.quotes.mark[book.slot_of(con_id)])
    if math.isnan(price):
        for position in book.positions():
            if position.con_id == con_id and position.market_price > 0.0:
                return position.market_price
    return price


def _figures(book: Book, account: str, positions: list[Position], cash: Cash) -> dict[str, float]:
    columns = book.compile(positions, [account])
    engine.revalue(columns, book.quotes)
    figures: AccountFigures = engine.account_figures(columns, columns.accounts.index(account), cash)
    values = asdict(figures)
    result: dict[str, float] = {key: values[key] for key in KEYS}
    result["at_least"] = float(bool(columns.account_flags[columns.accounts.index(account)] & kernel.AT_LEAST))
    return result
