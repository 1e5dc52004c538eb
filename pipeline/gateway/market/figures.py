"""Single figures as ticks, and those of a fund's net asset value. Pure."""

from __future__ import annotations

from collections.abc import Callable

from pipeline.gateway.market.tape import Half, Quote
from pipeline.gateway.tells import ticks

HALF_SPREAD = 0.01  # between a fund's worth and the bid and ask of it


def price_tick(kind: int, price: float) -> Half:
    return ticks.PRICE, ticks.tick_price(kind, price, 0, 0)


def size_tick(kind: int, size: int) -> Half:
    return ticks.SIZE, ticks.tick_size(kind, size)


def generic_tick(kind: int, value: float) -> Half:
    return ticks.GENERIC, ticks.tick_generic(kind, value)


def string_tick(kind: int, text: str) -> Half:
    return ticks.STRING, ticks.tick_string(kind, text)


def _worth(_quote: Quote, worth: float, _close: float) -> list[Half]:
    return [price_tick(94, round(worth - HALF_SPREAD, 4)), price_tick(95, round(worth + HALF_SPREAD, 4))]


def _last(_quote: Quote, worth: float, _close: float) -> list[Half]:
    return [price_tick(96, round(worth, 4))]


def _close(_quote: Quote, _worth: float, close: float) -> list[Half]:
    return [price_tick(92, close), price_tick(93, close)]


def _extremes(quote: Quote, _worth: float, _close: float) -> list[Half]:
    return [price_tick(98, quote.high), price_tick(99, quote.low)]


def _frozen(_quote: Quote, _worth: float, close: float) -> list[Half]:
    return [price_tick(97, close)]


# Generic tick → its ticks from the quote, the worth of a share now, and at the last close.
FUNDS: dict[int, Callable[[Quote, float, float], list[Half]]] = {
    576: _worth,
    577: _last,
    578: _close,
    614: _extremes,
    623: _frozen,
}
