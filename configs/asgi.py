"""The ASGI application; `with_live` hands the live cache to its views in the request's scope."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "configs.settings")

from django.core.asgi import get_asgi_application

from ui.web.live import LiveCache
from ui.web.views import SCOPE_KEY

Application = Callable[[dict[str, Any], Any, Any], Awaitable[None]]

application: Application = get_asgi_application()


def with_live(live: LiveCache) -> Application:
    """The application whose page shows what `live` reads."""

    async def serve(scope: dict[str, Any], receive: Any, send: Any) -> None:
        await application({**scope, SCOPE_KEY: live}, receive, send)

    return serve
