from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from pipeline.errors import CannotStart
from pipeline.runtime import Runtime


@pytest.fixture
def runtime(tmp_path: Path):
    made = Runtime(tmp_path / "state")
    made.prepare()
    yield made
    if made.sockets.is_dir() and not made.sockets.is_symlink():
        made.sockets.rmdir()


def test_ipc_paths_stay_under_100_bytes_however_deep_the_state_lies(tmp_path: Path) -> None:
    deep = Runtime(tmp_path / ("x" * 80) / ("y" * 80))
    assert len(deep.endpoint("supervisor", "ctl").removeprefix("ipc://").encode()) < 100


def test_two_states_never_share_sockets(tmp_path: Path) -> None:
    assert Runtime(tmp_path / "a").sockets != Runtime(tmp_path / "b").sockets


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX modes")
def test_directories_are_for_the_owner_alone(runtime: Runtime) -> None:
    for path in (runtime.state_dir, runtime.sockets, runtime.keys, runtime.logs):
        assert path.stat().st_mode & 0o777 == 0o700


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX modes")
def test_a_socket_directory_open_to_others_is_refused(runtime: Runtime) -> None:
    os.chmod(runtime.sockets, 0o755)
    with pytest.raises(CannotStart, match="mode 755"):
        runtime.prepare()


def test_an_announcement_replaces_the_one_before(runtime: Runtime) -> None:
    assert runtime.announced("gateway") is None
    runtime.announce("gateway", port=1)
    runtime.announce("gateway", port=2)
    assert runtime.announced("gateway") == {"port": 2}


def test_a_damaged_announcement_is_none(runtime: Runtime) -> None:
    (runtime.state_dir / "announced" / "web.json").write_text("{", encoding="utf-8")
    assert runtime.announced("web") is None
