"""Kept results: one JSON file a machine and commit, in the user's data directory, so that no checkout is touched."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import platformdirs

VARIABLE = "MARGINDESK_BENCH"  # another directory
COLUMNS = 4  # the newest results side by side
ROOT = Path(__file__).resolve().parents[1]


def directory() -> Path:
    given = os.environ.get(VARIABLE)
    return Path(given) if given else Path(platformdirs.user_data_dir("margindesk", appauthor=False)) / "bench"


def machine() -> str:
    """Name, cores and kind of this machine."""
    return f"{platform.node() or 'unknown'}-{os.cpu_count()}x{platform.machine()}"


def commit() -> str:
    """The commit of the checkout, with + when it has changes; `none` outside a checkout."""
    try:
        head = subprocess.run(["git", "rev-parse", "--short=10", "HEAD"], cwd=ROOT, capture_output=True, text=True)
        if head.returncode != 0:
            return "none"
        changes = subprocess.run(["git", "status", "--porcelain", "-uno"], cwd=ROOT, capture_output=True, text=True)
    except OSError:
        return "none"
    return head.stdout.strip() + ("+" if changes.stdout.strip() else "")


def save(name: str, result: dict[str, Any]) -> Path:
    """Keep `result` beside the others of this machine and commit; a newer run of the same benchmark replaces it."""
    path = directory() / f"{machine()}-{commit()}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    kept = _read(path) or {"machine": machine(), "commit": commit(), "results": {}}
    kept["time"] = datetime.now(UTC).isoformat(timespec="seconds")
    kept["results"][name] = result
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps(kept, indent=1), encoding="utf-8")
    fresh.replace(path)
    return path


def compared(name: str | None) -> list[str]:
    """A table: one line a figure, one column a machine and commit, the newest last."""
    kept = [found for path in directory().glob("*.json") if (found := _read(path))]
    kept = sorted(kept, key=lambda one: str(one.get("time", "")))[-COLUMNS:]
    if not kept:
        return [f"nothing is kept in {directory()} yet; `run.py bench NAME --save` keeps a result"]
    lines = [f"{'':<34}" + "".join(f"{one['commit']:>18}" for one in kept)]
    lines.append(f"{'':<34}" + "".join(f"{one['machine'][:17]:>18}" for one in kept))
    names = sorted({key for one in kept for key in one["results"] if name in (None, key)})
    for benchmark in names:
        figures = [_flat(one["results"].get(benchmark, {})) for one in kept]
        for key in dict.fromkeys(key for figure in figures for key in figure):
            lines.append(
                f"{benchmark + ' ' + key:<34}" + "".join(f"{_told(figure.get(key)):>18}" for figure in figures)
            )
    return lines


def _flat(result: dict[str, Any]) -> dict[str, float]:
    """The plain figures of a result; tables in it are left out."""
    return {key: float(value) for key, value in result.items() if isinstance(value, int | float)}


def _told(value: float | None) -> str:
    return "—" if value is None else f"{value:,.4g}" if abs(value) < 1e4 else f"{value:,.0f}"


def _read(path: Path) -> dict[str, Any] | None:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return value if isinstance(value, dict) and isinstance(value.get("results"), dict) else None
