"""The writer against a real journal and a real PostgreSQL: each record is one row, whatever happens."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import psycopg
import pytest

from pipeline import messages
from pipeline.messages import StreamId
from storage import rows


def test_every_kind_of_message_and_record_is_one_row(database: Any, producer: Any, writer: Any, examples: Any) -> None:
    for message in examples:
        producer.map(message)
    for topic, dtype in messages.RECORD_TOPICS.items():
        made = np.zeros(3, dtype)
        for name in ("market_ns", "newest_ns"):
            if name in (dtype.names or ()):
                made[name] = 1_795_305_600_000_000_000
        producer.records(topic, made)
    writer.until_committed(producer)
    assert sorted(database.recorded()) == sorted(producer.journaled())
    assert database.rows("SELECT topic, error FROM storage_reject") == []


def test_ticks_keep_their_values_and_unknown_is_null(database: Any, producer: Any, writer: Any) -> None:
    sent = producer.ticks(400)
    first = producer.records(b"md.tick", sent)
    writer.until_committed(producer)
    got = database.rows("SELECT seq, recv_ns, market_ns, con_id, tick_type, flags, price, size FROM tick ORDER BY seq")
    expected = [
        (
            first + at,
            *(int(record[name]) for name in ("recv_ns", "market_ns", "con_id", "tick_type", "flags")),
            *(None if math.isnan(record[name]) else float(record[name]) for name in ("price", "size")),
        )
        for at, record in enumerate(sent)
    ]
    assert got == expected
    assert database.rows("SELECT DISTINCT tableoid::regclass::text FROM tick") == [("tick_20261122",)]


def test_the_latest_quote_is_the_last_tick_of_its_kind(database: Any, producer: Any, writer: Any) -> None:
    sent = producer.ticks(1000)
    producer.records(b"md.tick", sent)
    writer.until_committed(producer)
    writer.until(lambda: database.rows("SELECT quotes_seq = next_seq FROM watermark") == [(True,)], "quotes flushed")
    expected = {}
    for record in sent:
        expected[(int(record["con_id"]), int(record["tick_type"]))] = int(record["recv_ns"])
    assert {(c, t): r for c, t, r in database.rows("SELECT con_id, tick_type, recv_ns FROM latest_quote")} == expected


def test_quotes_that_a_dead_writer_did_not_flush_come_from_the_ticks(database: Any, producer: Any, writer: Any) -> None:
    producer.records(b"md.tick", producer.ticks(300))
    writer.until_committed(producer)
    with database.admin() as admin:
        admin.execute("UPDATE watermark SET quotes_seq = 1")
        admin.execute("TRUNCATE latest_quote")
    writer.end()
    writer.begin()
    counted = database.rows(
        "SELECT count(*), (SELECT count(*) FROM (SELECT DISTINCT con_id, tick_type FROM tick) d) FROM latest_quote"
    )
    assert counted[0][0] == counted[0][1] > 0


def test_a_latest_value_is_the_newest_one(database: Any, producer: Any, writer: Any) -> None:
    for value in (1.0, 2.0, math.nan, 4.5):
        producer.map(
            messages.AccountValue(
                account="DU1", key="NetLiquidation", currency="USD", value=value, text=str(value), recv_ns=int(1e9)
            )
        )
    writer.until_committed(producer)
    assert database.rows("SELECT value FROM latest_account_value") == [(4.5,)]
    assert database.rows("SELECT value FROM account_value ORDER BY seq") == [(1.0,), (2.0,), (None,), (4.5,)]


def test_a_fill_that_comes_again_is_an_event(database: Any, producers: Any, writer: Any, fill: Any) -> None:
    orders = producers(StreamId.ORDERS)
    for exec_id in ("a.1", "a.2", "a.1", "a.1"):
        orders.map(fill(exec_id))
    writer.until_committed(orders)
    orders.map(fill("a.2"))
    writer.until_committed(orders)
    assert database.rows("SELECT exec_id, seq FROM execution ORDER BY seq") == [("a.1", 1), ("a.2", 2)]
    assert database.rows("SELECT seq, body->>'exec_id' FROM event WHERE kind = 'execution_again' ORDER BY seq") == [
        (3, "a.1"),
        (4, "a.1"),
        (5, "a.2"),
    ]


def test_rows_that_postgresql_refuses_are_kept_aside_and_the_stream_goes_on(
    database: Any, producer: Any, writer: Any
) -> None:
    sent = producer.ticks(2000)
    sent["price"][[7, 1500]] = [1.7976931348623157e308, math.inf]
    producer.records(b"md.tick", sent)
    producer.map(messages.MarketText(con_id=1, tick_type=32, text="fine", recv_ns=1))
    value = messages.AccountValue(account="DU1", key="Bad\0Key", currency="", value=1.0, text="", recv_ns=1)
    producer.map(value)
    producer.records(b"md.tick", producer.ticks(10, 5000))
    writer.until_committed(producer)
    assert sorted(database.recorded()) == sorted(producer.journaled())
    refused = database.rows("SELECT seq, topic, raw, count FROM storage_reject ORDER BY seq")
    assert [(seq, topic, count) for seq, topic, _, count in refused] == [
        (8, "md.tick", 1),
        (1501, "md.tick", 1),
        (2002, "acct.value", 1),
    ]
    assert refused[0][2] == sent[7:8].tobytes()
    assert messages.unpack(refused[2][2]) == value
    assert writer.beat_detail()["rejects"] == 3


def test_bytes_that_are_no_message_are_kept_aside(database: Any, producer: Any, writer: Any) -> None:
    with producer.lock:
        producer.stream._emit(messages.PayloadKind.MAP, b"acct.value", 1, b"\x00garbage", False)
        producer.stream._emit(messages.PayloadKind.RECORDS, b"md.unknown", 2, b"12345678", False)
        producer.stream._emit(messages.PayloadKind.RECORDS, b"md.tick", 2, b"12345678", False)
    producer.flood(10)
    writer.until_committed(producer)
    assert database.rows("SELECT seq, count, raw FROM storage_reject ORDER BY seq") == [
        (1, 1, b"\x00garbage"),
        (2, 2, b"12345678"),
        (4, 2, b"12345678"),
    ]
    assert database.rows("SELECT count(*) FROM tick") == [(10,)]


def test_a_market_day_that_is_none_goes_to_the_default_partition_and_is_told(
    database: Any, producer: Any, writer: Any
) -> None:
    sent = producer.ticks(4)
    sent["market_ns"][2] = 0
    producer.records(b"md.tick", sent)
    writer.until_committed(producer)
    assert database.rows("SELECT seq FROM tick_default") == [(3,)]
    writer._housekeeping_at = 0.0
    writer.until(lambda: writer.beat_detail()["misplaced"] == 1, "the misplaced row is told")


def test_days_past_retention_are_dropped_by_market_day(database: Any, producer: Any, writer: Any) -> None:
    sent = producer.ticks(2)
    sent["market_ns"][0] -= 40 * 86_400_000_000_000
    producer.records(b"md.tick", sent)
    writer.until_committed(producer)
    assert database.rows("SELECT count(*) FROM tick") == [(2,)]
    writer._housekeeping_at = 0.0
    writer.until(lambda: database.rows("SELECT count(*) FROM tick") == [(1,)], "the old day is dropped")
    names = {name for (name,) in database.rows("SELECT relname FROM pg_class WHERE relname ~ '^tick_[0-9]{8}$'")}
    assert names == {"tick_20261122", "tick_20261123", "tick_20261124", "tick_20261125"}


def test_a_new_epoch_after_damage_goes_on_by_itself(database: Any, producer: Any, writer: Any) -> None:
    producer.flood(500)
    writer.until_committed(producer)
    producer.close()
    path = sorted(producer.directory.glob("*.seg*"))[0]
    content = bytearray(path.read_bytes())
    end = len(bytes(content).rstrip(b"\0"))
    content[end - 30] ^= 0xFF
    content[end + 64 : end + 96] = b"\xa5" * 32
    path.write_bytes(content)
    kept = producer.journaled()
    producer.reopen()
    producer.flood(300, first=1000)
    writer.until_committed(producer)
    after = producer.journaled()
    assert len({epoch for _, epoch, _ in after}) == 2
    got = database.recorded()
    assert len(got) == len(set(got))
    assert set(after) <= set(got)
    assert set(kept) <= set(got)
    assert database.rows("SELECT count(*) FROM gap") == [(1,)]


def test_a_journal_that_is_lost_is_an_alarm_and_no_wait(database: Any, producer: Any, writer: Any) -> None:
    producer.flood(200)
    writer.until_committed(producer)
    producer.close()
    for path in producer.directory.iterdir():
        path.unlink()
    producer.reopen()
    producer.flood(100, first=700)
    writer.until_committed(producer)
    assert database.rows("SELECT count(*) FROM tick") == [(300,)]
    assert "ingest" in writer.last_error


def test_two_writers_on_one_stream_do_no_harm(database: Any, producer: Any, writer: Any, second: Any) -> None:
    for start in range(0, 6000, 300):
        producer.flood(300, first=start)
        for either in (writer, second):
            either.step(timeout_ms=5)
    wanted = (rows.signed(producer.stream.epoch), producer.stream.next_seq)
    deadline = time.monotonic() + 60
    while wanted not in (writer.committed(StreamId.INGEST), second.committed(StreamId.INGEST)):
        assert time.monotonic() < deadline
        for either in (writer, second):
            either.step(timeout_ms=5)
    assert sorted(database.recorded()) == sorted(producer.journaled())


@pytest.mark.parametrize("seed", [1, 2])
def test_kill_9_at_any_moment_loses_and_doubles_nothing(
    database: Any, producer: Any, writers: Callable[[], Any], seed: int
) -> None:
    chance = random.Random(seed)
    sent, victim = 0, writers()
    committed = "SELECT next_seq FROM watermark WHERE stream = 2"
    for _ in range(5):
        until = time.monotonic() + chance.uniform(0.5, 1.1)
        late = until + 60.0  # a writer that never commits would be killed for nothing
        while time.monotonic() < until or (time.monotonic() < late and not database.rows(committed)):
            producer.flood(400, frame=chance.choice([1, 10, 100]) if sent % 3 else 100, first=sent)
            producer.map(messages.MarketText(con_id=1, tick_type=32, text=f"{sent}", recv_ns=sent))
            sent += 400
            time.sleep(0.005)
        victim.kill()
        victim = writers()
    assert database.rows(committed), "nothing was committed before the kills: the test proves nothing"
    wait_for(database, producer)
    assert victim.stop() == 0, victim.log()
    assert sorted(database.recorded()) == sorted(producer.journaled())
    assert "row_rejected" not in victim.log()


def test_the_writer_outlives_postgresql(database: Any, producer: Any, writers: Any, postgres_server: Any) -> None:
    victim = writers()
    producer.flood(3000)
    wait_for(database, producer)
    cluster = postgres_server.cluster
    cluster._postmaster.kill()
    cluster._postmaster.wait()
    producer.flood(3000, first=3000)
    time.sleep(0.3)
    assert victim.process.poll() is None
    restart(postgres_server)
    producer.flood(3000, first=6000)
    wait_for(database, producer)
    assert victim.stop() == 0, victim.log()
    assert sorted(database.recorded()) == sorted(producer.journaled())
    assert "database_away" in victim.log()


def test_at_stop_everything_that_is_durable_is_committed(database: Any, producer: Any, writers: Any) -> None:
    victim = writers()
    wait_for_log(victim, '"connected"')
    producer.flood(20_000)
    assert victim.stop() == 0, victim.log()
    assert len(database.recorded()) == 20_000


def restart(server: Any) -> None:
    deadline = time.monotonic() + 30
    server.cluster.start()
    while True:
        if server.cluster.left() is not None:  # backends of the killed one linger
            time.sleep(0.1)
            server.cluster.start()
        try:
            server.admin().close()
            return
        except psycopg.OperationalError:
            assert time.monotonic() < deadline
            time.sleep(0.02)


def wait_for(database: Any, producer: Any) -> None:
    wanted = (rows.signed(producer.stream.epoch), producer.stream.next_seq)
    deadline = time.monotonic() + 60
    while database.rows("SELECT epoch, next_seq FROM watermark WHERE stream = 2") != [wanted]:
        assert time.monotonic() < deadline, (wanted, database.rows("SELECT * FROM watermark"))
        time.sleep(0.02)


def wait_for_log(writer: Any, text: str) -> None:
    deadline = time.monotonic() + 60
    while not (writer.runtime.logs / "writer.log").exists() or text not in writer.log():
        assert time.monotonic() < deadline
        time.sleep(0.02)
