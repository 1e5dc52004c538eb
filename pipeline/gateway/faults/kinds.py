"""Every kind of fault, with what may be said about it. A table."""

from __future__ import annotations

from dataclasses import dataclass

Value = str | int | float | bool


@dataclass(frozen=True, slots=True)
class Kind:
    """`lasting`: it goes on until it is lifted or `for_s` is over. `values` are its own keys with their defaults."""

    lasting: bool
    values: dict[str, Value]


def _once(**values: Value) -> Kind:
    return Kind(False, values)


def _lasting(**values: Value) -> Kind:
    return Kind(True, values)


KINDS: dict[str, Kind] = {
    # the connection
    "close": _once(),
    "reset": _once(),
    "stall": _lasting(read=True),
    "drip": _lasting(bytes=1, every_ms=10.0),
    "garbage": _once(bytes=64, seed=1, framed=True),
    "truncated": _once(length=100, bytes=10),
    "wrong_length": _once(length=0xFFFFFFFF),
    "split_handshake": _lasting(at=6, pause_s=0.2),
    "refuse_login": _lasting(code=326, text=""),
    "restart": _once(closed_s=5.0),
    # IBKR's servers
    "1100": _lasting(then=1102),
    "1101": _once(),
    "1102": _once(),
    "2103": _lasting(farm="usfarm"),
    "2104": _once(farm="usfarm"),
    "2105": _lasting(farm="ushmds"),
    "2106": _once(farm="ushmds"),
    "2107": _once(farm="ushmds"),
    "2108": _once(farm="usfarm"),
    "2110": _lasting(then=1102),
    "2119": _once(farm="usfarm"),
    "2157": _lasting(farm="secdefil"),
    "2158": _once(farm="secdefil"),
    "10197": _once(count=15),
    "error": _once(code=0, text="", id=-1),
    # what is answered
    "refuse": _lasting(code=354, symbol="", text=""),
    "reject_orders": _lasting(code=201, symbol="", text=""),
    "ignore": _lasting(message=0),
    "delay": _lasting(message=9, by_s=3.0),
    "clock_skew": _lasting(by_s=3600.0),
    "half_snapshot": _lasting(rows=0.5, end=False),
    "unset": _lasting(where="pnl", spelling="double"),
    "duplicate_executions": _lasting(copies=1),
    "commission_first": _lasting(),
    "late_executions": _lasting(by_s=2.0),
    # the load
    "rate": _once(ticks_per_s=400.0),
    "burst": _once(frames=0),
}
UNSET_WHERE = ("pnl", "pnl_single", "commission", "portfolio", "account", "margins")
SPELLINGS = {
    "double": "1.7976931348623157E308",
    "python": "1.7976931348623157e+308",
    "int": "2147483647",
    "long": "9223372036854775807",
    "infinity": "Infinity",
    "minus_infinity": "-Infinity",
    "nan": "NaN",
    "empty": "",
}
