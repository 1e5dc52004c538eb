"""What a DSN must be like."""

from __future__ import annotations

import pytest

from pipeline.config import Postgres
from pipeline.errors import CannotStart
from storage.embedded import external


def told(dsn: str, **more: object) -> dict[str, object]:
    return external.facts(Postgres(dsn=dsn, pass_file="/keys/pass", **more))


def test_a_local_server_needs_no_tls() -> None:
    assert told("postgresql://m@127.0.0.1:5433/desk") == {
        "host": "127.0.0.1",
        "port": 5433,
        "dbname": "desk",
        "user": "m",
    }
    assert told("dbname=desk user=m host=/run/pg")["host"] == "/run/pg"


@pytest.mark.parametrize("mode", ["", "?sslmode=require", "?sslmode=prefer"])
def test_another_machine_needs_a_verified_one(mode: str) -> None:
    with pytest.raises(CannotStart, match="verify-full"):
        told(f"postgresql://m@db.example/desk{mode}")
    assert told(f"postgresql://m@db.example/desk{mode}", insecure_transport=True)["host"] == "db.example"


def test_verified_tls_goes_into_the_facts() -> None:
    facts = told("postgresql://m@db.example/desk?sslmode=verify-full")
    assert external.announcement(facts, "/keys/pass", one_role=True)["sslmode"] == "verify-full"


@pytest.mark.parametrize("dsn", ["postgresql://db.example/desk", "dbname=desk", "user=m", "nonsense"])
def test_a_dsn_without_user_or_database_is_refused(dsn: str) -> None:
    with pytest.raises(CannotStart, match="dsn"):
        told(dsn)


def test_a_pass_file_is_needed() -> None:
    with pytest.raises(CannotStart, match="pass_file"):
        external.facts(Postgres(dsn="postgresql://m@127.0.0.1/desk"))
