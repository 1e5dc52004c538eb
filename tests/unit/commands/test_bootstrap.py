from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline import bootstrap

ROOT = Path(__file__).resolve().parents[3]

LOCK = """\
# made by a tool
one-thing==1.2.3 \\
    --hash=sha256:aa
    # via something
other.thing==4.5 ; sys_platform == 'win32' \\
    --hash=sha256:bb
new-numbers==2.5 ; python_full_version >= '3.10' \\
    --hash=sha256:cc
old-numbers==2.4 ; python_full_version < '3.10' \\
    --hash=sha256:dd
"""


def test_too_old_a_python_is_told_in_one_line():
    with pytest.raises(bootstrap.SetupFailed, match=r"expected Python 3\.11 or newer, found 3\.10") as caught:
        bootstrap.check_version((3, 10))
    assert "\n" not in str(caught.value)
    bootstrap.check_version((3, 11))


def test_the_lock_is_read_for_this_machine():
    if sys.platform == "win32":
        pytest.skip("the marker in the example holds there")
    assert bootstrap.locked(LOCK) == [("one-thing", "1.2.3"), ("new-numbers", "2.5")]


@pytest.mark.parametrize(
    ("marker", "holds"),
    [
        ("python_full_version >= '3.11'", True),
        ("python_full_version >= '3.11' and sys_platform == 'amiga'", False),
        ("sys_platform == 'amiga' or python_version > '3.9'", True),
        ("implementation_name != 'amiga'", True),
    ],
)
def test_markers(marker, holds):
    assert bootstrap.applies(marker) is holds


def test_every_marker_of_our_own_lock_is_understood():
    assert len(bootstrap.locked((ROOT / "requirements.lock").read_text(encoding="utf-8"))) > 50


def test_a_missing_package_and_a_wrong_version_are_named(tmp_path):
    lock = tmp_path / "requirements.lock"
    lock.write_text("numpy==0.0.1 \\\n    --hash=x\nno-such-thing==1 \\\n    --hash=y\n")
    found = bootstrap.differences(lock)
    assert any("no-such-thing 1 is missing" in line for line in found)
    assert any("numpy: expected 0.0.1, found" in line for line in found)
    assert not bootstrap.satisfied(lock)


def stamped(root: Path, text: str) -> None:
    """An environment that claims to have installed the lock file `text`."""
    python = bootstrap.interpreter(root / ".venv")
    python.parent.mkdir(parents=True)
    python.symlink_to(sys.executable)
    (root / ".venv" / "stamp").write_text(hashlib.sha256(text.encode()).hexdigest() + "\n")


def test_a_matching_stamp_asks_nothing_of_pip(tmp_path, monkeypatch):
    monkeypatch.setattr(bootstrap, "run", lambda *_: pytest.fail("nothing may be installed"))
    (tmp_path / "requirements.lock").write_text("one==1\n")
    stamped(tmp_path, "one==1\n")
    assert bootstrap.ensure(tmp_path) == bootstrap.interpreter(tmp_path / ".venv")


def test_a_changed_lock_is_installed_and_stamped(tmp_path, monkeypatch):
    ran: list[list[str]] = []
    monkeypatch.setattr(bootstrap, "run", lambda words, _failure: ran.append(words))
    (tmp_path / "requirements.lock").write_text("two==2\n")
    stamped(tmp_path, "one==1\n")
    bootstrap.ensure(tmp_path)
    assert any("--require-hashes" in words for words in ran)
    assert bootstrap.stamp(tmp_path / ".venv") == bootstrap.digest(tmp_path / "requirements.lock")


def test_a_failed_install_leaves_no_stamp_and_says_why(tmp_path, monkeypatch):
    def fail(_words: list[str], failure: str) -> None:
        raise bootstrap.SetupFailed(failure)

    monkeypatch.setattr(bootstrap, "run", fail)
    (tmp_path / "requirements.lock").write_text("two==2\n")
    stamped(tmp_path, "one==1\n")
    with pytest.raises(bootstrap.SetupFailed, match="is there a network"):
        bootstrap.ensure(tmp_path)
    assert bootstrap.stamp(tmp_path / ".venv") != bootstrap.digest(tmp_path / "requirements.lock")


def test_debian_without_the_venv_package_is_told_the_command(tmp_path, monkeypatch):
    monkeypatch.setattr(bootstrap, "has_ensurepip", lambda: False)
    with pytest.raises(bootstrap.SetupFailed, match=rf"apt-get install python3\.{sys.version_info[1]}-venv"):
        bootstrap.make(tmp_path / ".venv", tmp_path / "none")


def test_nothing_but_the_standard_library_before_set_up():
    code = (
        "import sys; sys.path.insert(0, '.'); import run; "
        "print([name for name in sys.modules if name.split('.')[0] in "
        "('numpy', 'zmq', 'msgspec', 'msgpack', 'psutil', 'platformdirs', 'numba')])"
    )
    done = subprocess.run([sys.executable, "-S", "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr


def test_run_py_is_short_and_shows_every_process():
    text = (ROOT / "run.py").read_text(encoding="utf-8")
    assert len(text.splitlines()) < 80
    names = ["postgres", "gateway", "writer", "ingest", "orders", "margin", "web", "desk"]
    places = [text.index(f'Spec("{name}"') for name in names]
    assert places == sorted(places)
