"""Money through JSON: it stands there as text and comes back to the cent."""

from __future__ import annotations

from dataclasses import fields
from decimal import Decimal
from typing import Any


def decimals(kind: type, row: dict[str, Any]) -> dict[str, Any]:
    """A saved row with the money of dataclass `kind` as Decimal again, also where a dict holds it."""
    money = {field.name for field in fields(kind) if "Decimal" in str(field.type)}
    return {key: _money(value) if key in money else value for key, value in row.items()}


def _money(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: Decimal(part) for key, part in value.items()}
    return value if value is None else Decimal(value)
