"""The simulated TWS by itself: `python -m pipeline.gateway.alone --port N`, and the same as a context for tests."""

from __future__ import annotations

import argparse
import contextlib
import logging
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path

from pipeline import config
from pipeline.gateway import keeping
from pipeline.gateway.limits import Limits
from pipeline.gateway.market import days
from pipeline.gateway.server import Server
from pipeline.service import stop_on_signal

STOP_S = 10.0


def serve(settings: config.Gateway, port: int, limits: Limits, day: date, directory: Path | None) -> int:
    """Run until SIGTERM or SIGINT; 1 if the port can't be had."""
    stopping = threading.Event()
    with stop_on_signal(stopping):
        brokerage = keeping.begin(day, settings.seed, settings.clock)
        try:
            server = Server(brokerage, settings.host, port, settings.rate, limits, directory)
        except OSError as error:
            print(
                f"{settings.host}:{port}: expected a free port, found: {error.strerror}; try --port 0", file=sys.stderr
            )
            return 1
        host, port = server.address
        print(f"listening on {host}:{port}", flush=True)
        try:
            while not stopping.is_set():
                server.step(0.05)
        finally:
            server.close()
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    """Entry of `run.py gateway` and of `python -m pipeline.gateway.alone`."""
    default, limits = config.Gateway(), Limits()
    parser = argparse.ArgumentParser(prog="gateway", description="A simulated TWS for any TWS API client.")
    parser.add_argument("--port", type=int, default=0, help="port to listen on (0: any free one)")
    parser.add_argument("--host", default=default.host, help="loopback address to listen on")
    parser.add_argument("--seed", type=int, default=default.seed, help="seed of the market")
    parser.add_argument("--rate", type=float, default=default.rate, help="ticks a second, all lines together")
    parser.add_argument("--clock", type=float, default=default.clock, help="market seconds a second")
    parser.add_argument("--day", type=date.fromisoformat, help="first market day, YYYY-MM-DD (today, if none)")
    parser.add_argument("--ledger", type=Path, help="directory for the counters of frames sent and the state")
    parser.add_argument("--messages-per-s", type=int, default=limits.messages_per_s, help="message rate of a client")
    parser.add_argument("--lines", type=int, default=limits.lines, help="market-data lines")
    parser.add_argument(
        "--unread-bytes", type=int, default=limits.unread_bytes, help="bytes that may wait for a client"
    )
    parser.add_argument("--account-every-s", type=float, default=limits.account_every_s, help="account reports")
    asked = parser.parse_args(argv)
    if asked.host not in config.LOOPBACK:
        parser.error(f"--host: expected one of {', '.join(config.LOOPBACK)}, found {asked.host!r}")
    if not (asked.rate > 0 and asked.clock > 0):
        parser.error("--rate and --clock: expected numbers above 0")
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    settings = config.Gateway(host=asked.host, seed=asked.seed, rate=asked.rate, clock=asked.clock)
    limits = replace(
        limits,
        messages_per_s=asked.messages_per_s,
        lines=asked.lines,
        account_every_s=asked.account_every_s,
        unread_bytes=asked.unread_bytes,
    )
    if asked.ledger is not None:
        asked.ledger.mkdir(parents=True, exist_ok=True)
    return serve(settings, asked.port, limits, asked.day or datetime.now(days.NEW_YORK).date(), asked.ledger)


@contextlib.contextmanager
def running(
    settings: config.Gateway | None = None, port: int = 0, ledger_dir: Path | None = None, *options: str
) -> Iterator[tuple[str, int]]:
    """A gateway in a process of its own; gives (host, port), stops it at the end. `options` are those of `main`."""
    settings = settings if settings is not None else config.Gateway()
    command = [sys.executable, "-m", "pipeline.gateway.alone", "--port", str(port), "--host", settings.host]
    command += ["--seed", str(settings.seed), "--rate", str(settings.rate), "--clock", str(settings.clock)]
    if ledger_dir is not None:
        command += ["--ledger", str(ledger_dir)]
    process = subprocess.Popen([*command, *options], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        found = re.fullmatch(r"listening on (.+):(\d+)\n", line)
        if found is None:
            raise RuntimeError(f"expected 'listening on HOST:PORT' from the gateway, found {line!r}")
        yield found[1], int(found[2])
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()


if __name__ == "__main__":
    sys.exit(main())
