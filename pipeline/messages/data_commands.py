"""Commands to ingest about data: feeds with leases, history, and what TWS can look up."""

from __future__ import annotations

import math

import msgspec

from pipeline.messages.commands import Command


class Subscribe(Command, frozen=True, kw_only=True, tag="subscribe"):
    """A feed of one contract, for as long as it is renewed by the same command."""

    con_id: int
    data: str  # level1 · last · all_last · quote · mid · depth · bars · news · pnl
    what: str = "TRADES"  # of bars: TRADES · MIDPOINT · BID · ASK
    size: str = "5 secs"  # of bars, TWS's spelling
    account: str = ""  # of pnl
    rows: int = 10  # of depth, each side
    exchange: str = "SMART"  # of depth; SMART: the book over all exchanges
    lease_s: float = 60.0  # at most an hour


class Unsubscribe(Command, frozen=True, kw_only=True, tag="unsubscribe"):
    """End this actor's lease; the feed ends with its last lease."""

    con_id: int
    data: str
    what: str = "TRADES"
    size: str = "5 secs"
    account: str = ""
    exchange: str = "SMART"


class GetBars(Command, frozen=True, kw_only=True, tag="get_bars"):
    """Historical bars whose start is in [from_ns, to_ns); the reply's body holds `topic` and `records`."""

    con_id: int
    size: str = "1 min"  # TWS's spelling
    what: str = "TRADES"
    from_ns: int
    to_ns: int
    regular_hours: bool = True


class GetTicks(Command, frozen=True, kw_only=True, tag="get_ticks"):
    """Historical ticks in [from_ns, to_ns); the reply's body holds `topic` and `records`."""

    con_id: int
    what: str = "TRADES"  # TRADES · BID_ASK · MIDPOINT
    from_ns: int
    to_ns: int
    regular_hours: bool = True


class CancelRequest(Command, frozen=True, kw_only=True, tag="cancel_request"):
    """End a request for history or a lookup that this or another command began."""

    of: str  # its request_id


class GetHeadTime(Command, frozen=True, kw_only=True, tag="get_head_time"):
    """When history begins."""

    con_id: int
    what: str = "TRADES"
    regular_hours: bool = True


class GetSchedule(Command, frozen=True, kw_only=True, tag="get_schedule"):
    """Trading sessions of the last days."""

    con_id: int
    days: int = 5


class GetHistogram(Command, frozen=True, kw_only=True, tag="get_histogram"):
    """Volume by price over a period."""

    con_id: int
    period: str = "3 days"  # TWS's spelling
    regular_hours: bool = True


class FindContracts(Command, frozen=True, kw_only=True, tag="find_contracts"):
    """All contracts that fit, as TWS describes them; what is empty fits anything."""

    con_id: int = 0
    symbol: str = ""
    sec_type: str = ""
    currency: str = ""
    exchange: str = ""
    local_symbol: str = ""
    trading_class: str = ""
    expiry: str = ""  # yyyymmdd or yyyymm
    strike: float = math.nan
    right: str = ""  # C or P
    expired: bool = False  # expired ones too


class GetOptionChain(Command, frozen=True, kw_only=True, tag="get_option_chain"):
    """Expiries and strikes of all options on an underlying."""

    con_id: int  # of the underlying
    exchange: str = ""  # of futures options


class GetMarketRule(Command, frozen=True, kw_only=True, tag="get_market_rule"):
    """Price steps by their rule id (an instrument names its own)."""

    rule_id: int


class GetSmartComponents(Command, frozen=True, kw_only=True, tag="get_smart_components"):
    """Which exchanges the letters mean that bid and ask exchange and the conditions of trades name."""

    con_id: int  # of a contract that has a line


class GetDepthExchanges(Command, frozen=True, kw_only=True, tag="get_depth_exchanges"):
    """Which exchanges have books, and of what kind."""


class GetNewsProviders(Command, frozen=True, kw_only=True, tag="get_news_providers"):
    """Who this user may read."""


class GetNews(Command, frozen=True, kw_only=True, tag="get_news"):
    """Headlines of the past, newest first."""

    con_id: int
    providers: str = ""  # codes joined by +; empty: all
    from_ns: int = 0  # 0: no limit
    to_ns: int = 0
    count: int = 50  # at most 300


class GetArticle(Command, frozen=True, kw_only=True, tag="get_article"):
    """The text of a headline's article."""

    provider: str
    article_id: str


class Scan(Command, frozen=True, kw_only=True, tag="scan"):
    """One run of TWS's market scanner."""

    scan_code: str = "TOP_PERC_GAIN"
    instrument: str = "STK"
    location: str = "STK.US.MAJOR"
    rows: int = 50
    above_price: float = math.nan
    below_price: float = math.nan
    above_volume: int = 0
    filters: dict[str, str] = msgspec.field(default_factory=dict)  # TWS's filter codes


class GetScannerParameters(Command, frozen=True, kw_only=True, tag="get_scanner_parameters"):
    """What the scanner knows, as TWS's XML."""


DataCommand = (
    Subscribe
    | Unsubscribe
    | GetBars
    | GetTicks
    | CancelRequest
    | GetHeadTime
    | GetSchedule
    | GetHistogram
    | FindContracts
    | GetOptionChain
    | GetMarketRule
    | GetSmartComponents
    | GetDepthExchanges
    | GetNewsProviders
    | GetNews
    | GetArticle
    | Scan
    | GetScannerParameters
)
