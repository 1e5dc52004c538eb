"""The page and its event stream. All reads go through the live cache that the server put into the request's scope."""

from __future__ import annotations

import json
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils.cache import patch_cache_control
from django.views.decorators.http import require_GET

from ui.web import picture
from ui.web.layout import TABLES
from ui.web.live import LiveCache
from ui.web.picture import Picture
from ui.web.state import LiveState

SCOPE_KEY = "margindesk.live"


def live_of(request: HttpRequest) -> LiveCache | None:
    """The server's live cache; None under a server that has none."""
    live: LiveCache | None = getattr(request, "scope", {}).get(SCOPE_KEY)
    return live


def _draw(request: HttpRequest) -> Picture:
    live, account = live_of(request), request.GET.get("account", "")
    return live.draw(account) if live is not None else picture.build(LiveState(), account, {}, 0)


@require_GET
@login_required
async def page(request: HttpRequest) -> HttpResponse:
    """The whole page, complete without a script."""
    drawn = _draw(request)
    context = {
        "picture": drawn,
        "picture_accounts": json.dumps(drawn.accounts),
        "tables": {name: {"table": table, "rows": drawn.table(name)} for name, table in TABLES.items()},
        "user": await request.auser(),
    }
    return _uncached(render(request, "web/page.html", context))


@require_GET
async def snapshot(request: HttpRequest) -> HttpResponse:
    """The picture as JSON, for a script whose event stream is broken."""
    if (refusal := await _refusal(request)) is not None:
        return refusal
    if live_of(request) is None:
        return _error("no_live_streams", "This server does not read the live streams.", 503)
    return _uncached(JsonResponse(picture.whole(_draw(request)), json_dumps_params={"ensure_ascii": False}))


@require_GET
async def live(request: HttpRequest) -> HttpResponseBase:
    """Server-sent events: a snapshot, then at most four updates a second."""
    if (refusal := await _refusal(request)) is not None:
        return refusal
    cache = live_of(request)
    if cache is None or cache.closing:
        return _error("no_live_streams", "This server does not read the live streams.", 503)
    response = StreamingHttpResponse(cache.stream(request.GET.get("account", "")), content_type="text/event-stream")
    response["X-Accel-Buffering"] = "no"
    return _uncached(response)


async def _refusal(request: HttpRequest) -> HttpResponse | None:
    """What scripts get instead of a redirect to the login page."""
    user = await request.auser()
    return None if user.is_authenticated else _error("not_authenticated", "Log in first.", 401)


def _error(code: str, message: str, status: int) -> JsonResponse:
    return JsonResponse({"error": {"code": code, "message": message, "fields": {}}}, status=status)


def _uncached(response: Any) -> Any:
    patch_cache_control(response, no_store=True, private=True)
    return response


def server_error(request: HttpRequest) -> HttpResponse:
    """Instead of a stack trace; the log has it."""
    return render(
        request, "web/problem.html", {"title": "Something broke", "text": "The log of `web` says what."}, status=500
    )


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """An address that is not here."""
    if request.path.startswith("/api/"):
        return _error("not_found", "There is nothing at this address.", 404)
    context = {"title": "Nothing here", "text": "There is no page at this address."}
    return render(request, "web/problem.html", context, status=404)
