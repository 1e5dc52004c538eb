"""The rows of each table, from the newest state. Pure."""

from __future__ import annotations

import datetime
import math
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from pipeline import messages
from ui.web import numbers
from ui.web.state import ASK, BID, CLOSE, LAST, LiveState

if TYPE_CHECKING:
    from ui.web.picture import Canvas

EXCHANGE_ZONE = ZoneInfo("America/New_York")
WORKING = ("Intent", "PendingSubmit", "PreSubmitted", "Submitted", "PendingCancel", "Unknown")
ORDERS_SHOWN, FILLS_SHOWN, EVENTS_SHOWN = 30, 20, 20
AT_LEAST = int(messages.MarginFlag.AT_LEAST)
STALE_INPUT = int(messages.MarginFlag.STALE_INPUT)
FIGURES = (
    ("maintenance", "Maintenance", "maintenance_margin", "tws_maintenance_margin"),
    ("initial", "Initial", "initial_margin", "tws_initial_margin"),
    ("net_liquidation", "Net liquidation", "net_liquidation", "tws_net_liquidation"),
    ("excess_liquidity", "Excess liquidity", "excess_liquidity", "tws_excess_liquidity"),
)


def margin(canvas: Canvas, state: LiveState, account: str) -> None:
    """Our figures beside TWS's own."""
    figure = state.accounts.get(account)
    if figure is None:
        return
    at_least = bool(figure["flags"] & AT_LEAST)
    for key, name, ours, theirs in FIGURES:
        mine, tws = float(figure[ours]), float(figure[theirs])
        bound = at_least and key in ("maintenance", "initial")
        gap = (mine - tws) / abs(tws) if math.isfinite(tws) and tws != 0 else math.nan
        canvas.row(
            "margin",
            key,
            name=name,
            tws=numbers.money(tws),
            model=(numbers.model(mine, bound), "model"),
            gap=(numbers.percent(gap, 2, signed=True), "warn" if abs(gap) >= 0.01 else "dim"),
        )


def groups(canvas: Canvas, state: LiveState, account: str) -> None:
    """Requirement of each underlying, the largest first."""
    mine = [(name, record) for (owner, name), record in state.groups.items() if owner == account]
    for name, record in sorted(mine, key=lambda item: (-_rank(float(item[1]["maintenance_margin"])), item[0])):
        flags = int(record["flags"])
        unrealized = float(record["unrealized_pnl"])
        look = "model stale" if flags & STALE_INPUT else "model"
        canvas.row(
            "groups",
            name,
            name=name,
            legs=str(int(record["legs"])),
            unrealized=(numbers.change(unrealized), sign(unrealized)),
            margin=(numbers.model(float(record["maintenance_margin"]), bool(flags & AT_LEAST)), look),
            share=numbers.percent(float(record["share"])),
        )


def positions(canvas: Canvas, state: LiveState, account: str) -> None:
    """Positions with the requirement of their legs, the largest first."""
    mine = [position for (owner, _), position in state.positions.items() if owner == account]
    legs = _legs(state.trees.get(account))
    ranked = sorted(mine, key=lambda p: (-_rank(legs.get(p.con_id, (math.nan, ""))[0]), p.con_id))
    for position in ranked:
        instrument = state.instruments.get(position.con_id)
        requirement, rule = legs.get(position.con_id, (math.nan, ""))
        mark, worth, unrealized = _valued(state, position, instrument)
        canvas.row(
            "positions",
            str(position.con_id),
            name=contract_name(instrument, position.con_id),
            quantity=numbers.quantity(position.quantity),
            price=numbers.price(mark, instrument.min_tick if instrument else math.nan),
            value=numbers.money(worth),
            unrealized=(numbers.change(unrealized), sign(unrealized)),
            margin=(numbers.model(requirement), "model"),
            rule=(rule or numbers.UNKNOWN, "dim"),
        )


def _valued(
    state: LiveState, position: messages.Position, instrument: messages.Instrument | None
) -> tuple[float, float, float]:
    """Mark, market value and unrealised P&L: by the live price where there is one, else as TWS last said."""
    mark = mark_price(state, position.con_id)
    if not math.isfinite(mark) or instrument is None:
        return position.market_price, position.market_value, position.unrealized_pnl
    worth = position.quantity * mark * instrument.multiplier
    return mark, worth, worth - position.quantity * position.average_cost


def mark_price(state: LiveState, con_id: int) -> float:
    """Middle of bid and ask, else the last trade, else nan."""
    bid, ask = (state.prices.get((con_id, side), math.nan) for side in (BID, ASK))
    if bid > 0 and ask > 0:
        return (bid + ask) / 2
    return state.prices.get((con_id, LAST), math.nan)


def _legs(tree: messages.MarginTree | None) -> dict[int, tuple[float, str]]:
    """con_id → requirement summed over its groups, and the rules of these groups."""
    found: dict[int, tuple[float, str]] = {}

    def walk(node: messages.MarginNode, rule: str) -> None:
        if node.level == "leg" and node.con_id:
            before, rules = found.get(node.con_id, (math.nan, ""))
            parts = [part for part in (before, node.maintenance_margin) if math.isfinite(part)]
            joined = rules if rule in rules.split(", ") else ", ".join(filter(None, (rules, rule)))
            found[node.con_id] = (sum(parts) if parts else math.nan, joined)
        for child in node.children:
            walk(child, node.rule if node.level == "group" else rule)

    if tree is not None:
        walk(tree.root, "")
    return found


def orders(canvas: Canvas, state: LiveState, account: str) -> None:
    """Working orders first, then the newest of the rest; fills, the newest first."""
    mine = [(key, order) for key, order in state.orders.items() if order.account == account]
    mine.sort(key=lambda item: (item[1].status not in WORKING, -item[1].recv_ns, item[0]))
    for key, order in mine[:ORDERS_SHOWN]:
        instrument = state.instruments.get(order.con_id)
        named = contract_name(instrument, order.con_id, order.symbol)
        limit = numbers.price(order.limit_price, instrument.min_tick if instrument else math.nan)
        kind = f"{order.order_type} {limit}" if order.order_type == "LMT" else order.order_type
        canvas.row(
            "orders",
            key,
            order=f"{order.side} {numbers.quantity(order.quantity)} {named}",
            kind=f"{kind} {order.time_in_force}",
            filled=f"{numbers.quantity(order.filled)}/{numbers.quantity(order.quantity)}",
            status=(order.status, _status_look(order.status)),
            text=(order.text, "dim"),
        )
    fills = [fill for fill in state.fills.values() if fill.account == account]
    for fill in sorted(fills, key=lambda fill: (-fill.recv_ns, fill.exec_id))[:FILLS_SHOWN]:
        instrument = state.instruments.get(fill.con_id)
        cost = state.commissions.get(fill.exec_id)
        canvas.row(
            "fills",
            fill.exec_id,
            fill=f"{fill.side} {numbers.quantity(fill.shares)} {contract_name(instrument, fill.con_id, fill.symbol)}",
            price=numbers.price(fill.price, instrument.min_tick if instrument else math.nan),
            commission=numbers.number(cost.commission, 2) if cost is not None else numbers.UNKNOWN,
            time=fill.time_text or utc_clock(fill.recv_ns),
        )
    canvas.put("orders.working", str(sum(order.status in WORKING for _, order in mine)))


def quotes(canvas: Canvas, state: LiveState) -> None:
    """The watchlist."""
    watched = [line for line in state.subscriptions.values() if line.watched and line.state != "ended"]
    for line in sorted(watched, key=lambda line: (line.symbol, line.con_id)):
        instrument = state.instruments.get(line.con_id)
        tick = instrument.min_tick if instrument else math.nan
        bid, ask, last, close = (state.prices.get((line.con_id, k), math.nan) for k in (BID, ASK, LAST, CLOSE))
        move = last / close - 1 if close > 0 else math.nan
        canvas.row(
            "quotes",
            str(line.con_id),
            name=contract_name(instrument, line.con_id, line.symbol),
            bid=numbers.price(bid, tick),
            ask=numbers.price(ask, tick),
            last=numbers.price(last, tick),
            change=(numbers.percent(move, 2, signed=True), sign(move)),
            state=(f"{line.state} {line.reason}".strip(), "dim" if line.state == "live" else "warn"),
        )


def system(canvas: Canvas, state: LiveState) -> None:
    """Processes as the supervisor sees them, and what happened last."""
    for process in state.status.processes if state.status is not None else ():
        canvas.row(
            "processes",
            process.process,
            name=process.process,
            state=(str(process.state), _process_look(process.state)),
            up=numbers.age(process.up_s) if process.up_s > 60 else "< 1 min",
            restarts=(str(process.restarts), "warn" if process.restarts else ""),
            cpu=f"{process.cpu_percent:.0f} %",
            memory=numbers.size(process.rss_bytes),
            queue=numbers.number(float(process.queue), 0),
            lag=numbers.UNKNOWN if math.isnan(process.loop_lag_ms) else f"{process.loop_lag_ms:.0f} ms",
            error=(process.last_error or numbers.UNKNOWN, "warn" if process.last_error else "dim"),
        )
    shown = list(enumerate(state.events))[-EVENTS_SHOWN:]
    for index, (publish_ns, message) in reversed(shown):
        process_name, event, told = _told(message)
        canvas.row(
            "events",
            f"{publish_ns}-{index}",
            time=utc_clock(publish_ns),
            process=process_name,
            event=(event, "warn" if event in ("exit", "hung", "failed", "gap", "clock jump", "difference") else ""),
            text=(told, "dim"),
        )


def _told(message: messages.Message) -> tuple[str, str, str]:
    match message:
        case messages.ProcessEvent():
            return message.process, message.event, message.text
        case messages.Gap():
            length = numbers.age((message.to_ns - message.from_ns) / 1e9)
            return message.process, "gap", f"{length} not recorded: {message.reason}"
        case messages.ClockJump():
            return message.process, "clock jump", f"{numbers.number(message.moved_s, 1)} s"
        case messages.Difference():
            return message.account, "difference", message.words
        case _:
            return "", "", ""


def contract_name(instrument: messages.Instrument | None, con_id: int, symbol: str = "") -> str:
    """AAPL · SPY 19DEC26 560 P · ES 18DEC26; the id where TWS has not described it yet."""
    if instrument is None:
        return symbol or f"contract {con_id}"
    parts = [instrument.symbol]
    if instrument.expiry:
        parts.append(_day(instrument.expiry))
    if instrument.right:
        strike = instrument.strike
        parts.append(numbers.number(strike, 0 if strike == int(strike) else 2) if math.isfinite(strike) else "?")
        parts.append(instrument.right[0])
    return " ".join(parts)


def _day(expiry: str) -> str:
    try:
        return datetime.datetime.strptime(expiry[:8], "%Y%m%d").strftime("%d%b%y").upper()
    except ValueError:
        return expiry


def sign(value: float) -> str:
    """The look of a gain or loss."""
    return "up" if value > 0 else "down" if value < 0 else ""


def _rank(requirement: float) -> float:
    return requirement if math.isfinite(requirement) else -math.inf


def _status_look(status: str) -> str:
    return {"Filled": "up", "Rejected": "alarm", "Inactive": "alarm", "Unknown": "warn"}.get(status, "")


def _process_look(state: messages.State) -> str:
    if state is messages.State.READY:
        return "up"
    return "alarm" if state in (messages.State.FAILED, messages.State.BACKOFF) else "warn"


def state_look(status: messages.SystemStatus | None) -> str:
    """The look of the whole run's state."""
    return "dim" if status is None else _process_look(status.state)


def exchange_clock(at_ns: int) -> str:
    """Market time at the exchange, with its zone."""
    return f"{_moment(at_ns).astimezone(EXCHANGE_ZONE):%H:%M:%S} ET" if at_ns > 0 else numbers.UNKNOWN


def utc_clock(at_ns: int) -> str:
    """A time of day in UTC."""
    return f"{_moment(at_ns):%H:%M:%S} UTC" if at_ns > 0 else numbers.UNKNOWN


def utc(at_ns: int) -> str:
    """ISO time with milliseconds."""
    return _moment(at_ns).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _moment(at_ns: int) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(at_ns / 1e9, tz=datetime.UTC)
