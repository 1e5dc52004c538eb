"""`test`: lint, types and import contracts, then every test; one table of durations at the end.

Four lanes of tests run side by side, one that computes and three that mostly wait; what runs the whole product comes
after them, alone, because it takes every core there is.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO

from pipeline.commands import ROOT, screen

SOURCES = ("run.py", "manage.py", "pipeline", "storage", "ui", "configs", "tests", "bench")
GATEWAY = "tests/integration/gateway"
FAULTS = "tests/integration/faults"
CLIENTS = [f"tests/integration/{name}" for name in ("tws", "ingest", "orders")]
LANES = {
    "integration": ["tests/integration", *(f"--ignore={folder}" for folder in (GATEWAY, FAULTS, *CLIENTS))],
    "TWS clients": CLIENTS,
    "faults": [FAULTS],
    "unit, gateway": ["tests/unit", GATEWAY],
}
Result = tuple[str, int, float]  # name, exit code, seconds


def main(options: argparse.Namespace) -> int:
    """0 only if every step is clean. With words for pytest, only pytest runs."""
    packages = screen.missing_packages(screen.QT_LIBRARIES)
    if packages and not screen.install(packages):
        print(f"Qt's system libraries are missing, its tests will fail; install them: {screen.command(packages)}")
    results = list(_steps(options.long, options.rest))
    print()
    for name, code, seconds in results:
        print(f"{name:<22} {'ok' if code == 0 else f'failed (exit code {code})':<24} {seconds:7.1f} s")
    return 0 if all(code == 0 for _, code, _ in results) else 1


def _steps(long: bool, rest: list[str]) -> Iterator[Result]:
    if rest:
        yield _told("tests", tests(long, rest))
        return
    for name, words in checks():
        yield _told(name, words)
    yield from _side_by_side({name: tests(long, words) for name, words in LANES.items()})
    yield _told("end to end", tests(long, ["tests/e2e"]))


def _side_by_side(lanes: dict[str, list[str]]) -> Iterator[Result]:
    """All at once; the first prints as it goes, the others when they have ended."""
    (first, words), *others = lanes.items()
    with contextlib.ExitStack() as files, ThreadPoolExecutor(len(others)) as pool:
        beside = []
        for name, lane in others:
            printed = files.enter_context(tempfile.TemporaryFile())
            beside.append((printed, pool.submit(_run, name, lane, printed)))
        print(f"── {first}", flush=True)
        yield _run(first, words)
        for printed, run in beside:
            result = run.result()
            print(f"── {result[0]}", flush=True)
            printed.seek(0)
            shutil.copyfileobj(printed, sys.stdout.buffer)
            sys.stdout.flush()
            yield result


def checks() -> list[tuple[str, list[str]]]:
    """What needs no test: each step and its words."""
    sources = [name for name in SOURCES if (ROOT / name).exists()]
    return [
        ("ruff check", [_tool("ruff"), "check", *sources]),
        ("ruff format", [_tool("ruff"), "format", "--check", "--quiet", *sources]),
        ("mypy", [sys.executable, "-m", "mypy"]),
        ("import contracts", [_tool("lint-imports"), "--no-cache"]),
    ]


def tests(long: bool, rest: list[str]) -> list[str]:
    """pytest's words; the long tests only on request."""
    words = [sys.executable, "-m", "pytest", "--durations=15", "--durations-min=1"]
    if not long and not any(word == "-m" or word.startswith("-m=") for word in rest):
        words += ["-m", "not long"]
    if long:
        words += ["--hypothesis-profile=long"]
    return words + rest


def _tool(name: str) -> str:
    """The tool of this environment, whatever PATH says."""
    beside = Path(sys.executable).parent / (f"{name}.exe" if os.name == "nt" else name)
    return str(beside) if beside.exists() else name


def _environment() -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if key != "MARGINDESK_STATE"}
    return kept | {"QT_QPA_PLATFORM": "offscreen"}


def _told(name: str, words: list[str]) -> Result:
    print(f"── {name}", flush=True)
    return _run(name, words)


def _run(name: str, words: list[str], printed: IO[bytes] | None = None) -> Result:
    started = time.monotonic()
    code = subprocess.call(words, cwd=ROOT, env=_environment(), stdout=printed, stderr=printed and subprocess.STDOUT)
    return name, code, time.monotonic() - started
