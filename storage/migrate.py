"""`python -m storage.migrate`: bring the tables of the run in MARGINDESK_STATE up to date, then give the rights.

Our tables are made by the owner in schema public; Django's own (users, sessions, tokens, lockouts) by the web's role
in its schema. With one role for all, everything is in public.
"""

from __future__ import annotations

import os
import sys

import django
import psycopg

from pipeline.runtime import from_environment
from storage import connection, roles
from storage.embedded import prepare

STAMP = "CREATE TABLE IF NOT EXISTS public.schema_stamp (stamp text NOT NULL)"


def main() -> int:
    """Exit code 0: all is up to date."""
    runtime = from_environment()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "configs.settings")
    django.setup()
    from django.apps import apps
    from django.core.management import call_command
    from django.db.migrations.loader import MigrationLoader

    call_command("migrate", "storage", database="owner", verbosity=1, interactive=False)
    told = runtime.announced("postgres") or {}
    if not told.get("user"):
        _own_history()
    labels = {app for app, _ in MigrationLoader(None).disk_migrations if app != "storage"}
    for label in (config.label for config in apps.get_app_configs() if config.label in labels):
        call_command("migrate", label, database="default", verbosity=1, interactive=False)
    with psycopg.connect(**connection.facts(runtime, connection.OWNER)) as owner:
        owner.execute(STAMP)
        if not told.get("user"):
            for statement in roles.grant():
                owner.execute(statement)
        owner.execute("DELETE FROM public.schema_stamp")
        owner.execute("INSERT INTO public.schema_stamp VALUES (%s)", (prepare.stamp(),))
    return 0


def _own_history() -> None:
    """Schema web gets its own list of migrations, in which those of the tables in public stand as done."""
    from django.db import connections
    from django.db.migrations.recorder import MigrationRecorder

    web, owner = connections["default"], connections["owner"]
    with web.cursor() as cursor:
        cursor.execute("SET search_path = web")
        recorder = MigrationRecorder(web)
        recorder.ensure_schema()
        known = set(recorder.applied_migrations())
        for app, name in MigrationRecorder(owner).applied_migrations():
            if (app, name) not in known:
                recorder.record_applied(app, name)
        cursor.execute("SET search_path = web, public")


if __name__ == "__main__":
    sys.exit(main())
