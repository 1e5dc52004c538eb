"""What somebody sees who gave five wrong passwords for a name from an address."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render

TEXT = "Five wrong passwords for this name from this address: wait 15 minutes."


def answer(request: HttpRequest, response: Any = None, credentials: Any = None) -> HttpResponse:
    """429 in the form that the asker reads."""
    if request.path.startswith("/api/"):
        return JsonResponse({"error": {"code": "locked", "message": TEXT, "fields": {}}}, status=429)
    return render(request, "web/locked.html", {"text": TEXT}, status=429)
