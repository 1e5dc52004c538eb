"""Faults as a scenario file (TOML) or a command states them. Pure but for the reading of the file."""

from __future__ import annotations

import difflib
import re
import shlex
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipeline import config
from pipeline.errors import ConfigError
from pipeline.gateway.faults.kinds import KINDS, SPELLINGS, UNSET_WHERE, Value

COMMON: dict[str, type] = {
    "client": int,
    "at_s": float,
    "after_message": int,
    "after_count": int,
    "for_s": float,
    "every_s": float,
    "times": int,
}
ANY_MESSAGE = 0
NUMBER = re.compile(r"[-+]?[0-9]{1,18}(\.[0-9]{1,18})?")


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault: what, to whom, when, how long, how often.

    `client` None: all. `at_s` counts from the gateway's start; with `after_message` (a client's message id, 0: any) it
    begins when the client has sent `after_count` of them. `for_s` 0: until it is lifted. `times` 0: without an end.
    """

    do: str
    values: dict[str, Value] = field(default_factory=dict)
    client: int | None = None
    at_s: float = 0.0
    after_message: int | None = None
    after_count: int = 1
    for_s: float = 0.0
    every_s: float = 0.0
    times: int = 1

    @property
    def lasting(self) -> bool:
        return KINDS[self.do].lasting

    def whole(self, key: str) -> int:
        return int(self.values[key])

    def number(self, key: str) -> float:
        return float(self.values[key])

    def text(self, key: str) -> str:
        return str(self.values[key])


def load(path: Path) -> list[Fault]:
    """The faults of a file; ConfigError names every mistake with its place."""
    return parse(config.read_toml(path, "scenario"), str(path))


def parse(data: dict[str, Any], place: str = "scenario") -> list[Fault]:
    """The faults of a parsed file: a list of tables `[[fault]]`."""
    rows = data.get("fault", [])
    mistakes = [f"{place}: {key}: expected only [[fault]]" for key in data if key != "fault"]
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise ConfigError([*mistakes, f"{place}: expected tables [[fault]], found {rows!r}"])
    found: list[Fault] = []
    for n, row in enumerate(rows, 1):
        wrong = check(row)
        mistakes += [f"{place}: fault {n}: {text}" for text in wrong]
        if not wrong:
            found.append(_made(row))
    if mistakes:
        raise ConfigError(mistakes)
    return found


def command(line: str) -> Fault:
    """A fault from one line, `stall client=11 for_s=5`; ConfigError says what is wrong."""
    try:
        words = shlex.split(line)
    except ValueError as error:
        raise ConfigError([f"expected KIND key=value …, found: {error}"]) from error
    row: dict[str, Any] = {"do": words[0] if words else ""}
    for word in words[1:]:
        key, equals, text = word.partition("=")
        if not equals:
            raise ConfigError([f"{word!r}: expected key=value"])
        row[key] = _read(text, _kind(str(row["do"]), key) or str)
    wrong = check(row)
    if wrong:
        raise ConfigError(wrong)
    return _made(row)


def check(row: dict[str, Any]) -> list[str]:
    """What is wrong with one fault; nothing: []."""
    do = str(row.get("do", ""))
    if do not in KINDS:
        near = difflib.get_close_matches(do, KINDS, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"expected one of {', '.join(KINDS)}"
        return [f"do: unknown fault {do!r}; {hint}"]
    own = KINDS[do].values
    wrong: list[str] = []
    for key, value in row.items():
        if key == "do":
            continue
        kind = _kind(do, key)
        if kind is None:
            wrong.append(f"{key}: unknown key of {do}; expected one of {', '.join([*own, *COMMON])}")
        elif not _fits(value, kind):
            wrong.append(f"{key}: expected {kind.__name__}, found {value!r}")
        elif kind in (int, float) and value < 0 and key not in ("id", "by_s", "client"):
            wrong.append(f"{key}: expected 0 or more, found {value!r}")
    if "for_s" in row and not KINDS[do].lasting:
        wrong.append(f"for_s: {do} happens at once and does not last")
    if do == "unset" and not wrong:
        wrong += _among(row, "where", UNSET_WHERE) + _among(row, "spelling", tuple(SPELLINGS))
    return wrong


def _kind(do: str, key: str) -> type | None:
    """What a key of a fault is; None if it has no such key."""
    own = KINDS[do].values if do in KINDS else {}
    return COMMON.get(key) or (type(own[key]) if key in own else None)


def _among(row: dict[str, Any], key: str, allowed: tuple[str, ...]) -> list[str]:
    if key in row and row[key] not in allowed:
        return [f"{key}: expected one of {', '.join(allowed)}, found {row[key]!r}"]
    return []


def _fits(value: object, kind: type) -> bool:
    if kind is bool or isinstance(value, bool):
        return kind is bool and isinstance(value, bool)
    return isinstance(value, int | float) if kind is float else isinstance(value, kind)


def _made(row: dict[str, Any]) -> Fault:
    common = {key: row[key] for key in COMMON if key in row}
    own = KINDS[str(row["do"])].values
    return Fault(do=str(row["do"]), values=own | {key: row[key] for key in own if key in row}, **common)


def _read(text: str, kind: type) -> Value:
    """A word as its key's kind; what is none stays text, which `check` then names."""
    if kind is bool and text in ("true", "false"):
        return text == "true"
    if kind in (int, float) and NUMBER.fullmatch(text):
        return kind(text) if kind is float or "." not in text else text
    return text
