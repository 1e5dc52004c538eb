"""Ingest in this process, with a small TWS."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.mini_tws import MiniTws
from tests.ingest_desk import Desk


@pytest.fixture
def tws() -> Iterator[MiniTws]:
    mini = MiniTws()
    yield mini
    mini.stop()


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Callable[..., Desk]]:
    made: list[Desk] = []

    def make(server: MiniTws, **sections: dict[str, Any]) -> Desk:
        made.append(Desk(tmp_path / "state", server.port, **sections))
        return made[-1]

    yield make
    for one in made:
        one.kill()
