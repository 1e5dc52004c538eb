"""Who may what in the database: statements only. Each can be run again without harm.

`app_owner` owns the tables and can't log in; `app_migrator` logs in and becomes it at once. `app_writer` inserts and
moves watermarks; `app_reader` reads; `app_web` reads and has a schema of its own for users, sessions and tokens.
"""

from __future__ import annotations

from psycopg import sql

from storage.connection import MIGRATOR, OWNER, READER, WEB, WRITER
from storage.partitions import TABLES

LATEST = ("instrument", "latest_account_value", "latest_position", "latest_order", "latest_quote", "watermark")
WRITER_READS = (*LATEST, "tick", "execution")  # what it compares with, or derives latest values from
DEFAULTS = tuple(f"{table.table}_default" for table in TABLES)  # where it looks for rows that belong elsewhere
FUNCTIONS = ("make_partition(text, date)", "drop_partitions(text, date)")


def make(verifiers: dict[str, str], existing: set[str]) -> list[sql.Composed]:
    """Make the roles that don't exist, and set the passwords (as SCRAM verifiers: no password is ever logged)."""
    made: list[sql.Composed] = []
    for role in (OWNER, MIGRATOR, WRITER, READER, WEB):
        if role not in existing:
            made.append(sql.SQL("CREATE ROLE {}").format(sql.Identifier(role)))
        if role == OWNER:
            continue
        made.append(
            sql.SQL("ALTER ROLE {} LOGIN PASSWORD {}").format(sql.Identifier(role), sql.Literal(verifiers[role]))
        )
    made.append(sql.SQL("GRANT {} TO {}").format(sql.Identifier(OWNER), sql.Identifier(MIGRATOR)))
    return made


def lay_out(database: str) -> list[sql.Composed]:
    """Inside the database, before the migrations: who owns which schema, what a role sees first."""
    name = sql.Identifier(database)
    statements = [
        "REVOKE ALL ON DATABASE {database} FROM public",
        f"GRANT CONNECT ON DATABASE {{database}} TO {MIGRATOR}, {OWNER}, {WRITER}, {READER}, {WEB}",
        "REVOKE ALL ON SCHEMA public FROM public",
        f"ALTER SCHEMA public OWNER TO {OWNER}",
        f"GRANT USAGE ON SCHEMA public TO {WRITER}, {READER}, {WEB}",
        f"CREATE SCHEMA IF NOT EXISTS web AUTHORIZATION {WEB}",
        f"ALTER ROLE {MIGRATOR} IN DATABASE {{database}} SET role = {OWNER}",
        f"ALTER ROLE {WEB} IN DATABASE {{database}} SET search_path = web, public",
    ]
    return [sql.SQL(text).format(database=name) for text in statements]


def grant() -> list[str]:
    """After the migrations, as the owner."""
    return [
        f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {READER}, {WEB}",
        f"GRANT INSERT ON ALL TABLES IN SCHEMA public TO {WRITER}",
        f"REVOKE INSERT ON django_migrations, schema_stamp FROM {WRITER}",
        f"GRANT SELECT ON {', '.join((*WRITER_READS, *DEFAULTS))}, schema_stamp TO {WRITER}",
        f"GRANT UPDATE ON {', '.join(LATEST)} TO {WRITER}",
        *(f"GRANT EXECUTE ON FUNCTION {name} TO {WRITER}" for name in FUNCTIONS),
    ]
