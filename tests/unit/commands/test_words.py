from __future__ import annotations

import json
import math
from datetime import UTC, datetime

import pytest

from pipeline import commands
from pipeline.commands import events, status
from pipeline.errors import MargindeskError
from pipeline.messages import ProcessStatus, State, SystemStatus


@pytest.mark.parametrize("name", commands.NAMES)
def test_every_command_explains_itself(name, capsys):
    with pytest.raises(SystemExit) as left:
        commands.main((), [name, "--help"])
    assert left.value.code == 0
    assert "usage: run.py" in capsys.readouterr().out


def test_without_a_command_it_is_demo(monkeypatch):
    seen = []
    monkeypatch.setattr(commands, "dispatch", lambda options, _specs: seen.append(options) or 0)
    commands.main((), ["--headless", "--seconds", "20"])
    commands.main((), [])
    assert [(options.command, options.headless, options.seconds) for options in seen] == [
        ("demo", True, 20.0),
        ("demo", False, None),
    ]


def test_what_test_does_not_know_goes_to_pytest(monkeypatch):
    seen = []
    monkeypatch.setattr(commands, "dispatch", lambda options, _specs: seen.append(options) or 0)
    commands.main((), ["test", "--long", "-k", "gateway", "tests/unit"])
    assert seen[0].long
    assert seen[0].rest == ["-k", "gateway", "tests/unit"]


@pytest.mark.parametrize("words", [["demo", "--secnds", "3"], ["demo", "--seconds", "0"], ["dmeo"], ["status", "x"]])
def test_a_wrong_word_is_exit_2(words, capsys):
    with pytest.raises(SystemExit) as left:
        commands.main((), words)
    assert left.value.code == 2
    assert capsys.readouterr().err


def test_every_fault_of_a_configuration_is_named_at_once(tmp_path, capsys):
    wrong = tmp_path / "wrong.toml"
    wrong.write_text('name = "demo"\n[gateway]\nrat = 3\nport = -1\n[web]\nport = "x"\n')
    assert commands.main((), ["demo", "--config", str(wrong), "--state", str(tmp_path / "state")]) == 2
    told = capsys.readouterr().err
    assert "$.gateway.rat" in told
    assert "did you mean 'rate'" in told
    assert "$.gateway.port" in told
    assert "$.web.port" in told


def test_up_needs_a_configuration(tmp_path, capsys):
    assert commands.main((), ["up", "--state", str(tmp_path)]) == 2
    assert "--config" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["status", "stop"])
def test_no_run_is_exit_3(name, tmp_path, capsys):
    assert commands.main((), [name, "--state", str(tmp_path)]) == 3
    assert "not running" in capsys.readouterr().out


NOW = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("90s", "2026-11-22T11:58:30.000Z"),
        ("10m", "2026-11-22T11:50:00.000Z"),
        ("1.5h", "2026-11-22T10:30:00.000Z"),
        ("2026-11-22T10:30", "2026-11-22T10:30:00.000Z"),
        ("2026-11-22T10:30:00+01:00", "2026-11-22T09:30:00.000Z"),
    ],
)
def test_since(text, first):
    assert events.parse_since(text, NOW) == first


def test_since_that_is_no_time_is_refused():
    with pytest.raises(MargindeskError, match="expected 90s"):
        events.parse_since("yesterday", NOW)


def test_logs_are_merged_by_time_and_cut_lines_wait(tmp_path):
    lines = {"a": [1, 4], "b": [2, 3]}
    for name, seconds in lines.items():
        text = "".join(
            json.dumps({"ts": f"2026-11-22T12:00:0{second}.000Z", "event": f"e{second}"}) + "\n" for second in seconds
        )
        (tmp_path / f"{name}.log").write_text(text)
    tails = events.Tails(tmp_path, None)
    assert [event["event"] for event in tails.read()] == ["e1", "e2", "e3", "e4"]
    with (tmp_path / "a.log").open("a") as file:
        file.write('{"ts": "2026-11-22T12:00:05.000Z", "ev')
    assert tails.read() == []
    with (tmp_path / "a.log").open("a") as file:
        file.write('ent": "e5"}\nno json\n')
    assert [event["event"] for event in tails.read()] == ["no json", "e5"]


def test_status_table_shows_unknown_as_a_dash():
    process = ProcessStatus(process="ingest", state=State.BACKOFF, loop_lag_ms=math.nan, last_error="left by signal 9")
    told = SystemStatus(
        run="demo", state=State.BACKOFF, up_s=3725.0, processes=[process], addresses={"web": "http://x"}
    )
    lines = status.table(told, 77, "supervisor")
    assert "1:02:05" in lines[0]
    row = next(line for line in lines if line.startswith("ingest  "))
    assert row.split()[:4] == ["ingest", "BACKOFF", "—", "0.0"]
    assert "ingest: left by signal 9" in lines
    assert any(line.split() == ["web", "http://x"] for line in lines)
