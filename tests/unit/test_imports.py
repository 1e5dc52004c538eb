"""Who may import whom; the contracts stand in setup.cfg."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from importlinter import cli

ROOT = Path(__file__).parents[2]
DESK_MAY_USE = {"messages", "bus", "config", "runtime", "service", "clock", "logs", "errors"}


def test_import_contracts_are_kept() -> None:
    assert cli.lint_imports(config_filename=str(ROOT / "setup.cfg"), no_cache=True) == 0


def imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


@pytest.mark.parametrize("path", sorted((ROOT / "ui" / "desktop").rglob("*.py")), ids=lambda p: p.name)
def test_the_desk_knows_only_messages_and_the_bus(path: Path) -> None:
    parts = {name.split(".")[1] for name in imported(path) if name.startswith("pipeline.")}
    assert parts <= DESK_MAY_USE
    assert not {name for name in imported(path) if name.split(".")[0] in ("django", "psycopg", "ib_async", "ibapi")}


@pytest.mark.parametrize("path", sorted((ROOT / "pipeline").rglob("*.py")), ids=lambda p: str(p.relative_to(ROOT)))
def test_ibapi_stays_with_the_two_tws_clients(path: Path) -> None:
    area = path.relative_to(ROOT / "pipeline").parts[0]
    if any(name.split(".")[0] == "ibapi" for name in imported(path)):
        assert area in ("tws", "ingest", "orders")


def test_the_gateways_margin_and_ours_are_strangers() -> None:
    for area, other in (("gateway", "pipeline.margin"), ("margin", "pipeline.gateway")):
        for path in (ROOT / "pipeline" / area).rglob("*.py"):
            assert not {name for name in imported(path) if name.startswith(other)}, path
