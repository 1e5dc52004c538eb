"""Answers about news; corporate events and fundamental data, to which this user has no subscription."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from itertools import islice

from pipeline.gateway.answers.area import Answer, Area, House, PlainAnswer
from pipeline.gateway.asks.news import HistoricalNews, NewsArticle, NewsBulletins
from pipeline.gateway.asks.request import BadRequest, Request
from pipeline.gateway.market import days
from pipeline.gateway.market.newsroom import PROVIDERS, Newsroom
from pipeline.gateway.session import Session
from pipeline.gateway.tells import news as tell

MOST_ITEMS = 300
TIME = re.compile(r"(\d{4})-?(\d{2})-?(\d{2})[ -](\d{2}):(\d{2}):(\d{2})(?:\.\d+)?")
NOT_ALLOWED = "News feed is not allowed."


class News(Area):
    """Headlines of the past and as they appear, articles, bulletins."""

    def __init__(self, house: House) -> None:
        super().__init__(house)
        charts = house.charts
        self._room = None if charts is None else Newsroom(charts.market, charts.past)
        self._reading: dict[Session, int] = {}  # who hears bulletins, up to which number
        self._written = 0

    def answers(self) -> Mapping[type[Request], Answer]:
        return {NewsArticle: self._article, HistoricalNews: self._historical, NewsBulletins: self._bulletins}

    def plain(self) -> Mapping[str, PlainAnswer]:
        return {
            "newsProviders": lambda session, _: session.send(tell.providers(PROVIDERS)),
            "cancelNewsBulletins": lambda session, _: self.forget(session),
            "wshMetaData": lambda _, req_id: _refuse(req_id, 10276, NOT_ALLOWED),
            "wshEventData": lambda _, req_id: _refuse(req_id, 10276, NOT_ALLOWED),
            "fundamentalData": lambda _, req_id: _refuse(req_id, 10358, "Fundamentals data is not allowed."),
        }

    def cycle(self, now_s: float) -> None:
        if self._room is None:
            return
        fresh = self._room.written - self._written
        self._written = self._room.written
        for item in list(self._room.fresh)[-fresh:] if fresh else ():
            for line in self.house.lines.news:
                if line.x.con_id == item.con_id and (not line.providers or item.provider in line.providers):
                    line.session.send(tell.headline(line.req_id, item))
        for session, number in self._reading.items():
            if number < self._room.posted:
                self._post(session, number)

    def forget(self, session: Session) -> None:
        self._reading.pop(session, None)

    def _post(self, session: Session, number: int) -> None:
        assert self._room is not None
        session.send(*(tell.bulletin(one) for one in self._room.bulletins if one.number > number))
        self._reading[session] = self._room.posted

    def _bulletins(self, session: Session, asked: NewsBulletins) -> None:
        if self._room is not None:
            self._reading[session] = self._room.posted
            if asked.earlier:
                self._post(session, 0)

    def _article(self, session: Session, asked: NewsArticle) -> None:
        if asked.provider not in PROVIDERS:
            raise BadRequest(asked.req_id, 10276, NOT_ALLOWED)
        item = None if self._room is None else self._room.article(asked.provider, asked.article)
        if item is None:
            raise BadRequest(asked.req_id, 10172, "Failed to request news article:No data available")
        session.send(tell.article(asked.req_id, item))

    def _historical(self, session: Session, asked: HistoricalNews) -> None:
        x = self.house.brokerage.universe.by_con_id.get(asked.con_id)
        if x is None:
            raise BadRequest(asked.req_id, 321, "Error validating request.-'bY' : cause - Invalid contract id")
        wanted = asked.providers.split("+") if asked.providers else list(PROVIDERS)
        if any(provider not in PROVIDERS for provider in wanted):
            raise BadRequest(asked.req_id, 10276, NOT_ALLOWED)
        market = self.house.brokerage.market
        begin, end = _moment(asked.req_id, asked.start, 0), _moment(asked.req_id, asked.end, market.now_ns)
        most = min(asked.count, MOST_ITEMS) if asked.count > 0 else MOST_ITEMS
        found = iter(()) if self._room is None else self._room.items(x, begin, min(end, market.now_ns))
        items = list(islice((item for item in found if item.provider in wanted), most + 1))
        session.send(*(tell.historical_news(asked.req_id, item) for item in items[:most]))
        session.send(tell.historical_news_end(asked.req_id, len(items) > most))


def _refuse(req_id: int, code: int, text: str) -> None:
    raise BadRequest(req_id, code, text)


def _moment(req_id: int, text: str, unsaid: int) -> int:
    """UTC ns of `yyyy-MM-dd HH:mm:ss.0`."""
    if not text.strip():
        return unsaid
    found = TIME.fullmatch(text.strip().removesuffix(" UTC"))
    try:
        if found is not None:
            year, month, day, hour, minute, second = (int(part) for part in found.groups())
            return int(datetime(year, month, day, hour, minute, second, tzinfo=UTC).timestamp()) * days.NS
    except ValueError:
        pass
    raise BadRequest(req_id, 321, "Error validating request.-'bY' : cause - Invalid date/time format")
