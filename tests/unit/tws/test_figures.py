"""Empty sums of money reach the genuine Decoder as unset; what is there stays."""

from __future__ import annotations

from typing import Any

import pytest
from ibapi.const import UNSET_DOUBLE
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
