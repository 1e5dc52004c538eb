"""Each fault of the simulated gateway, one test each: nothing stale is called live, and ingest is READY again alone.

One gateway and one ingest for all of them, one after the other; each test begins and ends with everything live. What
each took is printed.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from pipeline import config
from pipeline.gateway import alone
from pipeline.gateway.faults.tell import tell
from pipeline.ingest import market
from pipeline.messages import (
    AccountCheck,
    AccountPnL,
    AccountSnapshot,
    AccountValue,
    Feed,
    Gap,
    GetBars,
    GetHeadTime,
    Position,
    Subscribe,
    Subscription,
    TwsState,
)
from pipeline.tws.error_codes import Action, TwsError
from tests.ingest_desk import Desk

NS = 1_000_000_000


class Place:
    """The gateway's control socket and an ingest; `states` reads what was published since the last mark."""

    def __init__(self, desk: Desk, control: Any) -> None:
        self.desk, self._control = desk, control
        self._told: list[Any] = []  # since the mark, in the order of publishing
        self.heard: list[int] = []  # notices and errors of TWS since the mark
        publish = desk.ingest.stream.map

        def observed(message: Any, sync: bool = False) -> int:
            self._told.append(message)
            return publish(message, sync)

        desk.ingest.stream.map = observed
        session = desk.ingest.connection.session
        session.longest_wait_s = 0.5  # one loss follows the other here
        told = session.told

        def heard(error: TwsError) -> bool:
            self.heard.append(error.code)
            return told(error)

        session.told = heard

    def mark(self) -> float:
        self._told.clear()
        self.heard.clear()
        return time.monotonic()

    def since(self, kind: type[Any]) -> list[Any]:
        return [item for item in self._told if isinstance(item, kind)]

    def stock(self, symbol: str) -> int:
        known = self.desk.ingest.instruments.all()
        return next(i.con_id for i in known if i.symbol == symbol and i.sec_type == "STK")

    def tell(self, line: str) -> None:
        answer = tell(self._control, line)
        assert answer.startswith("ok"), answer

    def lines(self) -> dict[int, str]:
        """The word of each line now."""
        return {s.con_id: s.state for s in self.desk.ingest.market.published.values() if s.state != "ended"}

    def tws(self) -> TwsState:
        return self.desk.ingest.connection.state_message()

    def whole(self) -> bool:
        lines = self.lines()
        return (
            self.tws().state == "READY"
            and self.tws().verified
            and len(lines) > 30
            and sum(state == "live" for state in lines.values()) > 0.7 * len(lines)
            and not self.desk.ingest.book.gathering
        )

    def until(self, done: Any) -> None:
        self.desk.run_until(done)

    def recovered(self, name: str, since_s: float) -> None:
        self.until(self.whole)
        print(f"{name}: whole again after {time.monotonic() - since_s:.1f} s")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    root = tmp_path_factory.mktemp("faults")
    control = root / "control" / "faults"
    limits = config.GatewayLimits(history_identical_s=0.0, account_every_s=3.0)
    settings = config.Gateway(rate=1500.0, hours="always", limits=limits)
    with alone.running(settings, 0, root / "ledger", "--control", str(control)) as (_, port):
        desk = Desk(root / "state", port, watchlist={"symbols": ["AAPL"]})
        made = Place(desk, control)
        made.until(made.whole)
        yield made
        desk.kill()


@pytest.fixture(autouse=True)
def begins_and_ends_whole(place: Place) -> Iterator[None]:
    place.until(place.whole)
    yield
    place.tell("clear")
    place.until(place.whole)


@dataclass(frozen=True)
class Cut:
    """A fault that ends the connection."""

    line: str
    reason: str  # in TwsState.reason


@pytest.mark.parametrize("cut", [
    Cut("close", "closed the connection"),
    Cut("reset", "reset"),
    Cut("truncated", "closed the connection"),
    Cut("wrong_length", "out of step"),
    Cut("garbage framed=false bytes=4096 seed=5", ""),
    Cut("restart closed_s=1", ""),
], ids=lambda cut: cut.line.split()[0])  # fmt: skip
def test_a_lost_connection_is_told_and_made_again(place: Place, cut: Cut) -> None:
    """Every line says that it ended before anything else is said of it; what was missed stands as a gap."""
    connection = place.tws().connection
    began = place.mark()
    place.tell(cut.line)
    place.until(lambda: place.tws().connection > connection and place.whole())
    place.recovered(cut.line, began)
    states = place.since(TwsState)
    assert "DISCONNECTED" in [state.state for state in states]
    assert any(cut.reason in state.reason for state in states)
    assert {s.state for s in place.since(Subscription)[:20]} == {"ended"}
    assert len(place.since(Gap)) >= 1
    assert all(snapshot.complete for snapshot in place.since(AccountSnapshot)[-2:])


def test_garbage_in_a_frame_costs_only_itself(place: Place) -> None:
    connection, bad = place.tws().connection, place.tws().bad_messages + place.tws().unknown_messages
    place.mark()
    place.tell("garbage framed=true bytes=64 seed=3")
    place.until(lambda: place.tws().bad_messages + place.tws().unknown_messages > bad)
    assert place.tws().connection == connection


def test_a_stall_is_noticed_and_the_connection_made_anew(place: Place) -> None:
    """Half open: the socket lives, nothing comes. Noticed by the probes, at most 13.5 s after the last byte."""
    connection = place.tws().connection
    began = place.mark()
    place.tell("stall read=false for_s=20")
    place.until(lambda: place.tws().state not in ("READY", "DEGRADED"))
    took_s = time.monotonic() - began
    assert "did not answer" in place.tws().reason or "greeting" in place.tws().reason
    print(f"stall: noticed after {took_s:.1f} s")
    place.tell("clear stall")
    place.until(lambda: place.tws().connection > connection)
    place.recovered("stall", began)


def test_a_slow_drip_loses_nothing_and_is_never_out_of_step(place: Place) -> None:
    bad = place.tws().bad_messages
    place.mark()
    place.tell("drip bytes=300 every_ms=10 for_s=2")
    end = time.monotonic() + 3.0
    place.until(lambda: time.monotonic() > end)
    assert place.tws().bad_messages == bad


def test_a_handshake_in_pieces_is_put_together(place: Place) -> None:
    connection = place.tws().connection
    place.tell("split_handshake at=6 pause_s=0.2 for_s=20")
    place.tell("close")
    place.until(lambda: place.tws().connection > connection and place.whole())


def test_a_client_id_in_use_is_waited_for(place: Place) -> None:
    began = place.mark()
    place.tell("refuse_login code=326 for_s=3")
    place.tell("close")
    place.until(lambda: any(state.outage == "client id" for state in place.since(TwsState)))
    place.recovered("326", began)


@pytest.mark.parametrize("line", ["1100 for_s=1.5 then=1102", "1100 for_s=1.5 then=1101", "2110 for_s=1.5 then=1102"])
def test_lost_connectivity_makes_every_line_stale_until_it_is_seen_again(place: Place, line: str) -> None:
    began = place.mark()
    place.tell(line)
    place.until(lambda: place.tws().state == "DEGRADED")
    place.until(lambda: set(place.lines().values()) == {"stale"})
    assert not place.tws().verified
    assert place.tws().reason
    place.until(lambda: place.tws().state == "READY")
    place.recovered(line, began)
    told = [s.state for s in place.since(Subscription)]
    assert told.index("stale") < told.index("live")


def test_notices_of_connectivity_alone_change_nothing_for_good(place: Place) -> None:
    for code in (1102, 1101):
        began = place.mark()
        place.tell(str(code))
        place.until(lambda code=code: code in place.heard)
        place.recovered(str(code), began)


def test_a_broken_farm_makes_its_lines_stale_and_the_others_not(place: Place) -> None:
    began = place.mark()
    place.tell("2103 farm=usfarm")
    place.until(lambda: place.tws().farms.get("usfarm") == "broken")
    place.until(lambda: "stale" in place.lines().values())
    future = [
        i.con_id for i in place.desk.ingest.instruments.all() if i.sec_type == "FUT" and i.con_id in place.lines()
    ]
    assert all(place.lines()[con_id] != "stale" for con_id in future)
    place.tell("2104 farm=usfarm")
    place.recovered("2103", began)


@pytest.mark.parametrize(("line", "farm", "end"), [
    ("2105 farm=ushmds", "ushmds", "2106 farm=ushmds"), ("2157 farm=secdefil", "secdefil", "2158 farm=secdefil"),
])  # fmt: skip
def test_other_farms_are_told_and_do_not_touch_live_lines(place: Place, line: str, farm: str, end: str) -> None:
    place.mark()
    place.tell(line)
    place.until(lambda: place.tws().farms.get(farm) == "broken")
    assert "stale" not in place.lines().values()
    place.tell(end)
    place.until(lambda: place.tws().farms.get(farm) == "ok")


@pytest.mark.parametrize("code", ["2107", "2108", "2119"])
def test_notices_of_farms_are_kept(place: Place, code: str) -> None:
    farm = "ushmds" if code == "2107" else "usfarm"
    place.tell(f"{code} farm={farm}")
    place.until(lambda: place.tws().farms.get(farm) in ("idle", "connecting"))
    place.tell(f"{'2106' if code == '2107' else '2104'} farm={farm}")


def test_a_competing_session_is_told_once_and_lines_come_back(place: Place, monkeypatch: Any) -> None:
    monkeypatch.setitem(market.RETRY_S, Action.RETRY_LATER, 2.0)
    began = place.mark()
    place.tell("10197 count=15")
    place.until(lambda: any(state.competing for state in place.since(TwsState)))
    refused = [s for s in place.since(Subscription) if s.state == "refused"]
    assert len(refused) == len({s.con_id for s in refused}), "one word a line, however often TWS says it"
    assert all("(10197)" in s.reason for s in refused)
    place.until(lambda: not place.tws().competing)
    place.recovered("10197", began)


@pytest.mark.parametrize("code", ["354", "10089", "10168", "200"])
def test_a_refused_line_says_why_and_the_others_go_on(place: Place, code: str) -> None:
    held = sorted(place.desk.ingest.book.held())
    place.tell(f"refuse code={code} symbol=AAPL")
    connection = place.tws().connection
    place.tell("close")
    place.until(lambda: place.tws().connection > connection and place.whole())
    refused = [s for s in place.desk.ingest.market.published.values() if s.state == "refused"]
    assert {s.symbol for s in refused} == {"AAPL"}
    assert all(f"({code})" in s.reason for s in refused)
    assert sorted(place.desk.ingest.book.held()) == held
    place.tell("clear")
    connection = place.tws().connection
    place.tell("close")
    place.until(lambda: place.tws().connection > connection and place.whole())


@pytest.mark.parametrize("code", ["10090", "10167"])
def test_advisories_do_not_end_a_line(place: Place, code: str) -> None:
    connection = place.tws().connection
    place.tell(f"refuse code={code} symbol=AAPL")
    place.tell("close")
    place.until(lambda: place.tws().connection > connection and place.whole())
    assert not [s for s in place.desk.ingest.market.published.values() if s.state == "refused"]


def test_any_other_error_changes_nothing(place: Place) -> None:
    place.mark()
    place.tell('error code=2169 id=-1 text="an attribute is ignored"')
    place.tell("error code=399 id=77")
    place.until(lambda: {2169, 399} <= set(place.heard))
    assert place.tws().state == "READY"


def test_requests_without_an_answer_end_at_their_deadline(place: Place, monkeypatch: Any) -> None:
    monkeypatch.setattr("pipeline.ingest.history.WITHIN_S", 1.0)
    monkeypatch.setattr("pipeline.ingest.lookups.WITHIN_S", 1.0)
    con_id = place.stock("AAPL")
    place.tell("ignore message=20")
    now_ns = place.tws().market_time_ns
    reply = place.desk.ask(kind=GetBars, con_id=con_id, from_ns=now_ns - 3600 * NS, to_ns=now_ns)
    assert not reply.ok
    assert reply.body["state"] == "timed out"
    place.tell("clear")
    place.tell("ignore message=87")
    assert "in time" in place.desk.ask(kind=GetHeadTime, con_id=con_id).text


def test_history_refused_is_answered_with_the_words_of_tws(place: Place) -> None:
    con_id = place.stock("AAPL")
    place.tell("refuse code=162 symbol=AAPL")
    now_ns = place.tws().market_time_ns
    reply = place.desk.ask(kind=GetBars, con_id=con_id, from_ns=now_ns - 7200 * NS, to_ns=now_ns)
    assert not reply.ok
    assert "(162)" in reply.text


def test_a_late_order_id_delays_ready(place: Place) -> None:
    connection = place.tws().connection
    began = place.mark()
    place.tell("delay message=9 by_s=2 for_s=30")
    place.tell("close")
    place.until(lambda: any(state.state == "SYNCING" for state in place.since(TwsState)))
    place.until(lambda: place.tws().connection > connection and place.whole())
    place.recovered("delay", began)


def test_a_skewed_clock_moves_market_time_only(place: Place) -> None:
    before_ns = place.tws().market_time_ns
    place.tell("clock_skew by_s=3600")
    place.until(lambda: place.tws().market_time_ns - before_ns > 3500 * NS)
    assert place.tws().state == "READY"
    place.tell("clear")
    place.until(lambda: place.tws().market_time_ns - before_ns < 600 * NS)


def test_half_an_account_is_marked_partial_and_repaired_by_the_check(place: Place, monkeypatch: Any) -> None:
    monkeypatch.setattr("pipeline.ingest.accounts.WHOLE_S", 2.0)
    monkeypatch.setattr("pipeline.ingest.accounts.MARKS_S", 1.0)
    monkeypatch.setattr("pipeline.ingest.checks.FIRST_S", 0.5)
    connection = place.tws().connection
    place.mark()
    place.tell("half_snapshot rows=0.5 for_s=60")
    place.tell("close")
    place.until(lambda: place.tws().connection > connection and len(place.since(AccountSnapshot)) >= 2)
    assert all("marks" in snapshot.missing for snapshot in place.since(AccountSnapshot))
    assert len({(p.account, p.con_id) for p in place.since(Position)}) > 30, "positions come by another way, whole"


def test_unset_figures_are_unknown_and_never_a_number(place: Place) -> None:
    """All spellings, one after the other, in profits, portfolio and account values."""
    for spelling in ("double", "python", "int", "long", "infinity", "minus_infinity", "nan", "empty"):
        began = place.mark()
        for where in ("pnl", "account"):
            place.tell(f"unset where={where} spelling={spelling}")
        place.until(lambda: any(math.isnan(p.daily) for p in place.since(AccountPnL)))
        told = [v.value for v in place.since(AccountValue)] + [p.daily for p in place.since(AccountPnL)]
        assert all(math.isnan(figure) or (abs(figure) < 1e12 and figure != 2147483647) for figure in told)
        assert place.tws().state == "READY"
        place.tell("clear unset")
        print(f"unset as {spelling}: unknown after {time.monotonic() - began:.1f} s")


def test_an_unset_portfolio_has_positions_and_no_values(place: Place) -> None:
    connection = place.tws().connection
    place.mark()
    place.tell("unset where=portfolio spelling=empty")
    place.tell("close")
    place.until(lambda: place.tws().connection > connection and len(place.since(AccountSnapshot)) >= 2)
    positions = place.since(Position)
    assert len({(p.account, p.con_id) for p in positions if p.quantity}) > 30
    assert all(math.isnan(p.market_value) and math.isnan(p.unrealized_pnl) for p in positions)


def test_feeds_come_back_after_a_cut_and_a_loss(place: Place) -> None:
    con_id = place.stock("AAPL")
    assert place.desk.ask(kind=Subscribe, actor="test", con_id=con_id, data="quote", lease_s=600.0).ok
    for line in ("close", "1101"):
        connection = place.tws().connection
        place.mark()
        place.tell(line)
        if line.startswith("close"):
            place.until(lambda before=connection: place.tws().connection > before)
        place.until(lambda: [f.state for f in place.since(Feed) if f.data == "quote"][-1:] == ["live"])


def test_another_rate_and_a_burst_are_ordinary(place: Place) -> None:
    frames, bad = place.desk.ingest.connection.client.frames, place.tws().bad_messages
    place.tell("burst frames=20000")
    place.until(lambda: place.desk.ingest.connection.client.frames > frames + 200_000)
    place.tell("burst frames=0")
    place.tell("rate ticks_per_s=1500")
    assert place.tws().bad_messages == bad


def test_positions_at_the_end_are_those_of_tws(place: Place) -> None:
    """After all that: what is published equals the answer to a fresh question."""

    place.mark()
    checks = place.desk.ingest.parts[1]
    checks._due_s = dict.fromkeys(checks._due_s, 0.0)
    place.until(lambda: {c.part for c in place.since(AccountCheck)} == {"positions", "cash"})
    assert all(c.differences == 0 and not c.text for c in place.since(AccountCheck))
