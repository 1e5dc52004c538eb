"""History from the simulated gateway: what ingest answers is what the genuine client is told."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ibapi.client import EClient
from ibapi.contract import Contract
from ibapi.wrapper import EWrapper

from pipeline import config, messages
from pipeline.gateway import alone
from pipeline.messages import BAR, GetBars, GetTicks, HistoryState, Instrument

NS = 1_000_000_000
LIMITS = config.GatewayLimits(history_identical_s=0.0)


def ns(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * NS


class Stock(EWrapper):  # type: ignore[misc]
    """The genuine client's bars."""

    def __init__(self) -> None:
        super().__init__()
        self.bars: list[Any] = []
        self.ready, self.done = threading.Event(), threading.Event()

    def logAnswer(self, fnName: str, fnParams: Any) -> None: ...

    def error(self, *arguments: Any) -> None: ...

    def nextValidId(self, orderId: int) -> None:
        self.ready.set()

    def historicalData(self, reqId: int, bar: Any) -> None:
        self.bars.append(bar)

    def historicalDataEnd(self, reqId: int, start: str, end: str) -> None:
        self.done.set()


def by_the_genuine_client(
    port: int, client_id: int, contract: Contract, end: str, duration: str, size: str
) -> list[Any]:
    stock = Stock()
    client = EClient(stock)
    client.connect("127.0.0.1", port, client_id)
    thread = threading.Thread(target=client.run)
    thread.start()
    assert stock.ready.wait(30)
    client.reqHistoricalData(1, contract, end, duration, size, "TRADES", 1, 2, False, [])
    assert stock.done.wait(30)
    client.conn.disconnect()
    thread.join(30)
    return stock.bars


@pytest.fixture
def place(desk: Callable[..., Any], tmp_path: Path) -> Iterator[tuple[Any, int, int]]:
    """(desk, port, con_id of AAPL)."""
    with alone.running(config.Gateway(hours="always", limits=LIMITS), 0, None, "--day", "2026-11-23") as (_, port):
        run = desk(type("Server", (), {"port": port}), watchlist={"symbols": ["AAPL"]})
        run.run_until(
            lambda: any(i.symbol == "AAPL" and i.sec_type == "STK" and i.long_name for i in run.kept(Instrument))
        )
        yield run, port, next(i.con_id for i in run.kept(Instrument) if i.symbol == "AAPL" and i.sec_type == "STK")


def records(reply: Any) -> np.ndarray[Any, Any]:
    return np.frombuffer(reply.body["records"], dtype=messages.RECORD_TOPICS[reply.body["topic"].encode()])


def test_bars_are_those_of_the_genuine_client_and_come_from_the_cache_the_next_time(place: Any) -> None:
    run, port, con_id = place
    begin, end = ns("2026-11-19T00:00:00"), ns("2026-11-21T00:00:00")
    wanted = {"con_id": con_id, "size": "5 mins", "from_ns": begin, "to_ns": end}
    first = run.ask(kind=GetBars, **wanted)
    assert first.ok, first.text
    bars = records(first)
    contract = Contract()
    contract.conId, contract.exchange = con_id, "SMART"
    told = [*by_the_genuine_client(port, 98, contract, "20261120-00:00:00", "86400 S", "5 mins"),
            *by_the_genuine_client(port, 99, contract, "20261121-00:00:00", "86400 S", "5 mins")]  # fmt: skip
    expected = sorted({(int(b.date) * NS, b.open, b.high, b.low, b.close, float(b.volume)) for b in told})
    expected = [bar for bar in expected if begin <= bar[0] < end]
    got = [tuple(bar[name].item() for name in ("market_ns", "open", "high", "low", "close", "volume")) for bar in bars]
    assert len(got) > 100
    assert got == expected
    states = [s for s in run.kept(HistoryState) if s.state == "running"]
    assert [s.progress for s in states] == [0.5, 1.0]

    def published() -> int:
        return sum(len(item) for item in run.journal() if isinstance(item, np.ndarray) and item.dtype == BAR)

    recorded = published()
    assert recorded == len(bars)
    again = run.ask(kind=GetBars, **wanted)
    assert records(again).tobytes() == bars.tobytes()
    assert f"{len(bars)} of them from the cache" in again.text
    assert published() == recorded, "nothing is recorded twice"


def test_ticks_come_by_pages_without_loss_or_doubles(place: Any) -> None:
    run, _, con_id = place
    begin = ns("2026-11-20T15:00:00")
    reply = run.ask(kind=GetTicks, con_id=con_id, what="TRADES", from_ns=begin, to_ns=begin + 600 * NS)
    assert reply.ok, reply.text
    ticks = records(reply)
    assert len(ticks) > 0
    assert (np.diff(ticks["market_ns"]) >= 0).all()
    assert begin <= ticks["market_ns"].min()
    assert ticks["market_ns"].max() < begin + 600 * NS
    halves = []
    for half in (0, 1):
        start = begin + half * 300 * NS
        part = run.ask(kind=GetTicks, con_id=con_id, what="TRADES", from_ns=start, to_ns=start + 300 * NS)
        halves.append(records(part))
    assert np.concatenate(halves).tobytes() == ticks.tobytes()


@pytest.mark.parametrize("what", ["BID_ASK", "MIDPOINT"])
def test_the_other_kinds_of_ticks(place: Any, what: str) -> None:
    run, _, con_id = place
    begin = ns("2026-11-20T15:00:00")
    reply = run.ask(kind=GetTicks, con_id=con_id, what=what, from_ns=begin, to_ns=begin + 60 * NS)
    assert reply.ok, reply.text
    assert len(records(reply)) > 0


def test_what_cannot_be_asked_is_answered_here_and_a_cancel_ends_it(place: Any) -> None:
    run, _, con_id = place
    for wrong, text in (({"size": "7 mins"}, "size: expected"), ({"what": "GOSSIP"}, "what: expected"),
                        ({"from_ns": 5, "to_ns": 5}, "from_ns < to_ns"), ({"con_id": 99}, "contract 99"),
                        ({"size": "1 secs", "from_ns": 0}, "requests to TWS")):  # fmt: skip
        asked = {"con_id": con_id, "from_ns": ns("2026-11-19T00:00:00"), "to_ns": ns("2026-11-20T00:00:00")} | wrong
        reply = run.ask(kind=GetBars, **asked)
        assert not reply.ok
        assert text in reply.text
    no_history = run.ask(
        kind=GetBars, con_id=con_id, from_ns=ns("1985-01-02T00:00:00"), to_ns=ns("1985-01-03T00:00:00")
    )
    assert no_history.ok or "(162)" in no_history.text
