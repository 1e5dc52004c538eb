"""What the desk may know: Qt and the live lane; no database, no TWS client, no slow widgets."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).parents[3] / "ui" / "desktop"
FILES = sorted(ROOT.rglob("*.py"))
ALLOWED = {"messages", "bus", "config", "runtime", "service", "clock", "logs", "errors"}
FORBIDDEN = {"ibapi", "ib_async", "django", "psycopg", "rest_framework", "storage", "configs", "uvicorn"}


def imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def test_there_is_something_to_look_at() -> None:
    assert len(FILES) > 30


def test_only_the_agreed_parts_of_pipeline() -> None:
    strange = {
        (path.name, name)
        for path in FILES
        for name in imported(path)
        if name.split(".")[0] == "pipeline" and name.split(".")[1] not in ALLOWED
    }
    assert strange == set()


def test_no_database_and_no_tws_client() -> None:
    found = {(path.name, name) for path in FILES for name in imported(path) if name.split(".")[0] in FORBIDDEN}
    assert found == set()


def test_no_slow_widgets_and_no_nested_loops() -> None:
    words = ("QTableWidget", "processEvents", "QSortFilterProxyModel", "QOpenGL", "resizeColumnsToContents")
    found = {(path.name, word) for path in FILES for word in words if word in path.read_text(encoding="utf-8")}
    assert found == set()


def test_models_import_no_widgets() -> None:
    found = {p.name for p in (ROOT / "models").glob("*.py") if any("QtWidgets" in name for name in imported(p))}
    assert found == set()


def test_the_picture_is_without_qt() -> None:
    found = {p.name for p in (ROOT / "picture").glob("*.py") if any("PyQt5" in name for name in imported(p))}
    assert found == set()
