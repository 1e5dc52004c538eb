from __future__ import annotations

from pathlib import Path

import pytest

from pipeline import config
from pipeline.errors import ConfigError


def faults(data: dict[str, object]) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        config.parse(data)
    return caught.value.faults


def test_nothing_given_is_the_demo() -> None:
    assert config.parse({}) == config.Settings()


def test_every_fault_is_named_at_once_with_its_place() -> None:
    found = faults(
        {
            "name": "No Good",
            "margin": {"caution_cushion": 1.5, "rule_sett": "x"},
            "journal": {"sync_ms": 0},
            "web": 3,
            "tws": {"port": 99_999},
        }
    )
    assert len(found) == 6
    text = "\n".join(found)
    for place in (
        "$.name",
        "$.margin.caution_cushion",
        "$.margin.rule_sett",
        "$.journal.sync_ms",
        "$.web",
        "$.tws.port",
    ):
        assert place in text
    assert "did you mean 'rule_set'?" in text
    assert "found 99999" in text


def test_a_host_beyond_loopback_needs_a_declared_tunnel() -> None:
    data: dict[str, object] = {"gateway": {"enabled": False}, "tws": {"host": "10.0.0.5"}}
    assert "tunnel" in faults(data)[0]
    config.parse({"gateway": {"enabled": False}, "tws": {"host": "10.0.0.5", "tunnel": True}})


@pytest.mark.parametrize(("mode", "port"), [("paper", 7496), ("live", 7497), ("paper", 4001), ("live", 4002)])
def test_mode_and_usual_port_must_agree(mode: str, port: int) -> None:
    found = faults({"gateway": {"enabled": False}, "tws": {"mode": mode, "port": port}})
    assert "$.tws.port" in found[0]


@pytest.mark.parametrize("dsn", ["postgresql://me:secret@db/x", "host=db password=secret", "host=db PASSWORD = 'x'"])
def test_a_password_in_the_dsn_is_refused_and_not_repeated(dsn: str) -> None:
    found = faults({"postgres": {"dsn": dsn}})
    assert "pass_file" in found[0]
    assert "secret" not in found[0]


def test_two_roles_need_two_client_ids() -> None:
    assert "orders_client_id" in faults({"tws": {"ingest_client_id": 5, "orders_client_id": 5}})[0]


def test_a_missing_file_and_bad_toml_are_said_in_words(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="expected a readable TOML file"):
        config.load(tmp_path / "none.toml")
    bad = tmp_path / "bad.toml"
    bad.write_text("name = [", encoding="utf-8")
    with pytest.raises(ConfigError, match="expected TOML"):
        config.load(bad)


@pytest.mark.parametrize("path", sorted((Path(__file__).parents[2] / "configs").glob("*.toml")), ids=lambda p: p.name)
def test_shipped_configurations_are_good(path: Path) -> None:
    assert config.load(path).name


def test_generic_ticks_are_numbers():
    assert config.parse({"tws": {"generic_ticks": {"STK": "165,232"}}}).tws.generic_ticks == {"STK": "165,232"}
    with pytest.raises(ConfigError, match=r"generic_ticks.STK: expected numbers joined by commas.*found 'mark'"):
        config.parse({"tws": {"generic_ticks": {"STK": "mark"}}})
