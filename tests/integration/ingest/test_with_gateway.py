"""Ingest at the simulated gateway: every tick frame sent is one record; accounts equal after its death."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ibapi.client import EClient
from ibapi.wrapper import EWrapper

from pipeline import config, messages
from pipeline.gateway import alone, ledger
from pipeline.messages import AccountSnapshot, AccountValue, Gap, Instrument, Position, Subscription, TwsState
from pipeline.tws import slow
from tests.fakes.recording_proxy import RecordingProxy

FAST = config.Gateway(rate=3000.0)
CLIENT_ID = 11


@pytest.fixture
def proxied() -> Iterator[list[RecordingProxy]]:
    made: list[RecordingProxy] = []
    yield made
    for proxy in made:
        proxy.close()


class Stock(EWrapper):  # type: ignore[misc]
    """The stock genuine client, as a second opinion about positions and values."""

    def __init__(self) -> None:
        super().__init__()
        self.positions: dict[tuple[str, int], float] = {}
        self.done = threading.Event()

    def logAnswer(self, fnName: str, fnParams: Any) -> None: ...

    def error(self, *arguments: Any) -> None: ...

    def nextValidId(self, orderId: int) -> None:
        self.client.reqPositions()

    def position(self, account: str, contract: Any, position: Any, avgCost: float) -> None:
        self.positions[(account, contract.conId)] = float(position)

    def positionEnd(self) -> None:
        self.done.set()


def positions_by_stock_client(port: int) -> dict[tuple[str, int], float]:
    stock = Stock()
    stock.client = client = EClient(stock)
    client.connect("127.0.0.1", port, 99)
    thread = threading.Thread(target=client.run)
    thread.start()
    assert stock.done.wait(20)
    client.disconnect()
    thread.join(20)
    client.reader.join(20) if client.reader else None
    return stock.positions


def published(desk: Any) -> dict[tuple[str, int], float]:
    """The last quantity of each position; ended ones left out."""
    last = {(p.account, p.con_id): p.quantity for p in desk.kept(Position)}
    return {key: quantity for key, quantity in last.items() if quantity != 0}


def expected_records(frames: list[bytes]) -> tuple[list[Any], list[Any], int]:
    """(TICK values, OPTION values, texts) by the plain decoder, from the bytes on the wire."""
    ticks: list[Any] = []
    options: list[Any] = []
    texts = 0
    for frame in frames:
        fields = slow.fields_of(frame)
        message = int(fields[0])
        if message == 46 and not slow.is_number(fields[4]):
            texts += 1
        elif message in slow.HOT_IDS:
            _, record = slow.record(fields)
            (options if message == 21 else ticks).append(record[0])
    return ticks, options, texts


def values(records: Any) -> list[str]:
    names = [name for name in records[0].dtype.names if name not in ("recv_ns", "market_ns", "con_id")]
    return [repr([record[name].item() for name in names]) for record in records]


def test_every_frame_of_the_gateway_is_one_record_with_its_values(
    desk: Any, proxied: list[RecordingProxy], tmp_path: Path
) -> None:
    counts = tmp_path / "ledger"
    counts.mkdir()
    with alone.running(FAST, 0, counts) as (_, port):
        proxied.append(RecordingProxy(port))
        run = desk(proxied[0], watchlist={"symbols": ["SPY", "AAPL"]})
        accounts = {"DU1234501", "DU1234502"}
        run.run_until(lambda: {s.account for s in run.kept(AccountSnapshot) if s.complete} == accounts)
        run.run_until(lambda: len(run.ticks()) > 3000)
        run.stop()
        sent, _ = ledger.read(counts, CLIENT_ID)
    ticks, options, texts = expected_records(proxied[0].frames())
    kept = [item for item in run.journal() if isinstance(item, np.ndarray) and item.dtype == messages.OPTION]
    assert values(run.ticks()) == values(ticks)
    assert values(np.concatenate(kept)) == values(options)
    assert sent == len(run.ticks()) + len(options) + texts
    assert run.ingest.connection.client.bad_messages == 0
    assert run.ingest.connection.client.unknown_messages == 0
    described = {i.con_id: i for i in run.kept(Instrument)}
    held = {con_id for _, con_id in published(run)}
    assert held <= set(described)
    assert all(described[c].under_con_id in described for c in held if described[c].sec_type == "OPT")
    assert {s.state for s in run.kept(Subscription)} >= {"requested", "live"}
    assert all(state.lines_used <= 100 for state in run.kept(TwsState))


def test_gateway_killed_and_restarted_gives_the_same_accounts(desk: Any, tmp_path: Path) -> None:
    with alone.running(FAST, 0, tmp_path) as (_, port):
        run = desk(_At(port))
        run.run_until(lambda: len(run.kept(AccountSnapshot)) == 2 and len(run.ticks()) > 100)
        assert published(run) == positions_by_stock_client(port)
    run.run_until(lambda: run.ingest.connection.session.state == "DISCONNECTED")
    before = len(run.ticks())
    with alone.running(FAST, port, tmp_path) as (_, port):
        run.run_until(lambda: len(run.kept(AccountSnapshot)) == 4 and len(run.ticks()) > before + 100)
        assert published(run) == positions_by_stock_client(port)
        assert all(s.complete for s in run.kept(AccountSnapshot))
        keys = {v.key for v in run.kept(AccountValue)}
        assert {"NetLiquidation", "InitMarginReq", "MaintMarginReq", "ExcessLiquidity", "EquityWithLoanValue"} <= keys
        assert len(run.kept(Gap)) == 1
        run.stop()


class _At:
    """What `desk` needs of a server."""

    def __init__(self, port: int) -> None:
        self.port = port
