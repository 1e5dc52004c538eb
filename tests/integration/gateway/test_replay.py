"""Recordings through a real gateway, to a bare socket and to the genuine client, row by row."""

from __future__ import annotations

import os
import threading
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
from ibapi.contract import Contract

from pipeline import config
from pipeline.gateway import alone
from tests.integration.gateway.conftest import CLIENT_IDS, App, Wire
from tests.unit.gateway import journals, recordings

Row = tuple[int, int, float, float]  # ms of the recording, kind, price, size
BID, ASK, LAST = 1, 2, 4
FAST = config.GatewayLimits(messages_per_s=1000)
DATA = os.environ.get("MARGINDESK_DATA", "")
needs_data = pytest.mark.skipif(not DATA, reason="needs recorded market data: MARGINDESK_DATA names its folder")


def contract(symbol: str, sec_type: str = "STK", exchange: str = "SMART", **more: object) -> Contract:
    found = Contract()
    found.symbol, found.secType, found.exchange, found.currency = symbol, sec_type, exchange, "USD"
    for name, value in more.items():
        setattr(found, name, value)
    return found


def ticks_of(directory: Path, symbol: str, day: str) -> list[Row]:
    """What the tick files say, read line by line in plain Python: quotes before trades of the same millisecond."""
    rows: list[tuple[int, int, Row]] = []
    for order, what in enumerate(("quote", "trade")):
        with zipfile.ZipFile(directory / f"equity/usa/tick/{symbol}/{day}_{what}.zip") as archive:
            text = archive.read(archive.namelist()[0]).decode()
        for line in text.split():
            fields = line.split(",")
            ms = int(fields[0])
            if what == "trade":
                row = ms, LAST, int(fields[1]) / 10_000, float(fields[2])
            elif fields[1] != "0":
                row = ms, BID, int(fields[1]) / 10_000, float(fields[2])
            else:
                row = ms, ASK, int(fields[3]) / 10_000, float(fields[4])
            rows.append((ms, order, row))
    return [row for *_, row in sorted(rows, key=lambda entry: entry[:2])]


class Rows(App):
    """The genuine client; of ticks and times it keeps what makes rows, and nothing else."""

    def __init__(self, midnight_ms: int) -> None:
        super().__init__()
        self.rows: list[Row] = []
        self.now = 0
        midnight = midnight_ms
        found = self.rows

        def current_time_in_millis(ms: int) -> None:
            self.now = ms - midnight

        def tick_price(_req_id: int, kind: int, price: float, _attrib: object) -> None:
            if kind in (BID, ASK, LAST):
                found.append((self.now, kind, price, -1.0))

        def tick_size(_req_id: int, kind: int, size: object) -> None:
            if kind in (0, 3, 5) and found and found[-1][3] == -1.0:
                found[-1] = (*found[-1][:3], float(size))  # type: ignore[arg-type]

        self.quick = {
            "currentTimeInMillis": current_time_in_millis, "tickPrice": tick_price, "tickSize": tick_size,
            "tickString": lambda *_: None,
        }  # fmt: skip

    def __getattribute__(self, name: str) -> object:
        if name in ("currentTimeInMillis", "tickPrice", "tickSize", "tickString"):
            return object.__getattribute__(self, "quick")[name]
        return super().__getattribute__(name)

    def wait_rows(self, count: int, deadline_s: float = 60.0) -> None:
        until = time.monotonic() + deadline_s
        while len(self.rows) < count or self.rows[-1][3] == -1.0:
            assert time.monotonic() < until, f"{len(self.rows)} of {count} rows in {deadline_s} s"
            time.sleep(0.02)


def wire_rows(wire: Wire, midnight_ms: int, count: int) -> list[Row]:
    """The first `count` rows that a bare socket is sent."""
    found: list[Row] = []
    now = 0
    while len(found) < count:
        fields = wire.hear()
        assert fields is not None
        if fields[0] == "109":
            now = int(fields[1]) - midnight_ms
        elif fields[0] == "1" and fields[3] in ("1", "2", "4"):
            found.append((now, int(fields[3]), float(fields[4]), float(fields[5])))
    return found


def ask_for_data(wire: Wire, req_id: int, symbol: str) -> None:
    wire.say(1, 11, req_id, 0, symbol, "STK", "", 0.0, "", "", "SMART", "", "USD", "", "", 0, "", 0, 0, "")


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("recorded")
    recordings.ibm(directory)
    recordings.goog(directory)
    recordings.es(directory)
    recordings.spx(directory)
    return directory


def replay(directory: Path, *more: str, speed: float = 1000.0, wait: int = 1):  # type: ignore[no-untyped-def]
    settings = config.Gateway(
        replay=str(directory), replay_speed=speed, replay_wait=wait, replay_announce=True, limits=FAST
    )
    return alone.running(settings, 0, None, *more)


def test_a_small_recording_reaches_two_clients_row_by_row(small: Path) -> None:
    with replay(small, wait=2) as address:
        app, wire = Rows(recordings.MIDNIGHT_MS), Wire(address)
        try:
            wire.start(1)
            ask_for_data(wire, 7, "IBM")
            app.connect(address, next(CLIENT_IDS))
            app.wait("nextValidId")
            app.client.reqMktData(9, contract("IBM"), "", False, False, [])
            expected = [(ms, kind, price, float(size)) for ms, kind, price, size in recordings.IBM_ROWS]
            assert wire_rows(wire, recordings.MIDNIGHT_MS, len(expected)) == expected
            app.wait_rows(len(expected))
            assert app.rows == expected
        finally:
            app.close()
            wire.close()


def test_contracts_of_every_kind_are_described(small: Path) -> None:
    with replay(small, "--day", "2015-12-24") as address:
        app = App()
        try:
            app.connect(address, next(CLIENT_IDS))
            app.wait("nextValidId")
            app.client.reqContractDetails(1, contract("GOOG", "OPT"))
            app.wait("contractDetailsEnd", lambda req_id: req_id == 1)
            found = [details for req_id, details in app.named("contractDetails") if req_id == 1]
            assert {(d.contract.right, d.contract.strike) for d in found} == {("C", 750.0), ("P", 500.0)}
            assert {d.underConId for d in found} == {208813720}
            app.client.reqSecDefOptParams(2, "GOOG", "", "STK", 208813720)
            app.wait("securityDefinitionOptionParameterEnd", lambda req_id: req_id == 2)
            row = app.wait("securityDefinitionOptionParameter", lambda *a: a[1] == "SMART")
            assert (row[3], row[4], row[5], row[6]) == ("GOOG", "100", {"20160115"}, {500.0, 750.0})
            app.client.reqContractDetails(3, contract("IBM"))
            assert app.wait("error", lambda *a: a[0] == 3)[2] == 200  # not listed on that day
        finally:
            app.close()


def test_futures_and_their_options_can_be_asked_for(small: Path) -> None:
    with replay(small, "--day", "2020-01-06") as address:
        app = App()
        try:
            app.connect(address, next(CLIENT_IDS))
            app.wait("nextValidId")
            app.client.reqContractDetails(1, contract("ES", "FUT", "CME"))
            app.client.reqContractDetails(2, contract("ES", "FOP", "CME"))
            app.wait("contractDetailsEnd", lambda req_id: req_id == 2)
            futures = [d for req_id, d in app.named("contractDetails") if req_id == 1]
            assert sorted(d.contract.localSymbol for d in futures) == ["ESH0", "ESM0"]
            (option,) = [d for req_id, d in app.named("contractDetails") if req_id == 2]
            assert (option.contract.strike, option.contract.multiplier) == (3200.0, "50")
            app.client.reqMktData(4, option.contract, "", False, False, [])
            app.wait("tickPrice", lambda req_id, kind, price, _: (req_id, kind, price) == (4, 1, 54.75))
        finally:
            app.close()


def test_an_order_fills_at_the_recorded_quote_and_accounts_add_up(small: Path) -> None:
    with replay(small, wait=1) as address:
        app = App()
        try:
            app.connect(address, next(CLIENT_IDS))
            (order_id,) = app.wait("nextValidId")
            wanted = _order("BUY", 50, 183.63)
            app.client.placeOrder(order_id, contract("IBM"), wanted)
            app.wait("openOrder")
            assert not app.named("execDetails")
            app.client.reqMktData(9, contract("IBM"), "", False, False, [])
            execution = app.wait("execDetails")[2]
            assert (execution.price, float(execution.shares)) == (183.63, 50.0)
            app.client.reqPositions()
            row = app.wait("position", lambda *a: a[1].symbol == "IBM")
            assert float(row[2]) == 50.0
        finally:
            app.close()


def _order(action: str, quantity: float, limit: float):  # type: ignore[no-untyped-def]
    from tests.integration.gateway.conftest import order

    return order(action, quantity, limit, "DU1234501")


def test_a_journal_of_ingest_reaches_a_client_row_by_row(tmp_path: Path) -> None:
    rows = [(0, BID, 250.0, 100.0), (0, ASK, 250.1, 300.0), (7, LAST, 250.05, 50.0), (7, LAST, 250.05, 50.0)]
    writer = journals.Writer(tmp_path / "ingest")
    writer.message(journals.AAPL)
    writer.records(b"md.tick", np.concatenate([journals.tick(*row) for row in rows]))
    writer.journal.close()
    with replay(tmp_path / "ingest") as address:
        app = Rows(journals.T0 // journals.MS)
        try:
            app.connect(address, next(CLIENT_IDS))
            app.wait("nextValidId")
            app.client.reqMktData(9, contract("AAPL"), "", False, False, [])
            app.wait_rows(len(rows))
            assert app.rows == rows
        finally:
            app.close()


def test_a_replay_of_nothing_ends_with_a_reason(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(RuntimeError, match="listening on"), replay(tmp_path):
        pass
    assert "expected recorded ticks or bars, found none" in capfd.readouterr().err


@pytest.mark.data
@needs_data
@pytest.mark.timeout(170)
@pytest.mark.parametrize("pause", ["2", pytest.param("3600", marks=pytest.mark.long)])
def test_a_day_of_ibm_at_a_thousand_times_its_speed_equals_the_files(
    pause: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Quiet times above 2 s are shortened, or the hours before the open alone would take half a minute."""
    expected = ticks_of(Path(DATA), "ibm", "20131007")
    heard: list[Row] = []
    with replay(Path(DATA), "--replay-pause", pause, wait=2) as address:
        app, wire = Rows(recordings.MIDNIGHT_MS), Wire(address)
        try:
            wire.start(1)
            ask_for_data(wire, 7, "IBM")
            reader = threading.Thread(
                target=lambda: heard.extend(wire_rows(wire, recordings.MIDNIGHT_MS, len(expected)))
            )
            reader.start()
            app.connect(address, next(CLIENT_IDS))
            app.wait("nextValidId")
            began = time.monotonic()
            app.client.reqMktData(9, contract("IBM"), "", False, False, [])
            app.wait_rows(len(expected), 120.0)
            took = time.monotonic() - began
            reader.join(30.0)
            assert heard == expected
            assert app.rows[: len(expected)] == expected
            assert all(row[0] > 86_400_000 for row in app.rows[len(expected) :])  # the next day has begun
        finally:
            app.close()
            wire.close()
    with capsys.disabled():
        print(
            f"\n{len(expected)} rows of IBM to two clients in {took:.1f} s: {len(expected) / took:,.0f} rows a second"
        )
