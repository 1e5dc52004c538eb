"""One JSON line an event, with a stable `event` key that a test or a person can wait for."""

from __future__ import annotations

import json
import logging
import os
import time
from pathlib import Path
from typing import Any


class JsonFormatter(logging.Formatter):
    """Time, level, process, event, and whatever was given as `extra={"facts": {...}}`."""

    def __init__(self, process: str) -> None:
        super().__init__()
        self._process = process

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "ts": f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(record.created))}.{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "process": self._process,
            "pid": os.getpid(),
            "event": record.getMessage(),
        }
        line.update(getattr(record, "facts", {}))
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


def configure(process: str, directory: Path) -> None:
    """Send the root logger to `directory`/`process`.log; libraries speak from WARNING up."""
    handler = logging.FileHandler(directory / f"{process}.log", encoding="utf-8")
    handler.setFormatter(JsonFormatter(process))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("margindesk").setLevel(logging.INFO)


def event(process: str, name: str, level: int = logging.INFO, **facts: Any) -> None:
    """Log one event of `process`; `name` is stable, everything that varies is a fact."""
    logging.getLogger(f"margindesk.{process}").log(level, name, extra={"facts": facts})


class Throttle:
    """Lets one event a kind through every `every_s`, and tells how many it held back."""

    def __init__(self, every_s: float = 60.0) -> None:
        self._every_s = every_s
        self._last: dict[str, float] = {}
        self._held: dict[str, int] = {}

    def admit(self, kind: str, now_s: float) -> int | None:
        """None: hold it back. A number: log it, so many were held back since the last time."""
        if now_s - self._last.get(kind, -1e18) < self._every_s:
            self._held[kind] = self._held.get(kind, 0) + 1
            return None
        self._last[kind] = now_s
        return self._held.pop(kind, 0)
