"""The watchlist: the configured symbols, less what a person removed, plus what he added; kept in a file."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from pipeline.messages import Instrument


class Watchlist:
    """`symbols` still have to be looked up; `con_ids` are watched."""

    def __init__(self, path: Path, configured: Sequence[str]) -> None:
        self._path = path
        self._added: dict[int, str] = {}
        self._removed: set[str] = set()
        self._load()
        self._resolved: dict[int, str] = {}  # configured ones that TWS has described
        self.symbols = [symbol for symbol in configured if symbol not in self._removed]

    def _load(self) -> None:
        try:
            kept = json.loads(self._path.read_text(encoding="utf-8"))
            self._added = {int(con_id): str(symbol) for con_id, symbol in kept["added"].items()}
            self._removed = {str(symbol) for symbol in kept["removed"]}
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            self._added, self._removed = {}, set()

    def _save(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        fresh = self._path.with_suffix(".new")
        fresh.write_text(json.dumps({"added": self._added, "removed": sorted(self._removed)}), encoding="utf-8")
        fresh.replace(self._path)

    @property
    def con_ids(self) -> list[int]:
        """What is watched, in order of arrival."""
        return list(self._resolved | self._added)

    def __contains__(self, con_id: int) -> bool:
        return con_id in self._resolved or con_id in self._added

    def resolved(self, symbol: str, instrument: Instrument) -> None:
        """A configured symbol means this contract."""
        self._resolved[instrument.con_id] = symbol
        self.symbols = [waiting for waiting in self.symbols if waiting != symbol]

    def add(self, instrument: Instrument) -> bool:
        """A person wants it; False when it is watched already."""
        if instrument.con_id in self:
            return False
        self._added[instrument.con_id] = instrument.symbol
        self._removed.discard(instrument.symbol)
        self._save()
        return True

    def remove(self, con_id: int) -> bool:
        """A person wants it no more; False when it isn't watched."""
        if con_id not in self:
            return False
        self._added.pop(con_id, None)
        symbol = self._resolved.pop(con_id, None)
        if symbol is not None:
            self._removed.add(symbol)
        self._save()
        return True
