"""A journal written with the project's own writer, replayed."""

import math
from datetime import date

import numpy as np
import pytest

from pipeline import config
from pipeline.gateway.replay import opening
from pipeline.gateway.replay.flow import Playing
from pipeline.gateway.replay.journal import JournalRecording
from pipeline.gateway.session import Session
from pipeline.messages import OPTION, Instrument, MarketText, TickFlag
from pipeline.tws import slow
from tests.unit.gateway.journals import AAPL, MS, T0, Writer, tick

CALL = Instrument(con_id=77, symbol="AAPL", sec_type="OPT", currency="USD", exchange="SMART", expiry="20251219",
                  strike=250.0, right="C", multiplier=100.0, min_tick=0.05, under_con_id=265598)  # fmt: skip


def computation(ms: int, kind: int = 13):
    found = np.zeros(1, OPTION)
    found["market_ns"], found["con_id"], found["tick_type"], found["flags"] = T0 + ms * MS, 77, kind, 0
    values = {"implied_vol": 0.25, "delta": 0.5, "price": 5.25, "pv_dividend": math.nan, "gamma": 0.02}
    for name, value in {**values, "vega": math.nan, "theta": -0.1, "underlying_price": 250.5}.items():
        found[name] = value
    return found


TICKS = [
    tick(0, 1, 250.0, 100.0, flags=1), tick(0, 2, 250.1, 300.0, flags=1), tick(1, 4, 250.05, 50.0),
    tick(1, 4, 250.05, 50.0), tick(2, 0, size=200.0), tick(2, 8, size=12345.0), tick(3, 45, price=1763994600.0),
    tick(4, 49, price=0.0), tick(4, 6, price=251.0), tick(5, 1, size=0.0), tick(6, 1, 5.2, 10.0, con_id=77),
]  # fmt: skip


@pytest.fixture
def directory(tmp_path):
    writer = Writer(tmp_path / "ingest")
    writer.message(AAPL)
    writer.message(CALL)
    writer.records(b"md.tick", np.concatenate(TICKS))
    writer.records(b"md.option", computation(7))
    writer.message(MarketText(con_id=265598, tick_type=32, text="QPN", recv_ns=T0 + 8 * MS))
    writer.records(b"md.tick", tick(9, 2, 9.0, 1.0, con_id=999))
    writer.journal.close()
    return tmp_path / "ingest"


def played(directory, con_ids) -> list[tuple[int, list[bytes]]]:
    """(ms since the start, fields) of every frame that one client gets."""
    settings = config.Gateway(replay=str(directory), replay_speed=math.inf, replay_announce=True)
    brokerage = opening.brokerage(settings, None)
    lines = Playing(brokerage, settings, lambda: None)
    session = Session("test", settings.limits)
    session.sv = 200
    for n, con_id in enumerate(con_ids):
        lines.add(session, n, brokerage.universe.by_con_id[con_id])
    while not lines.over:
        lines.flow(0.25)
    session.seal(0.0)
    data, found, ms = b"".join(bytes(batch.data) for batch in session.queue), [], 0
    while data:
        length = int.from_bytes(data[:4], "big")
        fields = data[4 : 4 + length].split(b"\0")[:-1]
        data = data[4 + length :]
        if fields[0] == b"109":
            ms = int(fields[1]) - T0 // MS
        else:
            found.append((ms, fields))
    return found


def test_every_record_comes_back_as_it_was(directory):
    """What ingest would make of the replay's frames is what it wrote when the real ones came."""
    back = []
    for ms, fields in played(directory, [265598, 77]):
        if fields[0] != b"21" and fields[3] != b"32":
            request, record = slow.record(fields)
            record["con_id"] = [265598, 77][request]
            record["market_ns"], record["recv_ns"] = T0 + ms * MS, T0 + ms * MS + 17
            back.append(record)
    expected = np.concatenate(TICKS)
    found = np.concatenate(back)
    for name in ("market_ns", "con_id", "tick_type", "price", "size"):
        np.testing.assert_array_equal(found[name], expected[name])


def test_computations_and_texts_come_back_too(directory):
    frames = played(directory, [265598, 77])
    (option,) = [fields for _, fields in frames if fields[0] == b"21"]
    _, record = slow.record(option)
    expected = computation(7)
    for name in OPTION.names[3:]:
        if name != "flags":
            np.testing.assert_array_equal(record[name], expected[name])
    assert [(ms, f[4]) for ms, f in frames if f[0] == b"46" and f[3] == b"32"] == [(8, b"QPN")]


def test_the_contracts_are_those_that_ingest_described(directory):
    recording = JournalRecording(directory)
    assert recording.days == [date(2025, 11, 24)]
    day = recording.load(date(2025, 11, 24))
    by_id = {x.con_id: x for x in day.contracts}
    assert by_id[265598].name == "APPLE INC"
    call = by_id[77]
    assert (call.strike, call.right, call.multiplier, call.min_tick) == (250.0, "C", 100, 0.05)
    assert call.under_con_id == 265598
    assert recording.faults.count == 1
    assert "expected a description of contract 999" in recording.faults.named[0]


def test_rows_of_each_day_apart_also_when_one_frame_holds_two(tmp_path):
    writer = Writer(tmp_path / "ingest")
    writer.message(AAPL)
    day_ms = 86_400_000
    writer.records(b"md.tick", np.concatenate([tick(0, 1, 1.0, 1.0), tick(day_ms, 1, 2.0, 1.0)]))
    writer.records(b"md.tick", tick(day_ms - 5, 1, 3.0, 1.0))
    writer.journal.close()
    recording = JournalRecording(tmp_path / "ingest")
    assert recording.days == [date(2025, 11, 24), date(2025, 11, 25)]
    assert recording.load(recording.days[0]).rows.price.tolist() == [1.0]
    second = recording.load(recording.days[1]).rows
    assert second.price.tolist() == [2.0, 3.0]
    assert second.time_ns[0] == second.time_ns[1]  # times never go back


def test_flags_of_the_first_picture_are_rows_as_all_others(tmp_path):
    writer = Writer(tmp_path / "ingest")
    writer.message(AAPL)
    writer.records(b"md.tick", tick(0, 1, 1.0, 1.0, flags=int(TickFlag.SNAPSHOT)))
    writer.journal.close()
    (only,) = played(tmp_path / "ingest", [265598])
    assert only[1][3:6] == [b"1", b"1.0", b"1"]
