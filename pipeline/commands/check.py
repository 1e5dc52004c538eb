"""`test`: lint, types and import contracts, then every test; one table of durations at the end."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

from pipeline.commands import ROOT, screen

SOURCES = ("run.py", "manage.py", "pipeline", "storage", "ui", "configs", "tests", "bench")


def main(options: argparse.Namespace) -> int:
    """0 only if every step is clean. With words for pytest, only pytest runs."""
    packages = screen.missing_packages(screen.QT_LIBRARIES)
    if packages and not screen.install(packages):
        print(f"Qt's system libraries are missing, its tests will fail; install them: {screen.command(packages)}")
    chosen = [] if options.rest else checks()
    chosen.append(("tests", tests(options.long, options.rest)))
    results = [(name, *_run(name, words)) for name, words in chosen]
    print()
    for name, code, seconds in results:
        print(f"{name:<18} {'ok' if code == 0 else f'failed (exit code {code})':<24} {seconds:7.1f} s")
    return 0 if all(code == 0 for _, code, _ in results) else 1


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
    """pytest over unit, integration and e2e; the long ones only on request."""
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


def _run(name: str, words: list[str]) -> tuple[int, float]:
    print(f"── {name}", flush=True)
    environment = {key: value for key, value in os.environ.items() if key != "MARGINDESK_STATE"}
    environment["QT_QPA_PLATFORM"] = "offscreen"
    started = time.monotonic()
    code = subprocess.call(words, cwd=ROOT, env=environment)
    return code, time.monotonic() - started
