"""Ingest end to end: bytes of a TWS in, a journal and a live stream out."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from pipeline import messages
from pipeline.messages import (
    AccountCheck,
    AccountPnL,
    AccountSnapshot,
    AccountValue,
    AddSymbol,
    Difference,
    FindSymbols,
    Frame,
    Gap,
    Instrument,
    MarketText,
    PayloadKind,
    Position,
    RemoveSymbol,
    Subscription,
    TickFlag,
    TwsState,
)
from tests.fakes.scripted_tws import frame


def test_accounts_and_positions_come_as_whole_pictures(desk: Any, tws: Any) -> None:
    run = desk(tws)
    run.run_until(run.whole)
    kept = run.journal()
    for account, held in tws.positions.items():
        end = next(i for i, m in enumerate(kept) if isinstance(m, AccountSnapshot) and m.account == account)
        before = kept[:end]
        values = {m.key: m for m in before if isinstance(m, AccountValue) and m.account == account}
        positions = {m.con_id: m for m in before if isinstance(m, Position) and m.account == account}
        assert values["NetLiquidation"].value == 100000.5
        assert math.isnan(values["Cushion"].value)
        assert values["Cushion"].text == ""
        assert {con_id: p.quantity for con_id, p in positions.items()} == held
        assert all(p.market_price == 11.0 and p.average_cost == 10.5 for p in positions.values())
        assert (kept[end].values, kept[end].positions, kept[end].base_currency) == (2, len(held), "USD")
    assert {p.account for p in run.kept(AccountPnL)} == {"DU1", "DU2"} or run.run_until(
        lambda: len(run.kept(AccountPnL)) == 2
    ) is None
    assert math.isnan(run.kept(AccountPnL)[0].unrealized)


def test_contracts_are_described_and_lines_go_to_underlyings_first(desk: Any, tws: Any) -> None:
    run = desk(tws, tws={"max_lines": 3}, watchlist={"symbols": ["TSLA"]})
    run.run_until(lambda: {c for r, c in list(tws.lines.items()) if r not in tws.cancelled} == {1, 2, 3})
    described = {i.con_id: i for i in run.kept(Instrument)}
    assert described[4].under_con_id == 3
    assert (described[4].strike, described[4].right, described[4].expiry, described[4].multiplier) == (
        5000.0, "C", "20270115", 100.0,
    )  # fmt: skip
    assert described[3].exchange == "CBOE"
    run.run_until(lambda: {s.con_id for s in run.kept(Subscription) if s.state == "refused"} >= {4, 5, 6})


def test_every_tick_frame_is_one_journaled_record_in_order(desk: Any, tws: Any) -> None:
    run = desk(tws)
    run.run_until(lambda: all(tws.has_line(con_id) for con_id in (1, 2, 3, 4, 5)))
    for i in range(300):
        tws.tick(1 + i % 5, 1 + i % 2, f"{100 + i}.25", str(i + 1), count=7)
    run.run_until(lambda: len(run.ticks()) == 2100)
    run.stop()
    ticks = run.ticks()
    found = [(int(t["con_id"]), int(t["tick_type"]), float(t["price"]), float(t["size"])) for t in ticks]
    assert found == [(c, k, float(p), float(s)) for c, k, p, s in tws.sent_ticks]
    assert (np.diff(ticks["recv_ns"]) >= 0).all()
    assert (abs(ticks["market_ns"] - ticks["recv_ns"]) < 3e9).all()


def test_ticks_that_are_under_way_at_the_stop_are_kept(desk: Any, tws: Any) -> None:
    """Market data is cancelled, then a fence: what TWS sent before its answer is journaled, nothing after it exists."""
    run = desk(tws)
    run.run_until(lambda: tws.has_line(1))
    tws.tick(1, 4, "1.5", "10", count=20_000)
    run.stop()
    assert len(run.ticks()) == tws.tick_frames == 20_000
    assert sorted(tws.cancelled) == sorted(tws.lines)
    assert not run.kept(Gap)


def test_late_joiner_gets_the_newest_tick_of_each_kind(desk: Any, tws: Any) -> None:
    run = desk(tws)
    run.run_until(lambda: run.whole() and tws.has_line(1) and tws.has_line(4))
    for price in ("10.5", "11.5"):
        tws.tick(1, 1, price, "5")
    request = tws.request_of(4)
    tws.send(frame(21, request, 13, 0, "0.25", "0.5", "12.75", "0.0", "0.05", "0.02", "-0.01", "150.25"))
    tws.send(frame(46, 6, request, 84, "CBOE"))
    run.run_until(lambda: run.kept(MarketText))
    subscriber = run.subscriber()
    got: list[Frame] = []
    run.run_until(
        lambda: (
            got.extend(f for f in subscriber.receive() if isinstance(f, Frame))
            or any(f.topic == b"md.option" for f in got)
        )
    )
    ticks = np.concatenate([messages.records(f) for f in got if f.topic == b"md.tick"])
    bids = ticks[(ticks["con_id"] == 1) & (ticks["tick_type"] == 1)]
    assert bids["price"].tolist() == [11.5]
    assert (bids["flags"] & TickFlag.SNAPSHOT).all()
    option = next(messages.records(f) for f in got if f.topic == b"md.option")
    assert option["delta"].tolist() == [0.5]
    maps = [messages.unpack(f.payload) for f in got if f.header.kind is PayloadKind.MAP]
    assert {m.con_id for m in maps if isinstance(m, Instrument)} >= {1, 2, 3, 4, 5}
    assert {m.account for m in maps if isinstance(m, AccountSnapshot)} == {"DU1", "DU2"}
    assert len([m for m in maps if isinstance(m, Position)]) >= 4
    assert any(isinstance(m, TwsState) and m.state == "READY" for m in maps)
    subscriber.close()


def test_gateway_dies_and_returns(desk: Any, tws: Any) -> None:
    run = desk(tws)
    run.run_until(lambda: run.whole() and all(tws.has_line(c) for c in (1, 2, 3, 4, 5)))
    tws.tick(1, 4, "10.0", "1")
    run.run_until(lambda: len(run.ticks()) == 1)
    tws.stop()
    run.run_until(lambda: run.ingest.connection.session.state == "DISCONNECTED")
    assert any(s.state == "ended" and s.con_id == 1 for s in run.kept(Subscription))
    tws.positions["DU1"] = {2: 100}  # the index call is gone
    tws.positions["DU2"][5] = 3
    tws.restart()
    run.run_until(lambda: tws.has_line(1) and len(run.kept(AccountSnapshot)) == 4)
    gaps = run.kept(Gap)
    assert len(gaps) == 1
    assert gaps[0].from_ns < gaps[0].to_ns
    assert "no connection to TWS" in gaps[0].reason
    last = {(p.account, p.con_id): p.quantity for p in run.kept(Position)}
    assert last == {("DU1", 2): 100.0, ("DU1", 4): 0.0, ("DU2", 5): 3.0, ("DU2", 4): 1.0}
    tws.tick(1, 4, "11.0", "1")
    run.run_until(lambda: len(run.ticks()) == 2)
    states = [s.state for s in run.kept(TwsState)]
    assert "DISCONNECTED" in states
    assert states[-1] == "READY"


def test_killed_ingest_leaves_a_gap_row(desk: Any, tws: Any) -> None:
    run = desk(tws)
    run.run_until(run.whole)
    last_ns = run.ingest.clock.now_ns()
    run.kill()
    run.begin()
    run.run_until(lambda: run.kept(Gap))
    gap = run.kept(Gap)[0]
    assert gap.process == "ingest"
    assert gap.from_ns <= last_ns < gap.to_ns
    run.stop()
    run.begin()
    run.run_until(run.whole)
    assert len(run.kept(Gap)) == 1  # the second stop was on purpose


def test_symbols_are_added_found_removed_and_survive_a_restart(desk: Any, tws: Any) -> None:
    run = desk(tws, watchlist={"symbols": ["MSFT"]})
    away = run.ask(kind=AddSymbol, symbol="TSLA")
    if not away.ok:
        assert "not connected" in away.text
    run.run_until(run.whole)
    added = run.ask(kind=AddSymbol, symbol="tsla")
    assert added.ok, added.text
    assert (added.body["con_id"], added.body["symbol"]) == (6, "TSLA")
    assert run.ask(kind=AddSymbol, con_id=6).text == "TSLA is watched already"
    run.run_until(lambda: tws.has_line(6))
    unknown = run.ask(kind=AddSymbol, symbol="NOSUCH")
    assert not unknown.ok
    assert "No security definition" in unknown.text
    found = run.ask(kind=FindSymbols, pattern="AAP")
    assert found.body["matches"][0]["con_id"] == 1
    assert run.ask(kind=RemoveSymbol, con_id=2).ok  # a configured one
    assert tws.has_line(2)  # DU1 holds it
    assert not run.ask(kind=RemoveSymbol, con_id=99).ok
    run.stop()
    run.begin()
    run.run_until(lambda: tws.has_line(6))
    assert run.ingest.watchlist.con_ids == [6]
    assert run.ask(kind=RemoveSymbol, con_id=6).ok
    run.run_until(lambda: not tws.has_line(6))
    assert [s.state for s in run.kept(Subscription) if s.con_id == 6][-1] == "ended"


def test_half_a_snapshot_goes_out_marked_after_the_deadline(desk: Any, tws: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr("pipeline.ingest.accounts.WHOLE_S", 0.5)
    tws.answer_values = False
    run = desk(tws)
    run.run_until(lambda: len(run.kept(AccountSnapshot)) == 2)
    assert not any(s.complete for s in run.kept(AccountSnapshot))
    assert {s.positions for s in run.kept(AccountSnapshot)} == {2}


@pytest.mark.parametrize("code", [354, 200])
def test_refused_line_says_why_in_tws_words(desk: Any, tws: Any, code: int) -> None:
    tws.refuse[2] = (code, "Requested market data is not subscribed.")
    run = desk(tws)
    run.run_until(lambda: [s for s in run.kept(Subscription) if s.con_id == 2 and s.state == "refused"])
    refused = [s for s in run.kept(Subscription) if s.con_id == 2][-1]
    assert refused.reason == f"Requested market data is not subscribed. ({code})"
    assert run.ingest.connection.lines_used == len(run.ingest.market.lines)


def test_1101_asks_for_all_lines_again_with_new_ids(desk: Any, tws: Any) -> None:
    run = desk(tws)
    run.run_until(lambda: len(tws.lines) == 5)
    tws.send(frame(4, 2, -1, 1100, "Connectivity between IBKR and TWS has been lost.", ""))
    run.run_until(lambda: run.ingest.connection.session.state == "DEGRADED")
    tws.send(frame(4, 2, -1, 1101, "Connectivity restored - data lost.", ""))
    run.run_until(lambda: len(tws.lines) == 10)
    assert run.ingest.connection.session.state == "READY"
    assert sorted(tws.lines.values()) == sorted([1, 2, 3, 4, 5] * 2)


def test_garbage_costs_a_reconnect_and_nothing_else(desk: Any, tws: Any) -> None:
    run = desk(tws)
    run.run_until(lambda: tws.has_line(1))
    tws.tick(1, 4, "10.0", "1")
    before = tws.session
    tws.send(b"\xff" * 100)
    run.run_until(lambda: tws.session is not before and tws.has_line(1))
    tws.tick(1, 4, "11.0", "1")
    run.run_until(lambda: len(run.ticks()) == 2)
    assert run.ticks()["price"].tolist() == [10.0, 11.0]


def test_what_tws_never_told_is_found_by_the_check_and_repaired(desk: Any, tws: Any, monkeypatch: Any) -> None:
    for name, seconds in (("FIRST_S", 0.2), ("AGAIN_S", 0.2), ("EVERY_S", 0.5)):
        monkeypatch.setattr(f"pipeline.ingest.checks.{name}", seconds)
    tws.values["TotalCashValue"] = "5000"
    run = desk(tws)
    run.run_until(lambda: {c.part for c in run.kept(AccountCheck) if c.account == "DU1"} == {"positions", "cash"})
    assert [c.differences for c in run.kept(AccountCheck)] == [0] * len(run.kept(AccountCheck))
    tws.positions["DU1"] = {2: 70, 5: 3}  # one fewer, one other, one new, and not a word about it
    tws.values["TotalCashValue"] = "6000"
    run.run_until(lambda: len(run.kept(Difference)) >= 5)
    found = {(d.account, d.part, d.key, d.ours, d.tws) for d in run.kept(Difference)}
    assert found == {
        ("DU1", "positions", "2", "100", "70"),
        ("DU1", "positions", "4", "-1", "nothing"),
        ("DU1", "positions", "5", "nothing", "3"),
        ("DU1", "cash", "TotalCashValue USD", "5000", "6000"),
        ("DU2", "cash", "TotalCashValue USD", "5000", "6000"),
    }
    last = {p.con_id: p.quantity for p in run.kept(Position) if p.account == "DU1"}
    assert last == {2: 70.0, 4: 0.0, 5: 3.0}
    checks = len(run.kept(AccountCheck))
    run.run_until(lambda: len(run.kept(AccountCheck)) >= checks + 4)
    assert [c.differences for c in run.kept(AccountCheck)][-4:] == [0] * 4
