"""`bench gateway`: the simulated gateway alone: what a rate costs it, and how fast its one buffer leaves.

Method. The gateway runs in a process of its own; one client watches 100 lines and does nothing but recv() into one
buffer. Frames are those that the gateway's ledger counts as taken by the kernel between two looks at the clock; CPU
time is the gateway's own (user and system), as a share of one core. At a rate, the figure is that share; in a burst it
is frames a second. The peer is a bare process that calls sendall() with the same bytes again and again, to the same
receiver: what the machine's loopback gives at best. Burst and peer are interleaved; medians are compared.
"""

from __future__ import annotations

import argparse
import json
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import psutil

from pipeline import config
from pipeline.gateway import keeping, ledger, options

NAME = "gateway"
TITLE = "the simulated gateway alone: cost of a rate, frames a second of a burst, beside a bare sendall"

RATES = (20_000, 200_000, 2_000_000)
BURST_FRAMES = 100_000
LINES = 100
CLIENT = 1
DAY = date(2026, 11, 23)
SAMPLE_BYTES = 2 << 20
BARE = """\
import socket, sys
data = open(sys.argv[1], "rb").read()
listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
sock, _ = listener.accept()
sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
try:
    while True:
        sock.sendall(data)
except OSError:
    pass
"""


@dataclass
class Sample:
    """What one look at the gateway found."""

    frames_per_s: float
    bytes_per_s: float
    core: float  # share of one core that the gateway took


@contextmanager
def gateway(settings: config.Gateway, directory: Path) -> Iterator[tuple[socket.socket, psutil.Process]]:
    """A gateway in its own process, and a client that watches its lines."""
    words = [*options.words(settings), "--day", DAY.isoformat(), "--ledger", str(directory)]
    command = [sys.executable, "-m", "pipeline.gateway.alone", *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        found = re.fullmatch(r"listening on (.+):(\d+)\n", process.stdout.readline())
        assert found
        try:
            with socket.create_connection((found[1], int(found[2]))) as sock:
                subscribe(sock)
                yield sock, psutil.Process(process.pid)
        finally:
            process.terminate()


def subscribe(sock: socket.socket) -> None:
    """Greet, start, ask for the lines; the answers are read by whoever reads the ticks."""
    sock.sendall(b"API\0\0\0\0\x09v100..200")
    sock.recv(4096)
    universe = keeping.begin(DAY, 7, 1.0).universe
    kinds = sorted(universe.by_con_id.values(), key=lambda x: (x.sec_type == "OPT", x.con_id))
    wanted = [x for x in kinds if x.sec_type in ("STK", "FUT", "OPT")][:LINES]
    said = [(71, 2, CLIENT, "")]
    for n, x in enumerate(wanted, 1):
        contract = (x.con_id, "", "", "", "0", "", "", "SMART" if x.sec_type != "FUT" else x.exchange, "", "", "", "")
        said.append((1, 11, n, *contract, 0, "", 0, 0, ""))  # type: ignore[arg-type]
    for fields in said:
        payload = "".join(f"{field}\0" for field in fields).encode()
        sock.sendall(len(payload).to_bytes(4, "big") + payload)


def drain(sock: socket.socket, seconds: float) -> int:
    """Bytes that came in that time."""
    buffer, total, until = bytearray(1 << 20), 0, time.perf_counter() + seconds
    while time.perf_counter() < until:
        total += sock.recv_into(buffer)
    return total


def sample(sock: socket.socket, process: psutil.Process, directory: Path, seconds: float) -> Sample:
    drain(sock, 1.0)  # until the subscriptions are made
    cpu, frames, begin = sum(process.cpu_times()[:2]), ledger.read(directory, CLIENT)[1], time.perf_counter()
    count = drain(sock, seconds)
    took = time.perf_counter() - begin
    frames = ledger.read(directory, CLIENT)[1] - frames
    return Sample(frames / took, count / took, (sum(process.cpu_times()[:2]) - cpu) / took)


def at_rate(rate: float, burst: int, seconds: float) -> tuple[Sample, bytes]:
    """One run of a gateway; some of its bytes too."""
    limits = config.GatewayLimits(messages_per_s=1_000_000)
    settings = config.Gateway(rate=rate, burst=burst, hours="always", limits=limits)
    with tempfile.TemporaryDirectory() as name, gateway(settings, Path(name)) as (sock, process):
        found = sample(sock, process, Path(name), seconds)
        data = b""
        while burst and len(data) < SAMPLE_BYTES:
            data += sock.recv(1 << 20)
        return found, data


def bare(data: bytes, seconds: float) -> float:
    """Bytes a second of a process that does nothing but sendall."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(data)
        file.flush()
        with subprocess.Popen([sys.executable, "-c", BARE, file.name], stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            port = int(process.stdout.readline())
            with socket.create_connection(("127.0.0.1", port)) as sock:
                drain(sock, 0.5)
                begin = time.perf_counter()
                count = drain(sock, seconds)
                took = time.perf_counter() - begin
            process.terminate()
    return count / took


def measure(repeats: int, seconds: float) -> dict[str, Any]:
    """All runs; a burst and its peer take turns."""
    at: dict[str, list[Sample]] = {f"{rate}": [] for rate in RATES}
    bursts: list[Sample] = []
    peers: list[float] = []
    for _ in range(repeats):
        for rate in RATES:
            at[f"{rate}"].append(at_rate(rate, 0, seconds)[0])
        found, data = at_rate(0, BURST_FRAMES, seconds)
        bursts.append(found)
        peers.append(bare(data, seconds))
    burst_bytes, peer = statistics.median(one.bytes_per_s for one in bursts), statistics.median(peers)
    return {
        "bench": NAME,
        "burst_frames_per_s": statistics.median(one.frames_per_s for one in bursts),
        "burst_bytes_per_s": burst_bytes,
        "bare_sendall_bytes_per_s": peer,
        "ratio_vs_bare_sendall": burst_bytes / peer,
        **{f"core_at_{rate}": statistics.median(one.core for one in found) for rate, found in at.items()},
        **{
            f"frames_per_s_at_{rate}": statistics.median(one.frames_per_s for one in found)
            for rate, found in at.items()
        },
        "core_in_burst": statistics.median(one.core for one in bursts),
        "runs": {
            "burst_frames_per_s": [one.frames_per_s for one in bursts],
            "bare_bytes_per_s": peers,
            "core": {rate: [one.core for one in found] for rate, found in at.items()},
        },
    }


def main(argv: list[str]) -> int:
    """Prints a table and the method; with --json the last line is one object."""
    parser = argparse.ArgumentParser(prog="bench gateway", description=TITLE)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3.0, help="of each run")
    asked = parser.parse_args(argv)
    found = measure(asked.repeats, asked.seconds)
    print(__doc__)
    print(f"{'ticks/s asked':>16}{'frames/s taken':>18}{'of one core':>14}")
    for rate in RATES:
        print(f"{rate:>16,}{found[f'frames_per_s_at_{rate}']:>18,.0f}{found[f'core_at_{rate}']:>14.1%}")
    print(f"{'burst':>16}{found['burst_frames_per_s']:>18,.0f}{found['core_in_burst']:>14.1%}")
    ratio = found["ratio_vs_bare_sendall"]
    print(f"burst {found['burst_bytes_per_s'] / 1e6:,.0f} MB/s, bare sendall", end=" ")
    print(f"{found['bare_sendall_bytes_per_s'] / 1e6:,.0f} MB/s: {ratio:.2f} of it")
    if asked.json:
        print(json.dumps(found))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
