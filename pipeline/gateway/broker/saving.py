"""Money through JSON: it stands there as text and comes back to the cent."""

from __future__ import annotations

from dataclasses import fields
from decimal import Decimal
from typing import Any


def decimals(kind: type, row: dict[str, Any]) -> dict[str, Any]:
    """A saved row with the money of dataclass `kind` as Decimal again."""
    money = {field.name for field in fields(kind) if "Decimal" in str(field.type)}
    return {key: Decimal(value) if key in money and value is not None else value for key, value in row.items()}
