"""Frames to batches: borders, positions, and what can't become a row."""

from __future__ import annotations

from collections import deque

import numpy as np

from pipeline import messages
from pipeline.messages import Frame, Header, PayloadKind, StreamId
from storage.writer import batch
from storage.writer.quotes import Quotes, last_of_each, thinned


def frame(seq: int, count: int, epoch: int = 1 << 63, topic: bytes = b"md.tick") -> Frame:
    records = np.zeros(count, messages.RECORD_TOPICS[topic])
    records["recv_ns"] = seq + np.arange(count)
    header = Header(PayloadKind.RECORDS, StreamId.INGEST, count, epoch, 9, seq, 1000 + seq)
    return Frame(topic, header, records.tobytes())


def text(seq: int, payload: bytes | None = None, count: int = 1) -> Frame:
    made = messages.MarketText(con_id=1, tick_type=32, text="x", recv_ns=5)
    header = Header(PayloadKind.MAP, StreamId.INGEST, count, 1 << 63, 9, seq, 1000 + seq)
    return Frame(b"md.text", header, messages.pack(made) if payload is None else payload)


def test_a_batch_ends_at_the_first_border_past_5000_rows() -> None:
    pending = deque(frame(seq, 300) for seq in range(1, 9001, 300))
    assert sum(part.header.count for part in batch.take(pending)) == 5100
    assert pending[0].header.seq == 5101


def test_a_frame_larger_than_a_batch_is_never_split() -> None:
    pending = deque([frame(1, 4096), frame(4097, 4096), frame(8193, 1)])
    assert [part.header.seq for part in batch.take(pending)] == [1, 4097]


def test_a_batch_is_of_one_epoch() -> None:
    pending = deque([frame(1, 5, epoch=7), frame(6, 5, epoch=7), frame(1, 5, epoch=8)])
    assert len(batch.take(pending)) == 2
    assert batch.build(batch.take(pending)).epoch == 8


def test_positions_of_mixed_frames() -> None:
    made = batch.build([frame(10, 3), text(13), frame(14, 2, topic=b"md.option"), frame(16, 2)])
    assert (made.first_seq, made.next_seq, made.publish_ns, made.rows) == (10, 18, 1016, 8)
    assert made.epoch == -(1 << 63)
    ticks, options = made.chunks
    assert ticks.seq.tolist() == [10, 11, 12, 16, 17]
    assert ticks.records["recv_ns"].tolist() == [10, 11, 12, 16, 17]
    assert ticks.publish_ns.tolist() == [1010, 1010, 1010, 1016, 1016]
    assert options.seq.tolist() == [14, 15]
    assert [item.frame.header.seq for item in made.maps] == [13]


def test_a_gap_in_place_of_missing_seqs_moves_the_watermark_over_them() -> None:
    assert batch.build([text(5, count=40)]).next_seq == 45


def test_what_can_t_be_read_is_kept_as_it_came() -> None:
    short = Frame(b"md.tick", frame(2, 3).header, b"short")
    strange = Frame(b"md.nothing", frame(5, 2).header, b"strange")
    made = batch.build([text(1, b"\xc1"), short, strange, frame(7, 1)])
    assert [(reject.seq, reject.count, reject.raw) for reject in made.rejects] == [
        (1, 1, b"\xc1"),
        (2, 3, b"short"),
        (5, 2, b"strange"),
    ]
    assert [len(chunk) for chunk in made.chunks] == [1]


def test_the_last_tick_of_each_kind() -> None:
    records = np.zeros(6, messages.TICK)
    records["con_id"] = [1, 2, 1, 1, 2, 1]
    records["tick_type"] = [1, 1, 2, 1, 1, 2]
    records["size"] = range(6)
    assert last_of_each(records)["size"].tolist() == [3, 5, 4]


def test_an_unset_price_is_no_quote() -> None:
    made = batch.build([frame(1, 4)]).chunks[0]
    records = made.records.copy()
    records["price"] = [1.0, np.nan, 1.797e308, np.inf]
    records["con_id"] = [1, 2, 3, 4]
    quotes = Quotes()
    quotes.add(thinned(records))
    assert quotes.take()["con_id"].tolist() == [1, 2]
    assert not quotes


def test_thinning_never_loses_the_last_of_a_kind() -> None:
    random = np.random.default_rng(3)
    records = np.zeros(20_000, messages.TICK)
    records["con_id"] = random.integers(1, 1 << 31, 20_000) * (random.random(20_000) < 0.5) + 7
    records["tick_type"] = random.integers(0, 90, 20_000)
    records["size"] = np.arange(20_000)
    kept = thinned(records)
    assert len(kept) < len(records)
    assert np.array_equal(last_of_each(kept), last_of_each(records))
