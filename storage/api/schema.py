"""Pieces of the OpenAPI schema that several endpoints share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view, inline_serializer
from rest_framework import serializers

View = TypeVar("View")

ACCOUNT = OpenApiParameter("account", OpenApiTypes.STR, OpenApiParameter.PATH, description="IB's account id")
DECIMAL: dict[str, Any] = {"allow_null": True, "help_text": "Decimal number as text; null where it is unknown."}

ERROR = inline_serializer(
    "Error",
    {
        "error": inline_serializer(
            "Fault",
            {
                "code": serializers.CharField(help_text="Stable; for programs."),
                "message": serializers.CharField(help_text="For people."),
                "fields": serializers.DictField(child=serializers.ListField(child=serializers.CharField())),
            },
        )
    },
)


def error_responses(*statuses: int) -> dict[int, Any]:
    """The one shape of error for these statuses, besides 401 and 429 that any request may get."""
    return dict.fromkeys((*statuses, 401, 429), ERROR)


def listed(**operation: Any) -> Callable[[type[View]], type[View]]:
    """Schema of a list: its rows in pages, and its errors."""

    def mark(view: type[View]) -> type[View]:
        rows = view.serializer_class(many=True)  # type: ignore[attr-defined]
        return extend_schema_view(get=extend_schema(responses={200: rows, **error_responses(400, 503)}, **operation))(
            view
        )

    return mark
