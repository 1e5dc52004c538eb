"""Empty sums of money reach the genuine Decoder as unset; what is there stays."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from ibapi.const import UNSET_DECIMAL, UNSET_DOUBLE
from ibapi.decoder import Decoder

from pipeline.tws import figures


class Wrapper:
    """Keeps the arguments of the last call."""

    def __init__(self) -> None:
        self.said: tuple[Any, ...] = ()

    def __getattr__(self, name: str) -> Any:
        return lambda *arguments: setattr(self, "said", arguments)


def said(fields: list[bytes], version: int) -> tuple[Any, ...]:
    wrapper = Wrapper()
    Decoder(wrapper, version).interpret(tuple(figures.told(int(fields[0]), fields)[1:]), int(fields[0]))
    return wrapper.said


@pytest.mark.parametrize("version", [157, 178, 200])
def test_empty_profits_are_unset_and_the_others_stay(version: int) -> None:
    assert said([b"94", b"7", b"", b"12.5", b""], version) == (7, UNSET_DOUBLE, 12.5, UNSET_DOUBLE)


def test_an_empty_portfolio_has_its_quantity_and_strike_and_no_sums() -> None:
    contract = b"7 8 5 AAPL OPT 20270115 200 C 100 SMART USD local AAPL".split(b" ")
    _, quantity, *sums, account = said([*contract, b"3", b"", b"", b"", b"1.5", b"", b"DU1"], 200)
    assert (int(quantity), account) == (3, "DU1")
    assert sums == [UNSET_DOUBLE, UNSET_DOUBLE, UNSET_DOUBLE, 1.5, UNSET_DOUBLE]


def test_other_messages_and_short_ones_stay_as_they_are() -> None:
    assert figures.told(9, [b"9", b"", b""]) == [b"9", b"", b""]
    assert figures.told(94, [b"94", b"7"]) == [b"94", b"7"]


@pytest.mark.parametrize(("version", "head"), [(178, [b"17", b"9", b"from", b"to", b"2"]), (200, [b"17", b"9", b"2"])])
def test_empty_prices_of_bars_are_unset_in_each_row(version: int, head: list[bytes]) -> None:
    whole = [b"20261123", b"1", b"3", b"0.5", b"2", b"100", b"1.75", b"7"]
    holed = [b"20261124", b"", b"3", b"", b"2", b"100", b"", b"7"]
    wrapper = Wrapper()
    bars: list[Any] = []
    wrapper.historicalData = lambda _request, bar: bars.append(bar)  # type: ignore[attr-defined]
    Decoder(wrapper, version).interpret(tuple(figures.told(17, [*head, *whole, *holed])[1:]), 17)
    told = [(bar.open, bar.high, bar.low, bar.close, bar.wap) for bar in bars]
    assert told[0] == (1.0, 3.0, 0.5, 2.0, Decimal("1.75"))
    assert told[1] == (UNSET_DOUBLE, 3.0, UNSET_DOUBLE, 2.0, UNSET_DECIMAL)


def test_empty_prices_of_historical_quotes_are_unset() -> None:
    rows = [b"1700000000", b"0", b"10.5", b"", b"1", b"2", b"1700000001", b"0", b"", b"11", b"1", b"2"]
    _, ticks, done = said([b"97", b"9", b"2", *rows, b"1"], 200)
    assert [(tick.priceBid, tick.priceAsk) for tick in ticks] == [(10.5, UNSET_DOUBLE), (UNSET_DOUBLE, 11.0)]
    assert done


def test_an_execution_without_a_price_has_none() -> None:
    contract = b"5 AAPL STK _ 0 _ _ SMART USD AAPL AAPL".replace(b"_", b"").split(b" ")
    rest = [b"e1", b"20261123 10:00:00", b"DU1", b"ISLAND", b"BOT", b"3", b"", b"7", b"12", b"0", b"3", b"150.5"]
    _, _, execution = said([b"11", b"-1", b"4", *contract, *rest, b"", b"", b"", b"", b"1", b"", b""], 200)
    assert (execution.execId, execution.price, execution.avgPrice) == ("e1", UNSET_DOUBLE, 150.5)
