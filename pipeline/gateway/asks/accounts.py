"""What a client asks about accounts, positions, profit and loss."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.gateway.asks.fields import Fields, Reader, plain
from pipeline.gateway.asks.request import Request


@dataclass(frozen=True, slots=True)
class AccountSummary(Request):
    group: str = "All"
    tags: str = ""


@dataclass(frozen=True, slots=True)
class AccountUpdates(Request):
    subscribe: bool = True
    account: str = ""


@dataclass(frozen=True, slots=True)
class AccountUpdatesMulti(Request):
    account: str = ""
    model: str = ""
    ledger_only: bool = False


@dataclass(frozen=True, slots=True)
class PositionsMulti(Request):
    account: str = ""
    model: str = ""


@dataclass(frozen=True, slots=True)
class PnL(Request):
    account: str = ""
    con_id: int = 0  # 0: the whole account
    model: str = ""


def _summary(f: Fields) -> Request:
    f.skip()
    return AccountSummary(f.id(), f.text(), f.text())


def _updates(f: Fields) -> Request:
    f.skip()
    return AccountUpdates(subscribe=f.flag(), account=f.text())


def _updates_multi(f: Fields) -> Request:
    f.skip()
    return AccountUpdatesMulti(f.id(), f.text(), f.text(), f.flag())


def _positions_multi(f: Fields) -> Request:
    f.skip()
    return PositionsMulti(f.id(), f.text(), f.text())


def _pnl(f: Fields) -> Request:
    req_id, account, model = f.id(), f.text(), f.text()
    return PnL(req_id, account, model=model)


def _pnl_single(f: Fields) -> Request:
    req_id, account, model = f.id(), f.text(), f.text()
    return PnL(req_id, account, f.integer(), model)


READERS: dict[int, Reader] = {
    62: _summary,
    63: plain("cancelAccountSummary", 1),
    6: _updates,
    76: _updates_multi,
    77: plain("cancelAccountUpdatesMulti", 1),
    61: plain("positions"),
    64: plain("cancelPositions"),
    74: _positions_multi,
    75: plain("cancelPositionsMulti", 1),
    92: _pnl,
    93: plain("cancelPnL", 0),
    94: _pnl_single,
    95: plain("cancelPnLSingle", 0),
    80: plain("familyCodes"),
}
