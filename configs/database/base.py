"""The address and password are read when a connection is made: the server of a run may move or be restarted."""

from __future__ import annotations

from typing import Any

import psycopg
from django.conf import settings
from django.db.backends.postgresql import base

from pipeline.errors import MargindeskError

CONNECT_TIMEOUT_S = 2
NAMES = {"host": "HOST", "port": "PORT", "dbname": "NAME", "user": "USER", "password": "PASSWORD"}


class DatabaseWrapper(base.DatabaseWrapper):
    """PostgreSQL as the role `ROLE` of the run in `settings.RUNTIME`."""

    def get_connection_params(self) -> dict[str, Any]:
        """OperationalError (after Django's translation) where there is no run or its server has not come up."""
        facts = _facts(self.settings_dict["ROLE"])
        self.settings_dict.update({name: str(facts.pop(key, "")) for key, name in NAMES.items()})
        return {**super().get_connection_params(), "connect_timeout": CONNECT_TIMEOUT_S, **facts}


def _facts(role: str) -> dict[str, Any]:
    from storage import connection  # here, because Django loads this backend before it loads any app

    if settings.RUNTIME is None:
        raise psycopg.OperationalError("expected a run in MARGINDESK_STATE, found none: no database to ask")
    try:
        return dict(connection.facts(settings.RUNTIME, role))
    except (MargindeskError, OSError) as error:
        raise psycopg.OperationalError(f"PostgreSQL of this run is not up: {error}") from error
