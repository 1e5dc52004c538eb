from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from pipeline.commands.events import Tails
from pipeline.runtime import Runtime

ROOT = Path(__file__).resolve().parents[2]
START_S = 240.0  # the first one compiles every kernel and makes a database
END_S = 60.0


def run_py(*words: str, timeout_s: float = 60.0) -> subprocess.CompletedProcess[str]:
    """`python run.py …` to its end."""
    return subprocess.run(
        [sys.executable, "run.py", *words], cwd=ROOT, capture_output=True, text=True, timeout=timeout_s
    )


class Demo:
    """`run.py demo --headless` in a state directory of the test's own; waits for events, never sleeps and hopes."""

    def __init__(self, state: Path) -> None:
        self.state = state
        self.runtime = Runtime(state)
        self.process: subprocess.Popen[str] | None = None
        self.children: list[psutil.Process] = []

    def start(self, *words: str) -> None:
        command = [sys.executable, "run.py", "demo", "--headless", "--state", str(self.state), *words]
        self.process = subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
        )

    def call(self, command: str, *words: str) -> subprocess.CompletedProcess[str]:
        """Another command of run.py, on the same state directory."""
        return run_py(command, "--state", str(self.state), *words)

    def status(self) -> dict[str, Any]:
        done = self.call("status", "--json")
        return json.loads(done.stdout) if done.stdout.startswith("{") else {}

    def pids(self) -> dict[str, int]:
        return {process["process"]: process["pid"] for process in self.status().get("processes", [])}

    def until(self, wanted: Callable[[], Any], what: str, deadline_s: float = START_S) -> Any:
        """What `wanted` gives as soon as it is true; fails when the run ends before or time is over."""
        end = time.monotonic() + deadline_s
        while not (found := wanted()):
            if self.process is not None and self.process.poll() is not None:
                pytest.fail(f"the run ended before {what}")
            assert time.monotonic() < end, f"no {what} in {deadline_s:.0f} s"
            time.sleep(0.1)
        return found

    def ready(self) -> dict[str, int]:
        """Wait until every process is up; their pids."""

        def all_up() -> dict[str, int]:
            processes = self.status().get("processes", [])
            up = [
                process["pid"] for process in processes if process["state"] in ("READY", "WAITING") and process["pid"]
            ]
            return {process["process"]: process["pid"] for process in processes} if len(up) == len(processes) else {}

        pids = dict(self.until(all_up, "all processes ready"))
        self.children = [psutil.Process(pid) for pid in pids.values()]
        return pids

    def events(self, process: str, event: str) -> list[dict[str, Any]]:
        """Logged events of that name."""
        return [one for one in Tails(self.runtime.logs, process).read() if one.get("event") == event]

    def summary(self, timeout_s: float = START_S) -> dict[str, Any]:
        """Wait for the end; the last line of standard output, which is one object."""
        assert self.process is not None
        output, _ = self.process.communicate(timeout=timeout_s)
        assert self.process.returncode == 0, f"exit code {self.process.returncode}\n{output}"
        last = output.strip().splitlines()[-1]
        print(last)
        return dict(json.loads(last))

    def counted(self) -> dict[str, Any]:
        """Journals against PostgreSQL, over all that this state directory ever recorded, while the run goes on."""
        words = [sys.executable, "-m", "storage.summary", str(self.state)]
        done = subprocess.run(words, cwd=ROOT, input="{}", capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return dict(json.loads(done.stdout))

    def kill_all(self) -> None:
        """Nothing of it stays behind, however the test ended."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.communicate(timeout=END_S)
            if self.process.poll() is None:
                self.process.kill()
                self.process.communicate()
        for child in self.children:
            with contextlib.suppress(psutil.Error):
                child.kill()

    def outputs(self) -> str:
        """What the children printed and the last events of each."""
        found = []
        for path in sorted(self.runtime.logs.glob("*")):
            text = path.read_text(encoding="utf-8", errors="replace").splitlines()[-25:]
            found.append(f"== {path.name}\n" + "\n".join(text))
        return "\n".join(found)


@pytest.fixture
def demo(request: pytest.FixtureRequest) -> Iterator[Demo]:
    """One state directory; the children's logs are attached when the test fails."""
    directory = Path(tempfile.mkdtemp(prefix="md-e2e-"))
    directory.chmod(0o711)
    made = Demo(directory / "state")
    try:
        yield made
    finally:
        made.kill_all()
        if getattr(request.node, "failed", False):
            request.node.add_report_section("teardown", "logs", made.outputs())
        for name in os.listdir(directory):
            shutil.rmtree(directory / name, ignore_errors=True)
        shutil.rmtree(made.runtime.sockets, ignore_errors=True)
        directory.rmdir()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
    report = yield
    if report.when == "call" and report.failed:
        item.failed = True  # type: ignore[attr-defined]
        made = getattr(item, "funcargs", {}).get("demo")
        if made is not None:
            report.sections.append(("logs of the children", made.outputs()))
    return report
