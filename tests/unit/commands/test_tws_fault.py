"""What the terminal says of a TWS that is not there."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from pipeline.commands import launch


def supervisor(**detail: Any) -> Any:
    beat = SimpleNamespace(detail=detail)
    return SimpleNamespace(
        children=[SimpleNamespace(name="writer", beat=None), SimpleNamespace(name="ingest", beat=beat)]
    )


def test_a_tws_that_does_not_answer_is_named_with_what_to_tick() -> None:
    said = launch._tws_fault(supervisor(tws="DISCONNECTED", why="nothing listens at 127.0.0.1:7497"))
    assert said.startswith(": nothing listens at 127.0.0.1:7497")
    assert "Enable ActiveX and Socket Clients" in said


def test_a_connected_tws_needs_no_words() -> None:
    assert launch._tws_fault(supervisor(tws="READY", why="")) == ""
    assert launch._tws_fault(supervisor()) == ""
