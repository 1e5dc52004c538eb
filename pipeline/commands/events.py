"""`logs`: the JSON lines of all processes, merged by time."""

from __future__ import annotations

import argparse
import json
import re
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pipeline.commands import places
from pipeline.errors import MargindeskError

EXIT_NONE = 3
FOLLOW_EVERY_S = 0.2
SHOWN = ("ts", "level", "process", "pid", "event", "traceback")


def main(options: argparse.Namespace) -> int:
    """Print them, and with --follow what comes."""
    directory = places.active(options).logs
    since = parse_since(options.since, datetime.now(UTC)) if options.since else ""
    tails = Tails(directory, options.process)
    if not tails.files() and not options.follow:
        known = ", ".join(path.stem for path in sorted(directory.glob("*.log"))) or "none"
        print(f"no log in {directory} for {options.process or 'any process'}; there are: {known}", file=sys.stderr)
        return EXIT_NONE
    try:
        _print(tails.read(), since, options.json)
        while options.follow:
            time.sleep(FOLLOW_EVERY_S)
            _print(tails.read(), since, options.json)
    except (KeyboardInterrupt, BrokenPipeError):
        sys.stderr.close()  # a reader such as `head` has left
    return 0


class Tails:
    """The log files of a run; each `read` gives the events since the one before, ordered by time."""

    def __init__(self, directory: Path, process: str | None) -> None:
        self._directory = directory
        self._process = process
        self._read: dict[Path, int] = {}

    def files(self) -> list[Path]:
        return sorted(self._directory.glob(f"{self._process or '*'}.log"))

    def read(self) -> list[dict[str, Any]]:
        events = [event for path in self.files() for event in self._new_of(path)]
        return sorted(events, key=lambda event: str(event.get("ts", "")))

    def _new_of(self, path: Path) -> Iterator[dict[str, Any]]:
        with path.open("rb") as file:
            file.seek(self._read.get(path, 0))
            data = file.read()
        whole = data.rfind(b"\n") + 1  # a line that is being written waits
        self._read[path] = self._read.get(path, 0) + whole
        for line in data[:whole].splitlines():
            try:
                event = json.loads(line)
            except ValueError:
                event = None
            if isinstance(event, dict):
                yield event
            else:  # cut by a kill: shown as it is
                yield {"ts": "", "process": path.stem, "event": line.decode("utf-8", "replace")}


def parse_since(text: str, now: datetime) -> str:
    """The first `ts` to show: an age (90s, 10m, 2h, 1d) or a UTC time."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd])", text)
    if match is not None:
        factor = {"s": 1, "m": 60, "h": 3600, "d": 86400}[match.group(2)]
        when = now - timedelta(seconds=float(match.group(1)) * factor)
    else:
        try:
            when = datetime.fromisoformat(text)
        except ValueError:
            raise MargindeskError(
                f"expected 90s, 10m, 2h, 1d or 2026-11-22T14:30 for --since, found {text!r}"
            ) from None
        when = when.astimezone(UTC) if when.tzinfo is not None else when.replace(tzinfo=UTC)
    return when.strftime("%Y-%m-%dT%H:%M:%S.") + f"{when.microsecond // 1000:03d}Z"


def line_of(event: dict[str, Any]) -> str:
    """One event for a person."""
    facts = " ".join(f"{key}={value}" for key, value in event.items() if key not in SHOWN and value not in ("", None))
    level = str(event.get("level", "")).upper()
    mark = "" if level == "INFO" else f"{level} "
    head = f"{str(event.get('ts', ''))[11:23]:<12} {event.get('process', ''):<10} {mark}{event.get('event', '')}"
    trace = f"\n{event['traceback']}" if "traceback" in event else ""
    return f"{head} {facts}".rstrip() + trace


def _print(events: list[dict[str, Any]], since: str, as_json: bool) -> None:
    for event in events:
        if str(event.get("ts", "")) >= since:
            print(json.dumps(event) if as_json else line_of(event))
    sys.stdout.flush()
