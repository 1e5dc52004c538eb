"""Generic tick lists: which ones TWS takes for which kind of contract, and its names for them. A table, its reader."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.gateway.asks.request import BadRequest

LEGAL: tuple[tuple[int, int, str], ...] = (  # number, its older number (0: none), TWS's name
    (100, 0, "Option Volume"),
    (101, 0, "Option Open Interest"),
    (105, 0, "Average Opt Volume"),
    (106, 0, "impvolat"),
    (165, 0, "Misc. Stats"),
    (221, 220, "Creditman Mark Price"),
    (225, 0, "Auction"),
    (232, 221, "Pl Price"),
    (233, 0, "RTVolume"),
    (236, 0, "inventory"),
    (258, 47, "Fundamentals"),
    (292, 0, "Wide_news"),
    (293, 0, "TradeCount"),
    (294, 0, "TradeRate"),
    (295, 0, "VolumeRate"),
    (318, 0, "LastRTHTrade"),
    (375, 0, "RTTrdVolume"),
    (411, 0, "rthistvol"),
    (456, 59, "IBDividends"),
    (460, 0, "Bond Factor Multiplier"),
    (576, 0, "EtfNavBidAsk(navbidask)"),
    (577, 0, "EtfNavLast(navlast)"),
    (578, 0, "EtfNavClose(navclose)"),
    (586, 0, "IPOHLMPRC"),
    (587, 0, "Pl Price Delayed"),
    (588, 0, "Futures Open Interest"),
    (595, 0, "Short-Term Volume X Mins"),
    (614, 0, "EtfNavMisc(high/low)"),
    (619, 0, "Creditman Slow Mark Price"),
    (623, 0, "EtfFrozenNavLast(fznavlast)"),
)
STOCKS_ONLY = {576, 578}
OLDER = {old: number for number, old, _ in LEGAL if old and old != 221}
DOCUMENTED = {104, 256, 499, 506, 512}  # taken though TWS does not name them among the legal ones
INDEX_PREMIUM = 162  # for an index only
MOST = 100  # numbers in one list
DATA_OFF = "mdoff"
NEWS = 292


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a list asks for; `quiet`: no top of the book. `news`: providers, empty for all of them."""

    numbers: frozenset[int] = frozenset()
    quiet: bool = False
    news: tuple[str, ...] = ()


def allowed(sec_type: str) -> set[int]:
    """The numbers that this kind of contract takes."""
    found = {number for number, _, _ in LEGAL if sec_type == "STK" or number not in STOCKS_ONLY}
    return found | DOCUMENTED | ({INDEX_PREMIUM} if sec_type == "IND" else set())


def read(req_id: int, text: str, sec_type: str) -> Wanted:
    """The list as TWS reads it; BadRequest 321 names the legal ones."""
    numbers: set[int] = set()
    quiet, news = False, tuple[str, ...]()
    takes = allowed(sec_type)
    words = [word.strip() for word in text.split(",")]
    for word in words[:MOST]:
        number, _, providers = word.partition(":")
        if word == DATA_OFF:
            quiet = True
        elif word and not (
            number.isascii() and number.isdigit() and OLDER.get(int(number[:9]), int(number[:9])) in takes
        ):
            raise BadRequest(req_id, 321, _refusal(text, sec_type))
        elif word:
            numbers.add(OLDER.get(int(number), int(number)))
            news = tuple(providers.split("+")) if providers else news
    return Wanted(frozenset(numbers), quiet, news)


def _refusal(text: str, sec_type: str) -> str:
    named = [
        f"{number}/{old}({name})" if old else f"{number}({name})"
        for number, old, name in LEGAL
        if sec_type == "STK" or number not in STOCKS_ONLY
    ]
    shown = text[:200].replace("\0", " ")
    cause = f"Incorrect generic tick list of {shown}.  Legal ones for ({sec_type}) are: {','.join(named)}"
    return f"Error validating request.-'bQ' : cause - {cause}"
