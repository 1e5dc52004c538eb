from __future__ import annotations

import json

import pytest

from bench import __main__ as bench
from bench import report


@pytest.fixture(autouse=True)
def kept_in(tmp_path, monkeypatch):
    monkeypatch.setenv(report.VARIABLE, str(tmp_path))
    return tmp_path


def test_every_benchmark_has_a_name_and_a_title():
    known = bench.listed()
    assert {"latency"} <= set(known)
    assert all(title for title, _ in known.values())


def test_an_unknown_name_is_exit_2_and_names_the_known_ones(capsys):
    assert bench.main(["latncy"]) == 2
    assert "latency" in capsys.readouterr().err


def test_results_of_two_commits_stand_side_by_side(monkeypatch):
    for commit, rate in (("aaa", 1.5), ("bbb", 2.5)):
        monkeypatch.setattr(report, "commit", lambda commit=commit: commit)
        report.save("decode", {"ratio_vs_ibapi": rate, "rows": [1, 2]})
        report.save("other", {"p50_ms": 1.0})
    lines = report.compared("decode")
    assert {"aaa", "bbb"} <= set(lines[0].split())
    row = next(line for line in lines if line.startswith("decode ratio_vs_ibapi"))
    assert sorted(row.split()[2:]) == ["1.5", "2.5"]
    assert not any(line.startswith("other") for line in lines)


def test_a_newer_result_replaces_the_one_of_the_same_commit(kept_in):
    report.save("decode", {"rate": 1.0})
    path = report.save("decode", {"rate": 2.0})
    assert json.loads(path.read_text())["results"]["decode"] == {"rate": 2.0}
    assert len(list(kept_in.glob("*.json"))) == 1


def test_nothing_kept_says_so():
    assert "nothing is kept" in report.compared(None)[0]


def test_the_last_line_is_the_result(tmp_path, monkeypatch, capfd):
    module = tmp_path / "bench_toy.py"
    module.write_text(
        'NAME = "toy"\nTITLE = "t"\ndef main(argv):\n    print("a table")\n    print(\'{"x": 1}\')\n    return 0\n'
    )
    monkeypatch.setattr(bench, "HERE", tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert bench.run("bench_toy", []) == (0, {"x": 1})
    assert capfd.readouterr().out == "a table\n"
