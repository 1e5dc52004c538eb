from __future__ import annotations

import sys

import pytest

import run
from pipeline import config
from pipeline.commands import launch, screen


@pytest.fixture
def no_display(monkeypatch):
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)


@pytest.mark.usefixtures("no_display")
def test_without_a_display_the_desk_is_left_out_and_it_is_told(capsys):
    names = [spec.name for spec in launch.choose(run.CHILDREN, config.Settings(), headless=False)]
    assert names == ["postgres", "gateway", "writer", "ingest", "orders", "margin", "web"]
    assert "no desk: there is no display" in capsys.readouterr().out


def test_headless_says_nothing_about_a_display(capsys):
    names = [spec.name for spec in launch.choose(run.CHILDREN, config.Settings(), headless=True)]
    assert "desk" not in names
    assert capsys.readouterr().out == ""


def test_what_the_configuration_leaves_out_is_not_started():
    settings = config.Settings(gateway=config.Gateway(enabled=False), web=config.Web(enabled=False))
    names = [spec.name for spec in launch.choose(run.CHILDREN, settings, headless=True)]
    assert names == ["postgres", "writer", "ingest", "orders", "margin"]


def test_missing_libraries_are_named_with_the_command(monkeypatch):
    monkeypatch.setattr(screen, "has_display", lambda: True)
    monkeypatch.setattr(screen, "loads", lambda library: library != "libGL.so.1")
    monkeypatch.setattr(screen, "has_fonts", lambda: False)
    monkeypatch.setattr(screen, "may_install", lambda: False)
    monkeypatch.setattr(sys, "platform", "linux")
    assert screen.why_not().endswith("apt-get install libgl1 fonts-dejavu-core fonts-noto-core")


def test_every_process_waits_only_for_earlier_ones():
    seen: set[str] = set()
    for spec in run.CHILDREN:
        assert set(spec.after) <= seen
        seen.add(spec.name)


def test_the_first_password_is_shown_on_a_terminal_only(tmp_path, monkeypatch):
    path = tmp_path / "admin.password"
    path.write_text("s3cret\n")
    facts = {"user": "admin", "password_file": str(path)}
    monkeypatch.setattr(sys.stdout, "isatty", lambda: False, raising=False)
    assert launch._login(facts) == f"  (user admin, password in {path})"
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    assert "s3cret" in launch._login(facts)
    assert launch._login({}) == ""
