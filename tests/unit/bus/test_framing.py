from __future__ import annotations

import contextlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline import messages
from pipeline.bus import framing, live, serving
from pipeline.bus.serving import FetchServer, ReplyHead
from pipeline.errors import WireError
from pipeline.messages import Frame, Header, PayloadKind, StreamId

HEADER = Header(PayloadKind.MAP, StreamId.ORDERS, 1, 5, 6, 7, 8)

frames = st.builds(
    Frame,
    st.binary(max_size=64),
    st.builds(
        Header,
        st.sampled_from(PayloadKind),
        st.sampled_from(StreamId),
        st.integers(0, 2**32 - 1),
        *[st.integers(0, 2**64 - 1)] * 3,
        st.integers(-(2**63), 2**63 - 1),
    ),
    st.binary(max_size=300),
)


@given(st.lists(frames, max_size=8))
def test_frames_come_back_as_they_were(given_frames: list[Frame]) -> None:
    assert framing.decode_all(b"".join(map(framing.encode_frame, given_frames))) == given_frames


@given(st.lists(frames, min_size=1, max_size=3), st.data())
def test_no_changed_byte_is_accepted(given_frames: list[Frame], data: st.DataObject) -> None:
    whole = b"".join(map(framing.encode_frame, given_frames))
    place = data.draw(st.integers(0, len(whole) - 1))
    change = data.draw(st.integers(1, 255))
    bad = whole[:place] + bytes([whole[place] ^ change]) + whole[place + 1 :]
    with pytest.raises(WireError):
        framing.decode_all(bad)


@given(st.binary(max_size=500))
def test_any_bytes_give_frames_or_a_wire_error(data: bytes) -> None:
    with contextlib.suppress(WireError):
        framing.decode_all(data)


@given(st.lists(st.binary(max_size=60), max_size=5))
def test_any_parts_give_a_frame_a_snapshot_an_answer_or_a_wire_error(parts: list[bytes]) -> None:
    for decoder in (framing.frame_of, live.unpack_snapshot):
        with contextlib.suppress(WireError):
            decoder(parts)
    server = FetchServer([], 0)
    for part in parts:
        for take in (
            ReplyHead.unpack,
            server.on_committed,
            server.on_away,
            lambda data: server.on_fetch(b"peer", data),
        ):
            with contextlib.suppress(WireError):
                take(part)


@given(st.binary(min_size=serving.FETCH.size, max_size=serving.FETCH.size))
def test_a_fetch_of_a_stream_that_is_not_kept_here_is_a_wire_error(data: bytes) -> None:
    with pytest.raises(WireError):
        FetchServer([], 0).on_fetch(b"peer", data)


def test_too_large_frames_are_refused_when_written() -> None:
    with pytest.raises(WireError, match="topic of at most 64"):
        framing.encode(b"t" * 65, HEADER.pack(), b"")
    with pytest.raises(WireError, match="payload of at most"):
        framing.encode(b"t", HEADER.pack(), bytes(messages.MAX_PAYLOAD_BYTES + 1))


def test_a_published_frame_has_three_parts_and_a_sane_count() -> None:
    assert framing.frame_of([b"t", HEADER.pack(), b"p"]) == Frame(b"t", HEADER, b"p")
    with pytest.raises(WireError, match="found 2 parts"):
        framing.frame_of([b"t", HEADER.pack()])
    large = Header(PayloadKind.RECORDS, StreamId.INGEST, 4097, 1, 1, 1, 1)
    with pytest.raises(WireError, match="at most 4096 records"):
        framing.frame_of([b"t", large.pack(), b""])


def test_a_snapshot_comes_back_and_long_arrays_are_split(clock: object) -> None:
    stream = live.Stream(StreamId.MARGIN, clock)  # type: ignore[arg-type]
    pnl = messages.AccountPnL(account="DU1", daily=1.0, unrealized=2.0, realized=3.0, recv_ns=4)
    parts = live.pack_snapshot(9, stream, [(b"acct.pnl", pnl), (b"md.tick", np.zeros(5000, messages.TICK))], 11)
    request, stream_id, epoch, session, next_seq, found = live.unpack_snapshot(parts)
    assert (request, stream_id, epoch, session, next_seq) == (9, StreamId.MARGIN, stream.epoch, stream.session, 1)
    assert messages.unpack(found[0].payload) == pnl
    assert [len(messages.records(frame)) for frame in found[1:]] == [4096, 904]
