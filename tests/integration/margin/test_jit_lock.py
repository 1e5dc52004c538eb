"""Only one process of a role builds the compiled code at a time."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numba
import pytest

from pipeline import jit


@pytest.fixture
def cache_root(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv(jit.CACHE_VARIABLE, str(tmp_path))
    monkeypatch.setenv("NUMBA_CACHE_DIR", os.environ.get("NUMBA_CACHE_DIR", ""))
    monkeypatch.setattr(numba.config, "CACHE_DIR", numba.config.CACHE_DIR)
    monkeypatch.setattr(jit, "_prepared", jit._prepared)
    return tmp_path


def test_a_second_builder_waits_for_the_first(cache_root: Path) -> None:
    with jit.warming("probe"):
        child = subprocess.Popen(
            [sys.executable, "-c", "from pipeline import jit\nwith jit.warming('probe'): print('in')"],
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ.copy(),
        )
        with pytest.raises(subprocess.TimeoutExpired):
            child.wait(timeout=1.0)
    out, _ = child.communicate(timeout=30)
    assert out.strip() == "in"
