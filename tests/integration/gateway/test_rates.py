"""High rates over a real socket: every frame whole, every frame counted, others undisturbed."""

import pytest

from pipeline import config
from pipeline.gateway import alone, ledger

APPLE = (265598, "", "", "", "0", "", "", "SMART", "", "", "", "")
ENOUGH = 8 << 20  # bytes
TICKS = {b"1", b"2", b"45", b"46", b"21"}


@pytest.mark.parametrize("settings", [{"rate": 1_000_000.0}, {"rate": 0.0, "burst": 5000}], ids=["rate", "burst"])
def test_the_ledger_is_exact_and_a_neighbour_is_answered(connect_wire, tmp_path, settings):
    gateway = config.Gateway(hours="always", **settings)
    with alone.running(gateway, 0, tmp_path, "--day", "2026-11-23") as address:
        greedy, other = connect_wire(address), connect_wire(address)
        greedy.start(1)
        other.start(2)
        for n, con_id in enumerate((265598, 272093, 76792991), 1):
            greedy.say(1, 11, n, con_id, *APPLE[1:], 0, "", 0, 0, "")
        data = bytearray()
        while len(data) < ENOUGH:
            data += greedy.socket.recv(1 << 20)
        other.say(49, 1)
        other.hear_until("49")
        for n in (1, 2, 3):
            greedy.say(2, 2, n)
        greedy.say(49, 1)
        while b"\0\0\0\x1049\x001\0" not in data[-4096:]:
            data += greedy.socket.recv(1 << 20)
        greedy.say(49, 1)
        ended = b""
        while b"\0\0\0\x1049\x001\0" not in ended:
            ended += greedy.socket.recv(1 << 20)
        kinds = messages(bytes(data))
        ticks, frames = ledger.read(tmp_path, 1)
        assert ticks == sum(kind in TICKS for kind in kinds)
        greeting = 2 + 4
        assert frames - len(kinds) in (greeting, greeting + 1)  # the last answer may be counted already
        assert ticks > 200_000


def messages(data):
    """The message ids of whole frames."""
    found, at = [], 0
    while at < len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        found.append(data[at + 4 : at + 12].split(b"\0", 1)[0])
        at += 4 + length
    assert at == len(data)
    return found
