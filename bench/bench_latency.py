"""Tick at the socket to margin figure published, through the real processes, beside a bare ipc ping-pong.

Method: `run.py demo --headless` in a fresh state directory with the given tick rate; latency is the publish time of a
margin figure minus the receive time of the *oldest* tick that it answers, so conflation can't flatter it. While it
runs, two bare processes bounce 40 bytes over ZeroMQ ipc at 1,000 a second on the same cores; half of a round trip is
the floor.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import zmq

NAME = "latency"
TITLE = "tick at the socket → margin figure published, beside a bare ipc ping-pong"
ROOT = Path(__file__).resolve().parents[1]
PING_BYTES = b"x" * 40
PINGS_PER_S = 1000

CONFIG = """\
name = "bench"
[gateway]
rate = {rate}
[web]
enabled = false
[desk]
enabled = false
"""

ECHO = """\
import sys, zmq
socket = zmq.Context().socket(zmq.PAIR)
socket.connect(sys.argv[1])
while True:
    message = socket.recv()
    if not message:
        break
    socket.send(message)
"""


def ping_pong_ms(directory: Path, run: subprocess.Popen[str]) -> list[float]:
    """Half round trips, in ms, for as long as `run` lives."""
    context = zmq.Context()
    socket = context.socket(zmq.PAIR)
    address = f"ipc://{directory}/ping"
    socket.bind(address)
    echo = subprocess.Popen([sys.executable, "-c", ECHO, address])
    halves: list[float] = []
    try:
        while run.poll() is None:
            started = time.perf_counter()
            socket.send(PING_BYTES)
            if not socket.poll(5000):
                break
            socket.recv()
            halves.append((time.perf_counter() - started) * 500.0)
            time.sleep(1.0 / PINGS_PER_S)
        socket.send(b"")
    finally:
        echo.wait(timeout=10)
        context.destroy(linger=0)
    return halves


def measure(rate: float, seconds: float) -> dict[str, float]:
    """One run at `rate` ticks a second."""
    with tempfile.TemporaryDirectory(prefix="md-bench-") as name:
        directory = Path(name)
        config = directory / "bench.toml"
        config.write_text(CONFIG.format(rate=float(rate)), encoding="utf-8")
        command = [sys.executable, str(ROOT / "run.py"), "demo", "--headless", "--seconds", str(seconds)]
        command += ["--config", str(config), "--state", str(directory / "state")]
        run = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
        halves = ping_pong_ms(directory, run)
        output, _ = run.communicate(timeout=120)
    if run.returncode != 0:
        raise SystemExit(
            f"bench latency: the run ended with exit code {run.returncode}; its last lines:\n{output[-2000:]}"
        )
    summary = json.loads(output.strip().splitlines()[-1])
    ping = statistics.quantiles(halves, n=100)
    return {
        "rate": rate,
        "ticks": summary["ticks_received"],
        "margin_updates": summary["margin_updates"],
        "p50_ms": summary["tick_to_margin_ms"]["p50"],
        "p99_ms": summary["tick_to_margin_ms"]["p99"],
        "ping_p50_ms": ping[49],
        "ping_p99_ms": ping[98],
        "ratio_p99": summary["tick_to_margin_ms"]["p99"] / ping[98],
    }


def main(argv: list[str]) -> int:
    """Print a table, and with --json one object as the last line."""
    parser = argparse.ArgumentParser(prog="bench latency", description=TITLE)
    parser.add_argument("--rates", type=float, nargs="+", default=[400.0, 20_000.0], help="ticks a second")
    parser.add_argument("--seconds", type=float, default=10.0, help="length of each run")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(argv)
    print(__doc__)
    rows = [measure(rate, options.seconds) for rate in options.rates]
    heads = ("asked/s", "ticks", "figures", "p50 ms", "p99 ms", "ping p50", "ping p99", "p99 ratio")
    print(" ".join(f"{head:>10}" for head in heads))
    for row in rows:
        keys = ("rate", "ticks", "margin_updates", "p50_ms", "p99_ms", "ping_p50_ms", "ping_p99_ms", "ratio_p99")
        print(" ".join(f"{row[key]:>10.3f}" for key in keys))
    if options.json:
        print(json.dumps({"p50_ms": rows[-1]["p50_ms"], "p99_ms": rows[-1]["p99_ms"], "rows": rows}))
    return 0
