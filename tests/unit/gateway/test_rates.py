"""Ticks in batches and bursts: as many as told, valid, plausible, bounded."""

from collections import Counter

import pytest

from pipeline.gateway.limits import Limits
from pipeline.gateway.lines import Lines
from pipeline.gateway.rates import MOST_WAITING, Rates
from pipeline.gateway.session import Phase, Session

APPLE, MICROSOFT = 265598, 272093


@pytest.fixture
def watched(brokerage):
    """Lines at a rate, with two clients that watch AAPL, the first one MSFT too."""

    def make(rate, burst=0):
        lines = Lines(brokerage.tape, Limits(), rate, 7)
        sessions = [Session("a", Limits()), Session("b", Limits())]
        for session in sessions:
            session.phase = Phase.OPEN
            lines.add(session, 1, brokerage.universe.by_con_id[APPLE])
        lines.add(sessions[0], 2, brokerage.universe.by_con_id[MICROSOFT])
        return Rates(lines, burst), sessions

    return make


def frames_of(session):
    session.seal(0.0)
    data = b"".join(batch.data for batch in session.queue)
    found = []
    while data:
        length = int.from_bytes(data[:4], "big")
        found.append(data[4 : 4 + length])
        data = data[4 + length :]
    return found


def drained(session):
    found = frames_of(session)
    session.queue.clear()
    session.queued_bytes = 0
    return found


def test_as_many_as_told_and_every_one_is_counted(watched):
    rates, sessions = watched(300_000.0)
    counted = heard = 0
    for n in range(100):
        rates.flow(0.005, n * 0.005)
        for session in sessions:
            session.seal(0.0)
            counted += sum(batch.ticks for batch in session.queue)
            heard += len(drained(session))
    assert counted == heard
    assert heard == pytest.approx(150_000, rel=0.05)


def test_a_client_gets_its_own_lines_in_valid_plausible_ticks(watched, heard, brokerage):
    rates, sessions = watched(200_000.0)
    for step in range(10):
        brokerage.market.advance(step)
        rates.flow(0.01, 0.0)
    told = [len(frame).to_bytes(4, "big") + frame for frame in frames_of(sessions[1])]
    recorder = heard(200, *told)
    assert {name for name, _ in recorder.calls} <= {"tickPrice", "tickSize", "tickString"}
    assert {arguments[0] for _, arguments in recorder.calls} == {1}
    quote = brokerage.tape.quotes[APPLE]
    prices = Counter(price for _, kind, price, _ in recorder.named("tickPrice") if kind in (1, 2))
    assert all(abs(price / quote.bid - 1) < 0.01 for price in prices)
    assert len(prices) > 1
    volumes = [size for _, kind, size in recorder.named("tickSize") if kind == 8]
    assert volumes == sorted(volumes)  # what is sent again is quotes: a volume never falls


def test_who_does_not_read_gets_no_more_and_others_do(watched):
    rates, (deaf, reader) = watched(2_000_000.0)
    for _ in range(20):
        rates.flow(0.02, 0.0)
        deaf.seal(0.0)
        reader.seal(0.0)
        reader.queue.clear()
        reader.queued_bytes = 0
    assert MOST_WAITING < deaf.queued_bytes < 2 * MOST_WAITING
    assert rates.shed > 0
    rates.flow(0.005, 0.0)
    assert drained(reader)


def test_a_stall_or_a_small_limit_never_makes_a_batch_that_drops_its_reader(brokerage):
    limits = Limits(unread_bytes=200_000)
    lines = Lines(brokerage.tape, limits, 5_000_000.0, 7)
    session = Session("a", limits)
    lines.add(session, 1, brokerage.universe.by_con_id[APPLE])
    rates = Rates(lines, 0)
    for _ in range(3):
        rates.flow(10.0, 0.0)
        session.seal(0.0)
        assert 0 < session.queued_bytes < limits.unread_bytes
    assert rates.shed > 1_000_000


def test_below_the_threshold_the_tape_makes_each_tick(watched):
    rates, sessions = watched(1000.0)
    assert not rates.batched
    rates.flow(0.1, 0.0)
    assert 90 <= sum(len(frames_of(session)) for session in sessions) <= 110


def test_a_burst_is_one_buffer_again_and_again(watched, heard):
    rates, sessions = watched(0.0, burst=1000)
    rates.flow(0.005, 0.0)
    rates.refill(0.0)
    (first, second) = [batch for batch in sessions[0].queue if batch.frames == 1000]
    assert first.data == second.data
    assert len(frames_of(sessions[0])) == sum(batch.frames for batch in sessions[0].queue)
    before = sessions[0].queued_bytes
    rates.refill(0.0)
    assert sessions[0].queued_bytes == before
    rates.burst = 0
    drained(sessions[0])
    rates.flow(0.005, 0.0)
    rates.refill(0.0)
    assert not sessions[0].queue


def test_lines_that_end_are_no_longer_told(watched):
    rates, sessions = watched(100_000.0)
    rates.flow(0.01, 0.0)
    rates.lines.remove(sessions[0], 1)
    drained(sessions[0])
    rates.flow(0.01, 0.0)
    assert {frame.split(b"\0")[2] for frame in drained(sessions[0])} == {b"2"}
    for req_id in list(rates.lines.lines_of(sessions[0])):
        rates.lines.remove(sessions[0], req_id)
    rates.flow(0.01, 0.0)
    assert not drained(sessions[0])


def test_a_fault_sees_every_frame_of_a_batch(watched):
    class Nothing:
        def apply(self, frames, now_s):
            return []

    rates, sessions = watched(100_000.0)
    sessions[0].filters.append(Nothing())
    rates.flow(0.01, 0.0)
    assert not frames_of(sessions[0])
