"""States in words, from links and from what TWS says; levels; the status bar's hops."""

from __future__ import annotations

import math

import pytest

from pipeline.config import Margin
from pipeline.messages import ProcessStatus, State, SystemStatus, TwsState
from ui.desktop import hops
from ui.desktop.picture import health, levels
from ui.desktop.picture.health import Condition, Health, Link
from ui.desktop.theme import Tone


@pytest.mark.parametrize(
    ("link", "condition"),
    [
        (Link(), Condition.LOADING),
        (Link(stale=False, silent_s=0.1, ever=True), Condition.LIVE),
        (Link(stale=False, silent_s=0.81, ever=True), Condition.STALE),
        (Link(stale=True, silent_s=0.1, ever=True), Condition.STALE),
        (Link(stale=True, silent_s=6.0, ever=True), Condition.DISCONNECTED),
    ],
)
def test_of_link(link: Link, condition: Condition) -> None:
    assert health.of_link("ingest", link).condition is condition


@pytest.mark.parametrize(
    ("word", "condition"),
    [
        ("READY", Condition.LIVE),
        ("SYNCING", Condition.LOADING),
        ("CONNECTING", Condition.DISCONNECTED),
        ("DEGRADED", Condition.STALE),
        ("DISCONNECTED", Condition.DISCONNECTED),
        ("REFUSED", Condition.ERROR),
    ],
)
def test_of_tws(word: str, condition: Condition) -> None:
    found = health.of_tws(TwsState(client="ingest", state=word, reason="because"))
    assert found.condition is condition
    assert word in ("READY", "SYNCING") or "because" in found.text


def test_the_worst_shows_and_empty_only_when_all_is_well() -> None:
    stale = Health(Condition.STALE, "old")
    assert health.worst(health.LIVE, stale, Health(Condition.LOADING)) is stale
    assert health.with_rows(health.LIVE, 0, "none").condition is Condition.EMPTY
    assert health.with_rows(stale, 0, "none") is stale
    assert health.with_rows(health.LIVE, 3, "none") is health.LIVE


@pytest.mark.parametrize(
    ("net", "excess", "maintenance", "level"),
    [
        (1000.0, 500.0, 500.0, levels.OK),
        (1000.0, 100.0, 900.0, levels.CAUTION),
        (1000.0, 40.0, 900.0, levels.WARN),
        (1000.0, -1.0, 900.0, levels.ALARM),
        (1000.0, math.nan, 900.0, -1),
        (0.0, 0.0, 0.0, levels.OK),
    ],
)
def test_levels(net: float, excess: float, maintenance: float, level: int) -> None:
    assert levels.level(net, excess, maintenance, Margin()) == level


def test_hops_say_what_is_wrong_without_colour() -> None:
    live, gone = health.LIVE, Health(Condition.DISCONNECTED, "no TWS")
    state = TwsState(client="ingest", state="READY", round_trip_ms=12.0, lines_used=87, lines_limit=100)
    assert hops.tws(state, live).text == "TWS ● 12 ms"
    assert hops.tws(state, gone).text == "TWS ✖"
    assert hops.data(state, live, "LIVE").text == "Data LIVE 87/100 lines"
    assert hops.data(state, gone, "LIVE").text.startswith("Data STALE")
    assert hops.margin(0.4, live).text == "Margin ● 0.4 ms"
    assert "ms" not in hops.margin(0.4, gone).text
    assert hops.drops(0, 0, 0).text == "Drops 0"
    assert hops.drops(1, 0, 2) == hops.Hop("Drops 3", Tone.CAUTION, "gaps 1 (repaired) · queue full 2 · undecodable 0")
    assert hops.market_time(0, 1.0, live).text == "ET —"


def test_the_writer_hop() -> None:
    def status(state: State) -> SystemStatus:
        writer = ProcessStatus(process="writer", state=state, detail={"lag_ms": 38.0})
        return SystemStatus(run="r", state=state, up_s=1.0, processes=[writer])

    assert hops.writer(status(State.READY), True).text == "Writer ● 38 ms"
    assert "BACKOFF" in hops.writer(status(State.BACKOFF), True).text
    assert hops.writer(status(State.READY), False).text == "Writer —"
    assert hops.writer(None, True).text == "Writer —"
