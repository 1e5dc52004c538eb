"""TWS's limits, set to other figures."""

import contextlib
import socket
from datetime import date

from pipeline import config
from pipeline.gateway import alone, keeping
from pipeline.gateway.server import Server
from pipeline.gateway.session import Phase

APPLE = (265598, "", "", "", "0", "", "", "SMART", "", "", "", "")


def test_read_only_refuses_orders_and_what_tells_of_them(connect_wire):
    with alone.running(config.Gateway(read_only=True)) as address:
        wire = connect_wire(address)
        wire.start(1)
        text = "The API interface is currently in Read-Only mode."
        for asked in ((5, 1), (16, 1), (15, 1, 1), (99, 0), (8, 1, 1), (58, "", ""), (4, 7, "", "", 2147483647)):
            wire.say(*asked)
            fields = wire.hear_until("4")[-1]
            assert (fields[2], text in fields[3]) == ("321", True)
        wire.say(7, 3, 9, 0, "", "", "", "", "", "", 2147483647, 0)
        wire.hear_until("55")
        wire.say(61, 1)
        wire.hear_until("62")


def test_two_clients_and_ten_messages(connect_wire):
    limits = config.GatewayLimits(clients=2, messages_per_s=10)
    with alone.running(config.Gateway(limits=limits)) as address:
        first, second = connect_wire(address), connect_wire(address)
        first.start(1)
        second.start(2)
        assert connect_wire(address).hear() is None
        for _ in range(50):
            first.say(49, 1)
        codes = []
        while (fields := first.hear()) is not None:
            if fields[0] == "4":
                codes.append((fields[2], fields[3]))
        assert [code for code, _ in codes] == ["0", "100", "100"]
        assert "Approaching max rate of 10 messages per second (8)" in codes[0][1]
        first.close()
        second.say(49, 1)
        second.hear_until("49")
        third = connect_wire(address)  # the place of the first one is free again
        third.start(1)


def test_who_asks_much_waits_for_his_turn_and_others_do_not():
    """The server in this process, turn by turn."""
    limits = config.GatewayLimits(messages_per_s=1_000_000)
    server = Server(keeping.begin(date(2026, 11, 23), 7, 1.0), config.Gateway(limits=limits))
    greedy, other = (socket.create_connection(server.address) for _ in range(2))
    try:
        for sock in (greedy, other):
            sock.sendall(b"API\0\0\0\0\x09v100..200")
        while len(server.connections) < 2 or any(one.session.phase is Phase.HELLO for one in server.clients()):
            server.step(0.05)
        for client_id, sock in enumerate((greedy, other), 1):
            payload = f"71\x002\0{client_id}\0\0".encode()
            sock.sendall(len(payload).to_bytes(4, "big") + payload)
        while any(one.session.phase is not Phase.OPEN for one in server.clients()):
            server.step(0.05)
        sessions = {one.session.client_id: one.session for one in server.clients()}
        asked = b"\0\0\0\x05" + b"49\x001\0"
        greedy.sendall(asked * 20_000)
        while not sessions[1].whole:
            server.step(0.05)
        other.sendall(asked)
        other.setblocking(False)
        answered = False
        while not answered:
            server.step(0.05)
            with contextlib.suppress(BlockingIOError):
                answered = b"49\x001\0" in other.recv(1 << 16)
        assert sessions[1].whole
    finally:
        greedy.close()
        other.close()
        server.close()


def test_a_request_above_a_mebibyte_is_no_request(connect_wire):
    with alone.running(config.Gateway()) as address:
        wire = connect_wire(address)
        wire.start(1)
        wire.socket.sendall((1 << 21).to_bytes(4, "big"))
        assert wire.hear_until("4", "-1", "507")
        assert wire.hear() is None
