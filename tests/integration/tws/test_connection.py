"""The whole connection over real sockets, against a scripted TWS."""

from __future__ import annotations

import math
import time
from typing import Any

import numpy as np
import pytest

from pipeline.errors import CannotStart


def ready(connection: Any) -> bool:
    return bool(connection.session.state == "READY")


def test_ready_after_accounts_and_id_and_says_what_it_knows(scripted: Any, connect: Any, run_until: Any) -> None:
    server = scripted(lambda session: (session.greet(178, "DU1,DU2", 41), session.serve()))
    connection, handler = connect(server.port)
    run_until(connection, lambda: ready(connection) and not math.isnan(connection.session.round_trip_s))
    assert connection.accounts == ["DU1", "DU2"]
    assert connection.session.next_order_id == 41
    state = connection.state_message()
    assert (state.state, state.server_version, state.client_id, state.connection) == ("READY", 178, 7, 1)
    assert abs(state.market_time_ns - time.time_ns()) < 2e9
    assert len(handler.named("tws_ready")) == 1


def test_hello_asks_for_at_most_version_200(scripted: Any, connect: Any, run_until: Any) -> None:
    asked: list[str] = []

    def script(session: Any) -> None:
        asked.append(session.hello())

    server = scripted(script)
    connection, _ = connect(server.port)
    run_until(connection, lambda: asked)
    assert asked[0] == "v100..200"


def test_handshake_split_into_single_bytes_and_followed_at_once(
    scripted: Any, connect: Any, run_until: Any, frame: Any
) -> None:
    """The stock client never connects with a split reply, and throws away what follows it."""

    def script(session: Any) -> None:
        session.hello()
        for byte in frame(178, "20261122 10:00:00 UTC"):
            session.send(bytes([byte]))
            time.sleep(0.001)
        session.message()
        session.send(frame(15, 1, "DU1"), frame(9, 1, 5))
        session.serve()

    connection, _ = connect(scripted(script).port)
    run_until(connection, lambda: ready(connection))


def test_what_follows_the_greeting_in_one_segment_is_kept(
    scripted: Any, connect: Any, run_until: Any, frame: Any
) -> None:
    def script(session: Any) -> None:
        session.hello()
        session.send(frame(178, "20261122 10:00:00 UTC"), frame(15, 1, "DU1"), frame(9, 1, 5))
        session.serve()

    connection, _ = connect(scripted(script).port)
    run_until(connection, lambda: ready(connection))


def test_hot_and_cold_frames_arrive_in_their_order_however_they_are_cut(
    scripted: Any, connect: Any, run_until: Any, frame: Any
) -> None:
    stream = b"".join(
        (
            frame(1, 6, 1, 1, "150.25", "300", 1),
            frame(2, 6, 2, 8, "12345"),
            frame(81, 1, "0.01", "9c0001", 3),
            frame(21, 1, 13, 0, "0.25", "0.5", "12.75", "0.0", "0.05", "0.02", "-0.01", "150.25"),
            frame(46, 6, 1, 45, "1700000000"),
            frame(46, 6, 1, 84, "ARCA"),
            frame(1, 6, 2, 2, "150.2700000000000000", "1", 0),  # too many digits for the kernel
        )
    )

    def script(session: Any) -> None:
        session.greet()
        session.until(61)  # the client asked for something: its lines stand
        for byte in stream:
            session.send(bytes([byte]))
        session.send(stream, frame(52, 1, 99))
        session.serve()

    connection, handler = connect(scripted(script).port, lines=[1, 2])
    run_until(connection, lambda: ready(connection))
    connection.client.reqPositions()
    run_until(connection, lambda: handler.named("contractDetailsEnd"))
    flat: list[Any] = []
    for name, *arguments in handler.calls:
        if name == "ticks":
            flat += [("tick", int(r["con_id"]), int(r["tick_type"]), float(r["price"])) for r in arguments[0]]
        elif name == "options":
            flat += [("option", int(r["con_id"]), float(r["delta"])) for r in arguments[0]]
        elif name in ("tickReqParams", "text_tick"):
            flat.append((name, *arguments))
    once = [
        ("tick", 1001, 1, 150.25),
        ("tick", 1002, 8, math.nan),
        ("tickReqParams", 1, 0.01, "9c0001", 3),
        ("option", 1001, 0.5),
        ("tick", 1001, 45, 1700000000.0),
        ("text_tick", 1001, 84, "ARCA"),
        ("tick", 1002, 2, 150.27),
    ]
    # Between two cold frames, ticks that came in one read with an option are handed out before it.
    swapped = [*once[:3], once[4], once[3], *once[5:]]
    assert len(flat) == 14
    assert repr(flat[:7]) in (repr(swapped), repr(once))
    assert repr(flat[7:]) in (repr(swapped), repr(once))
    assert connection.client.bad_messages == 0


def test_a_bad_frame_costs_only_itself(scripted: Any, connect: Any, run_until: Any, frame: Any) -> None:
    def script(session: Any) -> None:
        session.greet()
        session.until(61)
        session.send(
            frame(1, 6, 1, 1, "150.25", "300", 1),
            frame(1, 6, 1, 1, "not a price", "300", 1),
            frame(7, 8, "x"),  # portfolio value that breaks off
            frame(49, 1, 2, 3, 4),  # too many fields
            b"\x00\x00\x00\x05junk\x00",
            frame(777, 1, 2),
            frame(1, 6, 77, 1, "1.0", "1", 0),  # nobody asked for 77
            frame(1, 6, 1, 2, "150.27", "100", 0),
            frame(52, 1, 99),
        )
        session.serve()

    connection, handler = connect(scripted(script).port, lines=[1])
    run_until(connection, lambda: ready(connection))
    connection.client.reqPositions()
    run_until(connection, lambda: handler.named("contractDetailsEnd"))
    ticks = np.concatenate([records for records, _ in handler.named("ticks")])
    assert ticks["price"].tolist() == [150.25, 150.27]
    assert connection.client.bad_messages == 5
    assert connection.client.unknown_messages == 1
    assert len(handler.named("bad_frame")) == 6
    assert ready(connection)


@pytest.mark.parametrize(
    "rubbish",
    [b"\xff\xff\xff\xff", b"\x00\x20\x00\x00GARBAGEGARBAGE", b"\x00\x00\x00\x02\x00\x00" * 20],
    ids=["4 GiB length", "long frame without an id", "one bad frame after the other"],
)
def test_out_of_step_drops_the_connection_and_comes_back(
    scripted: Any, connect: Any, run_until: Any, rubbish: bytes
) -> None:
    visits: list[int] = []

    def script(session: Any) -> None:
        visits.append(1)
        session.greet()
        if len(visits) == 1:
            session.message()  # the first probe: the client is ready
            session.send(rubbish)
        session.serve()

    connection, handler = connect(scripted(script).port)
    run_until(connection, lambda: connection.session.connection == 2 and ready(connection))
    assert any("out of step" in reason for (reason,) in handler.named("tws_lost"))
    assert len(handler.named("tws_ready")) == 2


def test_a_long_frame_is_read_whole(scripted: Any, connect: Any, run_until: Any, frame: Any) -> None:
    text = "<xml>" + "x" * (6 << 20)

    def script(session: Any) -> None:
        session.greet()
        session.send(frame(19, 1, text), frame(52, 1, 99))
        session.serve()

    connection, handler = connect(scripted(script).port)
    run_until(connection, lambda: handler.named("contractDetailsEnd"))
    assert handler.named("scannerParameters") == [(text,)]


def test_gateway_gone_and_back(scripted: Any, connect: Any, run_until: Any) -> None:
    def script(session: Any) -> None:
        session.greet()
        session.message()

    server = scripted(script)
    connection, _ = connect(server.port)
    run_until(connection, lambda: connection.session.connection >= 2)
    server.close()
    run_until(connection, lambda: "nothing listens" in connection.session.reason)
    server._closing.clear()
    scripted(lambda session: (session.greet(), session.serve()), server.port)
    run_until(connection, lambda: ready(connection))


def test_greeting_never_sent_is_given_up(scripted: Any, connect: Any, run_until: Any) -> None:
    connection, handler = connect(scripted(lambda session: session.serve()).port)
    run_until(connection, lambda: handler.named("tws_lost"))
    assert "no greeting from TWS in 5 s" in handler.named("tws_lost")[0][0]


def test_half_open_connection_is_noticed_by_the_probes(scripted: Any, connect: Any, run_until: Any) -> None:
    def script(session: Any) -> None:
        session.greet()
        while True:
            session.message()  # takes everything, answers nothing

    connection, handler = connect(scripted(script).port)
    run_until(connection, lambda: ready(connection))
    connection.session._probe_s = 0.0  # the next one is due now
    run_until(connection, lambda: handler.named("tws_lost"))
    assert "did not answer 2 times" in handler.named("tws_lost")[0][0]


def test_live_accounts_where_paper_is_configured_cannot_start(scripted: Any, connect: Any, run_until: Any) -> None:
    connection, handler = connect(scripted(lambda session: (session.greet(accounts="U1234567"), session.serve())).port)
    with pytest.raises(CannotStart, match="says paper, but TWS is logged in to live accounts"):
        run_until(connection, lambda: False)
    assert connection.session.state == "REFUSED"
    assert not handler.named("tws_ready")


def test_accounts_not_on_the_list_are_refused(scripted: Any, connect: Any, run_until: Any) -> None:
    server = scripted(lambda session: (session.greet(accounts="DU1,DU2"), session.serve()))
    connection, handler = connect(server.port, accounts=["DU1"])
    run_until(connection, lambda: connection.session.state == "REFUSED")
    assert "DU2" in connection.session.reason
    assert not handler.named("tws_ready")


def test_client_id_in_use_waits_and_keeps_the_id(scripted: Any, connect: Any, run_until: Any, frame: Any) -> None:
    ids: list[str] = []

    def script(session: Any) -> None:
        session.hello()
        session.send(frame(178, "20261122 10:00:00 UTC"))
        ids.append(session.message()[2])
        if len(ids) < 2:
            session.send(frame(4, 2, -1, 326, "Unable to connect as the client id is already in use.", ""))
            return
        session.send(frame(15, 1, "DU1"), frame(9, 1, 5))
        session.serve()

    connection, handler = connect(scripted(script).port)
    run_until(connection, lambda: ready(connection))
    assert ids == ["7", "7"]
    assert handler.named("tws_lost")[0][0] == "client id 7 is in use"


def test_pacing_never_passes_the_limit(scripted: Any, connect: Any, run_until: Any) -> None:
    times: list[float] = []

    def script(session: Any) -> None:
        session.greet()
        while len(times) < 30:
            fields = session.message()
            if fields[0] == "61":
                times.append(time.monotonic())
            session.answer(fields)

    connection, _ = connect(scripted(script).port, messages_per_s=20.0)
    run_until(connection, lambda: ready(connection))
    for _ in range(30):
        connection.client.reqPositions()
    run_until(connection, lambda: len(times) == 30)
    assert times[-1] - times[0] > (30 - 6 - 1) / 20.0  # a burst of five, the rest at 20 a second


def test_truncated_frame_at_the_end_is_no_message(scripted: Any, connect: Any, run_until: Any, frame: Any) -> None:
    def script(session: Any) -> None:
        session.greet()
        session.until(61)
        session.send(frame(1, 6, 1, 1, "150.25", "300", 1)[:-3])

    connection, handler = connect(scripted(script).port, lines=[1])
    run_until(connection, lambda: ready(connection))
    connection.client.reqPositions()
    run_until(connection, lambda: handler.named("tws_lost"))
    assert not handler.named("ticks")
    assert connection.client.bad_messages == 0
