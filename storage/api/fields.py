"""Serializer fields of a figure and of a time."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from storage.api import figures


@extend_schema_field({"type": "string", "format": "decimal", "example": "96310.5"})
class Decimal(serializers.Field[Any, Any, Any, Any]):
    """A double as a decimal text; null where it is unknown."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"read_only": True, "allow_null": True, **options})

    def to_representation(self, value: float) -> str | None:
        """See `figures.decimal`."""
        return figures.decimal(value)


@extend_schema_field({"type": "string", "format": "date-time", "example": "2026-11-22T14:30:00.123456Z"})
class Moment(serializers.Field[Any, Any, Any, Any]):
    """UTC ns as ISO text; null where it is unknown."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"read_only": True, "allow_null": True, **options})

    def to_representation(self, value: int) -> str | None:
        """See `figures.utc`."""
        return figures.utc(value)


@extend_schema_field({"type": "string", "enum": ["tws", "model", "record"]})
class Source(serializers.Field[Any, Any, Any, Any]):
    """Whose figure it is: TWS's, our model's, or what the processes recorded."""

    def __init__(self, source_name: str) -> None:
        super().__init__(read_only=True, source="*")
        self.source_name = source_name

    def to_representation(self, value: Any) -> str:
        """The same for every row."""
        return self.source_name


class Contract(serializers.Serializer[Any]):
    """A contract as TWS described it."""

    con_id = serializers.IntegerField()
    symbol = serializers.CharField()
    sec_type = serializers.CharField()
    currency = serializers.CharField()
    expiry = serializers.CharField()
    strike = Decimal()
    right = serializers.CharField()
    multiplier = Decimal()
    local_symbol = serializers.CharField()
