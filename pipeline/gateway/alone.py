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
from datetime import date
from pathlib import Path

import msgspec

from pipeline import config
from pipeline.errors import CannotStart, ConfigError
from pipeline.gateway import opening, options
from pipeline.gateway.server import Server
from pipeline.service import stop_on_signal

STOP_S = 10.0


def serve(settings: config.Gateway, day: date | None, directory: Path | None) -> int:
    """Run until SIGTERM or SIGINT; 1 if the port can't be had."""
    stopping = threading.Event()
    with stop_on_signal(stopping):
        try:
            server = Server(opening.fresh(settings, day), settings, directory)
        except OSError as error:
            place = f"{settings.host}:{settings.port}"
            print(f"{place}: expected a free port, found: {error.strerror}; try --port 0", file=sys.stderr)
            return 1
        host, port = server.address
        print(f"listening on {host}:{port}", flush=True)
        try:
            while not stopping.is_set():
                server.step(0.05)
        finally:
            server.close()
    return 0


class _Lines(logging.Formatter):
    """One line an event for people: what happened, then its facts."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        facts = getattr(record, "facts", {})
        return " ".join([record.levelname, record.message, *(f"{key}={value!r}" for key, value in facts.items())])


def run(asked: argparse.Namespace) -> int:
    """Serve what was asked for by the options; ConfigError names every fault in them."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Lines())
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    settings = options.settings(asked)
    if asked.ledger is not None:
        asked.ledger.mkdir(parents=True, exist_ok=True)
    return serve(settings, asked.day, asked.ledger)


def main(argv: Sequence[str] | None = None) -> int:
    """Entry of `python -m pipeline.gateway.alone`."""
    parser = argparse.ArgumentParser(prog="gateway", description="A simulated TWS for any TWS API client.")
    options.add(parser, port=0)
    asked = parser.parse_args(argv)
    try:
        return run(asked)
    except ConfigError as error:
        parser.error("; ".join(error.faults))
    except CannotStart as error:
        print(f"gateway: {error}", file=sys.stderr)
        return 3


@contextlib.contextmanager
def running(
    settings: config.Gateway | None = None, port: int = 0, ledger_dir: Path | None = None, *more: str
) -> Iterator[tuple[str, int]]:
    """A gateway in a process of its own; gives (host, port), stops it at the end. `more` are options of `main`."""
    wanted = msgspec.structs.replace(settings if settings is not None else config.Gateway(), port=port)
    command = [sys.executable, "-m", "pipeline.gateway.alone", *options.words(wanted)]
    if ledger_dir is not None:
        command += ["--ledger", str(ledger_dir)]
    process = subprocess.Popen([*command, *more], stdout=subprocess.PIPE, text=True)
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
