"""Whether an execution is one that a client asks for. Pure."""

from __future__ import annotations

from datetime import timedelta

from pipeline.gateway.asks.orders import Executions
from pipeline.gateway.asks.request import BadRequest
from pipeline.gateway.broker import hours
from pipeline.gateway.broker.ordering import Fill
from pipeline.gateway.market import days
from pipeline.gateway.market.universe import Instrument

SIDES = {"BOT": "BUY", "SLD": "SELL", "SSHORT": "SELL"}


def wanted(fill: Fill, x: Instrument, asked: Executions, now_ns: int) -> bool:
    """All that is said fits; BadRequest where the time is none."""
    side = SIDES.get(asked.side.upper(), asked.side.upper())
    return (
        (not asked.client_id or fill.client_id == asked.client_id)
        and asked.account in ("", fill.account)
        and asked.symbol in ("", x.symbol)
        and asked.sec_type in ("", x.sec_type)
        and asked.exchange in ("", fill.exchange)
        and side in ("", fill.action if fill.action == "BUY" else "SELL")
        and _on_day(fill, asked, now_ns)
        and fill.time_ns >= _since(asked, now_ns)
    )


def _since(asked: Executions, now_ns: int) -> int:
    if not asked.since:
        return 0
    try:
        return hours.moment(asked.since, now_ns)
    except ValueError:
        text = "Error validating request.-'bL' : cause - Invalid time format of an execution filter"
        raise BadRequest(asked.req_id, 321, text) from None


def _on_day(fill: Fill, asked: Executions, now_ns: int) -> bool:
    """Executions of today, of the last days, or of those that are named."""
    day, today = days.new_york(fill.time_ns).date(), days.new_york(now_ns).date()
    if asked.dates:
        return int(f"{day:%Y%m%d}") in asked.dates
    return day > today - timedelta(days=min(max(asked.days, 1), 7))
