"""What ingest missed, kept in a file until it can be told: from when, and why. Survives being killed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pipeline.messages import Gap


class Outage:
    """At most one open at a time; one that opens inside another changes nothing."""

    def __init__(self, directory: Path) -> None:
        self._open_file = directory / "outage.json"
        self._end_file = directory / "ended.json"
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        found = _read(self._open_file)
        self.from_ns = int(found.get("from_ns", 0))  # 0: none is open
        self.reason = str(found.get("reason", ""))

    def started(self, next_seq: int, last_ns: int) -> None:
        """The process began; its journal goes on at `next_seq`, its last frame is of `last_ns` (0: none ever)."""
        ended = _read(self._end_file)
        if last_ns and ended.get("next_seq") != next_seq:
            self.open(last_ns, "ingest ended without saying so (killed, or the machine stopped)")
        self._end_file.unlink(missing_ok=True)

    def ended(self, next_seq: int) -> None:
        """The process ends on purpose; nothing follows before `next_seq`."""
        _write(self._end_file, {"next_seq": next_seq})

    def open(self, from_ns: int, reason: str) -> None:
        """Nothing is recorded from here on."""
        if self.from_ns == 0 and from_ns > 0:
            self.from_ns, self.reason = from_ns, reason
            _write(self._open_file, {"from_ns": from_ns, "reason": reason})

    def close(self, to_ns: int) -> Gap | None:
        """Data comes again: the row to publish, if something was missed. Call `told` once it is published."""
        if self.from_ns == 0:
            return None
        return Gap(process="ingest", from_ns=self.from_ns, to_ns=max(to_ns, self.from_ns), reason=self.reason)

    def told(self) -> None:
        """The row is in the journal."""
        self.from_ns, self.reason = 0, ""
        self._open_file.unlink(missing_ok=True)


def _read(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def _write(path: Path, value: dict[str, object]) -> None:
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps(value), encoding="utf-8")
    fresh.replace(path)
