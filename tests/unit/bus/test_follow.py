from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.bus.follow import Follower, Reset
from pipeline.messages import Frame, Header, PayloadKind, StreamId

SESSION, EPOCH = 11, 22


def parts(seq: int, kind: PayloadKind = PayloadKind.MAP, session: int = SESSION, epoch: int = EPOCH) -> list[bytes]:
    count = 0 if kind in (PayloadKind.KEEP_ALIVE, PayloadKind.END) else 1
    header = Header(kind, StreamId.INGEST, count, epoch, session, seq, 0)
    return [b"t", header.pack(), str(seq).encode()]


class Reader:
    """A follower with what it gave."""

    def __init__(self) -> None:
        self.follower = Follower(0.0)
        self.out: list[Frame | Reset] = []

    def hear(self, seq: int, **changes: object) -> None:
        self.follower.on_parts(parts(seq, **changes), 1.0, self.out)  # type: ignore[arg-type]

    def snapshot(self, next_seq: int, now_s: float = 1.0, session: int = SESSION, epoch: int = EPOCH) -> None:
        request = self.follower.request(now_s)
        assert request is not None
        header = Header(PayloadKind.MAP, StreamId.INGEST, 1, epoch, session, next_seq, 0)
        picture = [Frame(b"t", header, b"picture")]
        self.follower.on_snapshot(request, StreamId.INGEST, epoch, session, next_seq, picture, now_s, self.out)

    def told(self) -> list[str]:
        told = [item.reason if isinstance(item, Reset) else item.payload.decode() for item in self.out]
        self.out.clear()
        return told


def test_a_late_reader_gets_the_picture_and_then_only_newer_frames() -> None:
    reader = Reader()
    for seq in (5, 6, 7):
        reader.hear(seq)
    assert reader.told() == []
    reader.snapshot(next_seq=6)
    assert reader.told() == ["joined", "picture", "6", "7"]
    reader.hear(8)
    reader.hear(8)
    assert reader.told() == ["8"]
    assert reader.follower.following


def test_nothing_is_asked_before_the_stream_was_heard_and_again_after_200_ms() -> None:
    follower = Follower(0.0)
    assert follower.request(1.0) is None
    follower.on_parts(parts(1), 1.0, [])
    assert follower.request(1.0) is not None
    assert follower.request(1.1) is None
    assert follower.request(1.21) is not None


@pytest.mark.parametrize(
    ("next_one", "reason"),
    [
        ({"seq": 9}, "gap"),
        ({"seq": 9, "kind": PayloadKind.KEEP_ALIVE}, "gap"),
        ({"seq": 6, "session": 12}, "new session"),
        ({"seq": 6, "epoch": 23}, "new epoch"),
    ],
)
def test_a_gap_a_new_session_and_a_new_epoch_ask_for_a_picture(next_one: dict[str, int], reason: str) -> None:
    reader = Reader()
    reader.hear(5)
    reader.snapshot(next_seq=5)
    assert reader.told() == ["joined", "picture", "5"]
    reader.hear(**next_one)
    assert reader.told() == []
    assert not reader.follower.following
    changed = {key: next_one[key] for key in ("session", "epoch") if key in next_one}
    reader.snapshot(next_seq=10, **changed)
    assert reader.told() == [reason, "picture"]
    assert reader.follower.gaps == (1 if reason == "gap" else 0)


def test_a_picture_older_than_the_frames_held_is_a_gap_again() -> None:
    reader = Reader()
    reader.hear(8)
    reader.snapshot(next_seq=6)
    assert reader.told() == ["joined", "picture"]
    assert not reader.follower.following
    reader.snapshot(next_seq=8, now_s=2.0)
    assert reader.told() == ["gap", "picture", "8"]


def test_a_slow_answer_counts_and_one_from_before_the_gap_does_not() -> None:
    reader = Reader()
    reader.hear(5)
    early = reader.follower.request(1.0)
    assert reader.follower.request(1.3) is not None
    assert early is not None
    reader.follower.on_snapshot(early, StreamId.INGEST, EPOCH, SESSION, 6, [], 1.4, reader.out)
    assert reader.told() == ["joined"]
    reader.hear(9)
    reader.follower.on_snapshot(early, StreamId.INGEST, EPOCH, SESSION, 6, [], 1.5, reader.out)
    assert reader.told() == []


def test_a_picture_of_another_session_is_not_taken() -> None:
    reader = Reader()
    reader.hear(5)
    reader.snapshot(next_seq=5, session=99)
    assert reader.told() == []


def test_end_is_remembered_until_a_new_session() -> None:
    reader = Reader()
    reader.hear(5)
    reader.snapshot(next_seq=6)
    reader.hear(6, kind=PayloadKind.END)
    assert reader.follower.ended
    reader.hear(6, session=12)
    assert not reader.follower.ended


def test_after_ten_bad_frames_nothing_counts_until_a_new_session() -> None:
    reader = Reader()
    reader.hear(5)
    reader.snapshot(next_seq=6)
    for _ in range(10):
        reader.follower.on_parts([b"t", b"no header", b""], 1.0, reader.out)
    reader.told()
    reader.hear(6)
    assert reader.told() == []
    assert reader.follower.bad == 11
    reader.hear(6, session=12)
    reader.snapshot(next_seq=7, session=12, now_s=3.0)
    assert reader.told() == ["new session", "picture"]


@given(st.lists(st.booleans(), min_size=1, max_size=40), st.lists(st.integers(0, 39), max_size=6))
def test_whatever_is_lost_the_reader_holds_what_the_publisher_holds(arrives: list[bool], answers: list[int]) -> None:
    """Each frame sets a sum; after a reset the picture gives it. At each frame let through the sums agree."""
    reader = Reader()
    held: int | None = None
    for place, arrived in enumerate([*arrives, True]):
        seq = place + 1
        if arrived:
            reader.hear(seq)
        if reader.follower.request(seq * 1.0) is not None and (place in answers or place == len(arrives)):
            request = reader.follower._request
            header = Header(PayloadKind.MAP, StreamId.INGEST, 1, EPOCH, SESSION, seq + 1, 0)
            picture = [Frame(b"t", header, str(seq).encode())]
            reader.follower.on_snapshot(
                request, StreamId.INGEST, EPOCH, SESSION, seq + 1, picture, seq * 1.0, reader.out
            )
        for item in reader.out:
            if isinstance(item, Reset):
                held = None
            else:
                assert held is None or int(item.payload) == held + 1
                held = int(item.payload)
        reader.out.clear()
    assert held == len(arrives) + 1
