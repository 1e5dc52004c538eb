"""Every message that is not a record: MessagePack of frozen structs."""

from __future__ import annotations

import math
from enum import StrEnum
from typing import Any, ClassVar

import msgspec


class State(StrEnum):
    """The words for a process's state, the only ones."""

    STARTING = "STARTING"
    READY = "READY"
    WAITING = "WAITING"
    BACKOFF = "BACKOFF"
    STOPPING = "STOPPING"
    STOPPED = "STOPPED"
    FAILED = "FAILED"


# A live figure older than this is shown as stale (seconds).
STALE_AFTER_S: dict[str, float] = {
    "keep_alive": 0.8,
    "tws_account": 200.0,
    "model": 2.0,
    "preview": 10.0,
    "process": 5.0,
}


class Message(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind"):
    """Payload of every map message; stream, session, seq and time stand in the binary header alone."""

    topic: ClassVar[str]


class Instrument(Message, frozen=True, kw_only=True, tag="instrument"):
    """A contract as TWS described it."""

    topic: ClassVar[str] = "instrument"

    con_id: int
    symbol: str
    sec_type: str  # STK OPT FUT FOP IND CASH BOND
    currency: str
    exchange: str
    primary_exchange: str = ""
    local_symbol: str = ""
    trading_class: str = ""
    expiry: str = ""  # yyyymmdd
    strike: float = math.nan
    right: str = ""  # C or P
    multiplier: float = 1.0
    min_tick: float = math.nan
    under_con_id: int = 0
    under_symbol: str = ""
    long_name: str = ""
    stock_type: str = ""  # COMMON ETF …
    time_zone: str = ""
    trading_hours: str = ""
    liquid_hours: str = ""
    market_rule_ids: str = ""  # by exchange, joined by commas, as TWS tells them


class Subscription(Message, frozen=True, kw_only=True, tag="subscription"):
    """State of one market-data line."""

    topic: ClassVar[str] = "md.subscription"

    con_id: int
    symbol: str
    state: str  # requested · live · delayed · frozen · silent · refused · ended
    watched: bool = False  # in the watchlist
    held: bool = False  # an account holds it
    reason: str = ""


class MarketText(Message, frozen=True, kw_only=True, tag="market_text"):
    """A tick whose value is a text."""

    topic: ClassVar[str] = "md.text"

    con_id: int
    tick_type: int
    text: str
    recv_ns: int


class AccountValue(Message, frozen=True, kw_only=True, tag="account_value"):
    """One account key as TWS last sent it; `value` is `nan` where TWS left it unset or it is no number."""

    topic: ClassVar[str] = "acct.value"

    account: str
    key: str
    currency: str
    value: float
    text: str  # as TWS spelled it
    recv_ns: int


class Position(Message, frozen=True, kw_only=True, tag="position"):
    """One position of one account; quantity 0 ends it."""

    topic: ClassVar[str] = "acct.position"

    account: str
    con_id: int
    quantity: float
    average_cost: float  # TWS's: includes the multiplier
    market_price: float = math.nan
    market_value: float = math.nan
    unrealized_pnl: float = math.nan
    realized_pnl: float = math.nan
    recv_ns: int = 0


class AccountSnapshot(Message, frozen=True, kw_only=True, tag="account_snapshot"):
    """The values and positions published just before this are one whole picture, or part of one after a deadline."""

    topic: ClassVar[str] = "acct.snapshot"

    account: str
    complete: bool
    values: int
    positions: int
    base_currency: str
    recv_ns: int
    missing: str = ""  # parts that did not come in time, joined by commas


class AccountPnL(Message, frozen=True, kw_only=True, tag="account_pnl"):
    """TWS's own daily, unrealised and realised P&L."""

    topic: ClassVar[str] = "acct.pnl"

    account: str
    daily: float
    unrealized: float
    realized: float
    recv_ns: int


class PositionPnL(Message, frozen=True, kw_only=True, tag="position_pnl"):
    """TWS's own P&L of one position, while somebody has subscribed to it."""

    topic: ClassVar[str] = "acct.position_pnl"

    account: str
    con_id: int
    quantity: float
    daily: float
    unrealized: float
    realized: float
    value: float
    recv_ns: int


class AccountCheck(Message, frozen=True, kw_only=True, tag="account_check"):
    """What we publish was compared with a fresh answer of TWS."""

    topic: ClassVar[str] = "acct.check"

    account: str
    part: str  # positions · cash · orders · executions
    compared: int
    differences: int
    recv_ns: int
    text: str = ""  # why it could not be done


class Difference(Message, frozen=True, kw_only=True, tag="difference"):
    """What we published and what TWS says when it is asked again; the repair follows at once."""

    topic: ClassVar[str] = "acct.difference"

    account: str
    part: str  # positions · cash · orders · executions
    key: str  # con_id, account key and currency, order, execution
    ours: str
    tws: str
    repaired: bool
    recv_ns: int

    @property
    def words(self) -> str:
        """For a person."""
        return f"{self.part} {self.key}: here {self.ours}, in TWS {self.tws}" + ("; TWS's is taken" * self.repaired)


class TwsState(Message, frozen=True, kw_only=True, tag="tws_state"):
    """The state of a TWS connection, and market time."""

    topic: ClassVar[str] = "sys.tws"

    client: str  # ingest or orders
    state: str  # CONNECTING · SYNCING · READY · DEGRADED · DISCONNECTED · REFUSED
    reason: str = ""
    address: str = ""
    client_id: int = 0
    server_version: int = 0
    paper: bool = True
    accounts: list[str] = []
    market_time_ns: int = 0  # TWS's time at publish
    market_rate: float = 1.0  # market seconds a second
    connection: int = 0  # counts connections of this process
    lines_used: int = 0
    lines_limit: int = 0
    messages_per_s: float = 0.0
    round_trip_ms: float = math.nan
    farms: dict[str, str] = {}
    unknown_messages: int = 0
    bad_messages: int = 0
    outage: str = ""  # while not READY: failure · nightly restart · weekly login · client id · not allowed
    competing: bool = False  # another session of the user takes the market data
    verified: bool = False  # since the last outage each line that should bring ticks has brought one or was asked again
    silent_lines: int = 0  # lines that should bring ticks now and don't
    waiting: int = 0  # requests that wait for their turn under TWS's message limit


class Gap(Message, frozen=True, kw_only=True, tag="gap"):
    """Something that was not recorded: from when to when, and why."""

    topic: ClassVar[str] = "sys.gap"

    process: str
    from_ns: int
    to_ns: int
    reason: str
    from_seq: int = 0
    to_seq: int = 0


class ClockJump(Message, frozen=True, kw_only=True, tag="clock_jump"):
    """The wall clock moved against the monotonic one by more than a second."""

    topic: ClassVar[str] = "sys.clock"

    process: str
    moved_s: float


class ProcessEvent(Message, frozen=True, kw_only=True, tag="process_event"):
    """What the supervisor did or saw."""

    topic: ClassVar[str] = "sys.process"

    process: str
    event: str  # start · ready · exit · hung · restart · failed · stop
    pid: int = 0
    text: str = ""
    exit_code: int | None = None


class ProcessStatus(msgspec.Struct, frozen=True, kw_only=True):
    """One process, as its last beat told."""

    process: str
    state: State
    pid: int = 0
    up_s: float = 0.0
    restarts: int = 0
    rss_bytes: int = 0
    cpu_percent: float = 0.0
    loop_lag_ms: float = math.nan
    queue: int = 0
    seq: int = 0
    beat_age_s: float = math.nan
    detail: dict[str, Any] = {}  # numbers and short texts of the process's own
    last_error: str = ""


class SystemStatus(Message, frozen=True, kw_only=True, tag="system_status"):
    """All processes; sent at each change and twice a second."""

    topic: ClassVar[str] = "sys.status"

    run: str  # name of the configuration
    state: State  # the worst
    up_s: float
    processes: list[ProcessStatus]
    addresses: dict[str, str] = {}  # web, gateway …


class Audit(Message, frozen=True, kw_only=True, tag="audit"):
    """Who did what, with what result."""

    topic: ClassVar[str] = "audit"

    actor: str
    action: str
    body: dict[str, Any]


class MarginNode(msgspec.Struct, frozen=True, kw_only=True):
    """A node of the explained tree: account, underlying, group or leg."""

    level: str  # account · underlying · group · leg
    name: str
    rule: str = ""  # name of the rule that binds
    formula: str = ""  # in symbols
    numbers: str = ""  # the same with numbers put in
    binding: str = ""  # strike or scenario that binds
    initial_margin: float = math.nan
    maintenance_margin: float = math.nan
    reg_t_margin: float = math.nan
    market_value: float = math.nan
    unrealized_pnl: float = math.nan
    quantity: float = math.nan
    price: float = math.nan
    con_id: int = 0
    at_least: bool = False
    reason: str = ""  # why something is missing
    children: list[MarginNode] = []


class MarginTree(Message, frozen=True, kw_only=True, tag="margin_tree"):
    """The explained margin of one account; at most twice a second."""

    topic: ClassVar[str] = "margin.tree"

    account: str
    rule_set: str
    newest_ns: int
    root: MarginNode
