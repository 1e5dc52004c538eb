"""Maps about market data besides the lines: feeds, history, news, reference data."""

from __future__ import annotations

from typing import ClassVar

from pipeline.messages.maps import Message


class Feed(Message, frozen=True, kw_only=True, tag="feed"):
    """State of one subscription besides the market-data lines; its lease ends it unless somebody renews it."""

    topic: ClassVar[str] = "md.feed"

    con_id: int
    symbol: str
    data: str  # last · all_last · quote · mid · depth · bars · news · pnl
    what: str = ""  # of bars: TRADES · MIDPOINT · BID · ASK; of depth: SMART or the exchange; of pnl: the account
    size: str = ""  # of bars, TWS's spelling
    state: str = "requested"  # requested · live · silent · refused · ended
    reason: str = ""  # in words, TWS's own where TWS speaks
    until_ns: int = 0  # end of the longest lease, UTC ns


class HistoryState(Message, frozen=True, kw_only=True, tag="history_state"):
    """How far a request for history is; the records themselves stand on the hist.* topics."""

    topic: ClassVar[str] = "md.history"

    request_id: str  # of the command
    con_id: int
    data: str  # bars · ticks
    what: str  # TRADES · MIDPOINT · BID · ASK · BID_ASK …
    size: str = ""  # of a bar, TWS's spelling: 1 min
    from_ns: int = 0
    to_ns: int = 0
    state: str = "queued"  # queued · running · done · refused · timed out · cancelled · lost
    progress: float = 0.0  # 0…1, of the time asked for
    records: int = 0  # so far
    cached: int = 0  # of them from the cache, which TWS was not asked for
    text: str = ""


class News(Message, frozen=True, kw_only=True, tag="news"):
    """A headline; the article is fetched by its id."""

    topic: ClassVar[str] = "md.news"

    con_id: int  # 0: a bulletin of IBKR, or news of no contract
    time_ns: int  # as the provider dates it, UTC; 0 where it doesn't
    provider: str
    article_id: str
    headline: str
    extra: str = ""  # as TWS sends it
    recv_ns: int = 0


class OptionChain(Message, frozen=True, kw_only=True, tag="option_chain"):
    """Which options of an underlying one exchange lists in one trading class."""

    topic: ClassVar[str] = "ref.chain"

    under_con_id: int
    exchange: str
    trading_class: str
    multiplier: float
    expiries: list[str]  # yyyymmdd, ascending
    strikes: list[float]  # ascending


class MarketRule(Message, frozen=True, kw_only=True, tag="market_rule"):
    """Price steps: from each low edge on, prices are multiples of the step beside it."""

    topic: ClassVar[str] = "ref.rule"

    rule_id: int
    low_edges: list[float]
    steps: list[float]
