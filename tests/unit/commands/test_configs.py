from __future__ import annotations

import tomllib
from pathlib import Path

import msgspec
import pytest

from pipeline import config

ROOT = Path(__file__).resolve().parents[3]
CONFIGS = sorted((ROOT / "configs").glob("*.toml"))


def keys(kind: type[msgspec.Struct], before: str = "") -> list[str]:
    found = []
    for field in msgspec.structs.fields(kind):
        if isinstance(field.type, type) and issubclass(field.type, msgspec.Struct):
            found += keys(field.type, f"{before}{field.name}.")
        else:
            found.append(f"{before}{field.name}")
    return found


def given(data: dict[str, object], before: str = "") -> dict[str, object]:
    found: dict[str, object] = {}
    tables = keys(config.Settings)  # some keys are tables themselves
    for key, value in data.items():
        nested = isinstance(value, dict) and before + key not in tables
        found |= given(value, f"{before}{key}.") if nested else {before + key: value}  # type: ignore[arg-type]
    return found


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.name)
def test_every_configuration_loads(path):
    assert config.load(path).name


def test_default_toml_names_every_key_with_its_default():
    data = tomllib.loads((ROOT / "configs" / "default.toml").read_text(encoding="utf-8"))
    assert sorted(given(data)) == sorted(keys(config.Settings))
    assert config.load(ROOT / "configs" / "default.toml") == config.Settings()


def test_the_page_names_every_key():
    page = (ROOT / "docs" / "config.md").read_text(encoding="utf-8")
    missing = [key for key in keys(config.Settings) if f"`{key}`" not in page]
    assert not missing


def test_the_real_ones_start_no_simulated_tws():
    for name, port in (("paper", 7497), ("live", 7496)):
        settings = config.load(ROOT / "configs" / f"{name}.toml")
        assert not settings.gateway.enabled
        assert (settings.tws.mode, settings.tws.port) == (name, port)
    assert not config.load(ROOT / "configs" / "live.toml").orders.allowed
