"""PostgreSQL away: 503 with the reason in plain words, never a stack trace."""

from __future__ import annotations

from collections.abc import Callable

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.deprecation import MiddlewareMixin

TEXT = "PostgreSQL is away, so logins and history have to wait. Live figures go on for those who are logged in."


class DatabaseAbsence(MiddlewareMixin):
    """Answers for views whose database can't be reached."""

    sync_capable = async_capable = True
    get_response: Callable[[HttpRequest], HttpResponse]

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """None for any other fault."""
        if not isinstance(exception, OperationalError | InterfaceError):
            return None
        if request.path.startswith(("/api/", "/live")):
            error = {"code": "database_away", "message": TEXT, "fields": {}}
            response: HttpResponse = JsonResponse({"error": error}, status=503)
        else:
            response = render(request, "web/problem.html", {"title": "The database is away", "text": TEXT}, status=503)
        response["Retry-After"] = "5"
        return response
