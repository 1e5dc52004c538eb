"""What run.py can do: the words of its command line, each with the module that does it (imported only then)."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from pipeline.errors import CannotStart, ConfigError, MargindeskError
from pipeline.gateway import options as gateway_options
from pipeline.supervisor.table import Spec

ROOT = Path(__file__).resolve().parents[2]
EXIT_USAGE = 2
EXIT_CANNOT_START = 3
DEFAULT = "demo"
PASSED_ON = ("test", "bench")  # what they don't know goes to pytest or to the benchmark


def main(specs: Sequence[Spec], argv: list[str]) -> int:
    """Run one command; its exit code. Faults of the configuration are all named at once, exit code 2."""
    commands = parser()
    words = argv if argv and (argv[0] in NAMES or argv[0] in ("-h", "--help")) else [DEFAULT, *argv]
    options, rest = commands.parse_known_args(words)
    if rest and options.command not in PASSED_ON:
        commands.error(f"unknown words: {' '.join(rest)}")
    options.rest = rest
    try:
        return dispatch(options, specs)
    except ConfigError as error:
        for fault in error.faults:
            print(fault, file=sys.stderr)
        return EXIT_USAGE
    except CannotStart as error:
        print(f"run.py: {error}", file=sys.stderr)
        return EXIT_CANNOT_START
    except MargindeskError as error:
        print(f"run.py: {error}", file=sys.stderr)
        return EXIT_USAGE


def dispatch(options: argparse.Namespace, specs: Sequence[Spec]) -> int:
    """Import the module of the command, and nothing else that is heavy."""
    match options.command:
        case "demo" | "up":
            from pipeline.commands import launch

            return launch.main(options, specs)
        case "desk":
            from pipeline.commands import desk

            return desk.main(options)
        case "gateway":
            from pipeline.commands import gateway

            return gateway.main(options)
        case "status":
            from pipeline.commands import status

            return status.main(options)
        case "stop":
            from pipeline.commands import stop

            return stop.main(options)
        case "logs":
            from pipeline.commands import events

            return events.main(options)
        case "ask":
            from pipeline.commands import ask

            return ask.main(options)
        case "doctor":
            from pipeline.commands import doctor

            return doctor.main(options)
        case "test":
            from pipeline.commands import check

            return check.main(options)
        case _:
            from pipeline.commands import bench

            return bench.main(options)


NAMES = ("demo", "up", "desk", "gateway", "status", "stop", "logs", "ask", "doctor", "test", "bench")


def parser() -> argparse.ArgumentParser:
    """Every command and option, with help."""
    top = argparse.ArgumentParser(
        prog="run.py",
        description="Margindesk: real-time margin for Interactive Brokers accounts.",
        epilog="Without a command: demo. `run.py COMMAND --help` tells more.",
        allow_abbrev=False,
    )
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(name: str, text: str, *, state: bool = True) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=text, description=text, allow_abbrev=False)
        if state:
            made.add_argument(
                "--state", type=Path, metavar="DIR", help="state directory (else $MARGINDESK_STATE, else yours)"
            )
            made.add_argument("--config", type=Path, metavar="FILE", help="configuration (TOML)")
        return made

    for name, text in (
        ("demo", "simulated TWS, embedded PostgreSQL, page, and the desk if there is a screen"),
        ("up", "the same processes against a real TWS; needs --config, e.g. configs/paper.toml"),
    ):
        made = command(name, text)
        made.add_argument("--headless", action="store_true", help="no desk, even with a screen")
        made.add_argument(
            "--seconds",
            type=_positive,
            metavar="N",
            help="stop N seconds after all are ready; the last line is then one JSON object that counts every record",
        )
    command("desk", "one more desk for the run that is active")
    made = command("gateway", "the simulated TWS alone, for any TWS API client", state=False)
    gateway_options.add(made, port=7497)
    made = command("status", "what runs, and where; exit code 0 all ready, 1 degraded or failed, 3 not running")
    made.add_argument("--json", action="store_true", help="one JSON object")
    command("stop", "stop the active run in order, and wait for it")
    made = command("logs", "the events of all processes, merged by time")
    made.add_argument("process", nargs="?", help="only this process")
    made.add_argument("-f", "--follow", action="store_true", help="go on with what comes")
    made.add_argument("--since", metavar="WHEN", help="90s, 10m, 2h, or a UTC time such as 2026-11-22T14:30")
    made.add_argument("--json", action="store_true", help="the lines as they are")
    made = command(
        "ask", "ask the active run for contracts, chains, history, news, scans; without a verb: what there is"
    )
    made.add_argument("verb", nargs="?", help="what to do, e.g. find_symbols")
    made.add_argument("words", nargs="*", metavar="key=value", help="its fields, e.g. pattern=AAPL")
    made.add_argument("--csv", action="store_true", help="records as CSV instead of JSON")
    command("doctor", "checks this machine and this run; each line says what to do")
    made = command("test", "lint, types, import contracts, then all tests; other words go to pytest", state=False)
    made.add_argument("--long", action="store_true", help="also soak, fuzz and random-kill runs")
    made = command("bench", "list the benchmarks, or run one; other words go to it", state=False)
    made.add_argument("name", nargs="?", help="which one")
    made.add_argument("--json", action="store_true", help="its last line is one JSON object")
    made.add_argument("--save", action="store_true", help="keep the result by machine and commit")
    made.add_argument("--compare", action="store_true", help="kept results side by side")
    return top


def _positive(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0.0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"expected a number above 0, found {text!r}")
    return value
