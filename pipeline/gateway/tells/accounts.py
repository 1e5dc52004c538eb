"""Frames about accounts, positions, profit and loss. Pure; money comes as text."""

from __future__ import annotations

from pipeline.gateway.market.universe import Instrument
from pipeline.gateway.tells.frames import contract11, frame


def account_value(key: str, value: str, currency: str, account: str) -> bytes:
    return frame(6, 2, key, value, currency, account)


def portfolio(
    x: Instrument, position: int, price: float, value: str, cost: str, unrealized: str, realized: str, account: str
) -> bytes:
    return frame(
        7, 8, x.con_id, x.symbol, x.sec_type, x.expiry, x.strike, x.right or "0", x.multiplier_text,
        x.primary or x.exchange, x.currency, x.local_symbol, x.trading_class, position, price, value, cost, unrealized,
        realized, account,
    )  # fmt: skip


def account_time(text: str) -> bytes:
    return frame(8, 1, text)


def account_download_end(account: str) -> bytes:
    return frame(54, 1, account)


def account_update_multi(req_id: int, account: str, model: str, key: str, value: str, currency: str) -> bytes:
    return frame(73, 1, req_id, account, model, key, value, currency)


def account_update_multi_end(req_id: int) -> bytes:
    return frame(74, 1, req_id)


def account_summary(req_id: int, account: str, tag: str, value: str, currency: str) -> bytes:
    return frame(63, 1, req_id, account, tag, value, currency)


def account_summary_end(req_id: int) -> bytes:
    return frame(64, 1, req_id)


def position(account: str, x: Instrument, quantity: int, cost: str) -> bytes:
    return frame(61, 3, account, *contract11(x, position_exchange(x)), quantity, cost)


def position_end() -> bytes:
    return frame(62, 1)


def position_multi(req_id: int, account: str, x: Instrument, quantity: int, cost: str, model: str = "") -> bytes:
    return frame(71, 1, req_id, account, *contract11(x, position_exchange(x)), quantity, cost, model)


def position_multi_end(req_id: int) -> bytes:
    return frame(72, 1, req_id)


def position_exchange(x: Instrument) -> str:
    """A position names where a stock is listed, and nothing for an option, as TWS does."""
    return x.primary if x.sec_type == "STK" else "" if x.sec_type in ("OPT", "FOP", "BOND") else x.exchange


def pnl(req_id: int, daily: str, unrealized: str, realized: str) -> bytes:
    return frame(94, req_id, daily, unrealized, realized)


def pnl_single(req_id: int, quantity: int, daily: str, unrealized: str, realized: str, value: str) -> bytes:
    return frame(95, req_id, quantity, daily, unrealized, realized, value)
