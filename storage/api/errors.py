"""One shape for every fault: {"error": {"code", "message", "fields"}}."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import InterfaceError, OperationalError
from django.http import Http404
from rest_framework import exceptions, status
from rest_framework.response import Response
from rest_framework.views import exception_handler


class Unavailable(exceptions.APIException):
    """Something that this answer needs is away."""

    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    default_code = "unavailable"


def body(code: str, message: str, fields: dict[str, Any] | None = None) -> dict[str, Any]:
    """The one shape."""
    return {"error": {"code": code, "message": message, "fields": fields or {}}}


def handle(error: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's hook; None (a 500, logged) for what nobody expected."""
    if isinstance(error, OperationalError | InterfaceError):
        text = "PostgreSQL is away; its rows can be asked for again when it is back."
        return Response(body("database_away", text), status=503, headers={"Retry-After": "5"})
    response = exception_handler(error, context)
    if response is None:
        return None
    response.data = _shaped(error, response.data)
    return response


def _shaped(error: Exception, data: Any) -> dict[str, Any]:
    if isinstance(error, exceptions.ValidationError):
        fields = data if isinstance(data, dict) else {"query": data}
        return body("invalid", "Some of what was sent is not as expected.", fields)
    if isinstance(error, Http404):
        return body("not_found", str(error) or "There is nothing at this address.")
    if isinstance(error, PermissionDenied):
        return body("permission_denied", "This needs another role.")
    code = str(error.get_codes()) if isinstance(error, exceptions.APIException) else "error"
    return body(code, str(data.get("detail", data)) if isinstance(data, dict) else str(data))
