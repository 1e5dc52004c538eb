"""The gateway as a process: its first line, its end, and a kill in the middle."""

import os
import signal
import subprocess
import sys

import pytest

from pipeline.config import Settings
from pipeline.gateway import ledger
from pipeline.runtime import Runtime

DEADLINE_S = 30.0


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_alone_prints_its_address_first_and_ends_when_told(signum):
    command = [sys.executable, "-m", "pipeline.gateway.alone", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline().startswith("listening on 127.0.0.1:")
        process.send_signal(signum)
        assert process.wait(DEADLINE_S) == 0


def test_a_port_in_use_is_told_in_one_line(address):
    command = [sys.executable, "-m", "pipeline.gateway.alone", "--port", str(address[1])]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE_S, check=False)
    assert ended.returncode == 1
    assert f"127.0.0.1:{address[1]}: expected a free port" in ended.stderr


class Child:
    """`python -m pipeline.gateway` in a run of its own."""

    def __init__(self, runtime):
        self.runtime = runtime
        environment = os.environ | {"MARGINDESK_STATE": str(runtime.state_dir)}
        self.process = subprocess.Popen([sys.executable, "-m", "pipeline.gateway"], env=environment)

    def address(self, watch):
        """Where it listens, once it says so itself."""
        for _ in range(int(DEADLINE_S / 0.05)):
            told = self.runtime.announced("gateway")
            if told and told["pid"] == self.process.pid:
                return told["host"], told["port"]
            if self.process.poll() is not None:
                raise AssertionError(f"it ended with {self.process.returncode}")
            watch.wait(0.05)
        raise AssertionError("it announced nothing")


@pytest.fixture
def run(tmp_path):
    import msgspec

    runtime = Runtime(tmp_path / "state")
    runtime.prepare()
    runtime.settings_file.write_bytes(msgspec.json.encode(Settings()))
    children = []

    def start():
        children.append(Child(runtime))
        return children[-1]

    yield start
    for child in children:
        if child.process.poll() is None:
            child.process.kill()
            child.process.wait()


def facts(wire):
    """Position in AAPL, permId and ids of what is known of earlier orders."""
    wire.say(61, 1)
    rows = wire.hear_until("62")
    held = next(row[14] for row in rows if row[0] == "61" and row[2] == "DU1234502" and row[3] == "265598")
    wire.say(7, 3, 9, 0, "", "", "", "", "", "", 2147483647, 0)
    executions = [row for row in wire.hear_until("55") if row[0] == "11"]
    wire.say(16, 1)
    live = [row[1] for row in wire.hear_until("53") if row[0] == "5"]
    wire.say(49, 1)
    return held, [row[14] for row in executions], live, int(wire.hear_until("49")[-1][2])


def place(wire, order_id, action, quantity, kind, limit):
    """A text placeOrder as the genuine client sends it at 200."""
    contract = (265598, "", "", "", "0", "", "", "SMART", "", "", "", "")
    head = (action, quantity, kind, limit, "", "DAY", "", "DU1234502", "", 0, "", 1, 0, 0, 0, 0, 0, 0, 0)
    tail = ("", "", "", "", "", "", "", "", 0, "", -1, 0, "", "", 0, "", "", 0, 0, "", 0, "", "", "", "", "", 0)
    more = ("", "", "", "", 0, "", "", "", "", "", "", "", "", "", "", 0, "", "", 0, 0, "", "", 0)
    wire.say(3, order_id, *contract, "", "", *head, *tail, *more, *[""] * 40)


def test_everything_survives_a_kill(run, connect_wire):
    import threading

    watch = threading.Event()
    first = run()
    address = first.address(watch)
    wire = connect_wire(address)
    wire.start(11)
    place(wire, 1, "BUY", 50, "MKT", "")
    wire.hear_until("3", "1", "Filled")
    place(wire, 2, "BUY", 10, "LMT", "200")
    wire.hear_until("3", "2", "Submitted")
    before = facts(wire)
    assert before[0] == "350"
    assert before[2] == ["2"]
    counted = ledger.read(first.runtime.state_dir / "gateway", 11)
    first.process.kill()
    first.process.wait()

    second = run()
    assert second.address(watch) == address
    again = connect_wire(address)
    again.start(11)
    after = facts(again)
    assert after[:3] == before[:3]
    assert before[3] - 3 <= after[3] <= before[3] + 30
    assert ledger.read(first.runtime.state_dir / "gateway", 11)[1] > counted[1] > 0
    again.say(8, 1, 1)
    assert again.hear_until("9")[-1][2] == "3"
    second.process.send_signal(signal.SIGTERM)
    assert second.process.wait(DEADLINE_S) == 0
