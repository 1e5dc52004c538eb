"""Frames of news: providers, headlines, articles, bulletins. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from pipeline.gateway.market.days import NS
from pipeline.gateway.market.newsroom import Bulletin, Item
from pipeline.gateway.tells.frames import frame

PLAIN_TEXT = 0


def providers(names: Mapping[str, str]) -> bytes:
    return frame(85, len(names), *(text for row in names.items() for text in row))


def headline(req_id: int, item: Item) -> bytes:
    """An item told to a line as it appears (tickNews)."""
    return frame(84, req_id, item.time_ns // 1_000_000, item.provider, item.article, item.headline, "")


def historical_news(req_id: int, item: Item) -> bytes:
    moment = datetime.fromtimestamp(item.time_ns // NS, UTC)
    return frame(86, req_id, f"{moment:%Y-%m-%d %H:%M:%S}.0", item.provider, item.article, item.headline)


def historical_news_end(req_id: int, more: bool) -> bytes:
    return frame(87, req_id, more)


def article(req_id: int, item: Item) -> bytes:
    return frame(83, req_id, PLAIN_TEXT, item.text)


def bulletin(one: Bulletin) -> bytes:
    return frame(14, 1, one.number, one.kind, one.text, one.exchange)
