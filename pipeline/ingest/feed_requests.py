"""How each kind of feed is asked for at TWS, and how it is cancelled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from ibapi.contract import Contract

from pipeline.ingest.history_plan import DAY_S, SIZES, size_of
from pipeline.messages import BAR_KINDS, Subscribe, Unsubscribe

BY_TICK = {"last": "Last", "all_last": "AllLast", "quote": "BidAsk", "mid": "MidPoint"}
BAR_WHAT = ("TRADES", "MIDPOINT", "BID", "ASK")
WORDS = ("level1", *BY_TICK, "depth", "bars", "news", "pnl")
REAL_TIME = "5 secs"  # the size of TWS's real-time bars; others are historical bars that TWS keeps up to date
UTC_SECONDS = 2  # how bars spell their time


class Key(NamedTuple):
    """What is subscribed to; `what` is the kind of bars, the exchange of a book, or the account of a P&L."""

    con_id: int
    data: str
    what: str
    size: str = ""  # of bars


@dataclass
class Open:
    """A subscription at TWS."""

    request: int
    key: Key
    since_ns: int
    smart: bool = False


def key_of(command: Subscribe | Unsubscribe) -> Key:
    """What a command without a fault means."""
    what = {"bars": command.what, "depth": command.exchange, "pnl": command.account}.get(command.data, "")
    return Key(command.con_id, command.data, what, size_of(command.size) if command.data == "bars" else "")


def fault(command: Subscribe | Unsubscribe, accounts: list[str]) -> str:
    """What is wrong with a command; empty when nothing is. `accounts`: those that may be used."""
    if command.data not in WORDS:
        return f"data: expected one of {', '.join(WORDS)}, found {command.data!r}"
    if command.data == "bars" and command.what not in BAR_WHAT:
        return f"what: expected one of {', '.join(BAR_WHAT)}, found {command.what!r}"
    if command.data == "bars" and SIZES.get(size_of(command.size), (0, 0))[0] < SIZES[REAL_TIME][0]:
        return f"size: expected one of {', '.join(size for size in SIZES if size != '1 secs')}, found {command.size!r}"
    if command.data == "pnl" and accounts and command.account not in accounts:
        return f"account: expected one of {', '.join(accounts)}, found {command.account!r}"
    if command.con_id <= 0:
        return f"con_id: expected a contract id, found {command.con_id}"
    return ""


def bar_kind(key: Key) -> int:
    """What the records of a feed of bars are of, as BAR has it."""
    return BAR_KINDS.index(key.what) if key.data == "bars" else 0


def begin(client: Any, opened: Open, contract: Contract, rows: int) -> None:
    """Ask for it; `rows` of a book, each side."""
    request, key = opened.request, opened.key
    if key.data in BY_TICK:
        client.reqTickByTickData(request, contract, BY_TICK[key.data], 0, False)
    elif key.data == "depth":
        contract.exchange = key.what
        client.reqMktDepth(request, contract, rows, opened.smart, [])
    elif key.data == "bars" and key.size == REAL_TIME:
        client.reqRealTimeBars(request, contract, 5, key.what, False, [])
    elif key.data == "bars":
        client.reqHistoricalData(
            request, contract, "", _newest(key.size), key.size, key.what, 0, UTC_SECONDS, True, []
        )  # fmt: skip
    elif key.data == "pnl":
        client.reqPnLSingle(request, key.what, "", key.con_id)
    else:
        client.reqMktData(request, contract, "mdoff,292", False, False, [])


def _newest(size: str) -> str:
    """A period that holds the newest bar, in TWS's words."""
    seconds = SIZES[size][0]
    return f"{max(1, 2 * seconds // DAY_S)} D" if seconds >= DAY_S // 2 else f"{max(60, 2 * seconds)} S"


def cancel(client: Any, opened: Open) -> None:
    """Tell TWS that nobody wants it any more."""
    request, key = opened.request, opened.key
    if key.data in BY_TICK:
        client.cancelTickByTickData(request)
    elif key.data == "depth":
        client.cancelMktDepth(request, opened.smart)
    elif key.data == "bars" and key.size == REAL_TIME:
        client.cancelRealTimeBars(request)
    elif key.data == "bars":
        client.cancelHistoricalData(request)
    elif key.data == "pnl":
        client.cancelPnLSingle(request)
    else:
        client.cancelMktData(request)
