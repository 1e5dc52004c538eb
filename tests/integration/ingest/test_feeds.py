"""Feeds of the simulated gateway by the commands of ingest: records come, leases end, outages are survived."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline import config, messages
from pipeline.gateway import alone
from pipeline.gateway.faults.tell import tell
from pipeline.messages import Feed, Instrument, Position, PositionPnL, Subscribe, Subscription, TwsState, Unsubscribe

SETTINGS = config.Gateway(rate=500.0, hours="always")


class Place:
    """A gateway, its control socket, and ingest connected to it."""

    def __init__(self, desk: Any, port: int, control: Path) -> None:
        self.desk, self._control = desk({"port": port}), control

    def tell(self, line: str) -> None:
        assert tell(self._control, line).startswith("ok")

    def symbol(self, name: str) -> int:
        wanted = [i for i in self.desk.kept(Instrument) if i.symbol == name and i.sec_type == "STK"]
        return int(wanted[0].con_id)

    def records(self, topic: bytes, con_id: int) -> np.ndarray[Any, Any]:
        dtype = messages.RECORD_TOPICS[topic]
        found = [item for item in self.desk.journal() if isinstance(item, np.ndarray) and item.dtype == dtype]
        every = np.concatenate(found) if found else np.zeros(0, dtype=dtype)
        return every[every["con_id"] == con_id]

    def feeds(self, data: str) -> list[str]:
        return [feed.state for feed in self.desk.kept(Feed) if feed.data == data]


class _Port:
    def __init__(self, port: int) -> None:
        self.port = port


@pytest.fixture
def place(desk: Callable[..., Any], tmp_path: Path) -> Iterator[Place]:
    control = tmp_path / "control" / "faults"
    with alone.running(SETTINGS, 0, tmp_path / "ledger", "--control", str(control)) as (_, port):
        made = Place(lambda facts: desk(_Port(facts["port"]), watchlist={"symbols": ["AAPL"]}), port, control)
        made.desk.run_until(lambda: any(s.symbol == "AAPL" and s.state == "live" for s in made.desk.kept(Subscription)))
        yield made


def test_every_kind_of_feed_brings_its_records(place: Place) -> None:
    con_id, desk = place.symbol("AAPL"), place.desk
    for data in ("last", "quote", "mid", "depth", "bars"):
        answer = desk.ask(kind=Subscribe, actor="test", con_id=con_id, data=data)
        assert answer.ok, answer.text
        assert answer.body["state"] == "requested"
    topics = (b"md.last", b"md.quote", b"md.mid", b"md.depth", b"md.bar")
    desk.run_until(lambda: all(len(place.records(topic, con_id)) for topic in topics))
    quotes, bars = place.records(b"md.quote", con_id), place.records(b"md.bar", con_id)
    assert (quotes["bid"] < quotes["ask"]).all()
    assert (bars["high"] >= bars["low"]).all()
    assert set(bars["seconds"].tolist()) == {5}
    assert (place.records(b"md.last", con_id)["exchange"] != b"").all()
    assert {int(flag) & messages.TickFlag.SMART_DEPTH for flag in place.records(b"md.depth", con_id)["flags"]} == {4096}
    desk.run_until(lambda: all(place.feeds(data)[-1] == "live" for data in ("last", "quote", "mid", "depth", "bars")))
    assert desk.ask(kind=Unsubscribe, actor="test", con_id=con_id, data="quote").ok
    assert place.feeds("quote")[-1] == "ended"
    assert not desk.ask(kind=Unsubscribe, actor="test", con_id=con_id, data="quote").ok


def test_bars_of_another_size_are_kept_up_to_date(place: Place) -> None:
    con_id, desk = place.symbol("AAPL"), place.desk
    assert desk.ask(kind=Subscribe, actor="test", con_id=con_id, data="bars", size="1 min").ok
    desk.run_until(lambda: len(place.records(b"md.bar", con_id)))
    bars = place.records(b"md.bar", con_id)
    assert set(bars["seconds"].tolist()) == {60}
    assert not (bars["flags"] & messages.TickFlag.HISTORICAL).any()
    assert (bars["market_ns"] % 60_000_000_000 == 0).all()
    desk.run_until(lambda: place.feeds("bars")[-1] == "live")
    assert "expected one of" in desk.ask(kind=Subscribe, actor="t", con_id=con_id, data="bars", size="7 mins").text
    assert desk.ask(kind=Unsubscribe, actor="test", con_id=con_id, data="bars", size="1 min").ok
    assert place.feeds("bars")[-1] == "ended"


def test_the_profit_of_one_position(place: Place) -> None:
    con_id, desk = place.symbol("AAPL"), place.desk
    account = desk.kept(TwsState)[-1].accounts[0]
    assert "expected one of" in desk.ask(kind=Subscribe, con_id=con_id, data="pnl", account="DU0").text
    assert desk.ask(kind=Subscribe, actor="test", con_id=con_id, data="pnl", account=account).ok
    desk.run_until(lambda: desk.kept(PositionPnL))
    held = [p.quantity for p in desk.kept(Position) if (p.account, p.con_id) == (account, con_id)]
    told = desk.kept(PositionPnL)[-1]
    assert (told.account, told.con_id, told.quantity) == (account, con_id, held[-1])
    assert np.isfinite([told.daily, told.unrealized, told.value]).all()


def test_generic_ticks_come_where_they_are_configured(desk: Any) -> None:
    with alone.running(SETTINGS) as (_, port):
        made = desk(_Port(port), watchlist={"symbols": ["AAPL"]}, tws={"generic_ticks": {"STK": "232,236"}})
        mark = 37
        made.run_until(lambda: mark in set(made.ticks()["tick_type"].tolist()))


def test_limits_leases_and_wrong_words_are_answered_here(place: Place) -> None:
    con_id, desk = place.symbol("AAPL"), place.desk
    others = [i.con_id for i in desk.kept(Instrument) if i.sec_type == "STK" and i.con_id != con_id][:3]
    for other in others:
        assert desk.ask(kind=Subscribe, actor="test", con_id=other, data="depth", lease_s=2.0).ok
    refused = desk.ask(kind=Subscribe, actor="test", con_id=con_id, data="depth")
    assert not refused.ok
    assert "3 market-depth" in refused.text
    assert "expected one of" in desk.ask(kind=Subscribe, actor="test", con_id=con_id, data="gossip").text
    assert not desk.ask(kind=Subscribe, actor="test", con_id=99, data="last").ok
    desk.run_until(lambda: place.feeds("depth").count("ended") == 3)
    assert desk.ask(kind=Subscribe, actor="test", con_id=con_id, data="depth").ok, "the leases of the others are over"


def test_an_outage_makes_lines_stale_and_ends_verified(place: Place) -> None:
    desk = place.desk
    con_id = place.symbol("AAPL")
    assert desk.ask(kind=Subscribe, actor="test", con_id=con_id, data="quote").ok
    desk.run_until(lambda: place.feeds("quote")[-1:] == ["live"] and desk.kept(TwsState)[-1].verified)
    place.tell("1100 for_s=2 then=1102")
    desk.run_until(lambda: any(s.state == "stale" for s in desk.kept(Subscription)))
    assert desk.kept(TwsState)[-1].state == "DEGRADED"
    assert not desk.kept(TwsState)[-1].verified
    lines = len(desk.ingest.market.lines)
    desk.run_until(lambda: desk.kept(TwsState)[-1].state == "READY" and desk.kept(TwsState)[-1].verified)
    place.tell("1100 for_s=1 then=1101")
    desk.run_until(lambda: desk.kept(TwsState)[-1].state == "DEGRADED")
    desk.run_until(lambda: desk.kept(TwsState)[-1].state == "READY" and desk.kept(TwsState)[-1].verified)
    desk.run_until(lambda: place.feeds("quote")[-1] == "live")
    assert len(desk.ingest.market.lines) == lines


def test_a_lease_of_level_1_gives_a_line_while_it_lasts(place: Place) -> None:
    desk = place.desk
    found = desk.ask(kind=messages.FindSymbols, pattern="SPY")
    con_id = int(found.body["matches"][0]["con_id"])
    if con_id in desk.ingest.market.lines:  # held: it has one anyway
        return
    assert desk.ask(kind=Subscribe, actor="test", con_id=con_id, data="level1", lease_s=3.0).ok
    desk.run_until(lambda: con_id in desk.ingest.market.lines)
    desk.run_until(lambda: con_id not in desk.ingest.market.lines)
