"""An order that the user enters in TWS itself, as a line of the control channel: `order BUY 10 AAPL LMT 200`. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

from pipeline.gateway.asks.orders import PlaceOrder
from pipeline.gateway.asks.request import BadRequest
from pipeline.gateway.broker.brokerage import Brokerage
from pipeline.gateway.broker.events import Event
from pipeline.gateway.market.universe import Description

WORD = "order"
EXPECTED = "expected: order BUY|SELL QUANTITY SYMBOL|CON_ID [MKT | LMT PRICE] [ACCOUNT]"
NUMBER = r"\d{1,9}(?:\.\d{1,6})?"
LINE = re.compile(
    rf"order\s+(?P<action>BUY|SELL)\s+(?P<quantity>{NUMBER})\s+(?P<what>\S+)"
    rf"(\s+(?:MKT|LMT\s+(?P<limit>{NUMBER})))?(\s+(?P<account>[A-Z]+\d+))?",
    re.ASCII,
)


def enter(brokerage: Brokerage, line: str) -> tuple[str, Sequence[Event]]:
    """Place it; the answer (`ok`, or what was wrong) and what happened."""
    found = LINE.fullmatch(line)
    if found is None:
        return EXPECTED, ()
    asked = PlaceOrder(
        0, _described(brokerage, found["what"]), found["action"], float(found["quantity"]),
        "LMT" if found["limit"] else "MKT", float(found["limit"] or "nan"),
        account=found["account"] or next(iter(brokerage.accounts)),
    )  # fmt: skip
    try:
        return "ok", brokerage.place_by_hand(asked)
    except BadRequest as bad:
        return f"{bad.code} {bad.text}", ()


def _described(brokerage: Brokerage, what: str) -> Description:
    """A contract by its con_id, or a stock by its symbol."""
    if not (what.isascii() and what.isdigit()):
        return Description(symbol=what, sec_type="STK", exchange="SMART")
    listed = brokerage.universe.by_con_id.get(int(what))
    return Description(int(what), exchange=listed.exchange if listed else "SMART")
