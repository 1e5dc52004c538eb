"""Open to everybody, tells nothing but whether the web's database answers."""

from __future__ import annotations

from django.db import Error, connections
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe


@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """200 {"status": "ok"}, or 503 with the reason."""
    try:
        with connections["default"].cursor() as cursor:
            cursor.execute("select 1")
            cursor.fetchone()
    except Error:
        reason = "PostgreSQL is away"
        return JsonResponse({"status": "unavailable", "reason": reason}, status=503, headers={"Retry-After": "5"})
    return JsonResponse({"status": "ok"}, headers={"Cache-Control": "no-store"})
