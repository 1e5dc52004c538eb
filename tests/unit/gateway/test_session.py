import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.gateway.limits import Limits
from pipeline.gateway.session import Garbage, Session, agree


@pytest.mark.parametrize(
    ("text", "agreed"),
    [(b"v100..226", 200), (b"v157..178", 178), (b"v100..157", 157), (b"v180", 180), (b"v100..200 +PACEAPI", 200)],
)
def test_version_is_the_smaller_maximum(text, agreed):
    assert agree(text) == agreed


@pytest.mark.parametrize("text", [b"", b"v1..100", b"v201..226", b"100..200", b"v100..", b"vv"])
def test_no_version_in_common(text):
    with pytest.raises(Garbage):
        agree(text)


@given(st.lists(st.integers(1, 12), min_size=1))
def test_greeting_and_frames_may_come_in_any_pieces(cuts):
    stream = b"API\0\0\0\0\x09v100..200" + b"\0\0\0\x0271" + b"\0\0\0\x0249"
    session, frames, agreed, at = Session("x", Limits()), [], None, 0
    cuts = [*cuts, len(stream)]
    for cut in cuts:
        session.feed(stream[at : at + cut])
        at += cut
        if agreed is None:
            agreed = session.take_hello()
        while agreed and (frame := session.take_frame()):
            frames.append(frame)
    assert (agreed, frames) == (200, [b"71", b"49"])


@pytest.mark.parametrize("bad", [b"GET / HTTP/1.1\r\n", b"XXXX", b"API\0\xff\xff\xff\xffv1"])
def test_garbage_instead_of_a_greeting(bad):
    session = Session("x", Limits())
    session.feed(bad)
    with pytest.raises(Garbage):
        session.take_hello()


@pytest.mark.parametrize("length", [0, 0x1000000, 0xFFFFFFFF])
def test_impossible_frame_length(length):
    session = Session("x", Limits())
    session.feed(length.to_bytes(4, "big"))
    with pytest.raises(Garbage):
        session.take_frame()


def test_one_batch_a_turn_counts_once_it_is_gone():
    class Counting:
        total = (0, 0)

        def add(self, ticks, frames):
            self.total = (self.total[0] + ticks, self.total[1] + frames)

    session = Session("x", Limits())
    session.ledger = Counting()
    session.send(b"answer")
    session.send_tick(b"tick1")
    session.send_tick(b"tick2")
    session.seal(0.0)
    session.seal(0.0)
    assert len(session.queue) == 1
    assert bytes(session.queue[0].data) == b"answertick1tick2"
    session.sent(10)
    assert (session.ledger.total, session.queued_bytes) == ((0, 0), 6)
    session.sent(6)
    assert (session.ledger.total, session.queued_bytes, len(session.queue)) == ((2, 3), 0, 0)
