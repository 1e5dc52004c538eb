"""All reads of the tables, the only place with querysets. Rows come as dictionaries; nothing here knows HTTP."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.models import F, Max, Q, QuerySet

from storage.models import (
    Audit,
    Commission,
    Execution,
    Gap,
    Instrument,
    LatestAccountValue,
    LatestOrder,
    LatestPosition,
    LatestQuote,
    MarginAccountSnapshot,
    MarginGroupSnapshot,
    ProcessEvent,
    TwsState,
    Watermark,
)

Row = dict[str, Any]
Rows = QuerySet[Any, Row]

BASE = "BASE"
SUMMARY_KEYS = {
    "NetLiquidation": "net_liquidation",
    "EquityWithLoanValue": "equity_with_loan",
    "InitMarginReq": "initial_margin",
    "MaintMarginReq": "maintenance_margin",
    "AvailableFunds": "available_funds",
    "ExcessLiquidity": "excess_liquidity",
    "Cushion": "cushion",
    "BuyingPower": "buying_power",
    "GrossPositionValue": "gross_position_value",
    "TotalCashValue": "cash",
}
QUOTE_TYPES = {
    "bid": (1, "price"),
    "bid_size": (0, "size"),
    "ask": (2, "price"),
    "ask_size": (3, "size"),
    "last": (4, "price"),
    "last_size": (5, "size"),
    "high": (6, "price"),
    "low": (7, "price"),
    "volume": (8, "size"),
    "close": (9, "price"),
}
CONTRACT_FIELDS = (
    "con_id",
    "symbol",
    "sec_type",
    "currency",
    "expiry",
    "strike",
    "right",
    "multiplier",
    "local_symbol",
)
MARGIN_FIELDS = tuple(field.attname for field in MarginAccountSnapshot._meta.fields if field.attname != "pk")
MOST_ACCOUNTS = 100


def account_ids() -> list[str]:
    """Every account that TWS told a value of."""
    found = LatestAccountValue.objects.order_by("account").values_list("account", flat=True).distinct()
    return list(found[:MOST_ACCOUNTS])


def accounts() -> list[Row]:
    """TWS's own summary of each account, with the time of its newest key."""
    found = LatestAccountValue.objects.filter(key__in=SUMMARY_KEYS).order_by("account", "key", "currency")
    rows: dict[str, Row] = {}
    for value in found.values("account", "key", "currency", "value", "recv_ns"):
        row = rows.setdefault(
            value["account"],
            {"account": value["account"], "currency": "", "as_of": 0, **dict.fromkeys(SUMMARY_KEYS.values())},
        )
        if value["key"] == "NetLiquidation" and value["currency"] != BASE:
            row["currency"] = value["currency"]
        name = SUMMARY_KEYS[value["key"]]
        if row[name] is None or value["currency"] != BASE:
            row[name] = value["value"]
        row["as_of"] = max(row["as_of"], value["recv_ns"])
    return list(rows.values())


def account_values(account: str) -> Rows:
    """Every key of an account as TWS last sent it."""
    return LatestAccountValue.objects.filter(account=account).values(
        "key", "currency", "value", "text", as_of=F("recv_ns")
    )


def positions(account: str = "") -> Rows:
    """Open positions."""
    found = LatestPosition.objects.exclude(quantity=0)
    if account:
        found = found.filter(account=account)
    return found.values(
        "account",
        "con_id",
        "quantity",
        "average_cost",
        "market_price",
        "market_value",
        "unrealized_pnl",
        "realized_pnl",
        as_of=F("recv_ns"),
    )


def contracts(con_ids: Iterable[int]) -> dict[int, Row]:
    """What is known of these contracts."""
    found = Instrument.objects.filter(con_id__in=set(con_ids)).values(*CONTRACT_FIELDS)
    return {row["con_id"]: row for row in found}


def instruments(symbol: str = "") -> Rows:
    """Contracts, all or of one symbol."""
    found = Instrument.objects.filter(symbol=symbol) if symbol else Instrument.objects.all()
    return found.values(*CONTRACT_FIELDS, "exchange", "primary_exchange", "long_name", "min_tick", "under_symbol")


def margin() -> list[Row]:
    """The newest recorded figures of each account, in one query whatever their number."""
    newest = [
        MarginAccountSnapshot.objects.filter(account=account).order_by("-publish_ns").values(*MARGIN_FIELDS)[:1]
        for account in account_ids()
    ]
    if not newest:
        return []
    found = newest[0].union(*newest[1:], all=True) if len(newest) > 1 else newest[0]
    return sorted(found, key=lambda row: row["account"])


def margin_of(account: str) -> Row | None:
    """The newest recorded figures of an account."""
    return MarginAccountSnapshot.objects.filter(account=account).order_by("-publish_ns").values(*MARGIN_FIELDS).first()


def margin_history(account: str, from_ns: int | None = None, to_ns: int | None = None) -> Rows:
    """Recorded figures of an account in [from, to)."""
    found = MarginAccountSnapshot.objects.filter(account=account)
    if from_ns is not None:
        found = found.filter(publish_ns__gte=from_ns)
    if to_ns is not None:
        found = found.filter(publish_ns__lt=to_ns)
    return found.values(*MARGIN_FIELDS)


def attribution(account: str) -> list[Row]:
    """Requirement of each underlying in the newest recorded picture of an account, the largest first."""
    mine = MarginGroupSnapshot.objects.filter(account=account)
    newest = mine.order_by("-publish_ns").values("publish_ns", "epoch", "seq").first()
    if newest is None:
        return []
    found = mine.filter(publish_ns__gte=newest["publish_ns"] - 2_000_000_000, epoch=newest["epoch"])
    rows: dict[str, Row] = {}
    for row in found.order_by("publish_ns", "seq").values(
        "underlying", "con_id", "legs", "flags", "initial_margin", "maintenance_margin", "reg_t_margin", "market_value",
        "unrealized_pnl", "share", as_of=F("publish_ns"),
    ):  # fmt: skip
        rows[row["underlying"]] = row
    return sorted(rows.values(), key=lambda row: -(row["maintenance_margin"] or 0.0))


def orders(account: str = "", status: str = "") -> Rows:
    """Orders in their newest state."""
    found = LatestOrder.objects.all()
    if account:
        found = found.filter(account=account)
    if status:
        found = found.filter(status=status)
    return found.values(
        "order_key", "perm_id", "order_id", "client_id", "client_key", "account", "con_id", "symbol", "side",
        "order_type", "quantity", "limit_price", "time_in_force", "status", "filled", "remaining",
        "average_price", "text", "recv_ns",
    )  # fmt: skip


def executions(account: str = "") -> Rows:
    """Fills, once each."""
    found = Execution.objects.filter(account=account) if account else Execution.objects.all()
    return found.values(
        "exec_id", "perm_id", "order_id", "client_id", "account", "con_id", "symbol", "side", "shares", "price",
        "cumulative", "average_price", "exchange", "time_text", "recv_ns",
    )  # fmt: skip


def commissions(exec_ids: Iterable[str]) -> dict[str, Row]:
    """What these fills cost; the newest report of each counts."""
    found = Commission.objects.filter(exec_id__in=set(exec_ids)).order_by("publish_ns", "seq")
    return {row["exec_id"]: row for row in found.values("exec_id", "commission", "currency", "realized_pnl")}


def quotes(con_ids: Iterable[int] = ()) -> Rows:
    """One row a contract: its newest prices and sizes."""
    found = LatestQuote.objects.all()
    if wanted := set(con_ids):
        found = found.filter(con_id__in=wanted)
    columns = {name: Max(column, filter=Q(tick_type=kind)) for name, (kind, column) in QUOTE_TYPES.items()}
    return found.values("con_id").annotate(as_of=Max("recv_ns"), market_time=Max("market_ns"), **columns)


def process_states() -> list[Row]:
    """The last event of each process."""
    found = ProcessEvent.objects.order_by("process", "-publish_ns", "-seq").distinct("process")
    return list(found.values("process", "event", "pid", "exit_code", "text", as_of=F("publish_ns")))


def tws_states() -> list[Row]:
    """The newest state of each TWS connection."""
    found = TwsState.objects.order_by("client", "-publish_ns", "-seq").distinct("client")
    return list(
        found.values(
            "client", "state", "reason", "address", "client_id", "server_version", "paper", "accounts", "lines_used",
            "lines_limit", "round_trip_ms", "farms", as_of=F("publish_ns"),
        )
    )  # fmt: skip


def watermarks() -> list[Row]:
    """How far each stream is in PostgreSQL."""
    return list(Watermark.objects.order_by("stream").values("stream", "next_seq", as_of=F("updated_ns")))


def process_events() -> Rows:
    """What the supervisor did or saw."""
    return ProcessEvent.objects.values("process", "event", "pid", "exit_code", "text", "publish_ns")


def gaps() -> Rows:
    """Intervals that were not recorded."""
    return Gap.objects.values("process", "from_ns", "to_ns", "from_seq", "to_seq", "reason", "publish_ns")


def audit() -> Rows:
    """Who did what."""
    return Audit.objects.values("chain", "actor", "action", "body", "publish_ns")
