"""Margin tests: one builder of compiled code at a time, published cases, small books."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from pipeline import jit

DATA = Path(__file__).resolve().parents[2] / "data" / "margin"


@pytest.fixture(scope="session", autouse=True)
def _warm() -> None:
    role = os.environ.get("PYTEST_XDIST_WORKER", "tool")
    with jit.warming(role):
        from pipeline.margin.warmup import warm_up

        warm_up()


def cases(*names: str) -> list[Any]:
    """The published cases of these files as pytest parameters."""
    found = []
    for name in names:
        found += json.loads((DATA / f"{name}.json").read_text(encoding="utf-8"))
    return [pytest.param(case, id=case["id"]) for case in found]
