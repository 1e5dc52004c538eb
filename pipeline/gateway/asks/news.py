"""What a client asks of news, of corporate events, and of fundamental data."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.gateway.asks.fields import Fields, Reader, plain
from pipeline.gateway.asks.request import Request


@dataclass(frozen=True, slots=True)
class NewsArticle(Request):
    provider: str = ""
    article: str = ""


@dataclass(frozen=True, slots=True)
class HistoricalNews(Request):
    con_id: int = 0
    providers: str = ""
    start: str = ""
    end: str = ""
    count: int = 0


@dataclass(frozen=True, slots=True)
class NewsBulletins(Request):
    earlier: bool = False  # those of the day so far, too


def _article(f: Fields) -> Request:
    return NewsArticle(f.id(), f.text(), f.text())


def _historical(f: Fields) -> Request:
    return HistoricalNews(f.id(), f.integer(), f.text(), f.text(), f.text(), f.integer())


def _bulletins(f: Fields) -> Request:
    f.skip()
    return NewsBulletins(earlier=f.flag())


READERS: dict[int, Reader] = {
    85: plain("newsProviders"),
    84: _article,
    86: _historical,
    12: _bulletins,
    13: plain("cancelNewsBulletins"),
    100: plain("wshMetaData", 0),
    101: plain("nothing", 0),
    102: plain("wshEventData", 0),
    103: plain("nothing", 0),
    52: plain("fundamentalData", 1),
    53: plain("nothing", 1),
}
