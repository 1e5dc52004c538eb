"""The compiled code's cache: one directory a role and source."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pipeline import jit


@pytest.fixture
def cache_root(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    import numba

    monkeypatch.setenv(jit.CACHE_VARIABLE, str(tmp_path))
    monkeypatch.setenv("NUMBA_CACHE_DIR", os.environ.get("NUMBA_CACHE_DIR", ""))
    monkeypatch.setattr(numba.config, "CACHE_DIR", numba.config.CACHE_DIR)
    monkeypatch.setattr(jit, "_prepared", jit._prepared)
    return tmp_path


def test_each_role_has_a_directory_of_its_own(cache_root: Path) -> None:
    margin, ingest = jit.prepare("margin"), jit.prepare("ingest")
    assert margin.parent.name == "margin"
    assert ingest.parent.name == "ingest"
    assert margin.name == ingest.name  # the same sources
    assert os.environ["NUMBA_CACHE_DIR"] == str(ingest)


def test_old_sources_leave_after_a_while(cache_root: Path) -> None:
    current = jit.prepare("margin")
    old, recent = current.parent / "0000", current.parent / "1111"
    for directory in (old, recent):
        (directory / "sub").mkdir(parents=True)
        (directory / "sub" / "x.nbi").write_text("x")
    os.utime(old, (1.0, 1.0))
    with jit.warming("margin"):
        pass
    assert not old.exists()
    assert recent.exists()
