"""Contracts by con_id: what TWS has described, kept in a file that may be thrown away."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec

from pipeline import messages
from pipeline.errors import WireError
from pipeline.messages import Instrument

MAX_AGE_S = 7 * 86400.0  # trading hours and ticks change; asked again after a week


class Instruments:
    """`get` what is known; `described` by TWS; `provisional` until then. `save` now and then."""

    def __init__(self, path: Path, now_s: float) -> None:
        self._path = path
        self._known: dict[int, Instrument] = {}
        self._described_s: dict[int, float] = {}
        self._dirty = False
        self._load(now_s)

    def _load(self, now_s: float) -> None:
        try:
            rows = json.loads(self._path.read_text(encoding="utf-8"))
            for row in rows:
                known = messages.convert(_unknown_to_nan(row["instrument"]), Instrument)
                if now_s - float(row["described_s"]) < MAX_AGE_S:
                    self._known[known.con_id] = known
                    self._described_s[known.con_id] = float(row["described_s"])
        except (OSError, ValueError, KeyError, TypeError, WireError):
            self._known, self._described_s = {}, {}  # a cache: TWS is asked again

    def get(self, con_id: int) -> Instrument | None:
        """What is known of the contract."""
        return self._known.get(con_id)

    def is_described(self, con_id: int) -> bool:
        """True when TWS's own description is here."""
        return con_id in self._described_s

    def all(self) -> list[Instrument]:
        """Everything known, in order of arrival."""
        return list(self._known.values())

    def described(self, instrument: Instrument, now_s: float) -> bool:
        """TWS described it; True when that is news."""
        changed = self._known.get(instrument.con_id) != instrument or not self.is_described(instrument.con_id)
        self._known[instrument.con_id] = instrument
        self._described_s[instrument.con_id] = now_s
        self._dirty = True
        return changed

    def provisional(self, instrument: Instrument) -> bool:
        """A position names it; True when nothing was known of it."""
        if instrument.con_id in self._known:
            return False
        self._known[instrument.con_id] = instrument
        return True

    def save(self) -> None:
        """Write what TWS described, if something changed."""
        if not self._dirty:
            return
        rows = [
            {"described_s": self._described_s[known.con_id], "instrument": _nan_to_unknown(known)}
            for known in self._known.values()
            if known.con_id in self._described_s
        ]
        self._path.parent.mkdir(parents=True, exist_ok=True)
        fresh = self._path.with_suffix(".new")
        fresh.write_text(json.dumps(rows), encoding="utf-8")
        fresh.replace(self._path)
        self._dirty = False


_NUMBERS = ("strike", "min_tick", "multiplier")


def _nan_to_unknown(instrument: Instrument) -> dict[str, object]:
    built: dict[str, object] = msgspec.to_builtins(instrument)
    return {name: None if value != value else value for name, value in built.items()}


def _unknown_to_nan(row: dict[str, object]) -> dict[str, object]:
    return {name: float("nan") if value is None and name in _NUMBERS else value for name, value in row.items()}
