"""Faults against a real gateway: what the wire shows, and that who is not meant notices nothing."""

import contextlib
import socket
import time

import ibapi.client
import pytest

from pipeline import config
from pipeline.gateway import alone
from pipeline.gateway.faults.tell import tell
from tests.integration.gateway.conftest import App

APPLE = (265598, "", "", "", "0", "", "", "SMART", "", "", "", "")
DEADLINE_S = 30.0


@pytest.fixture(scope="module")
def gateway(tmp_path_factory):
    """A gateway that takes faults: its address, and how it is told."""
    control = tmp_path_factory.mktemp("c") / "own" / "s"
    settings = config.Gateway(rate=500, hours="always", control=str(control))
    with alone.running(settings, 0, None, "--day", "2026-11-23") as address:
        yield address, lambda line: tell(control, line)


@pytest.fixture
def told(gateway):
    """Tell the gateway; every fault is lifted at the end."""
    _, say = gateway

    def one(line):
        answer = say(line)
        assert answer.split()[0] == "ok", answer
        return answer

    yield one
    say("clear")


@pytest.fixture
def client(gateway, connect_wire):
    """Started clients of this gateway, each with an id of its own."""
    address, _ = gateway

    def make(client_id, *, start=True):
        wire = connect_wire(address)
        wire.socket.settimeout(DEADLINE_S)
        if start:
            wire.start(client_id)
        return wire

    return make


def subscribe(wire, req_id, contract=APPLE):
    wire.say(1, 11, req_id, *contract, 0, "", 0, 0, "")


def alive(wire):
    wire.say(49, 1)
    return wire.hear_until("49")


def nothing_comes(wire, seconds):
    wire.socket.settimeout(seconds)
    try:
        with pytest.raises(TimeoutError):
            wire.socket.recv(1)
    finally:
        wire.socket.settimeout(DEADLINE_S)


def test_close_and_reset_hit_only_who_is_meant(client, told):
    one, two, other = client(1), client(2), client(3)
    told("close client=1")
    assert one.hear() is None
    told("reset client=2")
    with pytest.raises(ConnectionResetError):
        two.hear()
    assert alive(other)


def test_a_stall_is_silence_and_then_everything(client, told):
    wire, other = client(4), client(5)
    told("stall client=4")
    wire.say(49, 1)
    nothing_comes(wire, 0.3)
    assert alive(other)
    told("clear stall")
    assert wire.hear_until("49")


def test_a_stall_that_does_not_read_fills_the_clients_buffers(client, told):
    wire = client(6)
    told("stall client=6 read=false")
    wire.socket.setblocking(False)
    sent = 0
    with contextlib.suppress(BlockingIOError):
        while sent < 64 << 20:
            sent += wire.socket.send(b"\0\0\0\5" + b"49\x001\0" * 10_000)
    assert sent < 64 << 20


def test_a_drip_takes_its_time(client, told):
    wire = client(7)
    told("drip client=7 bytes=1 every_ms=20")
    begin = time.monotonic()
    alive(wire)
    assert time.monotonic() - begin > 10 * 0.02


def test_garbage_truncated_and_wrong_length(client, told):
    wire, cut, wrong = client(8), client(9), client(10)
    told("garbage client=8 bytes=32 seed=3")
    head = wire.socket.recv(36, socket.MSG_WAITALL)
    assert head[:4] == (32).to_bytes(4, "big")
    assert alive(wire)
    told("truncated client=9 length=100 bytes=10")
    data = b""
    while chunk := cut.socket.recv(4096):
        data += chunk
    assert len(data) == 14
    assert data[:4] == (100).to_bytes(4, "big")
    told("wrong_length client=10")
    assert wrong.socket.recv(4, socket.MSG_WAITALL) == b"\xff\xff\xff\xff"


def test_the_handshake_in_two_pieces(client, told):
    told("split_handshake at=6 pause_s=0.3")
    wire = client(11, start=False)
    wire.socket.sendall(b"API\0\0\0\0\x09v100..200")
    first = wire.socket.recv(4096)
    begin = time.monotonic()
    rest = wire.socket.recv(4096)
    assert len(first) == 6
    assert time.monotonic() - begin > 0.15
    assert 4 + int.from_bytes(first[:4], "big") == len(first + rest)


def test_a_login_refused(client, told):
    told("refuse_login client=12")
    wire = client(12, start=False)
    wire.greet()
    wire.say(71, 2, 12, "")
    assert wire.hear_until("4", "-1", "326")
    assert wire.hear() is None
    client(13)


def test_lost_connectivity_stops_data_until_it_is_back(client, told):
    wire = client(14)
    subscribe(wire, 11)
    wire.hear_until("2", "6", "11")
    told("1100")
    wire.hear_until("4", "-1", "1100")
    assert {fields[0] for fields in alive(wire)} == {"49"}
    told("1102")
    wire.hear_until("4", "-1", "1102")
    wire.hear_until("2", "6", "11")
    told("1100 for_s=0.2 then=1101")
    wire.hear_until("4", "-1", "1101")
    assert {fields[0] for fields in alive(wire)} == {"49"}
    subscribe(wire, 11)  # the id is free again: the subscription is lost
    wire.hear_until("58", "1", "11")


def test_one_farm_breaks_and_the_other_goes_on(client, told):
    wire = client(15)
    subscribe(wire, 1)
    subscribe(wire, 2, (0, "ES", "FUT", "202612", "0", "", "50", "CME", "", "USD", "", ""))
    wire.hear_until("2", "6", "1")
    wire.hear_until("2", "6", "2")
    told("2103 farm=usfarm")
    assert wire.hear_until("4", "-1", "2103")[-1][3] == "Market data farm connection is broken:usfarm"
    wire.hear_until("2", "6", "2")
    heard = [fields[2] for _ in range(20) for fields in alive(wire) if fields[0] in ("1", "2")]
    assert "1" not in heard
    told("2104 farm=usfarm")
    wire.hear_until("4", "-1", "2104")
    wire.hear_until("2", "6", "1")


def test_a_refusal_for_one_symbol(client, told):
    wire = client(16)
    told("refuse code=354 symbol=AAPL client=16")
    subscribe(wire, 1)
    assert wire.hear_until("4", "1")[-1][2] == "354"
    subscribe(wire, 2, (272093, *APPLE[1:]))
    wire.hear_until("58", "1", "2")
    told("10197 client=16 count=12")
    heard = wire.hear_until("4", "2", "10197") + [wire.hear() for _ in range(60)]
    assert sum(fields[0] == "4" and fields[2] == "10197" for fields in heard) == 12


def test_a_request_without_an_answer_and_a_clock_ahead(client, told):
    wire, other = client(17), client(18)
    told("ignore message=49 client=17")
    wire.say(49, 1)
    wire.say(8, 1, 1)
    assert {fields[0] for fields in wire.hear_until("9")} == {"9"}
    told("clear ignore")
    now = int(alive(other)[-1][2])
    told("clock_skew client=17 by_s=86400")
    assert 86_000 < int(alive(wire)[-1][2]) - now < 87_000


def test_half_a_snapshot_and_unset_figures(client, told):
    wire = client(19)
    told("half_snapshot client=19 rows=0.5")
    told("unset client=19 where=portfolio spelling=double")
    told("unset client=19 where=account spelling=infinity")
    wire.say(6, 2, 1, "DU1234502")
    heard = wire.hear_until("6") + alive(wire)
    assert "54" not in {fields[0] for fields in heard}
    rows = [fields for fields in heard if fields[0] == "7"]
    assert rows
    assert all(row[14] == row[17] == "1.7976931348623157E308" for row in rows)
    assert "Infinity" in {fields[3] for fields in heard if fields[0] == "6"}


def test_a_late_next_valid_id(client, told):
    told("delay message=9 by_s=0.4 client=20")
    wire = client(20, start=False)
    wire.greet()
    begin = time.monotonic()
    wire.say(71, 2, 20, "")
    wire.hear_until("9")
    assert time.monotonic() - begin > 0.35


def test_a_fault_after_a_message(client, told):
    wire = client(21)
    told("close client=21 after_message=8 after_count=2")
    wire.say(8, 1, 1)
    wire.hear_until("9")
    assert alive(wire)
    wire.say(8, 1, 1)
    assert wire.hear() is None


def test_a_restart_closes_the_port_and_keeps_the_state(gateway, client, told):
    address, _ = gateway
    wire = client(22)
    told("restart closed_s=0.5")
    with contextlib.suppress(ConnectionResetError):
        assert wire.hear() is None
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address, 1.0)
    until = time.monotonic() + DEADLINE_S
    while True:
        try:
            again = client(22)
            break
        except ConnectionRefusedError:
            assert time.monotonic() < until
            time.sleep(0.02)
    assert alive(again)


def test_fills_told_twice_and_after_their_commission(gateway, told, make_contract, make_order, monkeypatch):
    monkeypatch.setattr(ibapi.client, "MAX_CLIENT_VER", 200)
    app = App()
    app.connect(gateway[0], 40)
    try:
        order_id = app.wait("nextValidId")[0]
        told("reject_orders client=40 symbol=AAPL code=201")
        app.client.placeOrder(order_id, make_contract(), make_order("BUY", 5))
        assert app.wait("error", lambda n, *_: n == order_id)[2] == 201
        told("clear")
        told("duplicate_executions client=40")
        told("commission_first client=40")
        app.client.placeOrder(order_id + 1, make_contract(), make_order("BUY", 5))
        app.wait("execDetails")
        app.client.reqCurrentTime()
        app.wait("currentTime")
        fills = [name for name, _ in app.calls if name in ("execDetails", "commissionAndFeesReport")]
        assert fills[:3] == ["commissionAndFeesReport", "execDetails", "execDetails"]
    finally:
        app.close()


def test_a_handshake_that_is_never_answered(gateway, client, told):
    told("stall")
    wire = client(41, start=False)
    wire.socket.sendall(b"API\0\0\0\0\x09v100..200")
    nothing_comes(wire, 0.2)
    told("clear stall")
    assert wire.socket.recv(4096)


def test_what_is_wrong_is_said(gateway):
    _, say = gateway
    assert "did you mean" in say("stal")
    assert "expected" in say("stall for_s=x")
    assert say("list") == "ok"


def test_a_scenario_from_the_start(tmp_path, connect_wire):
    path = tmp_path / "s.toml"
    path.write_text('[[fault]]\ndo = "close"\nafter_message = 8\nclient = 2\n[[fault]]\ndo = "2110"\nat_s = 0\n')
    with alone.running(config.Gateway(scenario=str(path))) as address:
        wire = connect_wire(address)
        wire.start(2)
        assert alive(wire)
        wire.say(8, 1, 1)
        assert wire.hear() is None


def test_a_bad_scenario_and_an_open_directory_are_refused(tmp_path):
    import subprocess
    import sys

    bad = tmp_path / "bad.toml"
    bad.write_text('[[fault]]\ndo = "explode"\n')
    public = tmp_path / "public"
    public.mkdir()
    public.chmod(0o755)
    base = [sys.executable, "-m", "pipeline.gateway.alone"]
    for words, told, code in (
        (["--scenario", str(bad)], "fault 1: do: unknown fault 'explode'", 2),
        (["--control", str(public / "s")], "mode 0700", 3),
    ):
        ended = subprocess.run([*base, *words], capture_output=True, text=True, timeout=DEADLINE_S, check=False)
        assert ended.returncode == code
        assert told in ended.stderr
