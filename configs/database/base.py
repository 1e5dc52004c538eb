"""The address and password are read when a connection is made: the server of a run may move or be restarted."""

from __future__ import annotations

from typing import Any

import psycopg
from django.conf import settings
from django.db.backends.postgresql import base

CONNECT_TIMEOUT_S = 2


class DatabaseWrapper(base.DatabaseWrapper):
    """PostgreSQL as the role `ROLE` of the run in `settings.RUNTIME`."""

    def get_connection_params(self) -> dict[str, Any]:
        """OperationalError (after Django's translation) where there is no run or its server has not come up."""
        self.settings_dict.update(_facts(self.settings_dict["ROLE"]))
        return {**super().get_connection_params(), "connect_timeout": CONNECT_TIMEOUT_S}


def _facts(role: str) -> dict[str, str]:
    from storage import connection  # here, because Django loads this backend before it loads any app

    if settings.RUNTIME is None:
        raise psycopg.OperationalError("expected a run in MARGINDESK_STATE, found none: no database to ask")
    try:
        facts = connection.facts(settings.RUNTIME, role)
    except Exception as error:  # whatever is missing, a reader sees "no database"; the cause stays attached
        raise psycopg.OperationalError(f"PostgreSQL of this run is not up: {error}") from error
    known = {"host": "HOST", "port": "PORT", "dbname": "NAME", "user": "USER", "password": "PASSWORD"}
    return {known[key]: str(value) for key, value in facts.items() if key in known and value is not None}
